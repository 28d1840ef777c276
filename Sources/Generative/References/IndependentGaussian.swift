import Networks
import Tensors

/// Every input normal and independent of the others: the baseline that every other model has to beat.
public struct IndependentGaussian: TrainedModel, Equatable {
  public static let catalogueName = "independent"
  public let scoreUnit = ScoreUnit.nats
  public var width: Int { mean.count }

  let mean: [Float]
  let deviation: [Float]
  /// 1 / deviation
  let precision: [Float]

  /// Inputs further than this many deviations from their mean count as just that far: scores stay finite.
  static let bound: Float = 1e6

  init(mean: [Float], deviation: [Float]) {
    self.mean = mean
    self.deviation = deviation
    precision = deviation.map { 1 / $0 }
  }

  /// - Throws: ``FitError/notEnoughRows(have:need:)`` below two rows, ``FitError/notFinite(row:column:)``.
  public static func fit(_ data: DataMatrix) throws(FitError) -> IndependentGaussian {
    try data.check(minimumRows: 2)
    let moments = data.moments(floor: 0.05)
    return IndependentGaussian(mean: moments.mean, deviation: moments.deviation)
  }

  /// The negative log-likelihood up to a constant: `Σ (x - μ)² / 2σ²`; missing inputs are left out of the sum.
  public func score(
    _ inputs: [Float], mask: [Float]?, rows: Int, into raw: inout [Float], scratch: inout Scratch
  ) {
    let most = 64
    scratch.arena.grow(to: most * (width + 2))
    let z = Region(offset: 0, count: most * width)
    let sum = Region(offset: most * width, count: most)
    let count = Region(offset: most * (width + 1), count: most)
    for start in stride(from: 0, to: rows, by: most) {
      let n = min(most, rows - start)
      scratch.arena.standardise(
        inputs, mask: mask, first: start, rows: n, shift: mean, scale: precision, bound: Self.bound, into: z)
      scratch.arena.squaredErrorRows(
        rows: n, columns: width, z, nil, weight: nil, mask: nil, first: 0, sum: sum, count: count)
      scratch.arena.combineRows(rows: n, sum, factor: 0.5, count, otherFactor: 0, into: &raw, at: start)
    }
  }

  public func expectation(of input: [Float], mask: [Float]?) -> Expectation {
    let contribution = (0..<width).map { j -> Float in
      guard mask?[j] != 0 else { return 0 }
      let z = max(-Self.bound, min(Self.bound, (input[j] - mean[j]) / deviation[j]))
      return max(0, z * z / 2 - 0.5)
    }
    return Expectation(expected: mean, spread: deviation, contribution: contribution)
  }

  public func sample(count: Int, seed: UInt64) -> [Float] {
    var random = RandomStream(seed: seed)
    var values = random.normals(count * width)
    for i in values.indices { values[i] = mean[i % width] + deviation[i % width] * values[i] }
    return values
  }

  public func encode() -> [UInt8] {
    Weights(
      ["mean": Tensor(mean, shape: [width]), "deviation": Tensor(deviation, shape: [width])],
      metadata: ["model": Self.catalogueName]
    ).encode()
  }

  public init(decoding bytes: [UInt8]) throws {
    let weights = try Weights(decoding: bytes)
    try weights.check(model: Self.catalogueName)
    let mean = try weights.tensor("mean", shape: [nil]).values
    let deviation = try weights.tensor("deviation", shape: [mean.count]).values
    guard deviation.allSatisfy({ $0 > 0 }) else {
      throw WeightsError.wrongValue("a deviation is not above 0")
    }
    self.init(mean: mean, deviation: deviation)
  }
}

extension Weights {
  /// - Throws: ``WeightsError/wrongModel(have:want:)`` when these are another model's.
  func check(model name: String) throws(WeightsError) {
    let have = try text("model")
    guard have == name else { throw .wrongModel(have: have, want: name) }
  }
}
