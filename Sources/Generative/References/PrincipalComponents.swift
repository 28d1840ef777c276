import Foundation
import Networks
import Tensors

/// What can be chosen about principal components.
public struct PrincipalComponentsSettings: ModelSettings {
  /// How many; 0 for as many as the share of the variance needs.
  public var components = 0
  /// The share of the variance that is kept when the number is not given.
  public var variance: Float = 0.9

  public init() {}
  public func check() throws(FitError) {
    guard (0...65536).contains(components) else {
      throw .setting("components is \(components), not 0 to 65536")
    }
    guard variance > 0, variance < 1 else {
      throw .setting("variance is \(variance), not between 0 and 1")
    }
  }
}

/// Probabilistic principal component analysis: `x = μ + U (Λ - σ² I)^½ z + σ ε`, with the first eigenvectors and eigenvalues of the
/// covariance and the mean of the other eigenvalues as noise (Tipping & Bishop 1999, equations 7 and 8).
///
/// Codes are the coordinates along the components in their deviations; they decode to the nearest row of the plane, so that rows
/// are rebuilt as by plain principal component analysis.
public struct PrincipalComponents: ReferenceModel, EncodingModel, ReconstructingModel {
  public static let catalogueName = "pca"
  let frame: ReferenceFrame<PrincipalComponentsSettings>
  let mean: [Float]
  /// Unit eigenvectors as columns, `width × components`.
  let axes: [Float]
  /// Their eigenvalues, descending.
  let variances: [Float]
  /// `σ²`
  let noise: Float

  /// `μ U`, the projection of the mean.
  private let meanCode: [Float]
  private let logNormaliser: Double
  public var codeWidth: Int { variances.count }

  static func fit(
    _ records: Records, _ settings: PrincipalComponentsSettings
  ) throws(FitError) -> PrincipalComponents {
    let data = records.matrix
    try data.check(minimumRows: 2)
    let preparation = preparation(for: records)
    let rows = preparation(data)
    let n = data.columns
    let (mean, covariance) = moments(rows, n)
    let eigen: (values: [Float], vectors: [Float])
    do {
      eigen = try LinearAlgebra.symmetricEigen(covariance, n: n)
    } catch {
      throw .diverged(step: 0)
    }
    let values = eigen.values.reversed().map { max($0, 0) }
    let total = max(values.reduce(0, +), 1e-6)
    var count = min(settings.components, n)
    if count == 0 {
      var kept: Float = 0
      while count < max(1, n - 1), kept < settings.variance * total {
        kept += values[count]
        count += 1
      }
      count = max(count, 1)
    }
    let left = values[count...].reduce(0, +) / Float(max(n - count, 1))
    let noise = max(left, 1e-3 * total / Float(n), 1e-6)
    let axes = (0..<n).flatMap { j in (0..<count).map { eigen.vectors[(n - 1 - $0) * n + j] } }
    return PrincipalComponents(
      frame: ReferenceFrame(settings, preparation, ColumnSummary(data)), mean: mean, axes: axes,
      variances: values[..<count].map { max($0, noise) }, noise: noise)
  }

  /// Numbers of any size are standardised; grey values and bits have one unit already, and stay as they are.
  private static func preparation(for records: Records) -> Preparation {
    guard records.form.support != .real else { return Preparation(records, wanted: .real) }
    var form = records.form
    form.support = .real
    let plain = Preparation(records, wanted: .unit)
    return Preparation(kind: .asGiven, given: records.form, form: form, usual: plain.usual)
  }

  private static func moments(_ rows: [Float], _ n: Int) -> (mean: [Float], covariance: [Float]) {
    let count = rows.count / n
    var sums = [Double](repeating: 0, count: n)
    for row in 0..<count { for j in 0..<n { sums[j] += Double(rows[row * n + j]) } }
    let mean = sums.map { Float($0 / Double(count)) }
    var covariance = [Double](repeating: 0, count: n * n)
    var block = [Float](repeating: 0, count: 1024 * n)
    var part = [Float](repeating: 0, count: n * n)
    for start in stride(from: 0, to: count, by: 1024) {
      let size = min(1024, count - start)
      for row in 0..<size { for j in 0..<n { block[row * n + j] = rows[(start + row) * n + j] - mean[j] } }
      Product.multiply(m: n, n: n, k: size, block, transposed: true, block, into: &part)
      for i in covariance.indices { covariance[i] += Double(part[i]) }
    }
    return (mean, covariance.map { Float($0 / Double(count)) })
  }

  init(
    frame: ReferenceFrame<PrincipalComponentsSettings>, mean: [Float], axes: [Float], variances: [Float],
    noise: Float
  ) {
    self.frame = frame
    self.mean = mean
    self.axes = axes
    self.variances = variances
    self.noise = noise
    let (n, k) = (mean.count, variances.count)
    var code = [Float](repeating: 0, count: k)
    Product.multiply(m: 1, n: k, k: n, mean, axes, into: &code)
    meanCode = code
    let logs = variances.reduce(Double(n - k) * log(Double(noise))) { $0 + log(Double($1)) }
    logNormaliser = -0.5 * (logs + Double(n) * log(2 * .pi))
  }
}

// MARK: likelihood

extension PrincipalComponents {
  func reserve(_ space: inout WorkingSpace) {
    space.grow(products: Self.most * codeWidth, numbers: codeWidth * (codeWidth + 1))
  }

