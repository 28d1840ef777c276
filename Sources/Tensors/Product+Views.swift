import COpenBLAS
import CVectorMath

extension Product {
  /// Multiplications from which another thread pays: some 30 µs of one.
  private static var worthSplitting: Int { 2_500_000 }

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
      if let large = LargeProduct(a, b, c, factor: factor, accumulate: accumulate || bias != nil) {
        if let bias { c.copy(bias.expanded(to: c.shape)) }
        return large.run(workers)
      }
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

/// A product so large that OpenBLAS's blocking wins. In slabs of rows or columns that do not depend on the number of threads, so
/// that the bits do not either.
private struct LargeProduct {
  private static var multiplications: Int { 1_000_000_000 }
  private static var slab: Int { 1024 }

  /// How OpenBLAS reads an operand.
  private struct Operand {
    let view: View
    let transposed: CBLAS_TRANSPOSE
    let step: Int

    init?(_ view: View) {
      let (rows, columns) = (view.layout.step(0), view.layout.step(1))
      if columns == 1 && rows >= view.shape[1] {
        (transposed, step) = (CblasNoTrans, rows)
      } else if rows == 1 && columns >= view.shape[0] {
        (transposed, step) = (CblasTrans, columns)
      } else {
        return nil
      }
      self.view = view
    }
  }
  private let a: Operand
  private let b: Operand
  private let c: View
  private let factor: Float
  private let accumulate: Bool

  /// Nil where the own kernels serve.
  init?(_ a: View, _ b: View, _ c: View, factor: Float, accumulate: Bool) {
    guard c.shape[0] * c.shape[1] * a.shape[1] >= Self.multiplications, let a = Operand(a), let b = Operand(b)
    else { return nil }
    self.a = a
    self.b = b
    self.c = c
    self.factor = factor
    self.accumulate = accumulate
  }

  func run(_ workers: Workers) {
    _ = Processor.singleThreaded
    let (m, n, k) = (c.shape[0], c.shape[1], a.view.shape[1])
    let axis = m >= n ? 0 : 1
    workers.split((c.shape[axis] + Self.slab - 1) / Self.slab) { _, part in
      for index in part {
        let from = index * Self.slab
        let count = min(Self.slab, c.shape[axis] - from)
        let x = axis == 0 ? a.view.sliced(0, from: from, count: count) : a.view
        let y = axis == 1 ? b.view.sliced(1, from: from, count: count) : b.view
        unsafe cblas_sgemm(
          CblasRowMajor, a.transposed, b.transposed, blasint(axis == 0 ? count : m),
          blasint(axis == 1 ? count : n), blasint(k), factor, x.start, blasint(a.step), y.start,
          blasint(b.step), accumulate ? 1 : 0, c.sliced(axis, from: from, count: count).start,
          blasint(c.layout.step(0)))
      }
    }
  }
}
