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
  /// How many independent scores it is worth.
  var weight: Float
  /// How many times as fast as is best in the long run the thresholds follow.
  var agility: Float

  /// What is assumed of scores beyond those seen.
  enum Tail: Sendable {
    /// Of one detector in an ensemble: almost exponential, so that what is a hundred tail lengths out weighs a hundred times
    /// as much in the mean over detectors. What that is worth as a probability is settled once they are combined.
    case exponential
    /// As heavy as the scores say.
    case fitted
    /// The scores are combined figures (means of −ln p, see ``FigureMemory``). Were all p-values exact, their tail would fall
    /// by e per unit; they follow faster than the others, because what they are made of moves.
    case combined

    var shapes: ClosedRange<Double> {
      switch self {
      case .exponential: 0.01...0.01
      case .fitted: 0.02...0.5
      case .combined: 0.03...0.5
      }
    }
  }

  /// - Parameters:
  ///   - scores: in stream order, of rows not fitted on.
  ///   - leastUnit: differences much smaller than this mean nothing, in the scores' own unit.
  init(scores: [Float], leastUnit: Double, tail law: Tail = .fitted) {
    let isCombined = law == .combined
    let sorted = scores.filter(\.isFinite).sorted()
    guard !sorted.isEmpty else {
      self.init(
        reference: 0, unit: 1, thresholds: (0..<ThresholdTracker.levels).map { -Levels.logs[$0] }, shape: 0.1,
        leastGap: 0.1, weight: 0, agility: 1)
      return
    }
    let count = Double(sorted.count)
    let independent = Self.independentCount(scores)
    // The tail begins where enough scores are left to fit it: a tenth of them, but 20 when there are that many.
    let share = min(0.5, max(0.1, 20 / count))
    let start = Double(sorted.quantile(1 - share))
    // A shape a little above 0 keeps the order of scores far beyond everything seen within what a p-value can express.
    var tail = GeneralizedPareto(
      excesses: sorted.filter { Double($0) > start }.map { Double($0) - start },
      weight: 200,
      shapes: law.shapes)
    let middle = Double(sorted.quantile(0.5))
    let unit = max(tail.scale, 0.25 * (start - middle) / log(max(0.5 / share, 2)), leastUnit)
    tail.scale = max(tail.scale, 0.2 * unit)
    if isCombined {
      // What a few independent rows say about the tail is weighed against what theory says, and taken with caution.
      let seen = share * independent
      tail.scale = (seen * tail.scale + 20) / (seen + 20)
      tail.scale *= 1 + 0.5 / max(seen, 1).squareRoot()
    }
    let thresholds = (0..<ThresholdTracker.levels).map { index -> Float in
      let level = Double(Levels.alphas[index])
      let score: Double
      if level >= share {
        // One more than the number of scores: the next one may be the largest (as conformal prediction counts).
        score = Double(sorted.quantile(max(0, 1 - level * (count + 1) / count)))
      } else {
        score = start + tail.quantile(tail: level / share)
      }
      return Float((score - middle) / unit)
    }
    self.init(
      reference: middle, unit: unit, thresholds: thresholds, shape: Float(tail.shape), leastGap: 0.1,
      weight: Float(independent), agility: isCombined ? 3 : 1)
    // Scores that are all the same but for digits that mean nothing, as of a stream that never changes: thresholds among
    // them would tell nothing from nothing, so all stand above them.
    if Double(sorted.quantile(0.95) - sorted.quantile(0.05)) < leastUnit {
      self.thresholds[0] = max(self.thresholds[0], Float(leastUnit / unit))
    }
    order()
  }

  /// n / τ with τ = 1 + 2 Σ ρ(lag), the autocorrelation ρ of the scores' ranks summed until it first falls below 0.05.
  static func independentCount(_ scores: [Float]) -> Double {
    let finite = scores.filter(\.isFinite)
    let count = finite.count
    guard count > 2 else { return Double(count) }
    let order = finite.indices.sorted { (finite[$0], $0) < (finite[$1], $1) }
    var ranks = [Double](repeating: 0, count: count)
    for (rank, index) in order.enumerated() { ranks[index] = Double(rank) - Double(count - 1) / 2 }
    let variance = ranks.reduce(0) { $0 + $1 * $1 }
    var time = 1.0
    for lag in 1..<max(2, min(count / 3, 512)) {
      var sum = 0.0
      for index in lag..<count { sum += ranks[index] * ranks[index - lag] }
      let correlation = sum / variance
      if correlation < 0.05 { break }
      time += 2 * correlation
    }
    return Double(count) / time
  }

  init(
    reference: Double, unit: Double, thresholds: [Float], shape: Float, leastGap: Float, weight: Float,
    agility: Float
  ) {
    self.reference = reference
    self.unit = unit
    self.thresholds = thresholds
    self.shape = shape
    self.leastGap = leastGap
    self.weight = weight
    self.agility = agility
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
