import Networks
import Tensors

/// A restricted Boltzmann machine with real-valued visible and binary hidden units.
///
/// With `u_i = (v_i - b_i) / σ_i` the score is the free energy in nats,
/// `F(v) = ½ Σ u_i² - Σ_j softplus(c_j + Σ_i W_ij u_i)`: Hinton 2010 (A practical guide to training restricted
/// Boltzmann machines, §13.2) with the hidden biases taken at `v = b`; σ is learned per unit (Cho, Ilin & Raiko 2011).
/// It is `-log p(v)` up to the model's partition function, so it may be negative.
///
/// Missing inputs are left out of both sums; what each usually adds stands in, so that scores stay comparable.
public struct GaussianBernoulliRBM: TrainingCurveKeeping {
  public static let catalogueName = "gaussian-rbm"
  public let scoreUnit = ScoreUnit.nats
  public var width: Int { bias.count }
  public var hidden: Int { hiddenBias.count }

  /// b, in the units of the rows.
  let bias: [Float]
  /// 1 / σ, in the units of the rows.
  let inverseSigma: [Float]
  /// width × hidden
  let weights: [Float]
  let hiddenBias: [Float]
  /// Per input: one standard deviation of what it differs from what the others let expect.
  let spread: [Float]
  /// Per input: what it usually adds to the free energy.
  let usual: [Float]
  let usualTotal: Float
  /// In the units of the rows; nil for a model that was fitted for its scores only.
  let logPartition: LogPartition?
  /// How its training went: score-matching loss of the rows learned from and of those held out.
  public let curve: [CurvePoint]

  /// Beyond this many σ all inputs are equally strange: scores stay finite.
  static let bound: Float = 1e6
  static let microBatch = 64

  init(
    bias: [Float], inverseSigma: [Float], weights: [Float], hiddenBias: [Float], spread: [Float],
    usual: [Float], logPartition: LogPartition? = nil, curve: [CurvePoint] = []
  ) {
    self.bias = bias
    self.inverseSigma = inverseSigma
    self.weights = weights
    self.hiddenBias = hiddenBias
    self.spread = spread
    self.usual = usual
    usualTotal = VectorMath.sum(usual)
    self.logPartition = logPartition
    self.curve = curve
  }

  /// The same with its partition function.
  func normalised(_ sampler: AnnealedImportanceSampling, seed: UInt64) -> GaussianBernoulliRBM {
    GaussianBernoulliRBM(
      bias: bias, inverseSigma: inverseSigma, weights: weights, hiddenBias: hiddenBias, spread: spread,
      usual: usual, logPartition: found(sampler, seed: seed), curve: curve)
  }
}

// MARK: the event path

extension GaussianBernoulliRBM {
  public func score(
    _ inputs: [Float], mask: [Float]?, rows: Int, into raw: inout [Float], scratch: inout Scratch
  ) {
    let most = Self.microBatch
    scratch.arena.grow(to: most * (width + hidden + 3))
    let u = Region(offset: 0, count: most * width)
    let a = Region(offset: most * width, count: most * hidden)
    let quadratic = Region(offset: most * (width + hidden), count: most)
    let soft = Region(offset: most * (width + hidden + 1), count: most)
    let observed = Region(offset: most * (width + hidden + 2), count: most)
    for start in stride(from: 0, to: rows, by: most) {
      let n = min(most, rows - start)
      scratch.arena.standardise(
        inputs, mask: mask, first: start, rows: n, shift: bias, scale: inverseSigma, bound: Self.bound,
        into: u)
      scratch.arena.multiply(
        m: n, n: hidden, k: width, u, weights: weights, bias: hiddenBias, into: a)
      scratch.arena.softplusSumRows(rows: n, columns: hidden, a, sum: soft)
      scratch.arena.squaredErrorRows(
        rows: n, columns: width, u, nil, weight: nil, mask: nil, first: 0, sum: quadratic, count: observed)
      scratch.arena.combineRows(rows: n, quadratic, factor: 0.5, soft, otherFactor: -1, into: &raw, at: start)
    }
    guard let mask else { return }
    for row in 0..<rows {
      var missing: Float = 0
      for i in 0..<width where mask[row * width + i] == 0 { missing += usual[i] }
      raw[row] += missing
    }
  }
}

