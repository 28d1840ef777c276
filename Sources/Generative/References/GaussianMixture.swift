import Foundation
import Networks
import Tensors

/// What can be chosen about a mixture of Gaussians.
public struct GaussianMixtureSettings: ModelSettings {
  /// How many; 0 for as many as make held-out rows most likely, while each has eight rows to a number of its mean.
  public var components = 0
  /// How far covariances are drawn towards that of independent columns, 0 to below 1: of a component of average size so far, of a
  /// smaller one further.
  public var shrinkage: Float = 0.01

  public init() {}
  public func check() throws(FitError) {
    guard (0...1024).contains(components) else {
      throw .setting("components is \(components), not 0 to 1024")
    }
    try SettingCheck.share("shrinkage", shrinkage)
  }
}

/// `Σ π_k N(x; μ_k, Σ_k)`
struct GaussianMixtureDensity: Sendable {
  let logWeights: [Double]
  let components: [GaussianDensity]

  init(_ state: GaussianMixtureFit.State) {
    logWeights = state.weights.map { log($0) }
    components = state.components
  }

  private var size: Int { components[0].size }
  /// Where the logs of a row lie in the numbers of a working space.
  func logs(ofRow row: Int) -> Range<Int> {
    let begin = size * (size + 1) + row * components.count
    return begin..<begin + components.count
  }

  func reserve(_ space: inout WorkingSpace, rows: Int) {
    components[0].reserve(&space, rows: rows)
    space.grow(numbers: logs(ofRow: rows).lowerBound)
  }

  /// Puts `log π_k + log N(x; μ_k, Σ_k)` of the first rows into the space's numbers.
  func joint(_ space: inout WorkingSpace, count: Int, missing: MissingEntries?) {
    for (k, component) in components.enumerated() {
      component.logDensities(&space, count: count) { row, value, space in
        space.numbers[logs(ofRow: row).lowerBound + k] = logWeights[k] + value
      }
      guard let missing else { continue }
      for row in 0..<count where missing.isAny(in: row) {
        let value = component.logMarginal(&space, row: row, missing)
        space.numbers[logs(ofRow: row).lowerBound + k] = logWeights[k] + value
      }
    }
  }
}

/// A mixture of normal densities with full covariances, fitted by expectation-maximisation from k-means++.
public struct GaussianMixture: ReferenceModel, InpaintingModel, TrainingCurveKeeping {
  public static let catalogueName = "gaussian-mixture"
  let frame: ReferenceFrame<GaussianMixtureSettings>
  let weights: [Float]
  let mixture: GaussianMixtureDensity
  public var curve: [CurvePoint] { frame.curve }
  public var components: Int { weights.count }

  static func fit(
    _ records: Records, _ settings: GaussianMixtureSettings, _ options: FitOptions,
    _ surroundings: FitSurroundings
  ) throws(FitError) -> GaussianMixture {
    let data = records.matrix
    try data.check(minimumRows: 2)
    let preparation = Preparation(records, wanted: .real)
    let iterations = options.epochs ?? 200
    func fitted(
      _ data: DataMatrix, _ components: Int
    ) throws(FitError) -> (state: GaussianMixtureFit.State, curve: [CurvePoint]) {
      try GaussianMixtureFit(preparation(data), preparation, data.mask, shrinkage: settings.shrinkage).fitted(
        components: components, iterations: iterations, seed: options.seed, surroundings)
    }
    var components = settings.components
    if components == 0 {
      let split = HeldOutSplit(rows: data.rows, share: 0.15)
      let learned = data.rows(split.trainedRows)
      let heldOut = data.rows(split.heldOutRows)
      let judge = GaussianMixtureFit(preparation(heldOut), preparation, heldOut.mask, shrinkage: 0)
      components = try ExpectationMaximization.components(upTo: split.trained / (8 * data.columns)) {
        (count: Int) throws(FitError) in judge.expected(try fitted(learned, count).state).logLikelihoods
      }
    }
    let (state, curve) = try fitted(data, min(components, data.rows))
    return GaussianMixture(
      frame: ReferenceFrame(settings, preparation, ColumnSummary(data), curve: curve),
      weights: state.weights.map(Float.init), components: state.components)
  }

