import Messaging
import Wire

/// What runs on the ingest thread: it owns every socket that events come from, and never scores.
final class IngestLoop {
  private let context: MessagingContext
  private let log: @Sendable (_ reason: String, _ extract: String) -> Void
  private let seed: UInt64
  private let sink: EventSink
  private var router: EventRouter
  private let bell: Bell
  private(set) var settings: IngestSettings
  private(set) var readers: [SourceReader] = []
  private var byNumber: [Int: SourceReader] = [:]
  private var deadLetters: DeadLetterSocket?
  private var poller = Poller()
  private var nextNumber = 0
  private var nextWatch: UInt64 = 0

  /// Messages read from one source before the others have their turn.
  private static let turn = 1024

  init(
    settings: IngestSettings, context: MessagingContext, outlets: [any BatchOutlet], known: [KnownStream],
    seed: UInt64,
    bell: Bell, log: @escaping @Sendable (_ reason: String, _ extract: String) -> Void
  ) {
    self.settings = settings
    self.context = context
    self.log = log
    self.seed = seed
    self.bell = bell
    sink = EventSink(seed: seed)
    router = EventRouter(outlets: outlets, flushEvents: settings.flushEvents, seed: seed)
    router.restore(known)
  }

  private func surroundings(_ settings: IngestSettings) -> SourceReader.Surroundings {
    SourceReader.Surroundings(
      context: context, sink: sink, seed: seed, earliest: settings.earliestTimestamp,
      latestAhead: settings.latestAhead, log: log)
  }

  // MARK: Settings

  /// Opens everything for the first time.
  func open() throws(IngestError) {
    try Self.check(settings)
    do throws(IngestError) {
      for source in settings.sources { readers.append(try reader(source, settings)) }
      deadLetters = try deadLetterSocket(settings)
    } catch {
      readers = []
      throw error
    }
    watchSockets()
  }

  private static func check(_ settings: IngestSettings) throws(IngestError) {
    if let problem = settings.problems().first {
      throw IngestError(.settings, "\(problem.path): \(problem.what)")
    }
  }

  private func reader(_ source: SourceSettings, _ settings: IngestSettings) throws(IngestError)
    -> SourceReader
  {
    nextNumber += 1
    return try SourceReader(source, number: nextNumber - 1, surroundings(settings))
  }

  private func deadLetterSocket(_ settings: IngestSettings) throws(IngestError) -> DeadLetterSocket? {
    guard let endpoint = settings.deadLetterEndpoint else { return nil }
    return try DeadLetterSocket(endpoint, context)
  }

  private func watchSockets() {
    byNumber = [:]
    poller.removeAll()
    poller.add(bell)
    for reader in readers {
      byNumber[reader.number] = reader
      poller.add(reader.socket)
    }
  }

  /// Takes on new settings as a whole, or throws and leaves everything as it was. Sources that stay keep their
  /// connections and counters; only their rules change.
  func apply(_ new: IngestSettings) throws(IngestError) {
    try Self.check(new)
    // Rules first, on the side: whether they can be made into decoders.
    for source in new.sources {
      do {
        _ = try MessageDecoder(rules: source.rules, source: source.name)
      } catch {
        throw IngestError(.settings, "source \(source.name): \(error)")
      }
    }
    let old = settings
    var staying: [String: SourceReader] = [:]
    var leaving: [SourceReader] = []
    for reader in readers {
      if let source = new.sources.first(where: { $0.name == reader.settings.name }), reader.canAdopt(source) {
        staying[source.name] = reader
      } else {
        leaving.append(reader)
      }
    }
    let movesDeadLetters = new.deadLetterEndpoint != old.deadLetterEndpoint
    // What leaves gives its endpoints back first: what comes may want them.
    for reader in leaving { reader.release() }
    if movesDeadLetters { deadLetters?.release() }
    do throws(IngestError) {
      var next: [SourceReader] = []
      for source in new.sources {
        if let reader = staying[source.name] {
          next.append(reader)
        } else {
          next.append(try patiently(source, new))
        }
      }
      if movesDeadLetters {
        deadLetters = try deadLetterSocket(new)
      }
      for source in new.sources {
        if let reader = staying[source.name] { try reader.adopt(source, surroundings(new)) }
      }
      readers = next
      settings = new
    } catch {
      try restore(leaving, old, movesDeadLetters: movesDeadLetters)
      watchSockets()
      throw error
    }
    watchSockets()
  }

