import Glibc
import Gradients
import Networks
import Tensors

/// Contrastive divergence (Hinton 2002) and its persistent form (Tieleman 2008) over one flat buffer.
///
/// With `u = (v - b) / σ` the energy is `E(v, h) = ½ Σ u² - uᵀ W h - cᵀ h`, so that `p(h = 1 | v) = sigmoid(c + Wᵀ u)`,
/// `v | h ~ N(b + σ W h, σ²)` and, with `p` those probabilities and `r = u - W p`, the free energy's derivatives are
/// `∂F/∂W = -u pᵀ`, `∂F/∂c = -p`, `∂F/∂b = -r / σ`, `∂F/∂log σ = -u r`.
///
/// The chains of the persistent form are kept with the parameters as a statistic: they are part of what a run is.
struct RBMLearner: Learner {
  let visible: Int
  let hidden: Int
  let batch: Int
  let buffer: ParameterBuffer
  private let values: [Float]
  private let sourceMask: [Float]?
  private let heldOutRows: [Int]
  private let settings: RBMSettings
  private let seed: UInt64
  private let slots: Slots
  private var arena = Arena()

  // Parameters, in the order of one region: W (visible × hidden), b, c, log σ; then their gradient.
  private let parameters: Region
  private let gradient: Region

  // Rows of the data (first half) and of the model (second half), 2 · batch each.
  private let u: Region
  private let p: Region
  private let r: Region
  private let chain: Region
  private let noise: Region
  private let uniforms: Region
  private let mask: Region
  private let inverse: Region
  private let negativeShift: Region

  private struct Slots {
    let weight: Slot
    let visibleBias: Slot
    let hiddenBias: Slot
    let logSigma: Slot
    let chain: Slot?
  }

  /// - Parameters:
  ///   - values: rows × visible, standardised; a masked entry holds 0.
  ///   - heldOutRows: the rows that are never learned from.
  ///   - seed: of the initial parameters and all samples.
  init(
    visible: Int, hidden: Int, values: [Float], mask source: [Float]? = nil, heldOutRows: [Int] = [],
    settings: RBMSettings, seed: UInt64
  ) {
    self.visible = visible
    self.hidden = hidden
    self.values = values
    sourceMask = source
    self.heldOutRows = heldOutRows
    self.settings = settings
    self.seed = seed
    batch = settings.batch
    var scope = ParameterScope(random: RandomStream(seed: seed, stream: Purpose.initial.stream(0)))
    let weight = scope.parameter("weight", [visible, hidden]) { random, _ in
      Self.sparse(visible: visible, hidden: hidden, random: &random)
    }
    let visibleBias = scope.parameter("bias.visible", [visible])
    let hiddenBias = scope.parameter("bias.hidden", [hidden])
    let logSigma = scope.parameter("sigma.log", [visible])
    let isPersistent = settings.negativePhase == .persistent
    let coins = isPersistent ? scope.random.uniforms(batch * hidden).map { $0 < 0.5 ? Float(1) : 0 } : []
    slots = Slots(
      weight: weight, visibleBias: visibleBias, hiddenBias: hiddenBias, logSigma: logSigma,
      chain: isPersistent ? scope.statistic("chain", Tensor(coins, shape: [batch, hidden])) : nil)
    buffer = ParameterBuffer(scope.parameters)
    parameters = arena.reserve(buffer.count)
    gradient = arena.reserve(buffer.count)
    u = arena.reserve(2 * batch * visible)
    p = arena.reserve(2 * batch * hidden)
    r = arena.reserve(2 * batch * visible)
    chain = arena.reserve(batch * hidden)
    noise = arena.reserve(batch * visible)
    uniforms = arena.reserve(batch * max(visible, hidden))
    mask = arena.reserve(batch * visible)
    inverse = arena.reserve(visible)
    negativeShift = arena.reserve(visible)
  }

  /// Each hidden unit begins with at most 15 connections (Martens 2010), which tells the units apart.
  private static func sparse(visible: Int, hidden: Int, random: inout RandomStream) -> [Float] {
    var w = [Float](repeating: 0, count: visible * hidden)
    for j in 0..<hidden {
      for i in random.permutation(visible).prefix(15) { w[i * hidden + j] = 0.1 * random.normal() }
    }
    return w
  }

  /// Adam for all that is learned.
  var optimizer: Optimizer {
    .adam(
      rate: settings.learningRate,
      ranges: settings.learnsSigma ? nil : [0..<slots.logSigma.offset])
  }

  private func part(_ region: Region, _ slot: Slot) -> Region {
    Region(offset: region.offset + slot.offset, count: slot.shape.size)
  }
  private var weights: Region { part(parameters, slots.weight) }
  private var hiddenBias: Region { part(parameters, slots.hiddenBias) }
  private var visibleBias: Region { part(parameters, slots.visibleBias) }
  private var logSigma: Region { part(parameters, slots.logSigma) }
  private func part(_ region: Region, _ start: Int, _ count: Int) -> Region {
    Region(offset: region.offset + start, count: count)
  }

