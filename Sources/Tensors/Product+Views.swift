import CVectorMath

extension Product {
  /// `c = a · b (+ bias | + c)`: matrices `[m, k]`, `[k, n]`, `[m, n]`, or stacks of as many of them; `a` and `b` may be
  /// transposed, sliced or spread views, `c` has contiguous rows, a bias is `[n]`.
  public static func multiply(
    _ a: View, _ b: View, bias: View? = nil, into c: View, accumulate: Bool = false, workers: Workers
  ) {
    let rank = c.shape.rank
    precondition(
      a.shape.rank == rank && b.shape.rank == rank && rank >= 2 && a.shape[rank - 2] == c.shape[rank - 2]
        && b.shape[rank - 1] == c.shape[rank - 1] && a.shape[rank - 1] == b.shape[rank - 2],
      "a product of \(a.shape) and \(b.shape) into \(c.shape)")
    let (m, n, k) = (c.shape[rank - 2], c.shape[rank - 1], a.shape[rank - 1])
    precondition(n == 1 || c.layout.step(-1) == 1, "a product into columns that are apart")
    precondition(
      bias.map { $0.isContiguous && $0.count == n && !accumulate } ?? true, "a bias that is not [\(n)]")
    let (aRow, aColumn) = (a.layout.step(-2), a.layout.step(-1))
    let (bRow, bColumn) = (b.layout.step(-2), b.layout.step(-1))
    let cRow = c.layout.step(-2)
    let shift = unsafe bias.map { unsafe UnsafePointer($0.start) }
    let (x, y, z) = unsafe (a.start, b.start, c.start)
    guard m > 0, n > 0 else { return }
    if rank == 2 {
      unsafe vm_gemm(m, n, k, 1, x, aRow, aColumn, y, bRow, bColumn, shift, z, cRow, accumulate ? 1 : 0)
      return
    }
    let stack = Shape(c.shape.dropLast(2))
    precondition(
      stack.indices.allSatisfy { a.shape[$0] == stack[$0] && b.shape[$0] == stack[$0] },
      "a product of stacks of \(a.shape) and \(b.shape)")
    let walk = Walk(stack, c.layout.steps, a.layout.steps, b.layout.steps)
    let (zStep, xStep, yStep) = walk.steps
    walk.forEachRun { i, j, l in
      for s in 0..<walk.count {
        unsafe vm_gemm(
          m, n, k, 1, x + j + s * xStep, aRow, aColumn, y + l + s * yStep, bRow, bColumn, shift,
          z + i + s * zStep, cRow, accumulate ? 1 : 0)
      }
    }
  }
}
