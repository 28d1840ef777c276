import Gradients
import Tensors

/// An increasing map of single numbers, chosen by numbers that a conditioner gives.
protocol ElementMap: Sendable {
  /// How many numbers choose the map of one column.
  var parameters: Int { get }
  /// x `[rows, columns]` and choices `[rows, columns, parameters]` to z and `log ∂z/∂x`, both `[rows, columns]`; nil where that is 0.
  func forward(_ x: Variable, _ choice: Variable) -> (z: Variable, logSlope: Variable?)
  func inverse(_ z: Variable, _ choice: Variable) -> Variable
}

extension Variable {
  /// The `i`-th of the numbers that choose a map, `[rows, columns]`.
  fileprivate func choice(_ i: Int) -> Variable {
    self[-1, i..<i + 1].reshaped([shape[0], shape[1]])
  }
}

/// `z = x + t` (Dinh et al. 2014, equation 8).
struct Shift: ElementMap {
  var parameters: Int { 1 }
  func forward(_ x: Variable, _ choice: Variable) -> (z: Variable, logSlope: Variable?) {
    (x + choice.choice(0), nil)
  }
  func inverse(_ z: Variable, _ choice: Variable) -> Variable { z - choice.choice(0) }
}

/// `z = x e^s + t` (Dinh et al. 2017, equation 5), with s between -bound and bound.
struct ScaleAndShift: ElementMap {
  let bound: Float
  var parameters: Int { 2 }
  func forward(_ x: Variable, _ choice: Variable) -> (z: Variable, logSlope: Variable?) {
    let s = bounded(choice.choice(0), by: bound)
    return (x * exp(s) + choice.choice(1), s)
  }
  func inverse(_ z: Variable, _ choice: Variable) -> Variable {
    (z - choice.choice(1)) * exp(-bounded(choice.choice(0), by: bound))
  }
}

/// `z = (x - μ) e^-α` (Papamakarios et al. 2017, equation 4): what `x = z e^α + μ` is the inverse of; α between -bound and bound.
struct Standardisation: ElementMap {
  let bound: Float
  var parameters: Int { 2 }
  func forward(_ x: Variable, _ choice: Variable) -> (z: Variable, logSlope: Variable?) {
    let alpha = bounded(choice.choice(1), by: bound)
    return ((x - choice.choice(0)) * exp(-alpha), -alpha)
  }
  func inverse(_ z: Variable, _ choice: Variable) -> Variable {
    z * exp(bounded(choice.choice(1), by: bound)) + choice.choice(0)
  }
}
