import Gradients
import Networks
import Tensors

/// Levels of brightness, or bits, as numbers without gaps or ends: uniform noise within the width of a level, then
/// `y = logit(λ + (1 - 2λ) v)` (Dinh et al. 2017, section 4.1; Papamakarios et al. 2017, appendix). The mean of the log density over the
/// noise is a lower bound of the log-probability of the levels (Theis et al. 2016).
struct Dequantisation: Sendable {
  /// Different values of a number, spread evenly from 0 to 1.
  let levels: Int
  static let margin: Float = 0.01

  /// Nil for real numbers.
  init?(_ support: Support) {
    switch support {
    case .real: return nil
    case .unit: levels = 256
    case .binary: levels = 2
    }
  }

  /// x `[rows, width]` from 0 to 1 to y, and `log |det ∂y/∂x|`, `[rows]`.
  ///
  /// - Parameter noise: where within its level each number lies, from 0 to 1; its middle when nil.
  func forward(_ x: Variable, noise: Variable? = nil) -> (y: Variable, logDeterminant: Variable) {
    let free = 1 - 2 * Self.margin
    let slope = free * Float(levels - 1) / Float(levels)
    let place =
      noise.map { x * slope + $0 * (free / Float(levels)) } ?? (x * slope + free / Float(2 * levels))
    let p = clamp(place + Self.margin, from: 1e-4, to: 1 - 1e-4)
    let (rising, falling) = (log(p), log(1 - p))
    let constant = VectorMath.log([slope])[0] * Float(x.shape[1])
    return (rising - falling, -(rising + falling).sum(-1) + constant)
  }

  /// Numbers from 0 to 1, whose nearest levels are those that y lies in.
  func inverse(_ y: Variable) -> Variable {
    let place = (sigmoid(y) - Self.margin) * (1 / (1 - 2 * Self.margin))
    let x = (place * Float(levels) - 0.5) * (1 / Float(levels - 1))
    return clamp(x, from: 0, to: 1)
  }

  /// What the log density of x lacks to be the log-probability of its levels.
  func logVolume(width: Int) -> Float { -VectorMath.log([Float(levels - 1)])[0] * Float(width) }

  func nearestLevels(_ x: [Float]) -> [Float] {
    let steps = Float(levels - 1)
    return x.map { ($0 * steps).rounded() / steps }
  }
}
