import Detection
import Tensors
import Testing

@testable import Detection

/// Forecasts of streams whose future is known.
@Suite struct ForecastTests {
  /// A stream of one season, one wander, one that rises, and one that swings by itself.
  private static func rows(_ count: Int, seed: UInt64 = 3, from start: Int = 0) -> TrainingRows {
    var random = RandomStream(seed: seed, stream: 9)
    var rows = TrainingRows(fields: ["season", "walk", "rising"])
    var walk: Float = 0
    for row in 0..<start + count {
      let noise = random.normals(3)
      walk += noise[1]
      let turn = Float(row % 24) / 24
      let season: Float = 10 * (turn < 0.5 ? 4 * turn - 1 : 3 - 4 * turn) + noise[0]
      if row < start { continue }
      rows.values += [season, walk, 0.5 * Float(row) + noise[2]]
      rows.timestamps.append(1000 + 60 * Double(row))
      rows.quarantined.append(false)
    }
    return rows
  }

  private static func settings(_ horizon: Int) -> Forecaster.Settings {
    var settings = Forecaster.Settings()
    settings.horizon = horizon
    settings.epochs = 4
    return settings
  }

  @Test func `each field is foretold by what was best on held-out rows, and the errors of all are told`()
    throws
  {
    let rows = Self.rows(900)
    let forecaster = try Forecaster(learning: rows, settings: Self.settings(24))
    #expect(forecaster.lacking == nil)
    let forecast = try #require(forecaster.forecast(after: rows))
    #expect(forecast.fields.map(\.name) == ["season", "walk", "rising"])
    #expect(forecast.interval == 60 && forecast.from == rows.timestamps.last)
    for field in forecast.fields {
      let own = try #require(field.errors[field.method])
      #expect(field.errors.values.allSatisfy { own <= $0 * 1.001 })
      #expect(field.errors.keys.contains(.model) && field.errors.keys.contains(.last))
      #expect(field.points.count == 24)
      #expect(field.points.allSatisfy { $0.low <= $0.value && $0.value <= $0.high })
    }
    let season = forecast.fields[0]
    #expect(season.period == 24)
    #expect(try #require(season.errors[season.method]) < 0.3 * (season.errors[.last] ?? 0))
    // Nobody foretells a wander: what claims to be better than its last value was lucky.
    #expect(try #require(forecast.fields[1].errors[.last]) < 1.5 * (forecast.fields[1].errors[.model] ?? 0))
  }

  @Test func `intervals hold about as many values of rows that nobody saw as they are meant to`() throws {
    let all = Self.rows(2400)
    let known = all.rows(0..<1200)
    let forecaster = try Forecaster(learning: known, settings: Self.settings(12))
    var (held, count) = ([0, 0, 0], 0)
    for origin in stride(from: 1200, to: 2380, by: 7) {
      let forecast = try #require(forecaster.forecast(after: all.rows(origin - 200..<origin)))
      for step in 0..<12 {
        for field in 0..<3 {
          let value = Double(all.values[(origin + step) * 3 + field])
          let point = forecast.fields[field].points[step]
          if value >= point.low && value <= point.high { held[field] += 1 }
        }
        count += 1
      }
    }
    for field in 0..<3 {
      let share = Double(held[field]) / Double(count)
      #expect((0.78...0.985).contains(share), "\(known.fields[field]): \(share)")
    }
  }

  @Test func `the time to a limit is that of the path and of the edges of the intervals`() throws {
    let rows = Self.rows(900)
    let forecaster = try Forecaster(learning: rows, settings: Self.settings(100))
    let forecast = try #require(forecaster.forecast(after: rows))
    let now = 0.5 * 899.0
    let reaching = try #require(forecast.reaching(now + 20, of: "rising"))
    // 40 rows at half a unit each.
    let expected = try #require(reaching.expected)
    #expect(abs(expected - 40 * 60) < 10 * 60, "\(expected)")
    #expect(try #require(reaching.earliest) <= expected)
    #expect(reaching.latest.map { $0 >= expected } ?? true)
    #expect(forecast.reaching(now - 1000, of: "rising")?.expected == nil)
    #expect(forecast.reaching(1, of: "no such field") == nil)
  }

  @Test func `missing values and gaps do no harm; the same rows and seed give the same bits`() throws {
    var rows = Self.rows(600)
    var random = RandomStream(seed: 5)
    for i in rows.values.indices where random.uniform() < 0.1 { rows.values[i] = .nan }
    rows.segmentStarts = [200, 333]
    let first = try Forecaster(learning: rows, settings: Self.settings(10))
    let second = try Forecaster(learning: rows, settings: Self.settings(10))
    let forecast = try #require(first.forecast(after: rows))
    #expect(forecast == second.forecast(after: rows))
    for field in forecast.fields {
      #expect(field.points.allSatisfy { $0.value.isFinite && $0.low.isFinite && $0.high.isFinite })
    }
  }

  @Test func `what cannot be foretold is refused with a reason`() throws {
    let rows = Self.rows(300)
    #expect(throws: Forecaster.Failure.notEnoughRows(have: 100, need: 128)) {
      try Forecaster(learning: rows.rows(0..<100), settings: Self.settings(5))
    }
    #expect(throws: Forecaster.Failure.tooFar(most: 60)) {
      try Forecaster(learning: rows, settings: Self.settings(61))
    }
    var settings = Self.settings(5)
    settings.model = "rbm"
    let refused = #expect(throws: Forecaster.Failure.self) {
      try Forecaster(learning: rows, settings: settings)
    }
    #expect(refused?.description.contains("gru and lstm do") == true)
    // Without time to fit, the simple ways remain, and it is said.
    let hasty = try Forecaster(learning: rows, settings: Self.settings(5)) { true }
    #expect(hasty.lacking != nil)
    #expect(try #require(hasty.forecast(after: rows)).fields.allSatisfy { $0.errors[.model] == nil })
    #expect(try Forecaster.steps(nil, seconds: 600, of: rows) == 10)
    #expect(throws: Forecaster.Failure.tooFar(most: 60)) {
      try Forecaster.steps(nil, seconds: 86400, of: rows)
    }
  }
}
