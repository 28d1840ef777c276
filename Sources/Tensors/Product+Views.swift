import CVectorMath

extension Product {
  /// Multiplications from which another thread pays.
  private static var worthSplitting: Int { 500_000 }

  /// `c = factor · a · b (+ bias | + c)`: matrices `[m, k]`, `[k, n]`, `[m, n]`, or stacks of as many of them; `a` and `b` may be
  /// transposed, sliced or spread views, `c` has contiguous rows, a bias is `[n]`.
  public static func multiply(
    _ a: View, _ b: View, factor: Float = 1, bias: View? = nil, into c: View, accumulate: Bool = false,
    workers: Workers
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
      let work = n * k
      if workers.count == 1 || m * work < worthSplitting {
        unsafe vm_gemm(
          m, n, k, factor, x, aRow, aColumn, y, bRow, bColumn, shift, z, cRow, accumulate ? 1 : 0)
      } else if m >= n {
        workers.split(m, grain: 16) { _, part in
          let (from, to) = unsafe (x + part.lowerBound * aRow, z + part.lowerBound * cRow)
          unsafe vm_gemm(
            part.count, n, k, factor, from, aRow, aColumn, y, bRow, bColumn, shift, to, cRow,
            accumulate ? 1 : 0)
        }
      } else {
        workers.split(n, grain: 48) { _, part in
          let (from, to) = unsafe (y + part.lowerBound * bColumn, z + part.lowerBound)
          unsafe vm_gemm(
            m, part.count, k, factor, x, aRow, aColumn, from, bRow, bColumn,
            shift.map { unsafe $0 + part.lowerBound }, to, cRow, accumulate ? 1 : 0)
        }
      }
      return
    }
    let stack = Shape(c.shape.dropLast(2))
    precondition(
      stack.indices.allSatisfy { a.shape[$0] == stack[$0] && b.shape[$0] == stack[$0] },
      "a product of stacks of \(a.shape) and \(b.shape)")
    let walk = Walk(stack, c.layout.steps, a.layout.steps, b.layout.steps)
    let (zStep, xStep, yStep) = walk.steps
    walk.forEachRun { i, j, l in
      let grain = max(1, worthSplitting / max(m * n * k, 1))
      workers.split(walk.count, grain: grain) { _, part in
        for s in part {
          unsafe vm_gemm(
            m, n, k, factor, x + j + s * xStep, aRow, aColumn, y + l + s * yStep, bRow, bColumn, shift,
            z + i + s * zStep, cRow, accumulate ? 1 : 0)
        }
      }
    }
  }
}
