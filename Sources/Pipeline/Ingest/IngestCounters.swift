public import Wire

/// What one source brought and what became of it, since it was opened. Every number is exact.
public struct SourceCounters: Sendable, Equatable {
  public var name = ""
  /// As bound or connected, with port numbers.
  public var endpoints: [String] = []
  public var format = PayloadFormat.json
  public var messages: UInt64 = 0
  /// Of payloads.
  public var bytes: UInt64 = 0
  /// Events handed on towards a shard.
  public var events: UInt64 = 0
  /// Messages, or events of a message, that were not taken, by `Refusal.rawValue`.
  public var refusals = [UInt64](repeating: 0, count: Refusal.allCases.count)
  /// Events of streams beyond the source's cap.
  public var streamsRefused: UInt64 = 0
  /// Values of fields beyond the cap of their stream.
  public var fieldsRefused: UInt64 = 0
  /// Messages and events that the rules drop by their topic or stream.
  public var droppedByRule: UInt64 = 0
  /// Events that were lost because a shard was too slow.
  public var droppedByPolicy: UInt64 = 0
  /// Events with a time before that of their stream's latest.
  public var late: UInt64 = 0
  /// Events that had come before, and were not handed on once more.
  public var repeated: UInt64 = 0
  /// Parts that were joined into events.
  public var parts: UInt64 = 0
  public var streams = 0
  /// Peers connected now.
  public var peers = 0
  /// Times that a peer went, or was sent away for a message over ``SourceSettings/disconnectSize``.
  public var disconnections: UInt64 = 0
  /// Peers refused: another protocol, a wrong key.
  public var handshakesFailed: UInt64 = 0
  /// Refused messages that went to the dead-letter topic.
  public var deadLetters: UInt64 = 0
  /// Monotonic nanoseconds; 0 before the first.
  public var lastMessage: UInt64 = 0
  /// Whether it is not read because a shard has no room.
  public var isHeldBack = false
  public init() {}

  public subscript(refusal: Refusal) -> UInt64 { refusals[refusal.rawValue] }

  /// Messages and events that were faulty, by name of the reason; only those that occurred.
  public var malformed: [String: UInt64] {
    var found: [String: UInt64] = [:]
    for refusal in Refusal.allCases where refusal.isFault && self[refusal] > 0 {
      found[refusal.name] = self[refusal]
    }
    return found
  }

  /// Names in ``refused`` of what is left out because the settings say so.
  public static let intended: Set<String> = [
    droppedByRuleName, repeatedName, Refusal.noNumbers.name,
  ]
  private static let droppedByRuleName = "dropped-by-rule"
  private static let repeatedName = "repeated"

  /// What was not taken in by a rule or cap, by name of the rule; only what occurred.
  public var refused: [String: UInt64] {
    var found: [String: UInt64] = [:]
    if streamsRefused > 0 { found["too-many-streams"] = streamsRefused }
    if fieldsRefused > 0 { found["too-many-fields-of-a-stream"] = fieldsRefused }
    if repeated > 0 { found[Self.repeatedName] = repeated }
    if droppedByRule > 0 { found[Self.droppedByRuleName] = droppedByRule }
    if self[.noNumbers] > 0 { found[Refusal.noNumbers.name] = self[.noNumbers] }
    return found
  }
}

/// What came of one stream.
public struct StreamCounters: Sendable, Equatable {
  /// Name of the source that brought it first.
  public var source = ""
  public var events: UInt64 = 0
  public var sequence = SequenceCounters()
  /// Events with a time before that of the latest.
  public var late: UInt64 = 0
  /// Lost because the shard was too slow.
  public var dropped: UInt64 = 0
  /// Seconds since 1970; NaN before the first event.
  public var lastTimestamp = Double.nan
  /// Monotonic nanoseconds.
  public var lastArrival: UInt64 = 0
  public init() {}

  /// Sequence numbers that were skipped and did not come later.
  public var gaps: UInt64 { sequence.missing }
  public var repeats: UInt64 { sequence.repeats }
  public var restarts: UInt64 { sequence.restarts }
}

/// Why ingest could not start or take on new settings.
public struct IngestError: Error, Sendable, CustomStringConvertible {
  /// What was wrong.
  public enum Reason: Sendable, Equatable {
    /// Settings contradict themselves.
    case settings
    /// An endpoint is taken, unknown or forbidden.
    case endpoint
    /// The ingest thread has ended.
    case stopped
  }
  public let reason: Reason
  /// Source or key: what is wrong with it: what to do.
  public let description: String

  init(_ reason: Reason, _ description: String) {
    self.reason = reason
    self.description = description
  }
}
