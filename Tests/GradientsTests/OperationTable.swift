import Gradients
import Tensors
import Testing

/// A function of some tensors to a variable of any shape: one row of the table of everything that is differentiated.
struct OperationCase: Sendable, CustomTestStringConvertible {
  enum Domain: Sendable {
    case real
    /// At least one half (logarithms, reciprocals, away from corners).
    case positive
    /// Apart from each other by more than a difference quotient's step (maxima).
    case distinct
  }
  let name: String
  let shapes: [Shape]
  var domain = Domain.real
  var secondOrder = true
  let function: @Sendable ([Variable]) -> Variable
  var testDescription: String { name }

  init(
    _ name: String, _ shapes: Shape..., domain: Domain = .real, secondOrder: Bool = true,
    _ function: @escaping @Sendable ([Variable]) -> Variable
  ) {
    self.name = name
    self.shapes = shapes
    self.domain = domain
    self.secondOrder = secondOrder
    self.function = function
  }

  var inputs: [Tensor] {
    var random = RandomStream(seed: 7)
    return shapes.map { shape in
      let values: [Float] =
        switch domain {
        case .real: random.normals(shape.size).map { 0.7 * $0 }
        case .positive: random.normals(shape.size).map { 0.5 + abs($0) }
        case .distinct: random.permutation(shape.size).map { 0.3 * Float($0) - 0.1 * Float(shape.size) }
        }
      return Tensor(values, shape: shape)
    }
  }

  static let all =
    arithmetic + functions + reductions + looks + products + rows + layers + convolutions
    + recurrences + checkpoints

  static let arithmetic = [
    OperationCase("add", [2, 3], [2, 3]) { $0[0] + $0[1] },
    OperationCase("add, spread", [2, 1, 3], [4, 1]) { $0[0] + $0[1] },
    OperationCase("subtract", [2, 3], [3]) { $0[0] - $0[1] },
    OperationCase("multiply", [2, 3], [2, 3]) { $0[0] * $0[1] },
    OperationCase("multiply, spread", [2, 3], [2, 1]) { $0[0] * $0[1] },
    OperationCase("multiply by itself", [4]) { $0[0] * $0[0] },
    OperationCase("divide", [2, 3], [3], domain: .positive) { $0[0] / $0[1] },
    OperationCase("affine", [5]) { 3 - $0[0] * 2 },
    OperationCase("scalar over", [5], domain: .positive) { 2 / $0[0] },
    OperationCase("maximum", [2, 3], [2, 3], domain: .distinct) { maximum($0[0], $0[1] + 0.15) },
    OperationCase("minimum", [2, 3], [2, 3], domain: .distinct) { minimum($0[0], $0[1] + 0.15) },
    OperationCase("select", [2, 3], [2, 3]) {
      select($0[0].tape.input(Tensor([1, 0, 1, 0, 0, 1], shape: [2, 3])), $0[0], $0[1].squared())
    },
  ]

  static let functions = [
    OperationCase("square", [5]) { $0[0].squared() },
    OperationCase("reciprocal", [5], domain: .positive) { reciprocal($0[0]) },
    OperationCase("square root", [5], domain: .positive) { sqrt($0[0]) },
    OperationCase("tanh", [2, 3]) { tanh($0[0]) },
    OperationCase("sigmoid", [2, 3]) { sigmoid($0[0]) },
    OperationCase("softplus", [2, 3]) { softplus($0[0]) },
    OperationCase("exp", [2, 3]) { exp($0[0]) },
    OperationCase("log", [2, 3], domain: .positive) { log($0[0]) },
    OperationCase("silu", [2, 3]) { silu($0[0]) },
    OperationCase("gelu", [2, 3]) { gelu($0[0]) },
    OperationCase("erf", [2, 3]) { erf($0[0]) },
    OperationCase("sine and cosine", [2, 3]) { sin($0[0]) * cos($0[0]) },
    // Away from its corner, where a difference quotient means nothing.
    OperationCase("relu above", [4], domain: .positive) { relu($0[0]) },
    OperationCase("relu below", [4], domain: .positive) { relu(-$0[0]) },
    OperationCase("leaky relu", [4], domain: .positive) { leakyReLU(-$0[0], slope: 0.2) },
    OperationCase("abs", [4], domain: .positive) { abs(-$0[0]) },
    OperationCase("clamp", [4], domain: .positive) { clamp($0[0], from: 0, to: 9) },
    OperationCase("a function of a transposed view", [2, 3]) { tanh($0[0].transposed()) },
  ]

  static let reductions = [
    OperationCase("sum", [3, 2]) { $0[0].sum() },
    OperationCase("sum of columns", [3, 2]) { $0[0].sum(0) },
    OperationCase("sum of rows", [3, 2]) { $0[0].sum(-1) },
    OperationCase("sum over two axes", [3, 2, 4]) { $0[0].sum(0, 2, keepingAxes: true) },
    OperationCase("mean", [3, 2]) { $0[0].mean() },
    OperationCase("mean of rows", [3, 2]) { $0[0].mean(1) },
    OperationCase("variance", [3, 4]) { $0[0].variance(-1) },
    OperationCase("largest", [3, 4], domain: .distinct) { $0[0].max(-1) },
    OperationCase("largest of columns", [3, 4], domain: .distinct) { $0[0].max(0, keepingAxes: true) },
  ]

  static let looks = [
    OperationCase("transposed", [2, 3]) { $0[0].transposed() },
    OperationCase("reshaped", [2, 3]) { $0[0].reshaped([3, 2]) },
    OperationCase("reshaped after a transpose", [2, 3]) { $0[0].transposed().reshaped([6]) },
    OperationCase("expanded", [2, 1]) { $0[0].expanded(to: [3, 2, 4]) },
    OperationCase("sliced", [4, 3]) { $0[0].sliced(0, from: 1, count: 2, stride: 2) },
    OperationCase("split and joined", [2, 4]) {
      let parts = $0[0].split(1, into: 2)
      return concatenate([parts[1] * parts[0], parts[0]], axis: 1)
    },
    OperationCase("a slice and the whole", [4]) { $0[0] * $0[0].sum() + $0[0][0, 1..<2] },
    OperationCase("concatenate", [2, 3], [2, 2]) { concatenate([$0[0], $0[1]], axis: 1) },
    OperationCase("without gradient", [3]) { $0[0] + ($0[0].withoutGradient() - $0[0].withoutGradient()) },
  ]

  static let products = [
    OperationCase("product", [2, 3], [3, 4]) { matmul($0[0], $0[1]) },
    OperationCase("product, first transposed", [3, 2], [3, 4]) { matmul($0[0], $0[1], transposedA: true) },
    OperationCase("product, second transposed", [2, 3], [4, 3]) { matmul($0[0], $0[1], transposedB: true) },
    OperationCase("product, both transposed", [3, 2], [4, 3]) {
      matmul($0[0], $0[1], transposedA: true, transposedB: true)
    },
    OperationCase("stack by a matrix", [2, 2, 3], [3, 4]) { matmul($0[0], $0[1]) },
    OperationCase("stack by stack", [2, 2, 3], [2, 3, 2]) { matmul($0[0], $0[1]) },
    OperationCase("stack by spread stack", [2, 1, 2, 3], [3, 4, 3]) {
      matmul($0[0], $0[1], transposedB: true)
    },
    OperationCase("a layer", [2, 3], [3, 4], [4]) { tanh(matmul($0[0], $0[1]) + $0[2]) },
  ]
}