  private func restore(
    _ leaving: [SourceReader], _ old: IngestSettings, movesDeadLetters: Bool
  ) throws(IngestError) {
    for reader in leaving {
      guard let index = readers.firstIndex(where: { $0 === reader }) else { continue }
      let again = try patiently(reader.settings, old)
      let endpoints = again.counters.endpoints
      again.counters = reader.counters
      again.counters.endpoints = endpoints
      readers[index] = again
    }
    if movesDeadLetters {
      deadLetters = try deadLetterSocket(old)
    }
  }

  /// Opens a source whose endpoint one of ours may just have given back: libzmq does that in the background.
  private func patiently(_ source: SourceSettings, _ settings: IngestSettings) throws(IngestError)
    -> SourceReader
  {
    let deadline = Clocks.monotonic() + 500_000_000
    while true {
      do {
        return try reader(source, settings)
      } catch {
        let isOurs = readers.contains { reader in
          reader.settings.attachment == .bind && source.attachment == .bind
            && !Set(reader.counters.endpoints + reader.settings.endpoints).isDisjoint(with: source.endpoints)
        }
        if !isOurs || Clocks.monotonic() > deadline { throw error }
        // Waits for the bell in vain: a way to wait that needs no other clock.
        var pause = Poller()
        _ = try? pause.wait(milliseconds: 5)
      }
    }
  }

  // MARK: Running

  /// One turn: waits for something to do, at most as long as the watchdog or a waiting batch allows, and does it.
  func turn() throws(MessagingError) {
    let now = Clocks.monotonic()
    let interval = UInt64(settings.flushInterval) * 1_000_000
    let isJoining = router.closeRows(now: now, sources: byNumber)
    var wait = isJoining ? settings.flushInterval * 5 : 250
    if let earliest = router.flush(before: now &- interval) {
      wait = Int((earliest + interval - now + 999_999) / 1_000_000)
    }
    var isHeldBack = false
    let hasRoom = router.hasRoom()
    for (index, reader) in readers.enumerated() {
      reader.counters.isHeldBack = !hasRoom && reader.settings.overflow == .block
      poller.setWatched(index + 1, !reader.counters.isHeldBack)
      isHeldBack = isHeldBack || reader.counters.isHeldBack
    }
    if isHeldBack { wait = min(wait, 1) }
    try poller.wait(milliseconds: wait)
    if poller.isReady(0) { bell.hush() }
    for (index, reader) in readers.enumerated() where poller.isReady(index + 1) {
      _ = try reader.drain(most: Self.turn, to: &router, deadLetters: deadLetters)
    }
    if now >= nextWatch {
      nextWatch = now + 250_000_000
      for reader in readers { try reader.watchConnections() }
    }
  }

  /// Takes what has arrived already and hands everything over; at most about a second.
  func finish() {
    let deadline = Clocks.monotonic() + 1_000_000_000
    var isMore = true
    while isMore, Clocks.monotonic() < deadline {
      isMore = false
      for reader in readers {
        let count = (try? reader.drain(most: Self.turn, to: &router, deadLetters: deadLetters)) ?? 0
        isMore = isMore || count > 0
      }
    }
    _ = router.closeRows(now: 0, sources: byNumber, all: true)
    _ = router.flush(before: .max)
  }

  // MARK: Counting

  func counters() -> [SourceCounters] {
    let dropped = router.droppedBySource()
    return readers.map { reader in
      var counters = reader.counters
      counters.droppedByPolicy = dropped[reader.number] ?? 0
      return counters
    }
  }

  func streamCounters() -> [String: StreamCounters] {
    router.streamCounters(sources: byNumber.mapValues(\.settings.name))
  }
}
