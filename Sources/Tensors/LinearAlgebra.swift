import COpenBLAS

/// What a decomposition could not do, and why.
public enum LinearAlgebraError: Error, Equatable, CustomStringConvertible {
  /// A number of the matrix is NaN or infinite.
  case notFinite(operation: String)
  /// The leading minor of this order is not positive.
  case notPositiveDefinite(order: Int, size: Int)
  /// This diagonal number of a triangular matrix is zero.
  case singular(index: Int, size: Int)
  /// The iteration did not converge.
  case notConverged(operation: String, size: Int)

  public var description: String {
    switch self {
    case .notFinite(let operation): "\(operation) of a matrix with NaN or infinite numbers"
    case .notPositiveDefinite(let order, let size):
      "the \(size) × \(size) matrix is not positive definite: its leading minor of order \(order) is not positive; "
        + "add a small multiple of the identity"
    case .singular(let index, let size):
      "the \(size) × \(size) triangular matrix is singular: its diagonal number \(index) is zero"
    case .notConverged(let operation, let size): "\(operation) of size \(size) did not converge"
    }
  }
}

/// Decompositions of dense row-major matrices, through LAPACK in OpenBLAS on one thread. Not for the event path.
public enum LinearAlgebra {
  private static func check(_ a: [Float], _ operation: String) throws(LinearAlgebraError) {
    _ = Processor.singleThreaded
    guard VectorMath.allFinite(a) else { throw .notFinite(operation: operation) }
  }

  /// The lower triangle L with `L Lᵀ = a`, zeros above; of the symmetric `n × n` matrix only the lower triangle is read.
  public static func cholesky(_ a: [Float], n: Int) throws(LinearAlgebraError) -> [Float] {
    precondition(a.count == n * n, "\(a.count) numbers are not \(n) × \(n)")
    try check(a, "a Cholesky factor")
    guard n > 0 else { return [] }
    var l = a
    var (size, info) = (Int32(n), Int32(0))
    // By columns this is the upper triangle U with Uᵀ U = a.
    unsafe spotrf_("U", &size, &l, &size, &info, 1)
    guard info == 0 else { throw .notPositiveDefinite(order: Int(info), size: n) }
    for i in 0..<n { for j in i + 1..<max(n, i + 1) { l[i * n + j] = 0 } }
    return l
  }

  /// `x` with `op(t) x = b`: `t` is an `n × n` triangle (the rest of it is not read), `b` and `x` are `n × columns`.
  public static func solve(
    triangle t: [Float], n: Int, isLower: Bool, transposed: Bool = false, _ b: [Float], columns: Int
  ) throws(LinearAlgebraError) -> [Float] {
    precondition(
      t.count == n * n && b.count == n * columns,
      "\(t.count) and \(b.count) numbers are not \(n) × \(n) and \(n) × \(columns)")
    try check(b, "a triangular solution")
    for i in 0..<n where t[i * n + i] == 0 { throw .singular(index: i, size: n) }
    guard n > 0, columns > 0 else { return b }
    var x = b
    unsafe cblas_strsm(
      CblasRowMajor, CblasLeft, isLower ? CblasLower : CblasUpper, transposed ? CblasTrans : CblasNoTrans,
      CblasNonUnit, blasint(n), blasint(columns), 1, t, blasint(n), &x, blasint(columns))
    return x
  }

  /// Eigenvalues in ascending order, and unit eigenvectors as the rows of an `n × n` matrix; of the symmetric matrix only the
  /// lower triangle is read.
  public static func symmetricEigen(
    _ a: [Float], n: Int
  ) throws(LinearAlgebraError) -> (values: [Float], vectors: [Float]) {
    precondition(a.count == n * n, "\(a.count) numbers are not \(n) × \(n)")
    try check(a, "an eigendecomposition")
    guard n > 0 else { return ([], []) }
    var vectors = a
    var values = [Float](repeating: 0, count: n)
    var (size, info) = (Int32(n), Int32(0))
    var (length, integers) = (Int32(1 + 6 * n + 2 * n * n), Int32(3 + 5 * n))
    var work = [Float](repeating: 0, count: Int(length))
    var other = [Int32](repeating: 0, count: Int(integers))
    unsafe ssyevd_(
      "V", "U", &size, &vectors, &size, &values, &work, &length, &other, &integers, &info, 1, 1)
    guard info == 0 else { throw .notConverged(operation: "an eigendecomposition", size: n) }
    return (values, vectors)
  }

  /// `a = u · diag(s) · vt` with `r = min(rows, columns)` singular values in descending order: `u` is `rows × r`, `vt` is
  /// `r × columns`.
  public static func singularValues(
    _ a: [Float], rows: Int, columns: Int
  ) throws(LinearAlgebraError) -> (u: [Float], s: [Float], vt: [Float]) {
    precondition(a.count == rows * columns, "\(a.count) numbers are not \(rows) × \(columns)")
    try check(a, "a singular value decomposition")
    let r = min(rows, columns)
    guard r > 0 else { return ([], [], []) }
    var copy = a
    // By columns the array is aᵀ, so u and vt change places.
    var (m, n, rank, info) = (Int32(columns), Int32(rows), Int32(r), Int32(0))
    var s = [Float](repeating: 0, count: r)
    var u = [Float](repeating: 0, count: rows * r)
    var vt = [Float](repeating: 0, count: r * columns)
    var other = [Int32](repeating: 0, count: 8 * r)
    var length = Int32(4 * r * r + 7 * r + max(rows, columns, 4 * r * r + 4 * r))
    var work = [Float](repeating: 0, count: Int(length))
    unsafe sgesdd_(
      "S", &m, &n, &copy, &m, &s, &vt, &m, &u, &rank, &work, &length, &other, &info, 1)
    guard info == 0 else { throw .notConverged(operation: "a singular value decomposition", size: r) }
    return (u, s, vt)
  }
}