  /// `(x - μ)ᵀ C⁻¹ (x - μ)` with `C⁻¹ = (I - U (I - σ² Λ⁻¹) Uᵀ) / σ²`.
  func logDensities(_ space: inout WorkingSpace, count: Int, missing: MissingEntries?) {
    let (n, k) = (wide, codeWidth)
    Product.multiply(m: count, n: k, k: n, space.rows, axes, into: &space.products)
    for row in 0..<count {
      if let missing, missing.isAny(in: row) {
        space.results[row] = logMarginal(&space, row: row, missing)
        continue
      }
      var square = 0.0
      for j in 0..<n {
        let difference = Double(space.rows[row * n + j] - mean[j])
        square += difference * difference
      }
      for a in 0..<k {
        let along = Double(space.products[row * k + a] - meanCode[a])
        square -= along * along * (1 - Double(noise / variances[a]))
      }
      space.results[row] = logNormaliser - 0.5 * square / Double(noise)
    }
  }

  /// Of the entries that are there: with their rows of `W = U (Λ - σ² I)^½`, through `M = Wᵀ W + σ² I`.
  private func logMarginal(_ space: inout WorkingSpace, row: Int, _ missing: MissingEntries) -> Double {
    let (n, k, noise) = (wide, codeWidth, Double(noise))
    for i in 0..<k * (k + 1) { space.numbers[i] = 0 }
    var (known, square) = (0, 0.0)
    func loading(_ j: Int, _ a: Int) -> Double {
      Double(axes[j * k + a]) * max(Double(variances[a]) - noise, 0).squareRoot()
    }
    for j in 0..<n where !missing.isMissing(row, j) {
      known += 1
      let difference = Double(space.rows[row * n + j] - mean[j])
      square += difference * difference
      for a in 0..<k {
        let own = loading(j, a)
        space.numbers[k * k + a] += own * difference
        for b in 0...a { space.numbers[a * k + b] += own * loading(j, b) }
      }
    }
    for a in 0..<k { space.numbers[a * k + a] += noise }
    let logDiagonal = Triangle.factor(&space.numbers, n: k)
    Triangle.solve(&space.numbers, n: k, columns: 1)
    for a in 0..<k { square -= space.numbers[k * k + a] * space.numbers[k * k + a] }
    let logDeterminant = 2 * logDiagonal + Double(known - k) * log(noise)
    return -0.5 * (square / noise + logDeterminant + Double(known) * log(2 * .pi))
  }
}

// MARK: codes

extension PrincipalComponents {
  public func codes(of rows: Records) -> [Float] {
    let k = codeWidth
    var codes = [Float](repeating: 0, count: rows.count * k)
    Product.multiply(m: rows.count, n: k, k: wide, preparation(rows.matrix), axes, into: &codes)
    for i in codes.indices { codes[i] = (codes[i] - meanCode[i % k]) / variances[i % k].squareRoot() }
    return codes
  }

  public func decode(codes: [Float], count: Int, labels: [Int]?) -> [Float] {
    let k = codeWidth
    precondition(codes.count == count * k, "\(codes.count) numbers are not \(count) × \(k)")
    let scaled = codes.indices.map { codes[$0] * variances[$0 % k].squareRoot() }
    return preparation.restored(plane(scaled, count))
  }

  /// `μ + c Uᵀ`
  private func plane(_ codes: [Float], _ count: Int) -> [Float] {
    var rows = [Float](repeating: 0, count: count * wide)
    Product.multiply(m: count, n: wide, k: codeWidth, codes, axes, otherTransposed: true, into: &rows)
    for i in rows.indices { rows[i] += mean[i % wide] }
    return rows
  }

  public func reconstruct(_ rows: Records) -> [Float] {
    decode(codes: codes(of: rows), count: rows.count, labels: nil)
  }

  public func sample(count: Int, seed: UInt64) -> [Float] {
    var random = RandomStream(seed: seed, stream: Purpose.sampling.stream(0))
    let k = codeWidth
    var codes = random.normals(count * k)
    for i in codes.indices { codes[i] *= max(variances[i % k] - noise, 0).squareRoot() }
    let noise = random.normals(count * wide)
    let deviation = self.noise.squareRoot()
    return preparation.restored(zip(plane(codes, count), noise).map { $0 + deviation * $1 })
  }
}

// MARK: bytes

extension PrincipalComponents {
  public func encode() -> [UInt8] {
    frame.encode(
      [
        "mean": Tensor(mean, shape: [wide]), "axes": Tensor(axes, shape: [wide, codeWidth]),
        "variances": Tensor(variances, shape: [codeWidth]), "noise": Tensor([noise], shape: [1]),
      ], as: Self.catalogueName)
  }

  public init(decoding bytes: [UInt8]) throws {
    let file = try Weights(decoding: bytes)
    let frame = try ReferenceFrame<PrincipalComponentsSettings>(file, as: Self.catalogueName)
    let width = frame.preparation.form.width
    let variances = try file.tensor("variances", shape: [nil]).values
    let noise = try file.tensor("noise", shape: [1]).values[0]
    guard noise > 0, !variances.isEmpty, variances.allSatisfy({ $0 >= noise }) else {
      throw WeightsError.wrongValue("a variance is not above 0 or below that of the noise")
    }
    self.init(
      frame: frame, mean: try file.tensor("mean", shape: [width]).values,
      axes: try file.tensor("axes", shape: [width, variances.count]).values, variances: variances,
      noise: noise)
  }
}
