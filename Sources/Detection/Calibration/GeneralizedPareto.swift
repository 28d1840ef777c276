import Glibc

/// The generalised Pareto distribution of what lies beyond a high threshold: P(X > x) = (1 + ξ x / σ)^(−1/ξ).
///
/// Pickands, Annals of Statistics 3 (1975) 119.
struct GeneralizedPareto: Sendable, Equatable {
  /// ξ: 0 is the exponential distribution, larger is heavier; never negative here, so that no p-value is ever 0.
  var shape: Double
  /// σ > 0, in the unit of the excesses.
  var scale: Double

  /// Fits excesses (≥ 0) by probability-weighted moments, Hosking & Wallis, Technometrics 29 (1987) 339, eq. 4 with
  /// ξ = −k; ξ is drawn towards `prior` as if that had been seen in `weight` more excesses (the standard error of ξ from 50
  /// excesses is about 0.17), and kept within `shapes`.
  init(excesses: [Double], prior: Double = 0.05, weight: Double = 50, shapes: ClosedRange<Double> = 0...0.5) {
    let sorted = excesses.sorted()
    let count = Double(sorted.count)
    var mean = 0.0
    var weighted = 0.0
    for (index, excess) in sorted.enumerated() {
      mean += excess
      weighted += excess * (1 - (Double(index) + 0.65) / count)
    }
    mean /= max(count, 1)
    weighted /= max(count, 1)
    let moments = Self.momentShape(mean: mean, weighted: weighted)
    let drawn = (count * moments + weight * prior) / max(count + weight, 1)
    shape = min(max(drawn, shapes.lowerBound), shapes.upperBound)
    // The scale that keeps the mean, σ / (1 − ξ).
    scale = max(mean * (1 - shape), .leastNormalMagnitude)
  }

  init(shape: Double, scale: Double) {
    self.shape = shape
    self.scale = scale
  }

  /// ξ = 2 − a₀ / (a₀ − 2 a₁) from the mean a₀ and the mean a₁ of excesses weighted by their share above.
  static func momentShape(mean: Double, weighted: Double) -> Double {
    let difference = mean - 2 * weighted
    guard difference > 1e-12 * abs(mean) else { return 0 }
    return 2 - mean / difference
  }

  /// ln P(X > x).
  func logTail(_ x: Double) -> Double {
    let scaled = x / scale
    return shape < 1e-6 ? -scaled : -log1p(shape * scaled) / shape
  }

  /// The x with P(X > x) = `tail`.
  func quantile(tail: Double) -> Double {
    shape < 1e-6 ? -scale * log(tail) : scale * expm1(-shape * log(tail)) / shape
  }
}