  /// W, b, c and σ.
  struct Machine: Equatable {
    var weights: [Float]
    var visibleBias: [Float]
    var hiddenBias: [Float]
    var sigma: [Float]
  }

  func machine(_ parameters: Parameters) -> Machine {
    Machine(
      weights: parameters[slots.weight].values, visibleBias: parameters[slots.visibleBias].values,
      hiddenBias: parameters[slots.hiddenBias].values,
      sigma: VectorMath.exp(parameters[slots.logSigma].values))
  }

  /// The gradient of the mean negative log-likelihood as one sample estimates it, W, b, c, log σ behind one another.
  ///
  /// - Returns: the mean squared difference between the data and the model's mean-field reconstruction of it.
  mutating func gradient(of rows: ArraySlice<Int>, step: Int, phase: Int) -> Float {
    var random = RandomStream(seed: seed, stream: Purpose.sampling.stream(step))
    arena.load(buffer.weights, into: parameters)
    let error = positivePhase(rows: rows, random: &random)
    if let slot = slots.chain { arena.load(buffer.view(slot).reshaped([chain.count]), into: chain) }
    negativePhase(rows: rows.count, random: &random)
    if let slot = slots.chain { arena.store(chain, into: buffer.view(slot).reshaped([chain.count])) }
    accumulate(rows: rows.count)
    arena.store(gradient, factor: 1 / Float(rows.count), into: buffer.gradient)
    return error
  }

  /// Shrinks the weights and keeps σ between its floor and e.
  mutating func moved(rate: Float) {
    if settings.weightDecay > 0 {
      let weight = buffer.view(slots.weight)
      Elementwise.affine(weight, factor: 1 - rate * settings.weightDecay, offset: 0, into: weight)
    }
    if settings.learnsSigma {
      let logSigma = buffer.view(slots.logSigma)
      Elementwise.clamp(logSigma, from: Glibc.logf(settings.sigmaFloor), to: 1, into: logSigma)
    }
  }

  /// The score-matching loss of the held-out rows.
  mutating func heldOutLoss() -> Float? {
    guard !heldOutRows.isEmpty else { return nil }
    arena.load(buffer.weights, into: parameters)
    return scoreMatching(rows: heldOutRows)
  }

  /// The data's rows as u, their hidden probabilities, and r.
  private mutating func positivePhase(rows indices: ArraySlice<Int>, random: inout RandomStream) -> Float {
    let n = indices.count
    let data = u.prefix(n * visible)
    standardisation()
    arena.gather(values, columns: visible, rows: indices, into: data)
    arena.affineRows(rows: n, columns: visible, data, shift: negativeShift, scale: inverse, noise: nil)
    if let sourceMask {
      // Missing inputs are drawn from the model given the others, as in stochastic expectation maximisation.
      arena.gather(sourceMask, columns: visible, rows: indices, into: mask)
      arena.multiply(data, by: mask.prefix(n * visible))
      let filled = r.prefix(n * visible)
      hiddenProbabilities(of: data, into: p.prefix(n * hidden), rows: n)
      arena.bernoulli(p.prefix(n * hidden), uniforms: uniforms, random: &random)
      visibleMeans(of: p.prefix(n * hidden), into: filled, rows: n)
      arena.fillNormal(noise.prefix(n * visible), random: &random)
      arena.add(filled, noise.prefix(n * visible))
      arena.fill(noise, with: 1)
      arena.add(noise, mask, factor: -1)
      arena.multiply(filled, by: noise.prefix(n * visible))
      arena.add(data, filled)
    }
    let probabilities = p.prefix(n * hidden)
    hiddenProbabilities(of: data, into: probabilities, rows: n)
    residuals(of: data, probabilities, into: r.prefix(n * visible), rows: n)
    return arena.meanSquare(r.prefix(n * visible))
  }

  /// Gibbs steps from the data's hidden units or from the chains, in terms of u: `u = W h + ε`.
  private mutating func negativePhase(rows n: Int, random: inout RandomStream) {
    let model = part(u, n * visible, n * visible)
    let probabilities = part(p, n * hidden, n * hidden)
    let units = chain.prefix(n * hidden)
    if settings.negativePhase == .contrastiveDivergence {
      arena.copy(p.prefix(n * hidden), into: units)
      arena.bernoulli(units, uniforms: uniforms, random: &random)
    }
    for _ in 0..<max(settings.steps, 1) {
      visibleMeans(of: units, into: model, rows: n)
      arena.fillNormal(noise.prefix(n * visible), random: &random)
      arena.add(model, noise.prefix(n * visible))
      hiddenProbabilities(of: model, into: probabilities, rows: n)
      arena.copy(probabilities, into: units)
      arena.bernoulli(units, uniforms: uniforms, random: &random)
    }
    residuals(of: model, probabilities, into: part(r, n * visible, n * visible), rows: n)
  }

