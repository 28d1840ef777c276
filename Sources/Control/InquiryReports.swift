/// How small a fault a stream's detector finds: see `anomalyctl power`.
public struct PowerReport: Sendable, Codable, Equatable {
  /// How many faults of one size were found.
  public struct Point: Sendable, Codable, Equatable {
    /// In ``Curve/unit``.
    public var size: Double
    public var planted: Int
    public var found: Int
    /// Of those found, how many named the planted field first.
    public var named: Int
    /// Events from the begin of the fault to the incident.
    public var medianDelay: Int?
    public init(size: Double, planted: Int, found: Int, named: Int, medianDelay: Int?) {
      self.size = size
      self.planted = planted
      self.found = found
      self.named = named
      self.medianDelay = medianDelay
    }
    enum CodingKeys: String, CodingKey {
      case size, planted, found, named
      case medianDelay = "median_delay"
    }
  }

  /// One kind of fault by its sizes.
  public struct Curve: Sendable, Codable, Equatable {
    public var fault: String
    public var unit: String
    /// The smallest size from which on at least four in five are found; nil when there is none.
    public var smallest: Double?
    public var points: [Point]
    public init(fault: String, unit: String, smallest: Double?, points: [Point]) {
      self.fault = fault
      self.unit = unit
      self.smallest = smallest
      self.points = points
    }
  }

  public var stream = ""
  public var snapshot: String?
  /// Recent rows that the faults were planted into.
  public var rows = 0
  /// Faults of each size.
  public var rounds = 0
  /// Stretches of rows that opened an incident without a fault, and were left out.
  public var alarmed = 0
  public var curves: [Curve] = []
  public init() {}
}

/// What has changed about the fields of a stream, apart from anomalies: see `anomalyctl drift`.
public struct FieldDriftReport: Sendable, Codable, Equatable {
  /// How far one field has moved.
  public struct Field: Sendable, Codable, Equatable {
    public var name: String
    /// Kolmogorov–Smirnov, 0…1.
    public var distance: Double
    /// Adjusted for the number of fields.
    public var pValue: Double
    public var before: Double
    public var now: Double
    public var spreadBefore: Double
    public var spreadNow: Double
    public init(
      name: String, distance: Double, pValue: Double, before: Double, now: Double, spreadBefore: Double,
      spreadNow: Double
    ) {
      self.name = name
      self.distance = distance
      self.pValue = pValue
      self.before = before
      self.now = now
      self.spreadBefore = spreadBefore
      self.spreadNow = spreadNow
    }
    enum CodingKeys: String, CodingKey {
      case name, distance, before, now
      case pValue = "p_value"
      case spreadBefore = "spread_before"
      case spreadNow = "spread_now"
    }
  }

  public var stream = ""
  /// Rows that are called recent, and those before them that they are held against.
  public var recent = 0
  public var reference = 0
  /// Event time of the first recent row.
  public var since: Double = 0
  /// How far the scores are from those of the training; 0.7 when all moved by one of their standard deviations.
  public var scores: Double = 0
  /// All fields together: the maximum mean discrepancy, and a classifier that tells recent rows from older ones (0.5: it
  /// guesses). Nil when there are too few rows.
  public var discrepancy: Test?
  public var classifier: Test?
  /// Looked at after every so many new rows, one of these tests would call drift by chance, at a p-value of 0.01, every so many
  /// rows, and seconds of event time.
  public var runRows = 0
  public var runSeconds: Double = 0
  /// Strongest first.
  public var fields: [Field] = []
  public init() {}

  /// The outcome of a statistical test.
  public struct Test: Sendable, Codable, Equatable {
    public var statistic: Double
    public var pValue: Double
    public init(statistic: Double, pValue: Double) {
      self.statistic = statistic
      self.pValue = pValue
    }
    enum CodingKeys: String, CodingKey {
      case statistic
      case pValue = "p_value"
    }
  }

  enum CodingKeys: String, CodingKey {
    case stream, recent, reference, since, scores, discrepancy, classifier, fields
    case runRows = "run_rows"
    case runSeconds = "run_seconds"
  }
}

/// Which few features, at which values, would have kept an event from being odd.
public struct NormalReport: Sendable, Codable, Equatable {
  /// A field that would have had to be different.
  public struct Change: Sendable, Codable, Equatable {
    public var name: String
    public var value: Double?
    public var expected: Double
    public var deviation: Double
    public init(name: String, value: Double?, expected: Double, deviation: Double) {
      self.name = name
      self.value = value
      self.expected = expected
      self.deviation = deviation
    }
  }

  /// "normal if latency were 41 ± 3; the other nine are as expected"
  public var text: String
  /// Scored again with the changes: below the score of a calm event.
  public var verified: Bool
  public var changes: [Change]
  /// Event time from which on they are in place.
  public var from: Double
  public var scoreBefore: Double
  public var scoreAfter: Double
  public init(
    text: String, verified: Bool, changes: [Change], from: Double, scoreBefore: Double, scoreAfter: Double
  ) {
    self.text = text
    self.verified = verified
    self.changes = changes
    self.from = from
    self.scoreBefore = scoreBefore
    self.scoreAfter = scoreAfter
  }
  enum CodingKeys: String, CodingKey {
    case text, verified, changes, from
    case scoreBefore = "score_before"
    case scoreAfter = "score_after"
  }
}
