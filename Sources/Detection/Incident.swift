public import Events

/// An incident that is open on a stream.
public struct Incident: Sendable, Equatable {
  /// 26 characters, sortable by the time of opening, never given twice.
  public let id: String
  /// Event time at which it is judged to have begun; rows from here on are not learned from.
  public let onset: Double
  /// Event time of the event that opened it.
  public let opened: Double
  public internal(set) var severity: Alert.Severity
  /// Of its worst event.
  public internal(set) var score: Double
  public internal(set) var pValue: Double
  /// Events since it opened.
  public internal(set) var events: Int
}

/// Where a detector stands, for status pages. A snapshot; cheap to make.
public struct DetectorStatus: Sendable, Equatable {
  public var phase: Phase
  public var fields: Int
  public var events: UInt64
  /// Events scored by a model.
  public var scored: UInt64
  /// Event time of the last event; nil before the first.
  public var lastEvent: Double?
  public var lastScore: Double
  public var lastPValue: Double
  /// How far the thresholds moved since the training, in tail lengths.
  public var drift: Double
  /// Scored events with a p-value of at most 10⁻¹, 10⁻², 10⁻³, 10⁻⁴: divided by ``scored``, the measured false-alarm rate.
  public var tails: [UInt64]
  public var incidents: UInt64
  public var quarantined: UInt64
  public var missingValues: UInt64
  public var openIncident: Incident?
  public var trainingRequest: TrainingReason?
  public var isTraining: Bool
  public var snapshot: String?
  public var trainedAt: Double?
}
