import Foundation
import Tensors

/// A normal density of several numbers, by its mean and the lower triangle `L` of its covariance `Σ = L Lᵀ`.
struct GaussianDensity: Sendable {
  let mean: [Float]
  /// `L`, `n × n`, zeros above the diagonal.
  let factor: [Float]
  /// `L⁻ᵀ`: `x · whitening` has the identity as its covariance; and the mean so whitened.
  let whitening: [Float]
  let whiteMean: [Float]
  /// `Σ`
  let covariance: [Double]
  /// `-½ log |2π Σ|`
  let logNormaliser: Double
  var size: Int { mean.count }

  init(mean: [Float], factor: [Float]) throws(LinearAlgebraError) {
    let n = mean.count
    self.mean = mean
    self.factor = factor
    var identity = [Float](repeating: 0, count: n * n)
    for i in 0..<n { identity[i * n + i] = 1 }
    let inverse = try LinearAlgebra.solve(triangle: factor, n: n, isLower: true, identity, columns: n)
    whitening = VectorMath.transpose(inverse, rows: n, columns: n)
    var white = [Float](repeating: 0, count: n)
    Product.multiply(m: 1, n: n, k: n, mean, whitening, into: &white)
    whiteMean = white
    var product = [Float](repeating: 0, count: n * n)
    Product.multiply(m: n, n: n, k: n, factor, factor, otherTransposed: true, into: &product)
    covariance = product.map(Double.init)
    let diagonal = (0..<n).reduce(0.0) { $0 + log(Double(factor[$1 * n + $1])) }
    logNormaliser = -diagonal - 0.5 * Double(n) * log(2 * .pi)
  }

  /// - Parameter covariance: symmetric, positive definite.
  init(mean: [Double], covariance: [Double]) throws(LinearAlgebraError) {
    try self.init(
      mean: mean.map(Float.init), factor: Cholesky.factor(covariance, n: mean.count, jitter: 1e-9))
  }

  /// Room that ``logDensities(_:count:at:stride:)`` and ``logMarginal(_:at:_:)`` need.
  func reserve(_ space: inout WorkingSpace, rows: Int) {
    space.grow(products: rows * size, numbers: size * (size + 1), indices: size)
  }

  /// `log p` of the first rows in `space.rows`, handed on one by one.
  func logDensities(
    _ space: inout WorkingSpace, count: Int, _ body: (Int, Double, inout WorkingSpace) -> Void
  ) {
    let n = size
    Product.multiply(m: count, n: n, k: n, space.rows, whitening, into: &space.products)
    for row in 0..<count {
      var sum: Float = 0
      for i in 0..<n {
        let white = space.products[row * n + i] - whiteMean[i]
        sum += white * white
      }
      body(row, logNormaliser - 0.5 * Double(sum), &space)
    }
  }

  /// `log p` of the entries of a prepared row that are there, the others integrated out: their own block of the covariance
  /// is factored.
  func logMarginal(_ space: inout WorkingSpace, row: Int, _ missing: MissingEntries) -> Double {
    let n = size
    var count = 0
    for i in 0..<n where !missing.isMissing(row, i) {
      space.indices[count] = i
      count += 1
    }
    // The block in the first count² numbers, then what is to be solved for.
    for a in 0..<count {
      for b in 0...a { space.numbers[a * count + b] = covariance[space.indices[a] * n + space.indices[b]] }
      let i = space.indices[a]
      space.numbers[count * count + a] = Double(space.rows[row * n + i] - mean[i])
    }
    let logDiagonal = Triangle.factor(&space.numbers, n: count)
    Triangle.solve(&space.numbers, n: count, columns: 1)
    var sum = 0.0
    for a in 0..<count { sum += space.numbers[count * count + a] * space.numbers[count * count + a] }
    return -logDiagonal - 0.5 * sum - 0.5 * Double(count) * log(2 * .pi)
  }

  /// The normal density of missing entries given the others.
  struct Conditional {
    var missing: [Int]
    var mean: [Double]
    var covariance: [Double]
  }

