/// Numbers with a shape: a value. Views (transposed, sliced, reshaped, spread) share the numbers until one is changed.
///
/// A scalar has the shape `[]`, a vector `[n]`, a matrix `[rows, columns]`. Not for the event path.
public struct Tensor: Sendable {
  private var elements: [Float]
  private var layout: Layout

  private init(elements: [Float], layout: Layout) {
    self.elements = elements
    self.layout = layout
  }

  /// - Precondition: `values.count` is the product of `shape`.
  public init(_ values: [Float], shape: Shape) {
    precondition(values.count == shape.size, "\(values.count) values do not fill the shape \(shape)")
    elements = values
    layout = Layout(shape)
  }

  /// A tensor of one number everywhere.
  public init(repeating value: Float, shape: Shape) {
    self.init([Float](repeating: value, count: shape.size), shape: shape)
  }

  /// The numbers that a view shows, copied.
  public init(_ view: View) { self.init(view.values, shape: view.shape) }

  public static func scalar(_ value: Float) -> Tensor { Tensor([value], shape: []) }

  public var shape: Shape { layout.shape }
  public var count: Int { layout.shape.size }
  /// The rows of a matrix; 1 for a vector or scalar.
  public var rows: Int { shape.count == 2 ? shape[0] : 1 }
  /// The columns of a matrix, the length of a vector, 1 for a scalar.
  public var columns: Int { shape.last ?? 1 }

  /// All numbers in row-major order; without a copy when they lie so.
  public var values: [Float] {
    get {
      if layout.isContiguous && elements.count == count { return elements }
      var result: [Float] = []
      result.reserveCapacity(count)
      let walk = Walk(shape, layout.steps)
      guard count > 0 else { return [] }
      walk.forEachRun { offset, _, _ in
        for i in 0..<walk.count { result.append(elements[layout.offset + offset + i * walk.steps.0]) }
      }
      return result
    }
    _modify {
      if !(layout.isContiguous && elements.count == count) { self = Tensor(values, shape: shape) }
      yield &elements
      precondition(elements.count == count, "\(elements.count) values do not fill the shape \(shape)")
    }
  }

  public subscript(row: Int, column: Int) -> Float {
    get { elements[layout.offset + row * layout.step(0) + column * layout.step(1)] }
    set { values[row * columns + column] = newValue }
  }

  /// The same numbers under another shape of the same count.
  public func reshaped(_ shape: Shape) -> Tensor {
    guard let layout = layout.reshaped(shape) else { return Tensor(values, shape: shape) }
    return Tensor(elements: elements, layout: layout)
  }

  /// The transpose of a matrix.
  public var transposed: Tensor {
    precondition(shape.count == 2, "only a matrix is transposed, not the shape \(shape)")
    return transposed(0, 1)
  }

  /// Two axes exchanged.
  public func transposed(_ a: Int, _ b: Int) -> Tensor {
    Tensor(elements: elements, layout: layout.transposed(a, b))
  }

  /// `count` of the indices of one axis, from `start` on, every `stride`-th.
  public func sliced(_ axis: Int, from start: Int, count: Int, stride: Int = 1) -> Tensor {
    Tensor(elements: elements, layout: layout.sliced(axis, from: start, count: count, stride: stride))
  }

  /// Spread over a larger shape: axes are aligned at the back, axes of 1 repeat.
  public func expanded(to shape: Shape) -> Tensor {
    Tensor(elements: elements, layout: layout.expanded(to: shape))
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

  public func mapped(_ transform: (Float) -> Float) -> Tensor { Tensor(values.map(transform), shape: shape) }

  /// Element by element with a tensor of the same shape.
  public func combined(_ other: Tensor, _ operation: (Float, Float) -> Float) -> Tensor {
    precondition(shape == other.shape, "element by element over the shapes \(shape) and \(other.shape)")
    return Tensor(zip(values, other.values).map(operation), shape: shape)
  }
}

extension Tensor: Equatable, CustomStringConvertible {
  public static func == (a: Tensor, b: Tensor) -> Bool { a.shape == b.shape && a.values == b.values }

  public var description: String {
    let shown = values.prefix(8).map { "\($0)" }.joined(separator: ", ")
    return "\(shape) (\(shown)\(count > 8 ? ", …" : ""))"
  }
}
