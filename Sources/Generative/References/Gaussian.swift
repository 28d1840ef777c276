import Networks
import Tensors

/// What can be chosen about a Gaussian.
public struct GaussianSettings: ModelSettings {
  /// How far the covariance is drawn towards that of independent columns, 0 to below 1.
  public var shrinkage: Float = 0.001

  public init() {}
  public func check() throws(FitError) {
    try SettingCheck.share("shrinkage", shrinkage)
  }
}

/// All inputs jointly normal: mean and full covariance by maximum likelihood, by expectation-maximisation where entries are missing.
public struct Gaussian: ReferenceModel, InpaintingModel {
  public static let catalogueName = "gaussian"
  let frame: ReferenceFrame<GaussianSettings>
  let density: GaussianDensity

  static func fit(
    _ records: Records, _ settings: GaussianSettings, _ options: FitOptions, _ surroundings: FitSurroundings
  ) throws(FitError) -> Gaussian {
    try records.matrix.check(minimumRows: 2)
    let preparation = Preparation(records, wanted: .real)
    let fit = GaussianMixtureFit(
      preparation(records.matrix), preparation, records.matrix.mask, shrinkage: settings.shrinkage)
    let all = [Double](repeating: 1, count: records.count)
    var state = try fit.maximised([all], before: nil)
    // Complete rows have their best density at once.
    if records.matrix.mask?.contains(0) == true {
      (state, _) = try fit.run(state, iterations: options.epochs ?? 50, surroundings)
    }
    return Gaussian(
      frame: ReferenceFrame(settings, preparation, ColumnSummary(records.matrix)),
      density: state.components[0])
  }

  func reserve(_ space: inout WorkingSpace) { density.reserve(&space, rows: Self.most) }

  func logDensities(_ space: inout WorkingSpace, count: Int, missing: MissingEntries?) {
    density.logDensities(&space, count: count) { row, value, space in space.results[row] = value }
    guard let missing else { return }
    for row in 0..<count where missing.isAny(in: row) {
      space.results[row] = density.logMarginal(&space, row: row, missing)
    }
  }

  public func sample(count: Int, seed: UInt64) -> [Float] {
    var random = RandomStream(seed: seed, stream: Purpose.sampling.stream(0))
    return preparation.restored(density.sample(count, &random))
  }

  public func inpaint(_ rows: Records, seed: UInt64) -> [Float] {
    inpainted(rows, seed: seed) { values, row, random, isMissing in
      density.fill(&values, row: row, &random, isMissing: isMissing)
    }
  }

  /// Of each input given all others: mean `x_j - (Λ x)_j / Λ_jj`, variance `1 / Λ_jj` with `Λ = Σ⁻¹`; the contribution is what the
  /// negative log-likelihood would lose were the input as expected, above the usual half.
  public func expectation(of input: [Float], mask: [Float]?) -> Expectation {
    let n = width
    var row = preparation(DataMatrix(rows: 1, columns: n, values: input, mask: mask))
    let given = density.conditional(row[...]) { mask?[$0] == 0 }
    for (a, i) in given.missing.enumerated() { row[i] = Float(given.mean[a]) }
    let precision = density.precision
    var expected = [Float](repeating: 0, count: n)
    var spread = expected
    var contribution = expected
    for j in 0..<n {
      let own = max(precision[j * n + j], 1e-12)
      let pull = (0..<n).reduce(Float(0)) { $0 + precision[j * n + $1] * (row[$1] - density.mean[$1]) }
      expected[j] = row[j] - pull / own
      spread[j] = 1 / (own.squareRoot() * preparation.scale[j])
      contribution[j] = mask?[j] == 0 ? 0 : max(0, min(pull * pull / (2 * own) - 0.5, 1e30))
    }
    return Expectation(
      expected: preparation.restored(expected), spread: spread, contribution: contribution)
  }
}

extension ReferenceModel {
  /// Rows with their missing entries drawn one row after the other; what was given stays as it was, to the bit.
  func inpainted(
    _ rows: Records, seed: UInt64,
    _ fill: (inout [Float], _ row: Int, inout RandomStream, _ isMissing: (Int) -> Bool) -> Void
  ) -> [Float] {
    guard let missing = MissingEntries(rows.matrix.mask, first: 0, preparation) else {
      return rows.matrix.values
    }
    var random = RandomStream(seed: seed, stream: Purpose.sampling.stream(2))
    var values = preparation(rows.matrix)
    for row in 0..<rows.count where missing.isAny(in: row) {
      fill(&values, row, &random) { missing.isMissing(row, $0) }
    }
    let restored = preparation.restored(values)
    return restored.indices.map { missing.mask[$0] == 0 ? restored[$0] : rows.matrix.values[$0] }
  }
}

// MARK: bytes

extension Gaussian {
  public func encode() -> [UInt8] {
    frame.encode(
      [
        "mean": Tensor(density.mean, shape: [width]),
        "factor": Tensor(density.factor, shape: [width, width]),
      ], as: Self.catalogueName)
  }

  public init(decoding bytes: [UInt8]) throws {
    let weights = try Weights(decoding: bytes)
    frame = try ReferenceFrame(weights, as: Self.catalogueName)
    let width = frame.preparation.form.width
    density = try GaussianDensity(
      mean: weights.tensor("mean", shape: [width]).values,
      factor: weights.tensor("factor", shape: [width, width]).checkedTriangle(width))
  }
}

extension Tensor {
  /// The numbers of a lower triangle whose diagonal is positive.
  func checkedTriangle(_ n: Int) throws(WeightsError) -> [Float] {
    let values = values
    for i in 0..<n {
      guard values[i * n + i] > 0 else { throw .wrongValue("a diagonal number of a factor is not above 0") }
      for j in i + 1..<max(n, i + 1) where values[i * n + j] != 0 {
        throw .wrongValue("a factor is not a lower triangle")
      }
    }
    return values
  }
}
