import Glibc

/// How a raw score was distributed on rows that the model had not seen: where the thresholds of ``ThresholdTracker``
/// begin.
///
/// Scores are first expressed in tail lengths above the median, u = (score − reference) / unit, so that the same
/// steps suit every model.
struct ScoreCalibration: Sendable, Equatable {
  var reference: Double
  var unit: Double
  /// Of each level, in u; strictly increasing. All above 0, the median, only where scores hardly differ.
  var thresholds: [Float]
  /// ξ of the tail beyond the last level.
  var shape: Float
  /// Two thresholds are at least this many u apart per e-fold of their levels, so that a score which hardly varies
  /// does not alarm by its last digit.
  var leastGap: Float

  /// - Parameters:
  ///   - scores: in stream order, of rows not fitted on.
  ///   - leastUnit: differences much smaller than this mean nothing, in the scores' own unit.
  ///   - leastShape: keeps the order of scores far beyond everything seen within what a p-value can express.
  init(scores: [Float], leastUnit: Double, leastShape: Double = 0.05) {
    let sorted = scores.filter(\.isFinite).sorted()
    guard !sorted.isEmpty else {
      self.init(
        reference: 0, unit: 1, thresholds: (0..<ThresholdTracker.levels).map { -Levels.logs[$0] }, shape: 0.1,
        leastGap: 0.1)
      return
    }
    let count = Double(sorted.count)
    // The tail begins where enough scores are left to fit it: a tenth of them, but 20 when there are that many.
    let share = min(0.5, max(0.1, 20 / count))
    let start = Double(sorted.quantile(1 - share))
    let excesses = sorted.filter { Double($0) > start }.map { Double($0) - start }
    let tail = GeneralizedPareto(excesses: excesses, shapes: leastShape...0.5)
    let middle = Double(sorted.quantile(0.5))
    let unit = max(tail.scale, 0.25 * (start - middle) / log(max(0.5 / share, 2)), leastUnit)
    let fitted = GeneralizedPareto(shape: tail.shape, scale: max(tail.scale, 0.2 * unit))
    let thresholds = (0..<ThresholdTracker.levels).map { index -> Float in
      let level = Double(Levels.alphas[index])
      let score: Double
      if level >= share {
        // One more than the number of scores: the next one may be the largest (as conformal prediction counts).
        score = Double(sorted.quantile(max(0, 1 - level * (count + 1) / count)))
      } else {
        score = start + fitted.quantile(tail: level / share)
      }
      return Float((score - middle) / unit)
    }
    self.init(
      reference: middle, unit: unit, thresholds: thresholds, shape: Float(tail.shape), leastGap: 0.1)
    // Scores that are all the same but for digits that mean nothing, as of a stream that never changes: thresholds among
    // them would tell nothing from nothing, so all stand above them.
    if Double(sorted.quantile(0.95) - sorted.quantile(0.05)) < leastUnit {
      self.thresholds[0] = max(self.thresholds[0], Float(leastUnit / unit))
    }
    order()
  }

  init(reference: Double, unit: Double, thresholds: [Float], shape: Float, leastGap: Float) {
    self.reference = reference
    self.unit = unit
    self.thresholds = thresholds
    self.shape = shape
    self.leastGap = leastGap
  }

  private mutating func order() {
    for index in 1..<thresholds.count {
      let gap = leastGap * (Levels.logs[index - 1] - Levels.logs[index])
      thresholds[index] = max(thresholds[index], thresholds[index - 1] + gap)
    }
  }

  /// u of a raw score.
  func standardized(_ score: Float) -> Float { Float((Double(score) - reference) / unit) }

  /// Thresholds that follow nothing: for comparing models on the same rows.
  func logP(_ score: Float) -> Float {
    ThresholdTracker(self).logP(standardized(score))
  }
}
