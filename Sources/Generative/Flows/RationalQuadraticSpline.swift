import Gradients
import Tensors

/// A monotonic spline of quotients of quadratic polynomials between -tail and tail, and the identity beyond (Durkan et al. 2019,
/// section 3.1). Each bin has a width, a height and slopes at its ends; the outermost slopes are 1, so that the tails go on smoothly.
struct RationalQuadraticSpline: ElementMap {
  let bins: Int
  let tail: Float

  /// The least width or height of a bin as a share of all, and the least slope at a knot.
  static let leastShare: Float = 1e-3
  static let leastSlope: Float = 1e-3
  /// Makes 0 choose the slope 1: `log(e^(1 - leastSlope) - 1)`.
  private static let offset: Float = 0.5397424

  /// Widths, heights and the slopes between bins.
  var parameters: Int { 3 * bins - 1 }

  /// The bin that a number lies in, `[rows, columns]` each.
  private struct Bin {
    let left: Variable
    let width: Variable
    let bottom: Variable
    let height: Variable
    let slopes: (left: Variable, right: Variable)
    /// `s`, the mean slope.
    var slope: Variable { height / width }
  }

  /// Bins as shares of the whole interval.
  private func extents(_ logits: Variable) -> Variable {
    let free = 1 - Self.leastShare * Float(bins)
    return (softmax(logits) * free + Self.leastShare) * (2 * tail)
  }

  /// The bin of `v`, a number within the tails: found along x by widths, along z by heights.
  private func bin(of v: Variable, _ choice: Variable, alongHeights: Bool) -> Bin {
    let tape = v.tape
    let widths = extents(choice[-1, 0..<bins])
    let heights = extents(choice[-1, bins..<2 * bins])
    let inner = softplus(choice[-1, 2 * bins..<3 * bins - 1] + Self.offset) + Self.leastSlope
    let edge = tape.input(Tensor(repeating: 1, shape: v.shape.inserting(1, at: v.shape.rank)))
    let slopes = concatenate([edge, inner, edge], axis: -1)

    // Knots left of v have been passed; v is in the bin whose left knot is passed and whose right one is not.
    let knots = cumulativeSum((alongHeights ? heights : widths).withoutGradient())[-1, 0..<bins - 1] - tail
    let passed = greater(v.inserting(v.shape.rank), knots)
    let isHere = concatenate([edge, passed], axis: -1) - concatenate([passed, edge * 0], axis: -1)
    func start(_ extents: Variable) -> Variable { (extents[-1, 0..<bins - 1] * passed).sum(-1) - tail }
    func here(_ values: Variable) -> Variable { (values * isHere).sum(-1) }
    return Bin(
      left: start(widths), width: here(widths), bottom: start(heights), height: here(heights),
      slopes: (here(slopes[-1, 0..<bins]), here(slopes[-1, 1..<bins + 1])))
  }

  /// 1 where a number lies between the tails.
  private func inside(_ x: Variable) -> Variable { greater(x.tape.input(.scalar(tail)), abs(x)) }

  /// Equations 4 and 5.
  func forward(_ x: Variable, _ choice: Variable) -> (z: Variable, logSlope: Variable?) {
    let within = clamp(x, from: -tail, to: tail)
    let bin = bin(of: within, choice, alongHeights: false)
    let xi = (within - bin.left) / bin.width
    let product = xi * (1 - xi)
    let s = bin.slope
    let denominator = s + (bin.slopes.left + bin.slopes.right - s * 2) * product
    let z = bin.bottom + bin.height * (s * xi.squared() + bin.slopes.left * product) / denominator
    let numerator = bin.slopes.right * xi.squared() + s * product * 2 + bin.slopes.left * (1 - xi).squared()
    let logSlope = log(s) * 2 + log(numerator) - log(denominator) * 2
    let isInside = inside(x)
    return (select(isInside, z, x), logSlope * isInside)
  }

  /// Equations 6 to 8: the root of a quadratic that lies in the bin.
  func inverse(_ z: Variable, _ choice: Variable) -> Variable {
    let within = clamp(z, from: -tail, to: tail)
    let bin = bin(of: within, choice, alongHeights: true)
    let rise = within - bin.bottom
    let s = bin.slope
    let bend = rise * (bin.slopes.left + bin.slopes.right - s * 2)
    let a = bin.height * (s - bin.slopes.left) + bend
    let b = bin.height * bin.slopes.left - bend
    let c = -s * rise
    let root = sqrt(relu(b.squared() - a * c * 4) + 1e-12)
    let x = bin.left + (c * 2) / (-b - root) * bin.width
    return select(inside(z), x, z)
  }
}
