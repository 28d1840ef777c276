import Generative

/// Finds which fields have a season, and learns it. See ``SeasonalDeviation``.
struct SeasonFinder {
  /// Periods that the rows learned from must span at least.
  static let leastPeriods = 3.0
  /// By which part the distance to the median must become smaller on rows held out.
  static let leastGain: Float = 0.1
  /// A distance counts up to so many spreads.
  private static let bound: Float = 6

  let fields: Int
  let clock: LocalClock
  /// Inputs of rows learned from and held out, of which the levels come first, and their times.
  let fitted: DataMatrix
  let fittedTimes: [Double]
  let heldOut: DataMatrix
  let heldOutTimes: [Double]
  /// Seconds between two rows; 0 when time does not advance.
  let interval: Double

  func find() -> SeasonalDeviation {
    let width = fitted.columns
    guard interval > 0, let first = fittedTimes.first, let last = fittedTimes.last, heldOut.rows > 0 else {
      return SeasonalDeviation(width: width, clock: clock)
    }
    var candidates = [(period: 86_400.0, isCivil: true), (period: 604_800.0, isCivil: true)]
    if let own = ownPeriod(), candidates.allSatisfy({ abs(own / $0.period - 1) > 0.1 }) {
      candidates.append((period: own, isCivil: false))
    }
    let all = Array(0..<fields)
    let without = distances(of: heldOut, heldOutTimes, to: nil)
    var best = [(gain: Float, cycle: Int)](repeating: (Self.leastGain, -1), count: fields)
    var cycles: [SeasonalDeviation.Cycle] = []
    for candidate in candidates
    where last - first >= Self.leastPeriods * candidate.period && candidate.period >= 4 * interval {
      let most = candidate.period > 86_400 * 2 ? 168.0 : 48
      let cycle = learn(
        period: candidate.period, isCivil: candidate.isCivil,
        bins: Int(min(most, (candidate.period / interval).rounded())), fields: all)
      let with = distances(of: heldOut, heldOutTimes, to: cycle)
      for field in all where without[field] > 0 {
        let gain = 1 - with[field] / without[field]
        if gain > best[field].gain { best[field] = (gain, cycles.count) }
      }
      cycles.append(cycle)
    }
    return SeasonalDeviation(
      width: width, clock: clock,
      cycles: cycles.indices.compactMap { index in
        let own = all.filter { best[$0].cycle == index }
        return own.isEmpty ? nil : cycles[index].restricted(to: own)
      })
  }

  /// Medians of the phases; the spread is the usual distance to them on the same rows.
  private func learn(
    period: Double, isCivil: Bool, bins: Int, fields: [Int]
  ) -> SeasonalDeviation.Cycle {
    var cycle = SeasonalDeviation.Cycle(
      period: period, isCivil: isCivil, bins: max(bins, 1), fields: fields, medians: [], spreads: [])
    var rows = [[Int]](repeating: [], count: cycle.bins)
    for (row, time) in fittedTimes.enumerated() {
      let place = cycle.place(time, clock)
      rows[place.share < 0.5 ? place.bin : place.next].append(row)
    }
    cycle.medians = Array(repeating: 0, count: cycle.bins * fields.count)
    for (index, field) in fields.enumerated() {
      let medians = rows.map { rows -> Float? in
        let levels = rows.filter { isObserved($0, field) }.map { fitted.values[$0 * fitted.columns + field] }
        return levels.isEmpty ? nil : levels.sorted().quantile(0.5)
      }
      // A phase without rows takes what was known last before it, also across the end.
      var known = medians.last { $0 != nil } ?? nil
      for bin in medians.indices {
        known = medians[bin] ?? known
        cycle.medians[bin * fields.count + index] = known ?? 0
      }
    }
    cycle.spreads = Array(repeating: 1, count: fields.count)
    let left = residuals(of: fitted, fittedTimes, to: cycle)
    cycle.spreads = left.map { residuals in
      guard !residuals.isEmpty else { return 1 }
      let squares = residuals.reduce(0.0) { $0 + Double($1 * $1) }
      return max(
        1.4826 * residuals.sorted().quantile(0.5),
        0.25 * Float((squares / Double(residuals.count)).squareRoot()), 0.05)
    }
    return cycle
  }

  /// Per field the mean bounded distance of levels to a cycle, or to 0.
  private func distances(
    of data: DataMatrix, _ times: [Double], to cycle: SeasonalDeviation.Cycle?
  ) -> [Float] {
    residuals(of: data, times, to: cycle).map { residuals in
      residuals.isEmpty ? 0 : residuals.reduce(0) { $0 + min($1, Self.bound) } / Float(residuals.count)
    }
  }

  /// Per field the distances of the observed levels.
  private func residuals(
    of data: DataMatrix, _ times: [Double], to cycle: SeasonalDeviation.Cycle?
  ) -> [[Float]] {
    var found = [[Float]](repeating: [], count: fields)
    for row in 0..<data.rows {
      let place = cycle?.place(times[row], clock)
      for field in 0..<fields {
        let index = row * data.columns + field
        if let mask = data.mask, mask[index] == 0 { continue }
        var expected: Float = 0
        if let cycle, let place {
          let low = cycle.medians[place.bin * fields + field]
          expected = low + place.share * (cycle.medians[place.next * fields + field] - low)
        }
        found[field].append(abs(data.values[index] - expected))
      }
    }
    return found
  }

  private func isObserved(_ row: Int, _ field: Int) -> Bool {
    fitted.mask.map { $0[row * fitted.columns + field] != 0 } ?? true
  }

  /// The period at which the levels resemble themselves most, seconds: the highest peak of their autocorrelation, averaged over
  /// fields, that is at least 0.3; of several nearly as high the first.
  private func ownPeriod() -> Double? {
    let rows = min(fitted.rows, 2048)
    let first = fitted.rows - rows
    let most = rows / 3
    guard most > 8 else { return nil }
    var sums = [Float](repeating: 0, count: most + 1)
    var used: Float = 0
    for field in stride(from: 0, to: fields, by: max(1, fields / 16)) {
      var levels = (0..<rows).map { fitted.values[(first + $0) * fitted.columns + field] }
      let mean = levels.reduce(0, +) / Float(rows)
      for row in levels.indices { levels[row] -= mean }
      let own = levels.reduce(0) { $0 + $1 * $1 }
      guard own > 1e-3 * Float(rows) else { continue }
      for lag in 1...most {
        var sum: Float = 0
        for row in lag..<rows { sum += levels[row] * levels[row - lag] }
        sums[lag] += sum / own * Float(rows) / Float(rows - lag)
      }
      used += 1
    }
    guard used > 0 else { return nil }
    let peaks = (4..<most).filter { sums[$0] > sums[$0 - 1] && sums[$0] >= sums[$0 + 1] }
    guard let highest = peaks.map({ sums[$0] }).max(), highest >= 0.3 * used else { return nil }
    return peaks.first { sums[$0] >= 0.9 * highest }.map { Double($0) * interval }
  }
}

extension SeasonalDeviation.Cycle {
  /// The same for some of its fields, which were all.
  fileprivate func restricted(to own: [Int]) -> SeasonalDeviation.Cycle {
    var part = self
    part.fields = own
    part.medians = (0..<bins).flatMap { bin in own.map { medians[bin * fields.count + $0] } }
    part.spreads = own.map { spreads[$0] }
    return part
  }
}
