/// How a model did on the stream's newest rows, on which it was not fitted.
public struct ModelFigures: Sendable, Codable, Equatable {
  /// Normal rows that were looked at.
  public var rows = 0
  /// Share of them with p ≤ 0.01.
  public var falseAlarms = 0.0
  /// Median score (0 to 100) of them.
  public var typicalScore = 0.0
  /// Share of planted faults found at an equal rate of false alarms: over all kinds, and by kind.
  public var meanRecall = 0.0
  public var recall: [String: Double] = [:]
  /// The largest factor, as a power of ten, between how often p ≤ α was and α: 0 is perfect, 1 is tenfold.
  public var calibrationError = 0.0
  /// Of its weights and calibration.
  public var bytes = 0
  /// To score one row of many.
  public var microsecondsPerRow = 0.0
  /// Share of faults of many kinds and sizes, planted into a shadow copy, that opened an incident; nil when it was not tried.
  public var power: Double?
  /// By kind of these faults: the smallest size from which on four in five are found (left out when there is none), and events
  /// until then.
  public var detectable: [String: Double]?
  public var delays: [String: Int]?
  public init() {}

  enum CodingKeys: String, CodingKey {
    case rows, recall, bytes, power, detectable, delays
    case falseAlarms = "false_alarms"
    case typicalScore = "typical_score"
    case meanRecall = "mean_recall"
    case calibrationError = "calibration_error"
    case microsecondsPerRow = "microseconds_per_row"
  }
}

/// How a snapshot came to be, and how it stood beside the one in use then; kept with it.
public struct PromotionReport: Sendable, Codable, Equatable {
  /// Why it was trained: first, schedule, drift, …
  public var reason = ""
  /// Rows it learned from, and processor seconds it took.
  public var rows = 0
  public var seconds = 0.0
  /// Whether it was taken into use; nil when there was nothing to compare it with.
  public var accepted: Bool?
  /// Why, as a sentence.
  public var verdict = ""
  /// The snapshot that was in use.
  public var champion: String?
  /// On the same rows: this one, and the one in use.
  public var figures: ModelFigures?
  public var championFigures: ModelFigures?
  public init() {}

  enum CodingKeys: String, CodingKey {
    case reason, rows, seconds, accepted, verdict, champion, figures
    case championFigures = "champion_figures"
  }
}

/// What is different in one snapshot of a stream against another.
public struct SnapshotDiff: Sendable, Codable, Equatable {
  /// One thing, as it is in the first and in the second.
  public struct Change: Sendable, Codable, Equatable {
    public var what: String
    public var first: String
    public var second: String
    public init(_ what: String, _ first: String, _ second: String) {
      self.what = what
      self.first = first
      self.second = second
    }
  }
  public var stream: String
  public var first: String
  public var second: String
  /// Empty when they are the same but for their weights.
  public var changes: [Change]
  public init(stream: String, first: String, second: String, changes: [Change]) {
    self.stream = stream
    self.first = first
    self.second = second
    self.changes = changes
  }
}

/// An alert's figures as they were said, and computed once more from what was kept.
public struct RerunReport: Sendable, Codable, Equatable {
  /// A number as it was said and as it comes out again.
  public struct Figure: Sendable, Codable, Equatable {
    public var name: String
    public var said: Double
    public var again: Double
    /// Whether all bits are the same.
    public var isSame: Bool
    public init(_ name: String, said: Double, again: Double) {
      self.name = name
      self.said = said
      self.again = again
      isSame = said.bitPattern == again.bitPattern
    }
    enum CodingKeys: String, CodingKey {
      case name, said, again
      case isSame = "same"
    }
  }
  public var id = ""
  public var snapshot = ""
  /// Event time of the row that was scored.
  public var ts = 0.0
  /// The score first, then the p-value, the confidence, then each detector's raw score.
  public var figures: [Figure] = []
  /// What it would take and is no longer, or was never, there; empty when it could be computed.
  public var missing: [String] = []
  public init() {}
  public var isSame: Bool { missing.isEmpty && !figures.isEmpty && figures.allSatisfy(\.isSame) }
}
