/// Numbers with a shape, row-major and contiguous: small and clear, not for the event path.
///
/// A scalar has the shape `[]`, a vector `[n]`, a matrix `[rows, columns]`.
public struct Tensor: Sendable, Equatable {
  public let shape: [Int]
  public var values: [Float]

  /// - Precondition: `values.count` is the product of `shape`.
  public init(_ values: [Float], shape: [Int]) {
    precondition(
      values.count == shape.reduce(1, *), "\(values.count) values do not fill the shape \(shape)")
    self.shape = shape
    self.values = values
  }

  /// A tensor of one number everywhere.
  public init(repeating value: Float, shape: [Int]) {
    self.init([Float](repeating: value, count: shape.reduce(1, *)), shape: shape)
  }

  public static func scalar(_ value: Float) -> Tensor { Tensor([value], shape: []) }

  public var count: Int { values.count }
  /// The rows of a matrix; 1 for a vector or scalar.
  public var rows: Int { shape.count == 2 ? shape[0] : 1 }
  /// The columns of a matrix, the length of a vector, 1 for a scalar.
  public var columns: Int { shape.last ?? 1 }

  public subscript(row: Int, column: Int) -> Float {
    get { values[row * columns + column] }
    set { values[row * columns + column] = newValue }
  }

  /// The same numbers under another shape of the same count.
  public func reshaped(_ shape: [Int]) -> Tensor { Tensor(values, shape: shape) }

  public var transposed: Tensor {
    precondition(shape.count == 2, "only a matrix is transposed, not the shape \(shape)")
    return Tensor(VectorMath.transpose(values, rows: rows, columns: columns), shape: [columns, rows])
  }

  /// `op(self) · op(other)`, shapes `[m, k]` and `[k, n]` after transposition.
  public func multiplied(by other: Tensor, transposed: Bool = false, otherTransposed: Bool = false) -> Tensor
  {
    precondition(
      shape.count == 2 && other.shape.count == 2, "a matrix product of the shapes \(shape) and \(other.shape)"
    )
    let (m, k) = transposed ? (columns, rows) : (rows, columns)
    let (l, n) = otherTransposed ? (other.columns, other.rows) : (other.rows, other.columns)
    precondition(k == l, "a matrix product of [\(m), \(k)] and [\(l), \(n)]")
    var result = [Float](repeating: 0, count: m * n)
    Product.multiply(
      m: m, n: n, k: k, values, transposed: transposed, other.values, otherTransposed: otherTransposed,
      into: &result)
    return Tensor(result, shape: [m, n])
  }

  /// Sums over the rows of a matrix: one number per column.
  public var columnSums: Tensor {
    Tensor(VectorMath.columnSums(values, rows: rows, columns: columns), shape: [columns])
  }

  public func mapped(_ transform: (Float) -> Float) -> Tensor { Tensor(values.map(transform), shape: shape) }

  /// Element by element with a tensor of the same shape.
  public func combined(_ other: Tensor, _ operation: (Float, Float) -> Float) -> Tensor {
    precondition(shape == other.shape, "element by element over the shapes \(shape) and \(other.shape)")
    var result = values
    for i in result.indices { result[i] = operation(values[i], other.values[i]) }
    return Tensor(result, shape: shape)
  }
}
