import Generative

/// The mean squared error, in its usual spread, of each field's newest level as its own levels before it let expect it:
/// `x_t ≈ c + Σ_k a_k x_{t−k}` (Yule 1927), by ridge regression on windows.
///
/// A field by itself: what does not fit the other fields is for others to say. Errors beyond ``limit`` spreads count as that many.
struct Autoregression: Companion {
  /// Of the mean square of the levels, added to each direction: a field that hardly moves has no use for large factors.
  private static let ridge = 1e-3
  private static let limit: Float = 30
  /// Errors below a twentieth of a usual spread are not worth a word.
  private static let leastSpread: Float = 0.05

  let fields: Int
  let lags: Int
  var width: Int { (lags + 1) * fields }
  /// `lags × fields`, of the oldest level first.
  private let factors: [Float]
  private let constants: [Float]
  /// 1 by the usual size of the error, of each field.
  private let inverses: [Float]

  /// - Parameter data: windows, rows of `fields` levels each, oldest first.
  init(fitting data: DataMatrix, fields: Int) {
    let lags = data.columns / fields - 1
    let width = data.columns
    var factors = [Float](repeating: 0, count: lags * fields)
    var constants = [Float](repeating: 0, count: fields)
    var inverses = constants
    for field in 0..<fields {
      let found = Self.regression(data, field, fields: fields, lags: lags).map { Float($0) }
      for lag in 0..<lags { factors[lag * fields + field] = found[lag] }
      constants[field] = found[lags]
      let errors = (0..<data.rows).map { row -> Float in
        let from = row * width + field
        var error = data.values[from + lags * fields] - found[lags]
        for lag in 0..<lags { error -= found[lag] * data.values[from + lag * fields] }
        return error
      }
      inverses[field] = 1 / RobustScale(of: errors, floor: { _ in Self.leastSpread }).spread
    }
    self.fields = fields
    self.lags = lags
    self.factors = factors
    self.constants = constants
    self.inverses = inverses
  }

  /// Least squares of the last level of a field on those before it and 1, by the normal equations.
  private static func regression(_ data: DataMatrix, _ field: Int, fields: Int, lags: Int) -> [Double] {
    let n = lags + 1
    var products = [Double](repeating: 0, count: n * n)
    var right = [Double](repeating: 0, count: n)
    var x = [Double](repeating: 1, count: n)
    for row in 0..<data.rows {
      let from = row * data.columns + field
      for lag in 0..<lags { x[lag] = Double(data.values[from + lag * fields]) }
      let y = Double(data.values[from + lags * fields])
      for i in 0..<n {
        right[i] += x[i] * y
        for j in 0...i { products[i * n + j] += x[i] * x[j] }
      }
    }
    let trace = (0..<lags).reduce(0) { $0 + products[$1 * n + $1] }
    let extra = ridge * trace / Double(max(lags, 1)) + 1e-6 * Double(data.rows)
    for i in 0..<lags { products[i * n + i] += extra }
    // Cholesky's factor in place, then both triangles: a positive definite matrix of a few rows.
    for j in 0..<n {
      var pivot = products[j * n + j]
      for k in 0..<j { pivot -= products[j * n + k] * products[j * n + k] }
      let root = max(pivot, 1e-12).squareRoot()
      products[j * n + j] = root
      for i in j + 1..<max(n, j + 1) {
        var sum = products[i * n + j]
        for k in 0..<j { sum -= products[i * n + k] * products[j * n + k] }
        products[i * n + j] = sum / root
      }
    }
    for i in 0..<n {
      for k in 0..<i { right[i] -= products[i * n + k] * right[k] }
      right[i] /= products[i * n + i]
    }
    for i in (0..<n).reversed() {
      for k in i + 1..<max(n, i + 1) { right[i] -= products[k * n + i] * right[k] }
      right[i] /= products[i * n + i]
    }
    return right
  }

  func score(_ windows: [Float], rows: Int, into raw: inout [Float], space: inout CompanionSpace) {
    space.grow(rows: fields)
    let windows = windows.span
    let (factors, constants, inverses) = (factors.span, constants.span, inverses.span)
    var raw = raw.mutableSpan
    var errors = space.rows.mutableSpan
    for row in 0..<rows {
      let first = row * width
      let last = first + lags * fields
      for field in 0..<fields { errors[field] = windows[last + field] - constants[field] }
      for lag in 0..<lags {
        let at = lag * fields
        for field in 0..<fields { errors[field] -= factors[at + field] * windows[first + at + field] }
      }
      var sum: Float = 0
      for field in 0..<fields {
        let error = min(abs(errors[field] * inverses[field]), Self.limit)
        sum += error * error
      }
      raw[row] = sum / Float(fields)
    }
  }

  func encode(to writer: inout ByteWriter) {
    writer.append(UInt32(fields))
    writer.append(factors)
    writer.append(constants)
    writer.append(inverses)
  }

  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    fields = Int(try reader.uint32())
    factors = try reader.finiteFloats()
    constants = try reader.finiteFloats()
    inverses = try reader.finiteFloats()
    guard fields > 0, constants.count == fields, inverses.count == fields, factors.count % fields == 0,
      inverses.allSatisfy({ $0 > 0 })
    else {
      throw .invalid(section: reader.section, what: "\(factors.count) factors of \(fields) fields")
    }
    lags = factors.count / fields
  }
}
