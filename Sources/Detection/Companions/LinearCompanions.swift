import Generative
import Tensors

/// What the leading principal components leave of a row: `‖x − μ‖² − ‖Uᵀ (x − μ)‖²`, by input.
///
/// Inputs hold levels, changes and window means, so that the components run over a short stretch of time as well as over
/// the fields (Aggarwal, Outlier Analysis, 2017, §3.3 and §9.2). As many components are kept as hold nine tenths of the
/// variance.
struct PrincipalResidual: Companion {
  static let share: Float = 0.9

  var width: Int { axes.width }
  private let axes: PrincipalAxes

  init(fitting data: DataMatrix) throws(FitError) {
    let all = try PrincipalAxes(data)
    let total = max(all.total, 1e-6)
    var kept: Float = 0
    var count = 0
    while count < min(all.count, data.columns - 1), kept < Self.share * total {
      kept += all.variances[count]
      count += 1
    }
    axes = all.leading(count)
  }

  func score(_ inputs: [Float], rows: Int, into raw: inout [Float], space: inout CompanionSpace) {
    axes.project(inputs, rows: rows, &space)
    for row in 0..<rows { raw[row] = 0 }
    Distances.addSquares(rows: rows, columns: axes.count, space.products, step: axes.count, to: &raw)
    for row in 0..<rows { raw[row] = max(0, space.squares[row] - raw[row]) / Float(width) }
  }

  func encode(to writer: inout ByteWriter) { axes.encode(to: &writer) }
  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    axes = try PrincipalAxes(decoding: &reader)
  }
}

/// The mean squared distance in units of the spread along each direction, `(x − μ)ᵀ C⁻¹ (x − μ)` by input.
///
/// The covariance is drawn towards a multiple of the identity by a hundredth, so that directions in which nothing ever moved do
/// not drown the rest. Beyond the leading ``PrincipalAxes/most`` directions all others count as having their mean variance.
struct MahalanobisDistance: Companion {
  static let shrinkage: Float = 0.01

  var width: Int { axes.width }
  private let axes: PrincipalAxes
  /// Per direction 1 / (λ + floor), less that of the directions left over.
  private let factors: [Float]
  private let rest: Float

  init(fitting data: DataMatrix) throws(FitError) {
    self.init(try PrincipalAxes(data))
  }

  private init(_ axes: PrincipalAxes) {
    self.axes = axes
    let (n, count) = (Float(axes.width), Float(axes.count))
    let floor = Self.shrinkage * max(axes.total / n, 1e-4)
    let left = max(axes.total - axes.variances.reduce(0, +), 0) / max(n - count, 1)
    let rest = 1 / (left + floor)
    self.rest = rest
    factors = axes.variances.map { 1 / ($0 + floor) - rest }
  }

  func score(_ inputs: [Float], rows: Int, into raw: inout [Float], space: inout CompanionSpace) {
    axes.project(inputs, rows: rows, &space)
    for row in 0..<rows { raw[row] = rest * space.squares[row] }
    Distances.addSquares(
      rows: rows, columns: axes.count, space.products, step: axes.count, factors: factors, to: &raw)
    for row in 0..<rows { raw[row] = max(0, raw[row]) / Float(width) }
  }

  func encode(to writer: inout ByteWriter) { axes.encode(to: &writer) }
  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    self.init(try PrincipalAxes(decoding: &reader))
  }
}

/// The directions in which rows vary most.
struct PrincipalAxes: Sendable {
  /// Directions that are kept at most.
  static let most = 128
  /// Of wider rows the inputs themselves are the directions: an eigendecomposition would take too long.
  static let widest = 768

  var width: Int { mean.count }
  var count: Int { variances.count }
  let mean: [Float]
  /// Descending.
  let variances: [Float]
  /// Of all inputs together.
  let total: Float
  /// `width × count`
  let directions: [Float]

