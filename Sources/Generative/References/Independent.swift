import Foundation
import Networks
import Tensors

/// Every input independent of the others, a normal number or, where rows are bits, a coin: the baseline that every other model
/// has to beat.
public struct Independent: LikelihoodModel, FormKeeping, Equatable {
  enum Inputs: Sendable, Equatable {
    /// Mean, deviation and its inverse of each.
    case normal(mean: [Float], deviation: [Float], precision: [Float])
    /// The probability of a 1 of each, and what a 1 and a 0 cost, `-log p` and `-log (1 - p)`.
    case coins(probability: [Float], one: [Float], zero: [Float])
  }

  public static let catalogueName = "independent"
  public let scoreUnit = ScoreUnit.nats
  public let likelihoodKind = LikelihoodKind.exact
  public var width: Int { mean.count }
  let inputs: Inputs

  /// The shape of pictures and sequences is not kept: it changes nothing.
  public var form: RowForm {
    if case .coins = inputs { return RowForm(shape: [width], support: .binary) }
    return RowForm(shape: [width], support: .real)
  }
  public var seenForm: RowForm { form }

  /// Inputs further than this many deviations from their mean count as just that far: scores stay finite.
  static let bound: Float = 1e6

  init(mean: [Float], deviation: [Float]) {
    inputs = .normal(mean: mean, deviation: deviation, precision: deviation.map { 1 / $0 })
  }

  init(probability: [Float]) {
    inputs = .coins(
      probability: probability, one: VectorMath.log(probability).map { -$0 },
      zero: VectorMath.log(probability.map { 1 - $0 }).map { -$0 })
  }

  /// - Throws: ``FitError/notEnoughRows(have:need:)`` below two rows, ``FitError/notFinite(row:column:)``.
  public static func fit(_ data: DataMatrix) throws(FitError) -> Independent {
    try data.check(minimumRows: 2)
    let moments = data.moments(floor: 0.05)
    return Independent(mean: moments.mean, deviation: moments.deviation)
  }

  /// Bits, and numbers between 0 and 1 that are the probabilities of bits, make coins (with half a toss of each side added);
  /// everything else is normal.
  static func fit(_ records: Records) throws(FitError) -> Independent {
    guard records.form.support == .binary else { return try fit(records.matrix) }
    let data = records.matrix
    try data.check(minimumRows: 2)
    var ones = [Double](repeating: 0.5, count: data.columns)
    var tosses = [Double](repeating: 1, count: data.columns)
    for i in data.values.indices where data.mask?[i] != 0 {
      ones[i % data.columns] += Double(data.values[i])
      tosses[i % data.columns] += 1
    }
    return Independent(probability: zip(ones, tosses).map { Float($0 / $1) })
  }

  private var mean: [Float] {
    switch inputs {
    case .normal(let mean, _, _): mean
    case .coins(let probability, _, _): probability
    }
  }
}

// MARK: how strange a row is

extension Independent {
  /// The negative log-likelihood, of normal inputs up to a constant: `Σ (x - μ)² / 2σ²`; missing inputs are left out of the sum.
  public func score(
    _ inputs: [Float], mask: [Float]?, rows: Int, into raw: inout [Float], scratch: inout Scratch
  ) {
    switch self.inputs {
    case .normal(let mean, _, let precision):
      let most = 64
      scratch.arena.grow(to: most * (width + 2))
      let z = Region(offset: 0, count: most * width)
      let sum = Region(offset: most * width, count: most)
      let count = Region(offset: most * (width + 1), count: most)
      for start in stride(from: 0, to: rows, by: most) {
        let n = min(most, rows - start)
        scratch.arena.standardise(
          inputs, mask: mask, first: start, rows: n, shift: mean, scale: precision, bound: Self.bound, into: z
        )
        scratch.arena.squaredErrorRows(
          rows: n, columns: width, z, nil, weight: nil, mask: nil, first: 0, sum: sum, count: count)
        scratch.arena.combineRows(rows: n, sum, factor: 0.5, count, otherFactor: 0, into: &raw, at: start)
      }
    case .coins(_, let one, let zero):
      for row in 0..<rows {
        var sum: Float = 0
        for j in 0..<one.count where mask?[row * one.count + j] != 0 {
          sum += inputs[row * one.count + j] > 0.5 ? one[j] : zero[j]
        }
        raw[row] = sum
      }
    }
  }

  public func logLikelihoods(_ rows: Records, samples: Int, seed: UInt64) -> [Double] {
    var raw = [Float](repeating: 0, count: rows.count)
    var scratch = Scratch()
    let mask = rows.matrix.mask
    score(rows.matrix.values, mask: mask, rows: rows.count, into: &raw, scratch: &scratch)
    guard case .normal(_, let deviation, _) = inputs else { return raw.map { -Double($0) } }
    let constants = deviation.map { log(Double($0)) + 0.5 * log(2 * Double.pi) }
    return raw.enumerated().map { row, score in
      (0..<width).reduce(-Double(score)) {
        mask?[row * width + $1] == 0 ? $0 : $0 - constants[$1]
      }
    }
  }

  public func expectation(of input: [Float], mask: [Float]?) -> Expectation {
    switch inputs {
    case .normal(let mean, let deviation, _):
      let contribution = (0..<width).map { j -> Float in
        guard mask?[j] != 0 else { return 0 }
        let z = max(-Self.bound, min(Self.bound, (input[j] - mean[j]) / deviation[j]))
        return max(0, z * z / 2 - 0.5)
      }
      return Expectation(expected: mean, spread: deviation, contribution: contribution)
    case .coins(let probability, let one, let zero):
      let contribution = (0..<width).map { j -> Float in
        guard mask?[j] != 0 else { return 0 }
        let usual = probability[j] * one[j] + (1 - probability[j]) * zero[j]
        return max(0, (input[j] > 0.5 ? one[j] : zero[j]) - usual)
      }
      return Expectation(
        expected: probability, spread: probability.map { max(1e-6, ($0 * (1 - $0)).squareRoot()) },
        contribution: contribution)
    }
  }

  public func sample(count: Int, seed: UInt64) -> [Float] {
    var random = RandomStream(seed: seed)
    switch inputs {
    case .normal(let mean, let deviation, _):
      var values = random.normals(count * width)
      for i in values.indices { values[i] = mean[i % width] + deviation[i % width] * values[i] }
      return values
    case .coins(let probability, _, _):
      return random.uniforms(count * width).enumerated().map { $1 < probability[$0 % width] ? 1 : 0 }
    }
  }
}

// MARK: bytes

extension Independent {
  public func encode() -> [UInt8] {
    let tensors: [String: Tensor] =
      switch inputs {
      case .normal(let mean, let deviation, _):
        ["mean": Tensor(mean, shape: [width]), "deviation": Tensor(deviation, shape: [width])]
      case .coins(let probability, _, _): ["probability": Tensor(probability, shape: [width])]
      }
    return Weights(tensors, metadata: ["model": Self.catalogueName]).encode()
  }

  public init(decoding bytes: [UInt8]) throws {
    let weights = try Weights(decoding: bytes)
    try weights.check(model: Self.catalogueName)
    guard weights.tensors["probability"] == nil else {
      let probability = try weights.tensor("probability", shape: [nil]).values
      guard probability.allSatisfy({ $0 > 0 && $0 < 1 }) else {
        throw WeightsError.wrongValue("a probability is not between 0 and 1")
      }
      self.init(probability: probability)
      return
    }
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
