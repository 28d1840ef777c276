import Archive
public import Control
public import Detection
import Events
import Synchronization

/// Forecasters of the streams that were asked for lately; they are learned when somebody asks.
final class Forecasts: Sendable {
  private struct Kept: Sendable {
    var stream: String
    var forecaster: Forecaster
  }

  private let kept = Mutex<[Kept]>([])
  private static let most = 16

  /// One that was made with these settings and is not too old for rows up to `until`.
  func forecaster(of stream: String, _ settings: Forecaster.Settings, until: Double) -> Forecaster? {
    kept.withLock { kept in
      kept.last {
        $0.stream == stream && $0.forecaster.settings == settings && $0.forecaster.until <= until
          // A thirty-second part of what it has seen may have come since.
          && until - $0.forecaster.until
            <= $0.forecaster.interval * Double(max(32, $0.forecaster.rows / 32))
      }?.forecaster
    }
  }

  func keep(_ forecaster: Forecaster, of stream: String) {
    kept.withLock { kept in
      kept.removeAll { $0.stream == stream && $0.forecaster.settings == forecaster.settings }
      kept.append(Kept(stream: stream, forecaster: forecaster))
      kept = kept.suffix(Self.most)
    }
  }
}

extension AnomalyPipeline {
  /// Nanoseconds after which a fit ends with the best model so far.
  private static let forecastTime: UInt64 = 4_000_000_000

  func forecast(_ query: ForecastQuery) throws -> ForecastReport {
    try query.check()
    let stream = query.stream
    let (detector, history) = try shadow(of: stream, last: Forecaster.mostRows)
    func refuse(_ why: String, _ remedy: String, _ kind: Failure.Kind = .temporary) -> Failure {
      Failure(kind, what: "stream \(stream)", why: why, remedy: remedy)
    }
    if let field = query.field, !detector.fields.contains(field) {
      throw refuse("it has no field \(field)", "see `anomalyctl stream \(stream)`", .data)
    }
    // Also what is quarantined: an incident is when one wants to know how it goes on.
    let (_, all) = try shadow(of: stream, last: Forecaster.mostRows, skipping: [.forgotten, .maintenance])
    guard let until = all.timestamps.last else {
      throw refuse("none of its rows are kept", "wait for \(Forecaster.leastRows)")
    }
    var settings = Forecaster.Settings()
    settings.coverage = query.coverage
    settings.model =
      query.model
      ?? detector.settings.models.names.map(\.rawValue).first(where: Forecaster.models.contains)
      ?? settings.model
    do throws(Forecaster.Failure) {
      settings.horizon = try Forecaster.steps(query.steps, seconds: query.seconds, of: history)
      let ready: Forecaster
      if let kept = forecasts.forecaster(of: stream, settings, until: until) {
        ready = kept
      } else {
        let end = Clocks.monotonic() + Self.forecastTime
        ready = try Forecaster(learning: history, settings: settings) { Clocks.monotonic() >= end }
        forecasts.keep(ready, of: stream)
      }
      guard let forecast = ready.forecast(after: all) else { throw .noUsableField }
      if let field = query.field, !ready.fields.contains(field) {
        throw .unusable(field)
      }
      return ForecastReport(forecast, by: ready, stream: stream, field: query.field, limit: query.limit)
    } catch {
      switch error {
      case .noSequenceModel:
        throw Failure(.usage, what: "forecast", why: "\(error)", remedy: "name one of these")
      case .tooFar: throw Failure(.usage, what: "forecast", why: "\(error)", remedy: "ask for fewer")
      case .notEnoughRows, .noUsableField, .unusable, .stopped: throw refuse("\(error)", "wait for more rows")
      }
    }
  }
}

extension ForecastReport {
  /// - Parameters:
  ///   - field: only this one; nil for all.
  ///   - limit: of that field.
  public init(_ forecast: Forecast, by forecaster: Forecaster, stream: String, field: String?, limit: Double?)
  {
    self.init()
    self.stream = stream
    model = forecaster.settings.model
    lacking = forecaster.lacking
    rows = forecaster.rows
    learnedUntil = forecaster.until
    from = forecast.from
    interval = forecast.interval
    coverage = forecast.coverage
    func name(_ method: Forecast.Method) -> String {
      switch method {
      case .model: forecaster.settings.model
      case .last: "last value"
      case .trend: "trend"
      case .seasonal: "seasonal"
      }
    }
    for found in forecast.fields where field == nil || found.name == field {
      let reached = limit.flatMap { limit in
        forecast.reaching(limit, of: found.name).map { reaching in
          Limit(
            value: limit, expected: reaching.expected.map { $0 + forecast.from },
            earliest: reaching.earliest.map { $0 + forecast.from },
            latest: reaching.latest.map { $0 + forecast.from })
        }
      }
      fields.append(
        Field(
          name: found.name, now: found.now, method: name(found.method),
          errors: Dictionary(uniqueKeysWithValues: found.errors.map { (name($0.key), $0.value) }),
          covered: found.covered, period: found.period.map { Double($0) * forecast.interval }, limit: reached,
          points: found.points.enumerated().map { step, point in
            Point(
              ts: forecast.from + Double(step + 1) * forecast.interval, value: point.value, low: point.low,
              high: point.high)
          }))
    }
  }
}