  init(
    frame: ReferenceFrame<GaussianMixtureSettings>, weights: [Float], components: [GaussianDensity]
  ) {
    self.frame = frame
    self.weights = weights
    mixture = GaussianMixtureDensity(
      GaussianMixtureFit.State(weights: weights.map(Double.init), components: components))
  }

  func reserve(_ space: inout WorkingSpace) { mixture.reserve(&space, rows: Self.most) }

  func logDensities(_ space: inout WorkingSpace, count: Int, missing: MissingEntries?) {
    mixture.joint(&space, count: count, missing: missing)
    for row in 0..<count { space.results[row] = logSumExp(space.numbers, mixture.logs(ofRow: row)) }
  }

  public func sample(count: Int, seed: UInt64) -> [Float] {
    var random = RandomStream(seed: seed, stream: Purpose.sampling.stream(0))
    let chosen = random.uniforms(count)
    let rows = (0..<count).flatMap { row in
      mixture.components[weights.place(of: chosen[row])].sample(1, &random)
    }
    return preparation.restored(rows)
  }

  public func inpaint(_ rows: Records, seed: UInt64) -> [Float] {
    var space = WorkingSpace()
    space.rows = preparation(rows.matrix)
    mixture.reserve(&space, rows: Self.most)
    let missing = MissingEntries(rows.matrix.mask, first: 0, preparation)
    return inpainted(rows, seed: seed) { values, row, random, isMissing in
      guard let missing else { return }
      // The component first, by what it makes of the entries that are there.
      let logs = mixture.components.indices.map {
        mixture.logWeights[$0] + mixture.components[$0].logMarginal(&space, row: row, missing)
      }
      let sum = logSumExp(logs, logs.indices)
      let shares = logs.map { Float(exp($0 - sum)) }
      mixture.components[shares.place(of: random.uniform())].fill(
        &values, row: row, &random, isMissing: isMissing)
    }
  }
}

extension [Float] {
  /// Where a number between 0 and 1 falls in the running sums of these shares.
  func place(of uniform: Float) -> Int {
    var left = uniform
    for (i, share) in enumerated() {
      left -= share
      if left < 0 { return i }
    }
    return Swift.max(0, count - 1)
  }
}

extension DataMatrix {
  /// These rows of it.
  func rows(_ chosen: ArraySlice<Int>) -> DataMatrix {
    var arena = Arena()
    let region = arena.reserve(chosen.count * columns)
    func gathered(_ source: [Float]) -> [Float] {
      arena.gather(source, columns: columns, rows: chosen, into: region)
      return arena[region]
    }
    return DataMatrix(
      rows: chosen.count, columns: columns, values: gathered(values), mask: mask.map(gathered))
  }
}

// MARK: bytes

extension GaussianMixture {
  public func encode() -> [UInt8] {
    let (k, n) = (components, width)
    return frame.encode(
      [
        "weights": Tensor(weights, shape: [k]),
        "means": Tensor(mixture.components.flatMap(\.mean), shape: [k, n]),
        "factors": Tensor(mixture.components.flatMap(\.factor), shape: [k, n, n]),
      ], as: Self.catalogueName)
  }

  public init(decoding bytes: [UInt8]) throws {
    let file = try Weights(decoding: bytes)
    let frame = try ReferenceFrame<GaussianMixtureSettings>(file, as: Self.catalogueName)
    let n = frame.preparation.form.width
    let weights = try file.shares("weights")
    let means = try file.tensor("means", shape: [weights.count, n]).values
    let factors = try file.tensor("factors", shape: [weights.count, n, n]).values
    let components = try weights.indices.map { k in
      try GaussianDensity(
        mean: Array(means[k * n..<(k + 1) * n]),
        factor: Tensor(Array(factors[k * n * n..<(k + 1) * n * n]), shape: [n, n]).checkedTriangle(n))
    }
    self.init(frame: frame, weights: weights, components: components)
  }
}

extension Weights {
  /// The shares of components: at least one, all above 0, together 1.
  func shares(_ name: String) throws(WeightsError) -> [Float] {
    let shares = try tensor(name, shape: [nil]).values
    guard !shares.isEmpty, shares.allSatisfy({ $0 > 0 }), abs(shares.reduce(0, +) - 1) < 1e-3 else {
      throw .wrongValue("\(name) are no shares of a whole")
    }
    return shares
  }
}
