import Gradients
import Networks
import Tensors

/// `z = W x` with `W = P L (U + diag(sign ⊙ e^s))`: an invertible mixing of the columns whose determinant is `Σ s`. It begins as a random
/// rotation (Kingma & Dhariwal 2018, section 3.2, where the columns are the channels of a picture).
struct LULinear: Bijection {
  private let width: Int
  /// P, fixed.
  private let permutation: Slot
  /// What lies below the diagonal of L, whose diagonal is 1; and above that of U.
  private let lower: Slot
  private let upper: Slot
  private let sign: Slot
  private let logScale: Slot
  private let below: Tensor
  private let above: Tensor

  init(_ name: String, width: Int, in scope: inout ParameterScope) {
    self.width = width
    below = Tensor(Self.entries(width) { $0 > $1 ? 1 : 0 }, shape: [width, width])
    above = Tensor(Self.entries(width) { $0 < $1 ? 1 : 0 }, shape: [width, width])
    (permutation, lower, upper, sign, logScale) = scope.within(name) { scope in
      let rotation = Initializer.orthogonal.values(
        width * width, inputs: width, outputs: width, random: &scope.random)
      let (order, factors) = Self.factors(rotation.map(Double.init), width)
      let diagonal = (0..<width).map { Float(factors[$0 * width + $0]) }
      return (
        scope.statistic(
          "permutation",
          Tensor(Self.entries(width) { order[$1] == $0 ? 1 : 0 }, shape: [width, width])),
        scope.parameter("lower", [width, width]) { _, _ in
          Self.entries(width) { $0 > $1 ? Float(factors[$0 * width + $1]) : 0 }
        },
        scope.parameter("upper", [width, width]) { _, _ in
          Self.entries(width) { $0 < $1 ? Float(factors[$0 * width + $1]) : 0 }
        },
        scope.statistic("sign", Tensor(diagonal.map { $0 < 0 ? -1 : 1 }, shape: [width])),
        scope.parameter("logScale", [width]) { _, _ in VectorMath.log(diagonal.map { max(abs($0), 1e-6) }) }
      )
    }
  }

  private static func entries(_ width: Int, _ entry: (Int, Int) -> Float) -> [Float] {
    (0..<width * width).map { entry($0 / width, $0 % width) }
  }

  /// A matrix as L and U in one (Doolittle, with the largest pivot); row `i` of their product is row `order[i]` of the matrix.
  private static func factors(_ matrix: [Double], _ width: Int) -> (order: [Int], factors: [Double]) {
    var order = Array(0..<width)
    var a = matrix
    for k in 0..<width {
      let pivot = (k..<width).max { abs(a[$0 * width + k]) < abs(a[$1 * width + k]) } ?? k
      if pivot != k {
        order.swapAt(k, pivot)
        for j in 0..<width { a.swapAt(k * width + j, pivot * width + j) }
      }
      for i in k + 1..<max(width, k + 1) {
        let factor = a[i * width + k] / a[k * width + k]
        a[i * width + k] = factor
        for j in k + 1..<width { a[i * width + j] -= factor * a[k * width + j] }
      }
    }
    return (order, a)
  }

  func forward(_ x: Variable, _ given: Condition) -> (z: Variable, logDeterminant: Variable?) {
    let tape = x.tape
    let s = tape[logScale]
    let upper = tape[upper] * tape.input(above)
    let lower = tape[lower] * tape.input(below)
    let scaled = x * (tape[sign] * exp(s)) + matmul(x, upper, transposedB: true)
    let mixed = scaled + matmul(scaled, lower, transposedB: true)
    return (matmul(mixed, tape[permutation], transposedB: true), s.sum(-1, keepingAxes: true))
  }

  /// By the inverses of the factors, computed in double precision from the weights as they are now.
  func inverse(_ z: Variable, _ given: Condition) -> Variable {
    let tape = z.tape
    let (lower, upper) = inverses(tape.parameters)
    let unmixed = matmul(matmul(z, tape[permutation]), tape.input(lower), transposedB: true)
    return matmul(unmixed, tape.input(upper), transposedB: true)
  }

  private func inverses(_ buffer: ParameterBuffer) -> (lower: Tensor, upper: Tensor) {
    let (l, u) = (buffer.view(lower).values, buffer.view(upper).values)
    let scale = zip(buffer.view(sign).values, VectorMath.exp(buffer.view(logScale).values)).map { $0 * $1 }
    var (lower, upper) = (
      [Double](repeating: 0, count: width * width), [Double](repeating: 0, count: width * width)
    )
    for column in 0..<width {
      for i in column..<width {
        var sum = i == column ? 1.0 : 0
        for k in column..<max(i, column) { sum -= Double(l[i * width + k]) * lower[k * width + column] }
        lower[i * width + column] = sum
      }
      for i in (0...column).reversed() {
        var sum = i == column ? 1.0 : 0
        for k in i + 1..<max(column, i) + 1 { sum -= Double(u[i * width + k]) * upper[k * width + column] }
        upper[i * width + column] = sum / Double(scale[i])
      }
    }
    return (
      Tensor(lower.map(Float.init), shape: [width, width]),
      Tensor(upper.map(Float.init), shape: [width, width])
    )
  }
}