// MARK: what lies behind a score

extension GaussianBernoulliRBM {
  /// `(x - b) / σ`, 0 where missing.
  func standardised(_ inputs: [Float], mask: [Float]?, rows: Int) -> [Float] {
    var arena = Arena()
    let u = arena.reserve(rows * width)
    arena.standardise(
      inputs, mask: mask, first: 0, rows: rows, shift: bias, scale: inverseSigma, bound: Self.bound, into: u)
    return arena[u]
  }

  /// `c + Wᵀ u`, rows × hidden.
  func activations(_ u: [Float], rows: Int) -> [Float] {
    var a: [Float] = []
    for _ in 0..<rows { a += hiddenBias }
    Product.multiply(m: rows, n: hidden, k: width, u, weights, into: &a, accumulate: true)
    return a
  }

  /// `W h`, rows × width.
  func visibleMeans(_ units: [Float], rows: Int) -> [Float] {
    var u = [Float](repeating: 0, count: rows * width)
    Product.multiply(m: rows, n: width, k: hidden, units, weights, otherTransposed: true, into: &u)
    return u
  }

  func unscaled(_ u: [Float]) -> [Float] {
    var x = u
    for i in x.indices { x[i] = u[i] / inverseSigma[i % width] + bias[i % width] }
    return x
  }

  /// The probabilities of the hidden units, rows × hidden.
  public func codes(of inputs: [Float], mask: [Float]?, rows: Int) -> [Float] {
    VectorMath.sigmoid(activations(standardised(inputs, mask: mask, rows: rows), rows: rows))
  }

  /// The means of the visible units given hidden ones, rows × width.
  public func decode(_ codes: [Float], rows: Int) -> [Float] {
    precondition(codes.count == rows * hidden, "\(codes.count) numbers are not \(rows) × \(hidden)")
    return unscaled(visibleMeans(codes, rows: rows))
  }

  /// The mean-field reconstruction of rows, rows × width; missing inputs are filled in.
  public func reconstruct(_ inputs: [Float], mask: [Float]?, rows: Int) -> [Float] {
    decode(codes(of: inputs, mask: mask, rows: rows), rows: rows)
  }

  /// Per row and input, `u` expected of the input by mean field over all other inputs, and what the free energy falls by
  /// when the input is replaced by that.
  func leftOut(_ u: [Float], rows: Int) -> (expected: [Float], difference: [Float]) {
    let a = activations(u, rows: rows)
    var expected = [Float](repeating: 0, count: rows * width)
    var difference = expected
    for row in 0..<rows {
      let all = Array(a[row * hidden..<(row + 1) * hidden])
      let soft = VectorMath.sum(VectorMath.softplus(all))
      for i in 0..<width {
        let w = Array(weights[i * hidden..<(i + 1) * hidden])
        let own = u[row * width + i]
        var rest = all
        for j in rest.indices { rest[j] -= w[j] * own }
        let mean = VectorMath.dot(w, VectorMath.sigmoid(rest))
        for j in rest.indices { rest[j] += w[j] * mean }
        let softThen = VectorMath.sum(VectorMath.softplus(rest))
        expected[row * width + i] = mean
        difference[row * width + i] = (own * own - mean * mean) / 2 - soft + softThen
      }
    }
    return (expected, difference)
  }

  /// Per input of one row: how many σ it is off what the others let expect, and what it adds to the free energy.
  func usualParts(_ input: [Float], mask: [Float]?) -> (off: [Float], difference: [Float]) {
    let u = standardised(input, mask: mask, rows: 1)
    let (expected, difference) = leftOut(u, rows: 1)
    return (zip(u, expected).map { $0 - $1 }, difference)
  }

  /// Each input's expected value comes from all others; its contribution is what the free energy falls by when the input
  /// is replaced by that, less what is usual.
  public func expectation(of input: [Float], mask: [Float]?) -> Expectation {
    precondition(input.count == width, "\(input.count) inputs for a model of \(width)")
    let u = standardised(input, mask: mask, rows: 1)
    let (expected, difference) = leftOut(u, rows: 1)
    return Expectation(
      expected: unscaled(expected), spread: spread,
      contribution: (0..<width).map { mask?[$0] == 0 ? 0 : max(0, difference[$0] - usual[$0]) })
  }

