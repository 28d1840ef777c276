/// How fast and how well events are scored.
public struct ScoringReport: Sendable, Codable, Equatable {
  /// From the arrival of an event to its score.
  public var latency = LatencyReport()
  /// Seconds from arrival to score of the oldest event in the last batch; the worst shard's.
  public var lag = 0.0
  /// Promised false-alarm rates and what was measured, over all streams.
  public var calibration: [CalibrationPoint] = []
  /// Streams that have a model, and the ages of the oldest and newest one in seconds.
  public var models = 0
  public var oldestModelAge: Double?
  public var newestModelAge: Double?
  /// What became of events that came late, over all streams; see ``StreamSummary/lateOutcomes``.
  public var lateOutcomes: [String: UInt64] = [:]
  /// Values that did not come, and those of them that were filled in, over all streams.
  public var missingValues: UInt64 = 0
  public var imputedValues: UInt64 = 0
  public init() {}

  enum CodingKeys: String, CodingKey {
    case latency, lag, calibration, models
    case lateOutcomes = "late_outcomes"
    case missingValues = "missing_values"
    case imputedValues = "imputed_values"
    case oldestModelAge = "oldest_model_age"
    case newestModelAge = "newest_model_age"
  }
}

/// A histogram of times.
public struct LatencyReport: Sendable, Codable, Equatable {
  /// Upper bounds in seconds; `counts` has one more, for what is above the last.
  public var bounds: [Double] = []
  public var counts: [UInt64] = []
  /// Of all times, seconds.
  public var sum = 0.0
  public init() {}
}
