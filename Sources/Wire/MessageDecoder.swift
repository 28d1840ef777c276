import CSimdJSON

/// Turns the messages of one source into events, by the source's rules. Pure: the same messages and arrival times give
/// the same events.
public struct MessageDecoder: ~Copyable {
  /// What became of a message.
  public enum Outcome: Equatable, Sendable {
    /// The sink holds its events; each may still be refused on its own.
    case events
    /// Its topic is one that the rules drop.
    case dropped
    case refused(Refusal)
  }

  public let rules: SourceRules
  private let maxMessageSize: Int
  private let earliest: Double
  private let latestAhead: Double
  private let limits: Limits
  private let reader: Reader
  private let dropTopics: Globs
  private let engine: RuleEngine
  private var topic = Topic()
  private var isTopicDropped: Bool
  private let timeScale: Double

  private enum Reader {
    case json(JSONReader)
    case msgpack(MessagePackReader)
    case line(LineReader)
    case f32(RowReader)
  }

  /// - Parameters:
  ///   - source: the name that `{source}` stands for, and the stream of messages that name none.
  ///   - maxMessageSize: bytes of a payload; longer ones are refused.
  ///   - earliest: seconds since 1970; an event before it is refused.
  ///   - latestAhead: seconds that an event may be ahead of its arrival.
  ///   - seed: of the hashes, the same as that of the sinks.
  /// - Throws: ``SourceRulesError`` naming the key that is wrong.
  public init(
    rules: SourceRules, source: String, maxMessageSize: Int = 4 << 20, earliest: Double = 946_684_800,
    latestAhead: Double = 86_400, seed: UInt64 = 0x616e_6f6d_616c_7964
  ) throws(SourceRulesError) {
    if let problem = rules.problems().first { throw SourceRulesError(key: problem.key, what: problem.what) }
    let limits = Limits(values: rules.maxFields, nameLength: rules.maxNameLength, depth: rules.maxDepth)
    let engine = try RuleEngine(rules: rules, source: source, limits: limits)
    self.rules = rules
    self.maxMessageSize = maxMessageSize
    self.earliest = earliest
    self.latestAhead = latestAhead
    self.limits = limits
    self.engine = engine
    dropTopics = Globs(rules.dropTopics)
    isTopicDropped = dropTopics.matches("")
    var unit: Double?
    if case .field("ts", let declared) = rules.timestamp { unit = declared.seconds }
    timeScale = rules.format == .json || rules.format == .msgpack ? unit ?? 1 : 1
    switch rules.format {
    case .json: reader = .json(JSONReader(limits: limits, seed: seed, wantsLabels: engine.wantsLabels))
    case .msgpack: reader = .msgpack(MessagePackReader(limits: limits, wantsLabels: engine.wantsLabels))
    case .line:
      reader = .line(LineReader(limits: limits, wantsLabels: engine.wantsLabels, unit: unit ?? 1e-9))
    case .f32: reader = .f32(RowReader(rules: rules))
    }
  }

  /// Decodes one message.
  ///
  /// - Parameters:
  ///   - topic: its first frame, with the frames between it and the last joined by `/`; empty when there is none.
  ///   - payload: its last frame.
  ///   - arrival: seconds since 1970.
  ///   - sink: is emptied, then holds the events.
  public mutating func decode(
    topic: Span<UInt8>, payload: Span<UInt8>, arrival: Double, into sink: EventSink
  ) -> Outcome {
    sink.reset(wantsExact: engine.wantsExact)
    if payload.count > maxMessageSize { return .refused(.tooLarge) }
    if self.topic.adopt(topic) { isTopicDropped = !dropTopics.isEmpty && dropTopics.matches(topic) }
    if isTopicDropped { return .dropped }
    let refusal =
      switch reader {
      case .json(let reader): reader.read(payload, into: sink)
      case .msgpack(let reader): reader.read(payload, into: sink)
      case .line(let reader): reader.read(payload, into: sink)
      case .f32(let reader): reader.read(payload, arrival: arrival, limits: limits, into: sink)
      }
    if let refusal { return .refused(refusal) }
    do throws(Refusal) {
      try engine.apply(to: sink, topic: self.topic)
      sink.settleTimes(
        arrival: arrival, earliest: earliest, latest: arrival + latestAhead, scale: timeScale,
        ignoresPayload: rules.timestamp == .arrival)
      return .events
    } catch {
      sink.reset(wantsExact: false)
      return .refused(error)
    }
  }
}

/// Which of a source's rules is wrong, and why.
public struct SourceRulesError: Error, Sendable, CustomStringConvertible {
  public let key: String
  public let what: String
  public var description: String { "\(key): \(what)" }
}

extension EventSink {
  /// Gives every event its time: reads texts, fills in the arrival, refuses what is too far away.
  func settleTimes(arrival: Double, earliest: Double, latest: Double, scale: Double, ignoresPayload: Bool) {
    for index in 0..<count {
      let event = unsafe raw.pointee.events + index
      if ignoresPayload {
        unsafe event.pointee.timestamp = arrival
        unsafe event.pointee.flags |= Self.arrivalTimeFlag
        if unsafe event.pointee.status == CSJ_BAD_TIMESTAMP.rawValue { unsafe event.pointee.status = 0 }
        continue
      }
      if unsafe event.pointee.flags & CSJ_TEXT_TIME.rawValue != 0 {
        let text = unsafe Piece(offset: event.pointee.text_offset, length: event.pointee.text_length)
        if let seconds = withBytes(text.range, { Texts.time($0) }) {
          unsafe event.pointee.timestamp = seconds
        } else if unsafe event.pointee.status == 0 {
          unsafe event.pointee.status = CSJ_BAD_TIMESTAMP.rawValue
        }
      } else {
        unsafe event.pointee.timestamp *= scale
      }
      let time = unsafe event.pointee.timestamp
      if time.isNaN {
        unsafe event.pointee.timestamp = arrival
        unsafe event.pointee.flags |= Self.arrivalTimeFlag
      } else if time < earliest || time > latest, unsafe event.pointee.status == 0 {
        unsafe event.pointee.status = Refusal.absurdTimestamp.status
      }
    }
  }
}