  init(_ data: DataMatrix) throws(FitError) {
    let n = data.columns
    let count = min(n, Self.most)
    mean = Moments.mean(data)
    if n > Self.widest {
      let own = Moments.variances(data, mean)
      let order = own.indices.sorted { (own[$0], $1) > (own[$1], $0) }.prefix(count)
      var directions = [Float](repeating: 0, count: n * count)
      for (place, input) in order.enumerated() { directions[input * count + place] = 1 }
      self.directions = directions
      variances = order.map { own[$0] }
      total = own.reduce(0, +)
      return
    }
    let eigen: (values: [Float], vectors: [Float])
    do {
      eigen = try LinearAlgebra.symmetricEigen(Moments.covariance(data, mean), n: n)
    } catch {
      throw .diverged(step: 0)
    }
    variances = (0..<count).map { max(eigen.values[n - 1 - $0], 0) }
    total = eigen.values.reduce(0) { $0 + max($1, 0) }
    directions = (0..<n).flatMap { j in (0..<count).map { eigen.vectors[(n - 1 - $0) * n + j] } }
  }

  private init(mean: [Float], variances: [Float], total: Float, directions: [Float]) {
    self.mean = mean
    self.variances = variances
    self.total = total
    self.directions = directions
  }

  func leading(_ few: Int) -> PrincipalAxes {
    PrincipalAxes(
      mean: mean, variances: Array(variances.prefix(few)), total: total,
      directions: (0..<width).flatMap { directions[$0 * count..<$0 * count + few] })
  }

  /// Puts `x − μ` into the space's rows, its squared lengths beside them, and where they lie along each direction into its products.
  func project(_ inputs: [Float], rows: Int, _ space: inout CompanionSpace) {
    space.grow(rows: rows * width, products: rows * max(count, 1), squares: rows)
    for row in 0..<rows { space.squares[row] = 0 }
    Distances.centre(
      rows: rows, inputs, shift: mean, into: &space.rows, addingSquaresTo: &space.squares)
    guard count > 0 else { return }
    // In parts small enough for the kernel whose results do not depend on how many rows come at once.
    let part = max(1, 3_900_000 / (count * width))
    for start in stride(from: 0, to: rows, by: part) {
      Product.multiply(
        m: min(part, rows - start), n: count, k: width, space.rows, at: start * width, directions,
        into: &space.products, at: start * count)
    }
  }

  func encode(to writer: inout ByteWriter) {
    writer.append(mean)
    writer.append(variances)
    writer.append(total)
    writer.append(directions)
  }

  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    let mean = try reader.finiteFloats()
    let variances = try reader.finiteFloats()
    let total = try reader.finiteFloat()
    let directions = try reader.finiteFloats()
    guard !mean.isEmpty, directions.count == mean.count * variances.count,
      variances.allSatisfy({ $0 >= 0 })
    else {
      throw .invalid(
        section: reader.section, what: "\(directions.count) numbers for \(variances.count) directions")
    }
    self.init(mean: mean, variances: variances, total: total, directions: directions)
  }
}

/// Mean and covariance of scaled rows.
enum Moments {
  static func mean(_ data: DataMatrix) -> [Float] {
    let n = data.columns
    var sums = [Double](repeating: 0, count: n)
    for row in 0..<data.rows { for j in 0..<n { sums[j] += Double(data.values[row * n + j]) } }
    return sums.map { Float($0 / Double(data.rows)) }
  }

  static func variances(_ data: DataMatrix, _ mean: [Float]) -> [Float] {
    let n = data.columns
    var sums = [Double](repeating: 0, count: n)
    for row in 0..<data.rows {
      for j in 0..<n {
        let difference = Double(data.values[row * n + j] - mean[j])
        sums[j] += difference * difference
      }
    }
    return sums.map { Float($0 / Double(max(data.rows - 1, 1))) }
  }

  static func covariance(_ data: DataMatrix, _ mean: [Float]) -> [Float] {
    let n = data.columns
    var total = [Double](repeating: 0, count: n * n)
    var part = [Float](repeating: 0, count: n * n)
    // In blocks summed in double precision: many thousand squares in single precision lose the small directions.
    for start in stride(from: 0, to: data.rows, by: 1024) {
      let size = min(1024, data.rows - start)
      var block = Array(data.values[start * n..<(start + size) * n])
      for index in block.indices { block[index] -= mean[index % n] }
      Product.multiply(m: n, n: n, k: size, block, transposed: true, block, into: &part)
      for index in total.indices { total[index] += Double(part[index]) }
    }
    return total.map { Float($0 / Double(max(data.rows - 1, 1))) }
  }
}