  /// The sum over rows of ∂F at the data minus ∂F at the model's rows.
  private mutating func accumulate(rows n: Int) {
    let data = u.prefix(n * visible)
    // ∂F has a minus throughout, so the data's rows count negatively.
    arena.add(data, data, factor: -2)
    arena.multiply(
      m: visible, n: hidden, k: 2 * n, u.prefix(2 * n * visible), transposed: true, p.prefix(2 * n * hidden),
      into: part(gradient, slots.weight))
    let hiddenGradient = part(gradient, slots.hiddenBias)
    arena.columnSums(rows: n, columns: hidden, p.prefix(n * hidden), scale: -1, into: hiddenGradient)
    arena.columnSums(
      rows: n, columns: hidden, part(p, n * hidden, n * hidden), into: hiddenGradient, accumulate: true)
    let visibleGradient = part(gradient, slots.visibleBias)
    arena.columnSums(rows: n, columns: visible, r.prefix(n * visible), scale: -1, into: visibleGradient)
    arena.columnSums(
      rows: n, columns: visible, part(r, n * visible, n * visible), into: visibleGradient, accumulate: true)
    arena.multiply(visibleGradient, by: inverse)
    arena.multiply(u.prefix(2 * n * visible), by: r.prefix(2 * n * visible))
    arena.columnSums(
      rows: 2 * n, columns: visible, u.prefix(2 * n * visible), into: part(gradient, slots.logSigma))
  }

  /// `1 / σ` and `-b / σ` of the present parameters.
  private mutating func standardisation() {
    arena.fill(inverse, with: 0)
    arena.add(inverse, logSigma, factor: -1)
    arena.exp(inverse)
    arena.fill(negativeShift, with: 0)
    arena.add(negativeShift, visibleBias, factor: -1)
    arena.multiply(negativeShift, by: inverse)
  }

  private mutating func hiddenProbabilities(of x: Region, into y: Region, rows: Int) {
    arena.multiply(m: rows, n: hidden, k: visible, x, weights, bias: hiddenBias, into: y)
    arena.sigmoid(y)
  }

  private mutating func visibleMeans(of h: Region, into y: Region, rows: Int) {
    arena.multiply(m: rows, n: visible, k: hidden, h, weights, otherTransposed: true, into: y)
  }

  private mutating func residuals(of x: Region, _ probabilities: Region, into y: Region, rows: Int) {
    visibleMeans(of: probabilities, into: y, rows: rows)
    arena.add(y, x, factor: -1)
    arena.scale(y, by: -1)
  }

  /// The score-matching loss (Hyvärinen 2005; Swersky et al. 2011), which needs no partition function: mean over rows of
  /// `Σ_i (½ r_i² - 1 + Σ_j W_ij² p_j (1 - p_j)) / σ_i²`, over the observed inputs.
  private mutating func scoreMatching(rows indices: [Int]) -> Float {
    standardisation()
    let inverses = arena[inverse]
    let squared = arena[weights].map { $0 * $0 }
    var total = 0.0
    for start in stride(from: 0, to: indices.count, by: batch) {
      let part = indices[start..<min(start + batch, indices.count)]
      let n = part.count
      let data = u.prefix(n * visible)
      let probabilities = p.prefix(n * hidden)
      arena.gather(values, columns: visible, rows: part, into: data)
      arena.affineRows(rows: n, columns: visible, data, shift: negativeShift, scale: inverse, noise: nil)
      if let sourceMask {
        arena.gather(sourceMask, columns: visible, rows: part, into: mask)
        arena.multiply(data, by: mask.prefix(n * visible))
      }
      hiddenProbabilities(of: data, into: probabilities, rows: n)
      residuals(of: data, probabilities, into: r.prefix(n * visible), rows: n)
      let residual = arena[r.prefix(n * visible)]
      let variance = arena[probabilities].map { $0 * (1 - $0) }
      var curvature = [Float](repeating: 0, count: n * visible)
      Product.multiply(
        m: n, n: visible, k: hidden, variance, squared, otherTransposed: true, into: &curvature)
      let observed = sourceMask == nil ? nil : arena[mask.prefix(n * visible)]
      for i in residual.indices where observed?[i] != 0 {
        let scale = inverses[i % visible]
        total += Double((residual[i] * residual[i] / 2 - 1 + curvature[i]) * scale * scale)
      }
    }
    return Float(total / Double(max(indices.count, 1)))
  }
}
