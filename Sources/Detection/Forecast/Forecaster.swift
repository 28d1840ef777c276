import Generative

/// Foretells the fields of a stream: a sequence model of the suite where it beats the last value and the value one season ago
/// on rows that it was not fitted to, and otherwise the better of these two.
///
/// Intervals are split conformal, for each step ahead by itself: the quantiles of the errors made at many moments of the held-out
/// rows, with the correction for their number (Lei et al. 2018, section 2.2, with the lower and the upper side apart). They hold as
/// long as the stream goes on as it did while these rows came.
public struct Forecaster: Sendable {
  /// Why nothing can be foretold.
  public enum Failure: Error, Sendable, Equatable, CustomStringConvertible {
    case notEnoughRows(have: Int, need: Int)
    case noUsableField
    /// This one did not come often enough.
    case unusable(String)
    /// The horizon is longer than what was seen can vouch for.
    case tooFar(most: Int)
    case noSequenceModel(String)
    case stopped

    public var description: String {
      switch self {
      case .notEnoughRows(let have, let need): "\(have) rows are too few to foretell from: \(need) are needed"
      case .noUsableField: "no field was observed in at least half of the newest rows"
      case .unusable(let field): "\(field) was not observed in at least half of the newest rows"
      case .tooFar(let most): "what was seen can vouch for \(most) steps ahead at most"
      case .noSequenceModel(let name):
        "\(name) does not foretell sequences; "
          + Catalogue.all.filter { $0.capabilities.contains(.forecast) }.map(\.name).joined(
            separator: " and ")
          + " do"
      case .stopped: "it was stopped"
      }
    }
  }

  /// What can be chosen about the model and how far it looks.
  public struct Settings: Sendable, Equatable {
    /// A member of the suite.
    public var model = "gru"
    /// Steps ahead.
    public var horizon = 60
    /// The share of values that intervals are meant to hold.
    public var coverage = 0.9
    /// Passes over the rows at most; nil for what the member thinks best.
    public var epochs: Int?
    public init() {}
  }

  public static let leastRows = 128
  /// Rows that are looked at; the newest count.
  public static let mostRows = 8192
  /// The share of rows that the model is fitted to; the rest, later, is held out.
  private static let fittedShare = 0.6

  /// The members of the suite that foretell sequences.
  public static let models = Catalogue.all.filter { $0.capabilities.contains(.forecast) }.map(\.name)

  /// How many steps a horizon is: as many as asked for, or those of so many seconds; 60 when nothing was asked for, or what
  /// the rows can vouch for.
  public static func steps(_ steps: Int?, seconds: Double?, of rows: TrainingRows) throws(Failure) -> Int {
    let most = mostSteps(rows: rows.count)
    if rows.count < leastRows { throw .notEnoughRows(have: rows.count, need: leastRows) }
    var wanted = steps ?? min(60, most)
    if let seconds {
      let interval = ModelTrainer.usualInterval(rows.timestamps)
      let count = interval > 0 ? (seconds / interval).rounded(.up) : .infinity
      guard count <= Double(most) else { throw .tooFar(most: most) }
      wanted = max(1, Int(count))
    }
    guard (1...most).contains(wanted) else { throw .tooFar(most: most) }
    return wanted
  }

  /// Steps ahead at most, of so many rows.
  public static func mostSteps(rows: Int) -> Int { min(2000, min(rows, mostRows) / 5) }

  public let settings: Settings
  public let fields: [String]
  /// Seconds between two rows.
  public let interval: Double
  /// Rows it was made from.
  public let rows: Int
  /// Event time of the newest of these.
  public let until: Double
  /// Why there is no model; nil when there is one.
  public let lacking: String?
  let track: SequenceTrack
  let judged: [Judged]

  /// What the held-out rows said of one field.
  struct Judged: Sendable {
    var method: Forecast.Method
    var errors: [Forecast.Method: Double]
    var covered: Double?
    /// Per step, of value less forecast.
    var low: [Float]
    var high: [Float]
  }

  /// - Parameters:
  ///   - rows: the stream's history, oldest first, without what is not to be learned from.
  ///   - shouldStop: ends the fit; the model is then the best so far, or there is none.
  public init(
    learning rows: TrainingRows, settings: Settings = Settings(), seed: UInt64 = 1,
    shouldStop: () -> Bool = { false }
  ) throws(Failure) {
    guard let entry = Catalogue.entry(named: settings.model), entry.capabilities.contains(.forecast) else {
      throw .noSequenceModel(settings.model)
    }
    let newest = rows.rows(max(0, rows.count - Self.mostRows)..<rows.count)
    guard newest.count >= Self.leastRows else {
      throw .notEnoughRows(have: newest.count, need: Self.leastRows)
    }
    let usable = ModelTrainer.usableFields(of: newest, newest: newest.count)
    guard !usable.isEmpty else { throw .noUsableField }
    let most = Self.mostSteps(rows: newest.count)
    guard (1...most).contains(settings.horizon) else { throw .tooFar(most: most) }
    self.settings = settings
    fields = usable
    self.rows = newest.count
    until = newest.timestamps[newest.count - 1]
    interval = ModelTrainer.usualInterval(newest.timestamps)
    let fitted = Int(Double(newest.count) * Self.fittedShare)
    let lined = LinedRows(newest, fields: usable, interval: interval)
    var track = SequenceTrack(lined, fitted: fitted)
    do throws(FitError) {
      try track.fit(lined, fitted: fitted, entry, seed: seed, epochs: settings.epochs, shouldStop: shouldStop)
      lacking = nil
    } catch {
      lacking = "\(error)"
    }
    self.track = track
    judged = Judge(settings, track, lined, fitted: fitted).fields()
  }

  /// What comes after the newest of these rows, which may be later than those that were learned from.
  ///
  /// - Parameter recent: at least a season of them; nothing skipped.
  /// - Returns: nil without a row.
  public func forecast(after recent: TrainingRows) -> Forecast? {
    guard let last = recent.timestamps.last else { return nil }
    let lined = LinedRows(recent, fields: fields, interval: interval, origin: track.origin)
    let horizon = settings.horizon
    let means = track.model == nil ? [] : track.foretell(lined, after: [recent.count - 1], horizon: horizon)
    let found = fields.indices.map { field -> Forecast.Field in
      let judged = judged[field]
      let column = recent.fields.firstIndex(of: fields[field])
      let now = column.map { recent.values[(recent.count - 1) * recent.fields.count + $0] } ?? .nan
      let points = (0..<horizon).map { step -> Forecast.Point in
        let value =
          judged.method == .model
          ? means[step * fields.count + field]
          : track.baseline(judged.method, lined, field, after: recent.count - 1, step: step + 1)
        return Forecast.Point(
          value: Double(value), low: Double(value + judged.low[step]), high: Double(value + judged.high[step])
        )
      }
      return Forecast.Field(
        name: fields[field], now: now.isFinite ? Double(now) : nil, method: judged.method,
        errors: judged.errors, covered: judged.covered, period: track.seasons[field]?.period, points: points)
    }
    return Forecast(from: last, interval: interval, coverage: settings.coverage, fields: found)
  }
}
