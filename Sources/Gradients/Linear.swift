public import Tensors

// Products of matrices, sums, and the spreading that is their derivative.

/// `op(x) · op(y)` of two matrices.
struct MatrixProduct: Operation {
  let transposed: Bool
  let otherTransposed: Bool
  func forward(_ x: [Tensor]) -> Tensor {
    x[0].multiplied(by: x[1], transposed: transposed, otherTransposed: otherTransposed)
  }
  // C = A B gives dA = dC Bᵀ and dB = Aᵀ dC; a transposed factor gets the transpose of that.
  func backward(_ g: Variable, inputs x: [Variable], output: Variable, on tape: inout Tape) -> [Variable?] {
    let left =
      transposed
      ? tape.product(x[1], g, transposed: otherTransposed, otherTransposed: true)
      : tape.product(g, x[1], otherTransposed: !otherTransposed)
    let right =
      otherTransposed
      ? tape.product(g, x[0], transposed: true, otherTransposed: transposed)
      : tape.product(x[0], g, transposed: !transposed)
    return [left, right]
  }
}

/// A matrix's sums over its rows: `[rows, columns]` to `[columns]`.
struct ColumnSums: Operation {
  func forward(_ x: [Tensor]) -> Tensor { x[0].columnSums }
  func backward(_ g: Variable, inputs x: [Variable], output: Variable, on tape: inout Tape) -> [Variable?] {
    [tape.record(RepeatRows(rows: tape[x[0]].rows), g)]
  }
}

/// A vector as every row of a matrix: `[columns]` to `[rows, columns]`.
struct RepeatRows: Operation {
  let rows: Int
  func forward(_ x: [Tensor]) -> Tensor {
    var values: [Float] = []
    values.reserveCapacity(rows * x[0].count)
    for _ in 0..<rows { values += x[0].values }
    return Tensor(values, shape: [rows, x[0].count])
  }
  func backward(_ g: Variable, inputs: [Variable], output: Variable, on tape: inout Tape) -> [Variable?] {
    [tape.record(ColumnSums(), g)]
  }
}

/// The sum of all numbers, as a scalar.
struct Sum: Operation {
  func forward(_ x: [Tensor]) -> Tensor { .scalar(VectorMath.sum(x[0].values)) }
  func backward(_ g: Variable, inputs x: [Variable], output: Variable, on tape: inout Tape) -> [Variable?] {
    [tape.record(Spread(shape: tape[x[0]].shape), g)]
  }
}

/// A scalar everywhere in a shape.
struct Spread: Operation {
  let shape: [Int]
  func forward(_ x: [Tensor]) -> Tensor { Tensor(repeating: x[0].values[0], shape: shape) }
  func backward(_ g: Variable, inputs: [Variable], output: Variable, on tape: inout Tape) -> [Variable?] {
    [tape.record(Sum(), g)]
  }
}

extension Tape {
  /// `op(x) · op(y)` of two matrices.
  public mutating func product(
    _ x: Variable, _ y: Variable, transposed: Bool = false, otherTransposed: Bool = false
  ) -> Variable {
    record(MatrixProduct(transposed: transposed, otherTransposed: otherTransposed), x, y)
  }
  /// A matrix `[rows, n]` with a vector `[n]` added to every row.
  public mutating func addBias(_ x: Variable, _ bias: Variable) -> Variable {
    add(x, record(RepeatRows(rows: self[x].rows), bias))
  }
  /// `[rows, columns]` to `[columns]`
  public mutating func columnSums(_ x: Variable) -> Variable { record(ColumnSums(), x) }
  public mutating func sum(_ x: Variable) -> Variable { record(Sum(), x) }
  public mutating func mean(_ x: Variable) -> Variable { scale(sum(x), by: 1 / Float(max(self[x].count, 1))) }

  /// `Σ mask (x - y)² / Σ mask`: the mean squared error over what was observed. `mask` is a constant of 0 and 1.
  public mutating func maskedSquaredError(_ x: Variable, _ y: Variable, mask: Tensor? = nil) -> Variable {
    let difference = subtract(x, y)
    let square = multiply(difference, difference)
    guard let mask else { return mean(square) }
    let observed = multiply(square, variable(mask))
    return scale(sum(observed), by: 1 / max(VectorMath.sum(mask.values), 1))
  }
}
