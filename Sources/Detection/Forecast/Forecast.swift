/// How the fields of a stream will go on, and how sure that is.
public struct Forecast: Sendable, Equatable {
  /// What foretells.
  public enum Method: String, Sendable, CaseIterable, Codable {
    /// The sequence model.
    case model
    /// What was last is what will be.
    case last
    /// It goes on rising or falling as it did lately.
    case trend
    /// What was one season ago.
    case seasonal
  }

  /// One step ahead, in the field's own unit.
  public struct Point: Sendable, Equatable {
    public var value: Double
    public var low: Double
    public var high: Double
  }

  /// How one field goes on, in its own unit.
  public struct Field: Sendable, Equatable {
    public var name: String
    /// The last value that came; nil when the field has not come lately.
    public var now: Double?
    /// The one that was best on the rows held out.
    public var method: Method
    /// Mean absolute error over all steps up to the horizon, on the rows held out.
    public var errors: [Method: Double]
    /// Share of the later held-out values that lay within intervals taken from the earlier ones; nil when there were too few.
    public var covered: Double?
    /// Rows after which it comes round again; nil when it does not.
    public var period: Int?
    /// One per step.
    public var points: [Point]
  }

  /// When a value is reached: seconds after the last row; nil: not up to the horizon.
  public struct Reaching: Sendable, Equatable {
    /// On the foretold path.
    public var expected: Double?
    /// At the edge of the intervals that comes there first, and at the other one.
    public var earliest: Double?
    public var latest: Double?
  }

  /// Event time of the last row.
  public var from: Double
  /// Seconds between two steps.
  public var interval: Double
  /// The share of values that intervals are meant to hold.
  public var coverage: Double
  public var fields: [Field]

  /// - Returns: nil for a field that has no last value, or is not there.
  public func reaching(_ limit: Double, of name: String) -> Reaching? {
    guard let field = fields.first(where: { $0.name == name }), let now = field.now else { return nil }
    let rises = limit >= now
    func first(_ edge: (Point) -> Double) -> Double? {
      field.points.firstIndex { rises ? edge($0) >= limit : edge($0) <= limit }
        .map { Double($0 + 1) * interval }
    }
    return Reaching(
      expected: first(\.value), earliest: first { rises ? $0.high : $0.low },
      latest: first { rises ? $0.low : $0.high })
  }
}
