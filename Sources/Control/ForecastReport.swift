/// What is asked about how a stream goes on.
public struct ForecastQuery: Sendable, Codable, Equatable {
  public var stream: String
  /// Only this field; nil for all.
  public var field: String?
  /// So many steps ahead, or so many seconds of event time; nil for both: 60 steps.
  public var steps: Int?
  public var seconds: Double?
  /// When the field gets there is asked, too; wants a field.
  public var limit: Double?
  /// The member of the suite that foretells; nil: one that the stream is scored by, or the usual one.
  public var model: String?
  /// The share of values that intervals are meant to hold, 0.5 to 0.99.
  public var coverage: Double

  public static let usualSteps = 60
  /// Steps ahead at most.
  public static let mostSteps = 2000

  public init(
    stream: String, field: String? = nil, steps: Int? = nil, seconds: Double? = nil, limit: Double? = nil,
    model: String? = nil, coverage: Double = 0.9
  ) {
    self.stream = stream
    self.field = field
    self.steps = steps
    self.seconds = seconds
    self.limit = limit
    self.model = model
    self.coverage = coverage
  }

  private enum CodingKeys: String, CodingKey {
    case stream, field, steps, seconds, limit, model, coverage
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      stream: try values.decode(String.self, forKey: .stream),
      field: try values.decodeIfPresent(String.self, forKey: .field),
      steps: try values.decodeIfPresent(Int.self, forKey: .steps),
      seconds: try values.decodeIfPresent(Double.self, forKey: .seconds),
      limit: try values.decodeIfPresent(Double.self, forKey: .limit),
      model: try values.decodeIfPresent(String.self, forKey: .model),
      coverage: try values.decodeIfPresent(Double.self, forKey: .coverage) ?? 0.9)
    try check()
  }

  /// - Throws: a ``Failure`` of kind `usage` for what cannot be asked.
  public func check() throws(Failure) {
    func refuse(_ why: String, _ remedy: String) -> Failure {
      Failure(.usage, what: "forecast", why: why, remedy: remedy)
    }
    if let steps, !(1...Self.mostSteps).contains(steps) {
      throw refuse("\(steps) steps cannot be foretold", "ask for 1 to \(Self.mostSteps)")
    }
    if let seconds, !(seconds > 0 && seconds <= 366 * 86400) {
      throw refuse("\(seconds) seconds are no horizon", "ask for more than none and at most a year")
    }
    if steps != nil && seconds != nil {
      throw refuse("steps and seconds are both given", "give one of them")
    }
    if limit != nil && field == nil { throw refuse("a limit of which field?", "name the field") }
    if limit?.isFinite == false { throw refuse("the limit is no number", "give a finite one") }
    guard (0.5...0.99).contains(coverage) else {
      throw refuse("intervals cannot be meant to hold \(coverage) of the values", "give 0.5 to 0.99")
    }
  }
}

/// How the fields of a stream will go on: see `anomalyctl forecast`.
public struct ForecastReport: Sendable, Codable, Equatable {
  /// What is expected at one moment, and between what.
  public struct Point: Sendable, Codable, Equatable {
    /// Event time, seconds since 1970.
    public var ts: Double
    public var value: Double
    public var low: Double
    public var high: Double
    public init(ts: Double, value: Double, low: Double, high: Double) {
      self.ts = ts
      self.value = value
      self.low = low
      self.high = high
    }
  }

  /// Event times; null: not before the horizon.
  public struct Limit: Sendable, Codable, Equatable {
    public var value: Double
    /// On the foretold path.
    public var expected: Double?
    /// Where the interval first touches it, and where all of it is beyond.
    public var earliest: Double?
    public var latest: Double?
    public init(value: Double, expected: Double?, earliest: Double?, latest: Double?) {
      self.value = value
      self.expected = expected
      self.earliest = earliest
      self.latest = latest
    }
  }

  /// How one field goes on.
  public struct Field: Sendable, Codable, Equatable {
    public var name: String
    /// The last value that came; null when the last row did not bring it.
    public var now: Double?
    /// What foretold: the model's name, `last value`, `trend` or `seasonal`, whichever was best on held-out rows.
    public var method: String
    /// Mean absolute error of each on the held-out rows, over all steps.
    public var errors: [String: Double]
    /// Share of later held-out values within intervals from earlier ones; null when there were too few.
    public var covered: Double?
    /// Seconds after which it comes round again; null when it does not.
    public var period: Double?
    public var limit: Limit?
    public var points: [Point]
    public init(
      name: String, now: Double?, method: String, errors: [String: Double], covered: Double?, period: Double?,
      limit: Limit?, points: [Point]
    ) {
      self.name = name
      self.now = now
      self.method = method
      self.errors = errors
      self.covered = covered
      self.period = period
      self.limit = limit
      self.points = points
    }
  }

  public var stream = ""
  public var model = ""
  /// Why the model could not be had; null when it could.
  public var lacking: String?
  /// Rows that it was made from, and event time of the newest of these.
  public var rows = 0
  public var learnedUntil: Double = 0
  /// Event time of the row after which it foretells.
  public var from: Double = 0
  /// Seconds between two steps.
  public var interval: Double = 0
  public var coverage: Double = 0.9
  public var fields: [Field] = []
  public init() {}
  enum CodingKeys: String, CodingKey {
    case stream, model, lacking, rows, from, interval, coverage, fields
    case learnedUntil = "learned_until"
  }
}
