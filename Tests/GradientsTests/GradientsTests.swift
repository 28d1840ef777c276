import Gradients
import Tensors
import Testing

/// A function of some tensors to a variable of any shape, on the tape.
struct OperationCase: Sendable, CustomTestStringConvertible {
  let name: String
  let shapes: [[Int]]
  /// Inputs are kept above zero (for logarithms and reciprocals).
  var positive = false
  let function: @Sendable (inout Tape, [Variable]) -> Variable
  var testDescription: String { name }

  static let all: [OperationCase] = [
    OperationCase(name: "add", shapes: [[2, 3], [2, 3]]) { $0.add($1[0], $1[1]) },
    OperationCase(name: "subtract", shapes: [[2, 3], [2, 3]]) { $0.subtract($1[0], $1[1]) },
    OperationCase(name: "multiply", shapes: [[2, 3], [2, 3]]) { $0.multiply($1[0], $1[1]) },
    OperationCase(name: "multiply by itself", shapes: [[4]]) { $0.multiply($1[0], $1[0]) },
    OperationCase(name: "scale", shapes: [[5]]) { $0.scale($1[0], by: -1.5) },
    OperationCase(name: "affine", shapes: [[5]]) { $0.affine($1[0], factor: 2, offset: 3) },
    OperationCase(name: "reciprocal", shapes: [[5]], positive: true) { $0.reciprocal($1[0]) },
    OperationCase(name: "tanh", shapes: [[2, 3]]) { $0.tanh($1[0]) },
    OperationCase(name: "sigmoid", shapes: [[2, 3]]) { $0.sigmoid($1[0]) },
    OperationCase(name: "softplus", shapes: [[2, 3]]) { $0.softplus($1[0]) },
    OperationCase(name: "exp", shapes: [[2, 3]]) { $0.exp($1[0]) },
    OperationCase(name: "log", shapes: [[2, 3]], positive: true) { $0.log($1[0]) },
    // Away from its corner, where a difference quotient means nothing.
    OperationCase(name: "relu above", shapes: [[4]], positive: true) { $0.relu($1[0]) },
    OperationCase(name: "relu below", shapes: [[4]], positive: true) { tape, x in
      tape.relu(tape.scale(x[0], by: -1))
    },
    OperationCase(name: "product", shapes: [[2, 3], [3, 4]]) { $0.product($1[0], $1[1]) },
    OperationCase(name: "product, first transposed", shapes: [[3, 2], [3, 4]]) {
      $0.product($1[0], $1[1], transposed: true)
    },
    OperationCase(name: "product, second transposed", shapes: [[2, 3], [4, 3]]) {
      $0.product($1[0], $1[1], otherTransposed: true)
    },
    OperationCase(name: "product, both transposed", shapes: [[3, 2], [4, 3]]) {
      $0.product($1[0], $1[1], transposed: true, otherTransposed: true)
    },
    OperationCase(name: "add bias", shapes: [[3, 2], [2]]) { $0.addBias($1[0], $1[1]) },
    OperationCase(name: "column sums", shapes: [[3, 2]]) { $0.columnSums($1[0]) },
    OperationCase(name: "sum", shapes: [[3, 2]]) { $0.sum($1[0]) },
    OperationCase(name: "mean", shapes: [[3, 2]]) { $0.mean($1[0]) },
    OperationCase(name: "squared error", shapes: [[2, 3], [2, 3]]) { $0.maskedSquaredError($1[0], $1[1]) },
    OperationCase(name: "masked squared error", shapes: [[2, 3], [2, 3]]) {
      $0.maskedSquaredError($1[0], $1[1], mask: Tensor([1, 0, 1, 1, 1, 0], shape: [2, 3]))
    },
    OperationCase(name: "a layer", shapes: [[2, 3], [3, 4], [4]]) { tape, x in
      tape.tanh(tape.addBias(tape.product(x[0], x[1]), x[2]))
    },
  ]
}

struct GradientsTests {
  /// `Σ weights · tanh-bent f(x)`: one number, with a second derivative even where f is linear.
  static func objective(_ test: OperationCase, _ x: [Tensor], on tape: inout Tape) -> (Variable, [Variable]) {
    let inputs = x.map { tape.variable($0) }
    let output = test.function(&tape, inputs)
    var random = RandomStream(seed: 99)
    let weights = tape.variable(Tensor(random.normals(tape[output].count), shape: tape[output].shape))
    let bent = tape.tanh(tape.scale(output, by: 0.3))
    return (tape.sum(tape.multiply(bent, weights)), inputs)
  }

