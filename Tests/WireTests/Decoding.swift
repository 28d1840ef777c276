import Wire

/// An event as tests look at it.
struct Decoded: Equatable, CustomStringConvertible {
  var stream: String
  var timestamp: Double
  var seq: UInt64?
  var hasEpoch = false
  /// Names and values in order; positional values have empty names. A missing value is NaN.
  var values: [(name: String, value: Float)]
  var refusal: Refusal?

  subscript(name: String) -> Float? { values.last { $0.name == name }?.value }
  var names: [String] { values.map(\.name) }
  var dictionary: [String: Float] { Dictionary(values.map { ($0.name, $0.value) }) { $1 } }

  static func == (a: Decoded, b: Decoded) -> Bool {
    a.stream == b.stream && a.timestamp == b.timestamp && a.seq == b.seq && a.hasEpoch == b.hasEpoch
      && a.refusal == b.refusal && a.names == b.names
      && zip(a.values, b.values).allSatisfy { $0.value == $1.value || ($0.value.isNaN && $1.value.isNaN) }
  }

  var description: String { "\(stream) @\(timestamp) \(values) \(refusal.map(\.name) ?? "")" }
}

/// The messages of one source, decoded one after the other.
final class TestSource {
  let decoder: MessageDecoder
  let sink = EventSink()
  static let arrival = 1_795_374_900.5

  init(_ rules: SourceRules = SourceRules(), maxMessageSize: Int = 1 << 20) throws {
    decoder = try MessageDecoder(rules: rules, source: "test", maxMessageSize: maxMessageSize)
  }

  convenience init(_ change: (inout SourceRules) -> Void) throws {
    var rules = SourceRules()
    change(&rules)
    try self.init(rules)
  }

  func outcome(_ payload: [UInt8], topic: String = "") -> MessageDecoder.Outcome {
    let topic = Array(topic.utf8)
    return decoder.decode(topic: topic.span, payload: payload.span, arrival: Self.arrival, into: sink)
  }

  func outcome(_ payload: String, topic: String = "") -> MessageDecoder.Outcome {
    outcome(Array(payload.utf8), topic: topic)
  }

  /// All events of a message; of a message that is refused as a whole, one without values.
  func events(_ payload: [UInt8], topic: String = "") -> [Decoded] {
    switch outcome(payload, topic: topic) {
    case .refused(let refusal): return [Decoded(stream: "", timestamp: 0, values: [], refusal: refusal)]
    case .dropped: return []
    case .events: return (0..<sink.count).map { event($0) }
    }
  }

  func events(_ payload: String, topic: String = "") -> [Decoded] {
    events(Array(payload.utf8), topic: topic)
  }

  private func event(_ index: Int) -> Decoded {
    let event = sink.event(index)
    let values = event.values.map { value in
      (event.isPositional ? "" : sink.text(sink.name(value)), sink.withValues(value..<value + 1) { $0[0] })
    }
    return Decoded(
      stream: event.stream.map { sink.text($0) } ?? "", timestamp: event.timestamp, seq: event.seq,
      hasEpoch: event.epoch != nil, values: values, refusal: event.refusal)
  }
}

/// Repeatable randomness for generated messages (SplitMix64, Steele et al. 2014).
struct Generator: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
