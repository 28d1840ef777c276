/// Tries out every way to foretell on the held-out rows: how far each is off, and how far the best one may be off.
struct Judge {
  private let settings: Forecaster.Settings
  private let track: SequenceTrack
  private let rows: LinedRows
  /// Rows of the held-out part after which forecasts are tried, ascending.
  private let origins: [Int]
  /// `origins × horizon × fields`; empty without a model.
  private let means: [Float]

  private static let mostOrigins = 256
  /// Numbers that are foretold in all, at most (but always after a few dozen rows).
  private static let mostNumbers = 6_000_000

  init(_ settings: Forecaster.Settings, _ track: SequenceTrack, _ rows: LinedRows, fitted: Int) {
    self.settings = settings
    self.track = track
    self.rows = rows
    let horizon = settings.horizon
    let most = max(40, min(Self.mostOrigins, Self.mostNumbers / (horizon * rows.fields)))
    let all = Array(fitted..<rows.count - horizon)
    let count = min(most, all.count)
    origins = (0..<count).map { all[$0 * all.count / count] }
    means = track.foretell(rows, after: origins, horizon: horizon)
  }

  func fields() -> [Forecaster.Judged] { (0..<rows.fields).map { field($0) } }

  private func field(_ field: Int) -> Forecaster.Judged {
    var methods: [Forecast.Method] = [.last, .trend]
    if track.seasons[field] != nil { methods.append(.seasonal) }
    if !means.isEmpty { methods.append(.model) }
    var errors: [Forecast.Method: Double] = [:]
    var best: (method: Forecast.Method, misses: [Float])?
    for method in methods {
      let misses = misses(method, field)
      let mean = misses.reduce(0) { $0 + Double(abs($1)) } / Double(misses.count)
      errors[method] = mean
      // Of two that are alike the simpler one.
      if best.map({ mean < 0.999 * (errors[$0.method] ?? 0) }) ?? true { best = (method, misses) }
    }
    let misses = best?.misses ?? []
    let horizon = settings.horizon
    let all = limits(misses, 0..<origins.count)
    var judged = Forecaster.Judged(
      method: best?.method ?? .last, errors: errors, covered: nil, low: all.low, high: all.high)
    let half = origins.count / 2
    // At the time of a later forecast all that the earlier half foretold has come.
    let later = (half..<origins.count).filter { half > 0 && origins[$0] >= origins[half - 1] + horizon }
    if half >= 20 && later.count >= 20 {
      let earlier = limits(misses, 0..<half)
      var held = 0
      for origin in later {
        for step in 0..<horizon {
          let miss = misses[origin * horizon + step]
          if miss >= earlier.low[step] && miss <= earlier.high[step] { held += 1 }
        }
      }
      judged.covered = Double(held) / Double(later.count * horizon)
    }
    return judged
  }

  /// Value less forecast: `origins × horizon`.
  private func misses(_ method: Forecast.Method, _ field: Int) -> [Float] {
    let horizon = settings.horizon
    var misses: [Float] = []
    misses.reserveCapacity(origins.count * horizon)
    for (index, origin) in origins.enumerated() {
      for step in 1...horizon {
        let forecast =
          method == .model
          ? means[(index * horizon + step - 1) * rows.fields + field]
          : track.baseline(method, rows, field, after: origin, step: step)
        misses.append(rows.value(origin + step, field) - forecast)
      }
    }
    return misses
  }

  /// Per step, between which misses the share `coverage` lies: of n of them the `⌈(n + 1) q⌉`-th, or the outermost.
  private func limits(_ misses: [Float], _ range: Range<Int>) -> (low: [Float], high: [Float]) {
    let horizon = settings.horizon
    let tail = (1 - settings.coverage) / 2
    var (low, high): ([Float], [Float]) = ([], [])
    for step in 0..<horizon {
      let sorted = range.map { misses[$0 * horizon + step] }.sorted()
      let rank = Int((Double(sorted.count + 1) * (1 - tail)).rounded(.up))
      let upper = min(rank, sorted.count) - 1
      // What is foretold lies within, however one-sided its misses were.
      high.append(max(0, sorted[upper]))
      low.append(min(0, sorted[sorted.count - 1 - upper]))
    }
    return (low, high)
  }
}
