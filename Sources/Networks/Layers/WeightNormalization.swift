public import Gradients
import Tensors

/// A dense layer whose weight is `g v / |v|` per output: length and direction are learned apart (Salimans & Kingma 2016).
public struct WeightNormalizedDense: Sendable {
  /// `[inputs, outputs]`
  public let direction: Slot
  /// `[outputs]`
  public let length: Slot
  public let bias: Slot
  public let activation: Activation

  public init(
    _ name: String, _ inputs: Int, _ outputs: Int, activation: Activation = .identity,
    in scope: inout ParameterScope
  ) {
    self.activation = activation
    (direction, length, bias) = scope.within(name) { scope in
      var lengths: [Float] = []
      let direction = scope.parameter("direction", [inputs, outputs]) { random, count in
        let values = activation.initializer.values(count, inputs: inputs, outputs: outputs, random: &random)
        let squares = VectorMath.columnSums(values.map { $0 * $0 }, rows: inputs, columns: outputs)
        lengths = squares.map { $0.squareRoot() }
        return values
      }
      return (
        direction, scope.parameter("length", [outputs]) { _, _ in lengths },
        scope.parameter("bias", [outputs])
      )
    }
  }

  public func callAsFunction(_ x: Variable) -> Variable {
    let v = x.tape[direction]
    let norm = sqrt(v.squared().sum(0, keepingAxes: true))
    return dense(x, v / norm * x.tape[length], x.tape[bias], activation)
  }
}

/// Divides a weight by its largest singular value, as power iteration knows it (Miyato et al. 2018): keeps a critic
/// smooth.
public struct SpectralNorm: Sendable {
  public let weight: Slot
  /// The left singular vector so far, `[rows]` of the weight as a matrix.
  let vector: Slot

  /// - Parameter weight: seen as a matrix of its first axis by the others.
  public init(_ weight: Slot, in scope: inout ParameterScope) {
    self.weight = weight
    let values = scope.random.normals(weight.shape[0])
    let length = VectorMath.dot(values, values).squareRoot()
    vector = scope.statistic(
      "spectral.\(weight.offset)", Tensor(values.map { $0 / length }, shape: [values.count]))
  }

  /// The normalised weight. While training, each run takes one more step of the power iteration.
  public func callAsFunction(on tape: Tape, isTraining: Bool) -> Variable {
    let w = tape[weight]
    let rows = weight.shape[0]
    let matrix = w.reshaped([rows, weight.shape.size / max(rows, 1)])
    let fixed = matrix.withoutGradient()
    let u = tape[vector].reshaped([1, rows])
    // Both vectors count as constants (section 2.1 of the paper).
    let right = unit(matmul(u, fixed))
    let left = isTraining ? unit(matmul(right, fixed, transposedB: true)) : u.withoutGradient()
    let sigma = (matmul(left, matrix) * right).sum()
    if isTraining { tape.update(vector, left.reshaped([rows])) }
    return w / sigma
  }

  private func unit(_ x: Variable) -> Variable {
    (x / sqrt(x.squared().sum() + 1e-12)).withoutGradient()
  }
}
