/// The lower triangle L with `L Lᵀ = a` of a symmetric, positive semidefinite matrix.
public enum Cholesky {
  /// - Parameters:
  ///   - a: `n × n`, row-major; only the lower triangle is read.
  ///   - jitter: added to the diagonal, as a part of its mean, so that a singular matrix has a factor too.
  public static func factor(_ a: [Double], n: Int, jitter: Double = 1e-6) -> [Float] {
    precondition(a.count == n * n, "\(a.count) numbers are not \(n) × \(n)")
    var l = [Double](repeating: 0, count: n * n)
    let ridge = jitter * max((0..<n).reduce(0) { $0 + a[$1 * n + $1] } / Double(max(n, 1)), 1e-12)
    for i in 0..<n {
      for j in 0...i {
        var sum = a[i * n + j] + (i == j ? ridge : 0)
        for k in 0..<j { sum -= l[i * n + k] * l[j * n + k] }
        l[i * n + j] = i == j ? max(sum, ridge).squareRoot() : sum / l[j * n + j]
      }
    }
    return l.map(Float.init)
  }
}
