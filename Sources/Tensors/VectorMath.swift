import CVectorMath

/// Elementary functions and reductions over arrays, vectorised; about 1 ulp (exp, log) to 3 ulp (softplus).
///
/// NaN passes through; infinities give their limits.
public enum VectorMath {
  public static func exp(_ x: [Float]) -> [Float] { unsafe mapped(x, vm_exp) }
  /// Natural logarithm; NaN below 0, -inf at 0.
  public static func log(_ x: [Float]) -> [Float] { unsafe mapped(x, vm_log) }
  public static func tanh(_ x: [Float]) -> [Float] { unsafe mapped(x, vm_tanh) }
  /// `1 / (1 + e^-x)`
  public static func sigmoid(_ x: [Float]) -> [Float] { unsafe mapped(x, vm_sigmoid) }
  /// `log(1 + e^x)`, linear for large x.
  public static func softplus(_ x: [Float]) -> [Float] { unsafe mapped(x, vm_softplus) }

  private static func mapped(
    _ x: [Float], _ function: (Int, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?) -> Void
  ) -> [Float] {
    unsafe [Float](unsafeUninitializedCapacity: x.count) { buffer, count in
      unsafe function(x.count, x, buffer.baseAddress)
      count = x.count
    }
  }

  public static func sum(_ x: [Float]) -> Float { unsafe vm_sum(x.count, x) }
  /// -inf for an empty array; NaN when any element is.
  public static func maximum(_ x: [Float]) -> Float { unsafe vm_maximum(x.count, x) }
  public static func dot(_ x: [Float], _ y: [Float]) -> Float {
    precondition(x.count == y.count, "a dot product of \(x.count) and \(y.count) numbers")
    return unsafe vm_dot(x.count, x, y)
  }
  /// `log Σ e^x` without overflow; -inf for an empty array.
  public static func logSumExp(_ x: [Float]) -> Float {
    let top = maximum(x)
    guard top.isFinite else { return top }
    let total = sum(exp(x.map { $0 - top }))
    return top + log([total])[0]
  }
  /// True when no element is NaN or infinite.
  public static func allFinite(_ x: [Float]) -> Bool { unsafe vm_all_finite(x.count, x) != 0 }

  /// The transpose of a row-major `rows × columns` matrix.
  public static func transpose(_ x: [Float], rows: Int, columns: Int) -> [Float] {
    precondition(x.count == rows * columns, "\(x.count) numbers are not \(rows) × \(columns)")
    return unsafe [Float](unsafeUninitializedCapacity: x.count) { buffer, count in
      unsafe vm_transpose(rows, columns, x, buffer.baseAddress)
      count = x.count
    }
  }
  /// Per column, the sum over the rows of a row-major `rows × columns` matrix.
  public static func columnSums(_ x: [Float], rows: Int, columns: Int) -> [Float] {
    precondition(x.count == rows * columns, "\(x.count) numbers are not \(rows) × \(columns)")
    var sums = [Float](repeating: 0, count: columns)
    unsafe vm_column_sums(rows, columns, 1, x, &sums)
    return sums
  }
}
