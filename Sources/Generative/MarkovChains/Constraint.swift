import Glibc

/// Where a coordinate may lie, and the smooth map onto it from the whole line, on which chains move.
public enum Constraint: Sendable, Equatable {
  case unconstrained
  /// `x = low + e^q`
  case above(Double)
  /// `x = low + (high - low) σ(q)`
  case between(Double, Double)

  public static let positive = Constraint.above(0)

  /// What the map does at one place of the line.
  struct Image {
    var value: Double
    /// `dx/dq`
    var slope: Double
    /// `log |dx/dq|`, which the log density of `q` has more than that of `x`.
    var logSlope: Double
    /// Its derivative by `q`.
    var logSlopeDerivative: Double
  }

  @inline(__always) func image(_ q: Double) -> Image {
    switch self {
    case .unconstrained: return Image(value: q, slope: 1, logSlope: 0, logSlopeDerivative: 0)
    case .above(let low):
      let x = exp(q)
      return Image(value: low + x, slope: x, logSlope: q, logSlopeDerivative: 1)
    case .between(let low, let high):
      let s = 1 / (1 + exp(-q))
      let size = abs(q)
      // log σ(q) + log σ(-q), without cancellation far out.
      let logProduct = -size - 2 * log1p(exp(-size))
      return Image(
        value: low + (high - low) * s, slope: (high - low) * s * (1 - s),
        logSlope: log(high - low) + logProduct, logSlopeDerivative: 1 - 2 * s)
    }
  }

  /// The place on the line that is mapped to `x`; not finite where `x` is outside.
  func preimage(_ x: Double) -> Double {
    switch self {
    case .unconstrained: x
    case .above(let low): log(x - low)
    case .between(let low, let high): log((x - low) / (high - x))
    }
  }
}
