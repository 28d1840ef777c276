import Generative
import Glibc
import Tensors

/// `−ln Σ_k w_k N(x; μ_k, diag v_k)`, by expectation and maximisation from the centres of clusters (Dempster, Laird & Rubin
/// 1977).
struct DiagonalMixture: Companion {
  static let most = 8
  static let rowsPerPart = 50
  static let iterations = 40
  /// Added to every variance, in squared spreads.
  static let floor: Float = 1e-3

  let width: Int
  private let parts: Int
  /// `width × parts`: −1/(2 v), and μ/v.
  private let quadratic: [Float]
  private let linear: [Float]
  private let constant: [Float]

  init(fitting data: DataMatrix, seed: UInt64) {
    let n = data.columns
    var random = RandomStream(seed: seed, stream: 43)
    let chosen = random.permutation(data.rows).prefix(NearestPoint.clusteredRows).sorted()
    let sample = DataMatrix(
      rows: chosen.count, columns: n, values: chosen.flatMap { data.values[$0 * n..<($0 + 1) * n] })
    let parts = min(Self.most, max(1, data.rows / Self.rowsPerPart))
    let centres = KMeans.centres(sample, count: parts, mostRows: sample.rows, seed: seed)
    var mixture = Self(
      weights: Array(repeating: 1 / Float(parts), count: parts), means: centres,
      variances: Array(repeating: 1, count: parts * n), width: n)
    let squares = sample.values.map { $0 * $0 }
    var shares = [Float](repeating: 0, count: sample.rows * parts)
    var last = -Double.infinity
    for _ in 0..<Self.iterations {
      let likelihood = mixture.responsibilities(sample, squares, into: &shares)
      if likelihood - last < 1e-4 * Double(n) { break }
      last = likelihood
      var sums = [Float](repeating: 0, count: parts * n)
      var seconds = sums
      Product.multiply(
        m: parts, n: n, k: sample.rows, shares, transposed: true, sample.values, into: &sums)
      Product.multiply(m: parts, n: n, k: sample.rows, shares, transposed: true, squares, into: &seconds)
      var totals = [Float](repeating: 1e-6, count: parts)
      for index in shares.indices { totals[index % parts] += shares[index] }
      var variances = seconds
      for index in sums.indices {
        sums[index] /= totals[index / n]
        variances[index] = max(0, seconds[index] / totals[index / n] - sums[index] * sums[index]) + Self.floor
      }
      mixture = Self(
        weights: totals.map { $0 / Float(sample.rows) }, means: sums, variances: variances, width: n)
    }
    self = mixture
  }

  private init(weights: [Float], means: [Float], variances: [Float], width: Int) {
    self.width = width
    let parts = weights.count
    self.parts = parts
    quadratic = VectorMath.transpose(variances.map { -0.5 / $0 }, rows: parts, columns: width)
    linear = VectorMath.transpose(zip(means, variances).map { $0 / $1 }, rows: parts, columns: width)
    constant = (0..<parts).map { part in
      var sum = log(max(weights[part], 1e-30))
      for index in part * width..<(part + 1) * width {
        sum -= 0.5 * (means[index] * means[index] / variances[index] + log(2 * .pi * variances[index]))
      }
      return sum
    }
  }

  /// Each part's share in each row; the mean log-likelihood of the rows.
  private func responsibilities(_ data: DataMatrix, _ squares: [Float], into shares: inout [Float]) -> Double
  {
    var total = 0.0
    Product.multiply(m: data.rows, n: parts, k: width, squares, quadratic, into: &shares)
    Product.multiply(m: data.rows, n: parts, k: width, data.values, linear, into: &shares, accumulate: true)
    for row in 0..<data.rows {
      var largest = -Float.infinity
      for part in 0..<parts {
        shares[row * parts + part] += constant[part]
        largest = max(largest, shares[row * parts + part])
      }
      var sum: Float = 0
      for part in 0..<parts {
        shares[row * parts + part] = expf(shares[row * parts + part] - largest)
        sum += shares[row * parts + part]
      }
      for part in 0..<parts { shares[row * parts + part] /= sum }
      total += Double(largest + logf(sum))
    }
    return total / Double(data.rows)
  }

  func score(_ inputs: [Float], rows: Int, into raw: inout [Float], space: inout CompanionSpace) {
    space.grow(rows: rows * width, products: rows * parts)
    var squares = space.rows.mutableSpan
    let values = inputs.span
    for index in 0..<rows * width { squares[index] = values[index] * values[index] }
    Product.multiply(m: rows, n: parts, k: width, space.rows, quadratic, into: &space.products)
    Product.multiply(
      m: rows, n: parts, k: width, inputs, linear, into: &space.products, accumulate: true)
    let products = space.products.span
    let constant = constant.span
    for row in 0..<rows {
      var largest = -Float.infinity
      for part in 0..<parts { largest = max(largest, products[row * parts + part] + constant[part]) }
      var sum: Float = 0
      for part in 0..<parts { sum += expf(products[row * parts + part] + constant[part] - largest) }
      raw[row] = -(largest + logf(sum))
    }
  }

  func encode(to writer: inout ByteWriter) {
    writer.append(UInt32(width))
    writer.append(quadratic)
    writer.append(linear)
    writer.append(constant)
  }

  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    width = Int(try reader.uint32())
    quadratic = try reader.finiteFloats()
    linear = try reader.finiteFloats()
    constant = try reader.finiteFloats()
    parts = constant.count
    guard width > 0, parts > 0, quadratic.count == width * parts, linear.count == width * parts else {
      throw .invalid(section: reader.section, what: "\(quadratic.count) numbers for \(parts) × \(width)")
    }
  }
}
