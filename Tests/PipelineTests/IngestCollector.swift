import Events
import Foundation
import Messaging
import Synchronization
import Testing

@testable import Pipeline

/// What comes out of a handoff, with the names that were declared.
struct Collected {
  struct Row: Equatable {
    var stream: String
    var timestamp: Double
    /// Values that are there, by name.
    var values: [String: Float]
    /// Of the row as it came, missing ones too.
    var width: Int
  }

  private(set) var rows: [Row] = []
  private(set) var streams: [UInt32: String] = [:]
  private(set) var fields: [UInt32: [String]] = [:]

  mutating func take(_ batch: ObservationBatch) {
    var declarations = batch.declarations[...]
    for event in 0..<batch.count {
      while let next = declarations.first, next.before <= event {
        declare(next.what)
        declarations.removeFirst()
      }
      let stream = batch.streams[event]
      let range = Int(batch.offsets[event])..<Int(batch.offsets[event + 1])
      let names = fields[stream] ?? []
      #expect(range.count == names.count, "a row is as wide as the fields declared up to it")
      var values: [String: Float] = [:]
      for (name, value) in zip(names, batch.values[range]) where !value.isNaN { values[name] = value }
      rows.append(
        Row(
          stream: streams[stream] ?? "undeclared", timestamp: batch.timestamps[event], values: values,
          width: range.count))
    }
    for rest in declarations { declare(rest.what) }
  }

  private mutating func declare(_ what: ObservationBatch.Declaration) {
    switch what {
    case .stream(let id, let key): streams[id] = key.name
    case .field(let stream, let name): fields[stream, default: []].append(name)
    }
  }
}

/// An ingest thread fed through real sockets, with its handoffs read by the test.
final class IngestHarness {
  typealias Mail = @Sendable () -> Void
  let context: MessagingContext
  let handoffs: [Handoff<Mail>]
  let thread: IngestThread
  let log = Log()
  var collected = Collected()
  private var batch = ObservationBatch()

  final class Log: Sendable {
    private let store = Mutex<[(reason: String, extract: String)]>([])
    var lines: [(reason: String, extract: String)] { store.withLock { $0 } }
    func add(_ reason: String, _ extract: String) { store.withLock { $0.append((reason, extract)) } }
  }

  init(
    _ settings: IngestSettings, context: MessagingContext, shards: Int = 1, capacity: Int = 64,
    known: [KnownStream] = []
  ) throws {
    self.context = context
    handoffs = (0..<shards).map { _ in Handoff(capacity: capacity) }
    let log = self.log
    thread = try IngestThread(
      settings: settings, context: context, outlets: handoffs, known: known, log: { log.add($0, $1) })
    try thread.start()
  }

  deinit { thread.stop() }

  /// A source that a test sends to itself.
  static func source(_ name: String = "test", _ change: (inout SourceSettings) -> Void = { _ in })
    -> SourceSettings
  {
    var source = SourceSettings(name: name, endpoints: ["tcp://127.0.0.1:*"])
    source.kind = .pull
    source.attachment = .bind
    source.overflow = .block
    change(&source)
    return source
  }

  /// - Parameter highWater: set before it connects. libzmq lets a sender whose bound is lowered later wait for ever for a
  ///   receiver that tells it of what was read in steps of the old one.
  func sender(to index: Int = 0, highWater: Int? = nil) throws -> Socket {
    let socket = try Socket(.push, in: context)
    if let highWater { try socket.set(.sendHighWater(highWater)) }
    try socket.set(.linger(2000))
    try socket.connect(thread.counters[index].endpoints[0])
    return socket
  }

  /// Takes what comes until `count` rows are there or five seconds have passed.
  @discardableResult
  func rows(_ count: Int) -> [Collected.Row] {
    let deadline = Clocks.monotonic() + 5_000_000_000
    while collected.rows.count < count, Clocks.monotonic() < deadline {
      for handoff in handoffs {
        if case .batch = handoff.wait(into: &batch, until: Clocks.monotonic() + 10_000_000) {
          collected.take(batch)
        }
      }
    }
    return collected.rows
  }

  /// Waits until the counters satisfy a condition, at most five seconds. Whether they did.
  func await(_ isSatisfied: ([SourceCounters]) -> Bool) -> Bool {
    let deadline = Clocks.monotonic() + 5_000_000_000
    while Clocks.monotonic() < deadline {
      if isSatisfied(thread.counters) { return true }
      usleep(5000)
    }
    return false
  }
}

extension Socket {
  borrowing func send(text: String, topic: String? = nil) throws {
    let frames = topic.map { [Array($0.utf8), Array(text.utf8)] } ?? [Array(text.utf8)]
    try send(frames, wait: .forever)
  }
}
