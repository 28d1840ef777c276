/// After how many rows a field comes round again, and what it then is.
///
/// The period is where the autocorrelation has its first high peak (a peak within a tenth of the highest); the profile is the
/// median of each phase, smoothed over a fiftieth of the period.
struct Season: Sendable, Equatable {
  /// Rows.
  let period: Int
  /// The usual value by phase.
  let profile: [Float]

  /// A period must have come round so often to be believed.
  static let leastRounds = 3
  /// Autocorrelation below which a peak is nothing.
  private static let leastPeak = 0.3
  private static let shortest = 4

  init(period: Int, profile: [Float]) {
    self.period = period
    self.profile = profile
  }

  /// nil when there is none.
  ///
  /// - Parameters:
  ///   - values: nothing missing.
  ///   - phases: of each value, the number of its row on an even grid of time.
  init?(of values: [Float], phases: [Int]) {
    guard let period = Self.period(of: values) else { return nil }
    var byPhase = [[Float]](repeating: [], count: period)
    for (value, phase) in zip(values, phases) { byPhase[Self.wrapped(phase, period)].append(value) }
    let middle = values.sorted().quantile(0.5)
    let medians = byPhase.map { $0.isEmpty ? middle : $0.sorted().quantile(0.5) }
    let reach = period / 100
    self.period = period
    profile = medians.indices.map { phase in
      let near = (-reach...reach).map { medians[Self.wrapped(phase + $0, period)] }
      return near.reduce(0, +) / Float(near.count)
    }
  }

  func value(at phase: Int) -> Float { profile[Self.wrapped(phase, period)] }

  private static func wrapped(_ phase: Int, _ period: Int) -> Int {
    let rest = phase % period
    return rest < 0 ? rest + period : rest
  }

  /// Rows between two peaks of the autocorrelation; nil when there is no clear one.
  static func period(of values: [Float]) -> Int? {
    let newest = Array(values.suffix(4096))
    let longest = newest.count / leastRounds
    guard longest > 2 * shortest else { return nil }
    let mean = newest.reduce(0) { $0 + Double($1) } / Double(newest.count)
    let centred = newest.map { Float(Double($0) - mean) }
    let power = dot(centred, lag: 0) / Float(centred.count)
    guard power > 1e-12 else { return nil }
    // Per pair, so that long lags are not held to be weak because there are few pairs.
    let correlation = (0...longest).map { lag in
      Double(dot(centred, lag: lag) / Float(centred.count - lag) / power)
    }
    // Only what comes back after having been away is a season; a slow wander is not.
    var lowest = 1.0
    var peaks: [(lag: Int, height: Double)] = []
    for lag in 1..<longest {
      lowest = min(lowest, correlation[lag])
      guard lag >= shortest, correlation[lag] >= leastPeak, correlation[lag] - lowest >= 0.25 else {
        continue
      }
      let reach = max(1, lag / 8)
      let around = correlation[max(1, lag - reach)...min(longest, lag + reach)]
      if correlation[lag] >= (around.max() ?? 0) { peaks.append((lag, correlation[lag])) }
    }
    let highest = peaks.map(\.height).max() ?? 0
    return peaks.first { $0.height >= 0.9 * highest }?.lag
  }

  private static func dot(_ values: [Float], lag: Int) -> Float {
    let span = values.span
    var sums = SIMD4<Float>.zero
    var index = 0
    let count = values.count - lag
    while index + 4 <= count {
      let a = SIMD4(span[index], span[index + 1], span[index + 2], span[index + 3])
      let b = SIMD4(
        span[index + lag], span[index + lag + 1], span[index + lag + 2], span[index + lag + 3])
      sums += a * b
      index += 4
    }
    var sum = sums.sum()
    while index < count {
      sum += span[index] * span[index + lag]
      index += 1
    }
    return sum
  }
}