  /// Gibbs steps before a sample is taken.
  public static let burnIn = 500

  /// Block Gibbs sampling, `count` chains from random hidden units; nothing of the data but the model goes in.
  public func sample(count: Int, seed: UInt64) -> [Float] {
    sample(count: count, seed: seed, burnIn: Self.burnIn)
  }

  /// - Parameter burnIn: Gibbs steps before the samples are taken.
  public func sample(count: Int, seed: UInt64, burnIn: Int) -> [Float] {
    var random = RandomStream(seed: seed)
    var arena = Arena()
    let weights = arena.reserve(width * hidden)
    arena[weights] = self.weights
    let bias = arena.reserve(hidden)
    arena[bias] = hiddenBias
    let units = arena.reserve(count * hidden)
    let u = arena.reserve(count * width)
    let noise = arena.reserve(count * width)
    let uniforms = arena.reserve(count * hidden)
    arena.fill(units, with: 0.5)
    arena.bernoulli(units, uniforms: uniforms, random: &random)
    for step in 0...burnIn {
      arena.multiply(m: count, n: width, k: hidden, units, weights, otherTransposed: true, into: u)
      arena.fillNormal(noise, random: &random)
      arena.add(u, noise)
      guard step < burnIn else { break }
      arena.multiply(m: count, n: hidden, k: width, u, weights, bias: bias, into: units)
      arena.sigmoid(units)
      arena.bernoulli(units, uniforms: uniforms, random: &random)
    }
    return unscaled(arena[u])
  }
}

// MARK: bytes

extension GaussianBernoulliRBM {
  public func encode() -> [UInt8] {
    var tensors = [
      "visible.bias": Tensor(bias, shape: [width]),
      "visible.inverse_sigma": Tensor(inverseSigma, shape: [width]),
      "weight": Tensor(weights, shape: [width, hidden]),
      "hidden.bias": Tensor(hiddenBias, shape: [hidden]),
      "spread": Tensor(spread, shape: [width]), "usual": Tensor(usual, shape: [width]),
    ]
    if let logPartition {
      tensors["partition"] = Tensor(
        [Float(logPartition.value), Float(logPartition.standardError), logPartition.isExact ? 1 : 0],
        shape: [3])
    }
    return Weights(tensors, metadata: ["model": Self.catalogueName, "curve": CurvePoint.text(curve)])
      .encode()
  }

  public init(decoding bytes: [UInt8]) throws {
    let file = try Weights(decoding: bytes)
    try file.check(model: Self.catalogueName)
    let weights = try file.tensor("weight", shape: [nil, nil])
    let (width, hidden) = (weights.rows, weights.columns)
    let inverseSigma = try file.tensor("visible.inverse_sigma", shape: [width]).values
    guard inverseSigma.allSatisfy({ $0 > 0 }) else { throw WeightsError.wrongValue("a σ is not above 0") }
    // Files from before there were likelihoods have none.
    let partition = file.tensors["partition"] == nil ? nil : try file.tensor("partition", shape: [3]).values
    self.init(
      bias: try file.tensor("visible.bias", shape: [width]).values, inverseSigma: inverseSigma,
      weights: weights.values, hiddenBias: try file.tensor("hidden.bias", shape: [hidden]).values,
      spread: try file.tensor("spread", shape: [width]).values,
      usual: try file.tensor("usual", shape: [width]).values,
      logPartition: partition.map {
        LogPartition(value: Double($0[0]), standardError: Double($0[1]), isExact: $0[2] == 1)
      },
      curve: try file.metadata["curve"].map { try CurvePoint.points($0) } ?? [])
  }
}

// MARK: the suite's ways to ask

extension GaussianBernoulliRBM: EncodingModel, ReconstructingModel {
  public var codeWidth: Int { hidden }

  public func codes(of rows: Records) -> [Float] {
    codes(of: rows.matrix.values, mask: rows.matrix.mask, rows: rows.count)
  }

  public func decode(codes: [Float], count: Int, labels: [Int]?) -> [Float] { decode(codes, rows: count) }

  public func reconstruct(_ rows: Records) -> [Float] {
    reconstruct(rows.matrix.values, mask: rows.matrix.mask, rows: rows.count)
  }
}
