import CVectorMath

/// How a matrix operand of a product lies in memory: element `(i, j)` at `i · row + j · column`.
package struct MatrixSteps: Sendable, Equatable {
  package var row: Int
  package var column: Int
  package init(row: Int, column: Int) {
    self.row = row
    self.column = column
  }
  /// A row-major matrix with `columns` columns.
  package static func plain(_ columns: Int) -> MatrixSteps { MatrixSteps(row: columns, column: 1) }
  /// The transpose of a row-major matrix with `columns` columns.
  package static func transposed(_ columns: Int) -> MatrixSteps { MatrixSteps(row: 1, column: columns) }
}

extension Kernels {
  /// `c = alpha · a·b (+ c | + bias)`: `a` is `m × k`, `b` is `k × n`, `c` is `m × n` with rows `rowStep` apart.
  ///
  /// Every number of `c` is one chain of multiply-adds in the order of `k`, so rows, columns or both may be divided
  /// between threads in any way. Uses up to 500 kB of stack for large products.
  package static func product(
    m: Int, n: Int, k: Int, alpha: Float = 1, _ a: UnsafePointer<Float>, _ aSteps: MatrixSteps,
    _ b: UnsafePointer<Float>, _ bSteps: MatrixSteps, bias: UnsafePointer<Float>? = nil,
    into c: UnsafeMutablePointer<Float>, rowStep: Int? = nil, accumulate: Bool = false
  ) {
    guard m > 0, n > 0 else { return }
    unsafe vm_gemm(
      m, n, k, alpha, a, aSteps.row, aSteps.column, b, bSteps.row, bSteps.column, bias, c, rowStep ?? n,
      accumulate ? 1 : 0)
  }
}