  static func inputs(_ test: OperationCase) -> [Tensor] {
    var random = RandomStream(seed: 7)
    return test.shapes.map { shape in
      Tensor(
        random.normals(shape.reduce(1, *)).map { test.positive ? 0.5 + abs($0) : 0.7 * $0 }, shape: shape)
    }
  }

  /// Central differences of a function of the inputs, fourth order: the error is far below single precision's noise.
  static func differences(_ x: [Tensor], _ f: ([Tensor]) -> Float) -> [[Float]] {
    let h: Float = 0.03
    return x.indices.map { which in
      x[which].values.indices.map { i in
        func at(_ step: Float) -> Double {
          var moved = x
          moved[which].values[i] += step
          return Double(f(moved))
        }
        let d = 8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))
        return Float(d / Double(12 * h))
      }
    }
  }

  static func close(_ a: [Float], _ b: [Float]) -> Bool {
    zip(a, b).allSatisfy { abs($0 - $1) < 2e-4 * max(1, abs($1)) }
  }

  @Test("the gradient is that of central differences", arguments: OperationCase.all)
  func firstOrder(test: OperationCase) {
    let x = Self.inputs(test)
    var tape = Tape()
    let (loss, inputs) = Self.objective(test, x, on: &tape)
    let gradients = tape.gradients(of: loss, by: inputs)
    let truth = Self.differences(x) { x in
      var tape = Tape()
      let (loss, _) = Self.objective(test, x, on: &tape)
      return tape[loss].values[0]
    }
    for (gradient, truth) in zip(gradients, truth) { #expect(Self.close(tape[gradient].values, truth)) }
  }

  /// One number made of all first derivatives.
  static func directional(_ test: OperationCase, _ x: [Tensor], on tape: inout Tape) -> (Variable, [Variable])
  {
    let (loss, inputs) = objective(test, x, on: &tape)
    var random = RandomStream(seed: 98)
    var total = tape.variable(.scalar(0))
    for gradient in tape.gradients(of: loss, by: inputs) {
      let direction = tape.variable(Tensor(random.normals(tape[gradient].count), shape: tape[gradient].shape))
      total = tape.add(total, tape.sum(tape.multiply(gradient, direction)))
    }
    return (total, inputs)
  }

  @Test("the gradient of the gradient is that of central differences", arguments: OperationCase.all)
  func secondOrder(test: OperationCase) {
    let x = Self.inputs(test)
    var tape = Tape()
    let (total, inputs) = Self.directional(test, x, on: &tape)
    let second = tape.gradients(of: total, by: inputs)
    let truth = Self.differences(x) { x in
      var tape = Tape()
      let (total, _) = Self.directional(test, x, on: &tape)
      return tape[total].values[0]
    }
    for (gradient, truth) in zip(second, truth) { #expect(Self.close(tape[gradient].values, truth)) }
  }

  @Test func `what a loss does not depend on has a gradient of zeros`() {
    var tape = Tape()
    let x = tape.variable(Tensor([1, 2], shape: [2]))
    let y = tape.variable(Tensor([3, 4], shape: [2]))
    let loss = tape.sum(x)
    let gradients = tape.gradients(of: loss, by: [x, y])
    #expect(tape[gradients[0]].values == [1, 1])
    #expect(tape[gradients[1]].values == [0, 0])
  }

  @Test func `a variable used twice gathers both parts`() {
    var tape = Tape()
    let x = tape.variable(Tensor([3], shape: [1]))
    let y = tape.add(tape.multiply(x, x), tape.scale(x, by: 5))
    let gradients = tape.gradients(of: tape.sum(y), by: [x])
    #expect(tape[gradients[0]].values == [11])
  }

  @Test func `a tape is a value that prints itself`() {
    var tape = Tape()
    let x = tape.variable(Tensor([1, 2], shape: [2]))
    let copy = tape
    _ = tape.tanh(x)
    #expect(copy.count == 1)
    #expect(tape.description == "v0 [2] = value\nv1 [2] = Tanh(v0)")
  }
}
