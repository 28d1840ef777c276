import Events
public import Wire

/// What an incident must be besides odd before it is said: what people know of their streams and no model does.
///
/// Gates are kept apart from the models: nothing is scored or learned otherwise because of them.
public struct AlertGate: Sendable, Equatable {
  /// Which deviations count: all, those above what was expected, or those below.
  public enum Direction: String, Sendable, CaseIterable { case any, up, down }

  /// Streams and fields that it is about; the first gate that matches both counts.
  public var streams = Globs(["*"])
  public var fields = Globs(["*"])
  /// Only values that are higher, or lower, than expected.
  public var direction = Direction.any
  /// Least deviation from what was expected: in the field's unit, and as a share of what was expected.
  public var leastDeviation = 0.0
  public var leastRelative = 0.0
  /// Values from `validLow` to `validHigh` are fine, however odd they are.
  public var validLow: Double?
  public var validHigh: Double?
  /// Seconds, of the events, that it has lasted.
  public var leastDuration = 0.0
  public init() {}

  /// Whether what happened to a field is worth saying.
  func passes(_ feature: Alert.Feature) -> Bool {
    // A value that is missing deviates from nothing.
    guard let value = feature.value else { return true }
    let deviation = value - feature.expected
    switch direction {
    case .any: break
    case .up: if deviation <= 0 { return false }
    case .down: if deviation >= 0 { return false }
    }
    if abs(deviation) < leastDeviation { return false }
    if abs(deviation) < leastRelative * abs(feature.expected) { return false }
    if validLow != nil || validHigh != nil,
      value >= validLow ?? -.infinity, value <= validHigh ?? .infinity
    {
      return false
    }
    return true
  }
}

extension [AlertGate] {
  /// Whether any of the fields that made an alert passes the gate that is about it; without one it does.
  func pass(_ alert: Alert) -> Bool {
    let mine = filter { $0.streams.matches(alert.stream) }
    if mine.isEmpty || alert.features.isEmpty { return true }
    return alert.features.contains { feature in
      // What hardly has a part in it does not carry it.
      guard feature.share >= Self.leastShare || feature == alert.features[0] else { return false }
      guard let gate = mine.first(where: { $0.fields.matches(feature.name) }) else { return true }
      return gate.passes(feature) && alert.ts - alert.onset >= gate.leastDuration
    }
  }

  static var leastShare: Double { 0.1 }
}