  /// `p(x_m | x_o)`: mean `μ_m + Σ_mo Σ_oo⁻¹ (x_o - μ_o)`, covariance `Σ_mm - Σ_mo Σ_oo⁻¹ Σ_om`.
  func conditional(_ row: ArraySlice<Float>, isMissing: (Int) -> Bool) -> Conditional {
    let n = size
    let missing = (0..<n).filter(isMissing)
    let observed = (0..<n).filter { !isMissing($0) }
    let (m, o) = (missing.count, observed.count)
    // L⁻¹ [Σ_om, x_o - μ_o] behind the block of the observed.
    let columns = m + 1
    var space = [Double](repeating: 0, count: o * o + o * columns)
    for (a, i) in observed.enumerated() {
      for (b, j) in observed.enumerated() { space[a * o + b] = covariance[i * n + j] }
      for (b, j) in missing.enumerated() { space[o * o + a * columns + b] = covariance[i * n + j] }
      space[o * o + a * columns + m] = Double(row[row.startIndex + i] - mean[i])
    }
    _ = Triangle.factor(&space, n: o)
    Triangle.solve(&space, n: o, columns: columns)
    var result = Conditional(
      missing: missing, mean: missing.map { Double(mean[$0]) },
      covariance: missing.flatMap { i in missing.map { covariance[i * n + $0] } })
    for a in 0..<o {
      let line = o * o + a * columns
      for b in 0..<m {
        result.mean[b] += space[line + b] * space[line + m]
        for c in 0..<m { result.covariance[b * m + c] -= space[line + b] * space[line + c] }
      }
    }
    return result
  }

  /// `count` rows drawn from it.
  func sample(_ count: Int, _ random: inout RandomStream) -> [Float] {
    let n = size
    var rows = [Float](repeating: 0, count: count * n)
    Product.multiply(
      m: count, n: n, k: n, random.normals(count * n), factor, otherTransposed: true, into: &rows)
    for i in rows.indices { rows[i] += mean[i % n] }
    return rows
  }

  /// Draws the missing entries of a row given the others, in place.
  func fill(_ values: inout [Float], row: Int, _ random: inout RandomStream, isMissing: (Int) -> Bool) {
    let n = size
    let given = conditional(values[row * n..<(row + 1) * n], isMissing: isMissing)
    let m = given.missing.count
    let factor = Cholesky.factor(given.covariance, n: m, jitter: 1e-9)
    let normals = random.normals(m)
    for (a, i) in given.missing.enumerated() {
      let noise = (0...a).reduce(0.0) { $0 + Double(factor[a * m + $1] * normals[$1]) }
      values[row * n + i] = Float(given.mean[a] + noise)
    }
  }

  /// `Σ⁻¹`
  var precision: [Float] {
    var product = [Float](repeating: 0, count: size * size)
    Product.multiply(m: size, n: size, k: size, whitening, whitening, otherTransposed: true, into: &product)
    return product
  }
}

/// Triangles in place, in double precision and without allocation: what a row with missing entries needs.
enum Triangle {
  /// Turns the `n × n` matrix at the begin of an array into its lower Cholesky factor.
  ///
  /// - Returns: the sum of the logs of its diagonal.
  static func factor(_ a: inout [Double], n: Int) -> Double {
    var logs = 0.0
    for i in 0..<n {
      for j in 0...i {
        var sum = a[i * n + j]
        for k in 0..<j { sum -= a[i * n + k] * a[j * n + k] }
        a[i * n + j] = i == j ? max(sum, 1e-12).squareRoot() : sum / a[j * n + j]
      }
      logs += log(a[i * n + i])
    }
    return logs
  }

  /// Solves `L x = b` in place for the `n × columns` numbers behind the triangle.
  static func solve(_ a: inout [Double], n: Int, columns: Int) {
    for column in 0..<columns {
      for i in 0..<n {
        var sum = a[n * n + i * columns + column]
        for k in 0..<i { sum -= a[i * n + k] * a[n * n + k * columns + column] }
        a[n * n + i * columns + column] = sum / a[i * n + i]
      }
    }
  }
}
