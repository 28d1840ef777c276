import CVectorMath

/// Functions of one number. ``Kernels/unary(_:_:_:parameter:into:)``
package enum UnaryFunction: Int32, Sendable, CaseIterable {
  case exp, log, tanh, sigmoid, softplus, relu
  /// `x Φ(x)` (Hendrycks and Gimpel 2016), and its approximation by tanh.
  case gelu, geluTanh
  /// `x sigmoid(x)`
  case silu
  case sqrt
  case reciprocalSqrt, square, abs
  /// -1, 0 or 1
  case sign
  /// Sine and cosine are good for |x| < 10⁵.
  case sin, cos
  case erf, negate, reciprocal
  /// `x < 0 ? parameter · x : x`
  case leakyRelu
  /// `x < 0 ? parameter · (eˣ - 1) : x`
  case elu
  case identity
  /// The largest whole number that is not above.
  case floor

  /// True where the derivative is computed from `y = f(x)`, false where from `x`.
  package var derivativeUsesOutput: Bool {
    switch self {
    case .exp, .tanh, .sigmoid, .relu, .sqrt, .reciprocalSqrt, .reciprocal, .elu: true
    default: false
    }
  }
}

/// Functions of two numbers; comparisons give 1 or 0.
package enum BinaryFunction: Int32, Sendable, CaseIterable {
  case add, subtract, multiply, divide
  /// NaN when either is.
  case maximum, minimum
  case greater, greaterOrEqual, less, lessOrEqual, equal, notEqual
}

/// How a matrix operand is read: `(columns, 1)` plain, `(0, 1)` one row for all rows, `(1, 0)` one number for each row,
/// `(0, 0)` one number for all.
package struct Steps: Sendable, Equatable {
  package var row: Int
  package var column: Int
  package init(row: Int, column: Int) {
    self.row = row
    self.column = column
  }
  package static let oneRow = Steps(row: 0, column: 1)
  package static let oneColumn = Steps(row: 1, column: 0)
  package static let scalar = Steps(row: 0, column: 0)
  package static func contiguous(_ columns: Int) -> Steps { Steps(row: columns, column: 1) }
}

extension Kernels {
  /// `y = f(x)`; in place is allowed.
  package static func unary(
    _ function: UnaryFunction, _ count: Int, _ x: UnsafePointer<Float>, parameter: Float = 1,
    into y: UnsafeMutablePointer<Float>
  ) {
    unsafe vm_unary(function.rawValue, count, x, parameter, y)
  }

  /// `dx (+)= dy · f'(x)`; of `x` and `y = f(x)` only the one that ``UnaryFunction/derivativeUsesOutput`` names is read.
  /// `dx` may be `dy`.
  package static func unaryBackward(
    _ function: UnaryFunction, _ count: Int, x: UnsafePointer<Float>?, y: UnsafePointer<Float>?,
    parameter: Float = 1, dy: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>, accumulate: Bool
  ) {
    unsafe vm_unary_backward(function.rawValue, count, x, y, parameter, dy, dx, accumulate ? 1 : 0)
  }

  /// `z[r, c] (+)= a[r, c] ∘ b[r, c]`; `z` may be `a` or `b` where their steps are the same.
  package static func binary(
    _ function: BinaryFunction, rows: Int, columns: Int, _ a: UnsafePointer<Float>, _ aSteps: Steps,
    _ b: UnsafePointer<Float>, _ bSteps: Steps, into z: UnsafeMutablePointer<Float>, rowStep: Int? = nil,
    accumulate: Bool = false
  ) {
    unsafe vm_binary(
      function.rawValue, rows, columns, a, aSteps.row, aSteps.column, b, bSteps.row, bSteps.column, z,
      rowStep ?? columns, accumulate ? 1 : 0)
  }

  /// The same between arrays of equal and contiguous shape.
  package static func binary(
    _ function: BinaryFunction, _ count: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    into z: UnsafeMutablePointer<Float>, accumulate: Bool = false
  ) {
    unsafe vm_binary(
      function.rawValue, 1, count, a, count, 1, b, count, 1, z, count, accumulate ? 1 : 0)
  }

  /// `y (+)= x` between views of up to eight axes with any strides (0 in `x` broadcasts): transposes, slices, expansion,
  /// and, with `accumulate`, their derivatives except that of expansion, which is a sum.
  package static func copy(
    rank: Int, extents: UnsafePointer<Int>, _ x: UnsafePointer<Float>, strides: UnsafePointer<Int>,
    into y: UnsafeMutablePointer<Float>, strides yStrides: UnsafePointer<Int>, accumulate: Bool = false
  ) {
    precondition(rank <= 8, "\(rank) axes; at most 8")
    unsafe vm_copy_strided(rank, extents, x, strides, y, yStrides, accumulate ? 1 : 0)
  }

  /// `y[c, r] (+)= x[r, c]`; rows are `rowStep` numbers apart (their length when nil).
  package static func transpose(
    rows: Int, columns: Int, _ x: UnsafePointer<Float>, rowStep: Int? = nil,
    into y: UnsafeMutablePointer<Float>, rowStep yStep: Int? = nil, accumulate: Bool = false
  ) {
    unsafe vm_transpose_strided(rows, columns, x, rowStep ?? columns, y, yStep ?? rows, accumulate ? 1 : 0)
  }

  /// `y = min(max(x, low), high)`; NaN passes.
  package static func clamp(
    _ count: Int, _ x: UnsafePointer<Float>, from low: Float, to high: Float,
    into y: UnsafeMutablePointer<Float>
  ) {
    unsafe vm_clamp(count, x, low, high, y)
  }

  /// `y = factor · x + shift`
  package static func affine(
    _ count: Int, _ x: UnsafePointer<Float>, factor: Float, shift: Float = 0,
    into y: UnsafeMutablePointer<Float>
  ) {
    unsafe vm_affine(count, x, factor, shift, y)
  }
}
