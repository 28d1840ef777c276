import COpenBLAS
import CVectorMath

extension Product {
  /// A matrix as a BLAS takes it: one of its two steps is 1.
  @unsafe private struct Operand {
    let start: UnsafePointer<Float>
    let transposed: Bool
    let leading: Int
  }

  /// `c = a · b (+ c)`: matrices `[m, k]`, `[k, n]`, `[m, n]`, or stacks of as many of them; `a` and `b` may be transposed,
  /// sliced or spread views, `c` has contiguous rows.
  public static func multiply(_ a: View, _ b: View, into c: View, accumulate: Bool = false, workers: Workers)
  {
    let rank = c.shape.rank
    precondition(
      a.shape.rank == rank && b.shape.rank == rank && rank >= 2 && a.shape[rank - 2] == c.shape[rank - 2]
        && b.shape[rank - 1] == c.shape[rank - 1] && a.shape[rank - 1] == b.shape[rank - 2],
      "a product of \(a.shape) and \(b.shape) into \(c.shape)")
    if rank == 2 {
      unsafe multiply(a, at: 0, b, at: 0, c, at: 0, accumulate, workers)
      return
    }
    let stack = Shape(c.shape.dropLast(2))
    precondition(
      Shape(a.shape.dropLast(2)) == stack && Shape(b.shape.dropLast(2)) == stack,
      "a product of stacks of \(a.shape) and \(b.shape)")
    let walk = Walk(stack, c.layout.steps, a.layout.steps, b.layout.steps)
    let (z, x, y) = walk.steps
    walk.forEachRun { i, j, k in
      for l in 0..<walk.count {
        unsafe multiply(a, at: j + l * x, b, at: k + l * y, c, at: i + l * z, accumulate, workers)
      }
    }
  }

  /// One matrix product of the last two axes, with each operand this far into its view.
  @unsafe private static func multiply(
    _ a: View, at aOffset: Int, _ b: View, at bOffset: Int, _ c: View, at cOffset: Int, _ accumulate: Bool,
    _ workers: Workers
  ) {
    let (m, n, k) = (c.shape[c.shape.rank - 2], c.shape[c.shape.rank - 1], a.shape[a.shape.rank - 1])
    guard m > 0, n > 0 else { return }
    let z = unsafe c.start + cOffset
    let rows = c.layout.step(-2)
    precondition(n == 1 || c.layout.step(-1) == 1, "a product into columns that are apart")
    let (aRow, aColumn) = (a.layout.step(-2), a.layout.step(-1))
    let (bRow, bColumn) = (b.layout.step(-2), b.layout.step(-1))
    let (x, y) = unsafe (a.start + aOffset, b.start + bOffset)
    if m * n * k < large {
      if n == 1 || bColumn == 1 {
        unsafe vm_product(m, n, k, x, aRow, aColumn, y, bRow, nil, z, rows, accumulate ? 1 : 0)
      } else {
        let turned = unsafe workers.space(k * n).base
        if bRow == 1 && bColumn == k {
          unsafe vm_transpose(n, k, y, turned)
        } else {
          for i in 0..<k { for j in 0..<n { unsafe turned[i * n + j] = y[i * bRow + j * bColumn] } }
        }
        unsafe vm_product(m, n, k, x, aRow, aColumn, turned, n, nil, z, rows, accumulate ? 1 : 0)
      }
      return
    }
    _ = Processor.singleThreaded
    let space = unsafe workers.space(m * k + k * n).base
    let left = unsafe operand(x, m, k, aRow, aColumn, space)
    let right = unsafe operand(y, k, n, bRow, bColumn, space + m * k)
    unsafe cblas_sgemm(
      CblasRowMajor, left.transposed ? CblasTrans : CblasNoTrans,
      right.transposed ? CblasTrans : CblasNoTrans, blasint(m), blasint(n), blasint(k), 1, left.start,
      blasint(left.leading), right.start, blasint(right.leading), accumulate ? 1 : 0, z, blasint(rows))
  }

  @unsafe private static func operand(
    _ x: UnsafePointer<Float>, _ rows: Int, _ columns: Int, _ row: Int, _ column: Int,
    _ space: UnsafeMutablePointer<Float>
  ) -> Operand {
    if columns == 1 || column == 1, row >= columns || rows == 1 {
      return unsafe Operand(start: x, transposed: false, leading: max(row, columns))
    }
    if rows == 1 || row == 1, column >= rows || columns == 1 {
      return unsafe Operand(start: x, transposed: true, leading: max(column, rows))
    }
    for i in 0..<rows {
      for j in 0..<columns { unsafe space[i * columns + j] = x[i * row + j * column] }
    }
    return unsafe Operand(start: UnsafePointer(space), transposed: false, leading: columns)
  }
}

extension Product {
  /// `c = op(a) · b`, all contiguous.
  @unsafe static func multiply(
    m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, transposed: Bool = false, _ b: UnsafePointer<Float>,
    _ c: UnsafeMutablePointer<Float>
  ) {
    unsafe multiply(m: m, n: n, k: k, a, transposed, b, false, c, false, turned: nil)
  }

  /// `c += a · bᵀ`, all contiguous; `turned` is room for `b`.
  @unsafe static func multiplyTransposed(
    m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    _ c: UnsafeMutablePointer<Float>, turned: UnsafeMutablePointer<Float>
  ) {
    unsafe multiply(m: m, n: n, k: k, a, false, b, true, c, true, turned: turned)
  }
}
