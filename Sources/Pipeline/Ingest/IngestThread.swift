public import Events
public import Messaging
import Synchronization

/// The thread that owns the sockets of all sources: it receives, decodes and hands batches to the shards, and never
/// scores. Everything here may be called from any thread.
public final class IngestThread: Sendable {
  private typealias Command = @Sendable (IngestLoop) -> Void

  private struct Shared: Sendable {
    var counters: [SourceCounters] = []
    var streams: [String: StreamCounters] = [:]
    var streamsAt: UInt64 = 0
    var commands: [Command] = []
    var isStopping = false
    var hasEnded = true
  }

  private let initial: IngestSettings
  private let context: MessagingContext
  private let outlets: [any BatchOutlet]
  private let known: [KnownStream]
  private let seed: UInt64
  private let log: @Sendable (_ reason: String, _ extract: String) -> Void
  private let bell: Bell
  private let turns = Atomic<UInt64>(0)
  private let shared = Mutex(Shared())
  private let thread = Mutex<DedicatedThread?>(nil)

  /// - Parameters:
  ///   - outlets: one per shard; the stream with number `n` goes to outlet `n % outlets.count`.
  ///   - known: streams of an earlier life; they get the numbers 0, 1, 2, … in this order, and are declared again.
  ///   - seed: of the hash tables; random where strangers send.
  ///   - log: told of refused input, with an extract of it, once a minute and reason at most; called on the ingest thread.
  /// - Throws: `MessagingError` when the process has no file descriptors left.
  public init(
    settings: IngestSettings, context: MessagingContext, outlets: [any BatchOutlet], known: [KnownStream],
    seed: UInt64 = 0x616e_6f6d_616c_7964,
    log: @escaping @Sendable (_ reason: String, _ extract: String) -> Void
  ) throws(MessagingError) {
    precondition(!outlets.isEmpty, "events go to at least one shard, not to \(outlets.count)")
    initial = settings
    self.context = context
    self.outlets = outlets
    self.known = known
    self.seed = seed
    self.log = log
    bell = try Bell()
  }

  /// The same, with streams of which only the names are known.
  public convenience init(
    settings: IngestSettings, context: MessagingContext, outlets: [any BatchOutlet], known: [StreamKey] = [],
    seed: UInt64 = 0x616e_6f6d_616c_7964,
    log: @escaping @Sendable (_ reason: String, _ extract: String) -> Void
  ) throws(MessagingError) {
    try self.init(
      settings: settings, context: context, outlets: outlets, known: known.map { KnownStream(key: $0) },
      seed: seed,
      log: log)
  }

  /// Binds and connects all sources and starts.
  ///
  /// - Throws: ``IngestError``: a port in use, an endpoint of the wrong form, settings that contradict themselves. Then
  ///   nothing runs.
  public func start() throws(IngestError) {
    let opened = Reply<IngestError?>()
    shared.withLock { $0.hasEnded = false }
    thread.withLock {
      $0 = DedicatedThread(name: "ingest") { [self] in
        let loop = IngestLoop(
          settings: initial, context: context, outlets: outlets, known: known, seed: seed, bell: bell,
          log: log)
        do throws(IngestError) {
          try loop.open()
        } catch {
          shared.withLock { $0.hasEnded = true }
          opened.give(error)
          return
        }
        publish(loop)
        opened.give(nil)
        run(loop)
      }
    }
    if let answer = opened.wait(seconds: 60), let error = answer { throw error }
  }

  private func run(_ loop: IngestLoop) {
    var nextPublication: UInt64 = 0
    while true {
      turns.add(1, ordering: .relaxed)
      let (commands, isStopping) = shared.withLock { shared in
        defer { shared.commands.removeAll() }
        return (shared.commands, shared.isStopping)
      }
      for command in commands { command(loop) }
      if isStopping { break }
      do throws(MessagingError) {
        try loop.turn()
      } catch {
        if error.reason == .terminated { break }
        log("\(error)", "")
      }
      let now = Clocks.monotonic()
      if now >= nextPublication {
        nextPublication = now + 50_000_000
        publish(loop)
      }
    }
    loop.finish()
    publish(loop)
    let late = shared.withLock { shared in
      shared.streams = loop.streamCounters()
      shared.streamsAt = .max
      shared.hasEnded = true
      defer { shared.commands.removeAll() }
      return shared.commands
    }
    for command in late { command(loop) }
  }

  private func publish(_ loop: IngestLoop) {
    let counters = loop.counters()
    shared.withLock { $0.counters = counters }
  }

  /// Takes what has arrived already, hands it to the shards and ends. The shards' handoffs stay open.
  public func stop() {
    shared.withLock { $0.isStopping = true }
    bell.ring()
    _ = thread.withLock { $0 }?.join(seconds: 10)
  }

  /// Takes on new settings as a whole, between two messages, or throws and leaves everything as it was. Sources that are
  /// told apart by their name keep their connections and counters when only their rules change.
  public func apply(_ settings: IngestSettings) throws(IngestError) {
    let answer = ask { loop -> IngestError? in
      do throws(IngestError) {
        try loop.apply(settings)
        return nil
      } catch {
        return error
      }
    }
    guard let answer else { throw IngestError(.stopped, "ingest: has ended: restart the daemon") }
    if let error = answer { throw error }
  }

  /// Counts the turns of the loop: at least four a second, also when nothing comes.
  public var progress: UInt64 { turns.load(ordering: .relaxed) }

  /// Of every source, in the order of the settings; at most 50 ms old.
  public var counters: [SourceCounters] { shared.withLock { $0.counters } }

  /// Of one stream; at most a second old. Nil when it never came in this life or an earlier one.
  public func streamCounters(_ name: String) -> StreamCounters? {
    let now = Clocks.monotonic()
    let isFresh = shared.withLock {
      $0.streamsAt == .max || ($0.streamsAt > 0 && now < $0.streamsAt + 1_000_000_000)
    }
    if !isFresh { refreshStreams() }
    return shared.withLock { $0.streams[name] }
  }

  /// Of all streams, by name; as they are now.
  public func streamCounters() -> [String: StreamCounters] {
    refreshStreams()
    return shared.withLock { $0.streams }
  }

  private func refreshStreams() {
    guard let streams = ask({ $0.streamCounters() }) else { return }
    shared.withLock {
      $0.streams = streams
      if $0.streamsAt != .max { $0.streamsAt = Clocks.monotonic() }
    }
  }

  /// Runs a question on the ingest thread; nil when it has ended.
  private func ask<Answer: Sendable>(_ question: @escaping @Sendable (IngestLoop) -> Answer) -> Answer? {
    let reply = Reply<Answer>()
    let isAsked = shared.withLock { shared in
      if shared.hasEnded { return false }
      shared.commands.append { reply.give(question($0)) }
      return true
    }
    guard isAsked else { return nil }
    bell.ring()
    return reply.wait(seconds: 10)
  }
}
