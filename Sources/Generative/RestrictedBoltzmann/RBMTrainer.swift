import Tensors

/// Contrastive divergence (Hinton 2002) and its persistent form (Tieleman 2008) over one flat buffer.
///
/// With `u = (v - b) / σ` the energy is `E(v, h) = ½ Σ u² - uᵀ W h - cᵀ h`, so that `p(h = 1 | v) = sigmoid(c + Wᵀ u)`,
/// `v | h ~ N(b + σ W h, σ²)` and, with `p` those probabilities and `r = u - W p`, the free energy's derivatives are
/// `∂F/∂W = -u pᵀ`, `∂F/∂c = -p`, `∂F/∂b = -r / σ`, `∂F/∂log σ = -u r`.
struct RBMTrainer {
  let visible: Int
  let hidden: Int
  let batch: Int
  private let settings: RBMSettings
  private var arena = Arena()

  // Parameters, in the order of one region: W (visible × hidden), b, c, log σ; then their gradient.
  private let parameters: Region
  private let gradient: Region
  private let first: Region
  private let second: Region
  private let best: Region
  private let size: Int

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
  private var steps = 0

  init(visible: Int, hidden: Int, settings: RBMSettings, random: inout RandomStream) {
    self.visible = visible
    self.hidden = hidden
    self.settings = settings
    batch = settings.batch
    size = visible * hidden + 2 * visible + hidden
    parameters = arena.reserve(size)
    gradient = arena.reserve(size)
    first = arena.reserve(size)
    second = arena.reserve(size)
    best = arena.reserve(size)
    u = arena.reserve(2 * batch * visible)
    p = arena.reserve(2 * batch * hidden)
    r = arena.reserve(2 * batch * visible)
    chain = arena.reserve(batch * hidden)
    noise = arena.reserve(batch * visible)
    uniforms = arena.reserve(batch * max(visible, hidden))
    mask = arena.reserve(batch * visible)
    inverse = arena.reserve(visible)
    negativeShift = arena.reserve(visible)
    arena[weights] = Self.sparse(visible: visible, hidden: hidden, random: &random)
    arena[chain] = random.uniforms(batch * hidden).map { $0 < 0.5 ? 1 : 0 }
    arena.copy(parameters, into: best)
  }

  /// Each hidden unit begins with at most 15 connections (Martens 2010), which tells the units apart.
  private static func sparse(visible: Int, hidden: Int, random: inout RandomStream) -> [Float] {
    var w = [Float](repeating: 0, count: visible * hidden)
    for j in 0..<hidden {
      for i in random.permutation(visible).prefix(15) { w[i * hidden + j] = 0.1 * random.normal() }
    }
    return w
  }

  private func part(_ region: Region, _ start: Int, _ count: Int) -> Region {
    Region(offset: region.offset + start, count: count)
  }
  private var weights: Region { part(parameters, 0, visible * hidden) }
  private var visibleBias: Region { part(parameters, visible * hidden, visible) }
  private var hiddenBias: Region { part(parameters, visible * hidden + visible, hidden) }
  private var logSigma: Region { part(parameters, size - visible, visible) }

  /// W, b, c and σ.
  struct Parameters: Equatable {
    var weights: [Float]
    var visibleBias: [Float]
    var hiddenBias: [Float]
    var sigma: [Float]
  }

  var kept: Parameters {
    var copy = self
    copy.arena.copy(best, into: parameters)
    return copy.current
  }

  var current: Parameters {
    get {
      Parameters(
        weights: arena[weights], visibleBias: arena[visibleBias], hiddenBias: arena[hiddenBias],
        sigma: VectorMath.exp(arena[logSigma]))
    }
    set {
      arena[weights] = newValue.weights
      arena[visibleBias] = newValue.visibleBias
      arena[hiddenBias] = newValue.hiddenBias
      arena[logSigma] = VectorMath.log(newValue.sigma)
    }
  }

  mutating func keep() { arena.copy(parameters, into: best) }

  /// One step on chosen rows of standardised data.
  ///
  /// - Returns: the mean squared difference between the data and the model's mean-field reconstruction of it.
  mutating func step(
    values: [Float], mask source: [Float]?, rows indices: ArraySlice<Int>, rate: Float,
    random: inout RandomStream
  ) -> Float {
    let n = indices.count
    let error = positivePhase(values: values, mask: source, rows: indices, random: &random)
    negativePhase(rows: n, random: &random)
    accumulate(rows: n)
    steps += 1
    let model = size - visible
    let scale = 1 / Float(n)
    arena.adam(
      part(parameters, 0, model), gradient: part(gradient, 0, model), first: part(first, 0, model),
      second: part(second, 0, model), rate: rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, step: steps,
      scale: scale)
    if settings.weightDecay > 0 { arena.add(weights, weights, factor: -rate * settings.weightDecay) }
    if settings.learnsSigma {
      arena.adam(
        part(parameters, model, visible), gradient: part(gradient, model, visible),
        first: part(first, model, visible),
        second: part(second, model, visible), rate: rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8,
        step: steps, scale: scale)
      arena.clamp(logSigma, from: VectorMath.log([settings.sigmaFloor])[0], to: 1)
    }
    return error
  }

  /// The gradient of the mean negative log-likelihood as the last ``step(values:mask:rows:rate:random:)`` estimated it,
  /// not yet divided by the rows: W, b, c, log σ behind one another.
  var lastGradient: [Float] { arena[gradient] }

  /// The data's rows as u, their hidden probabilities, and r.
  private mutating func positivePhase(
    values: [Float], mask source: [Float]?, rows indices: ArraySlice<Int>, random: inout RandomStream
  ) -> Float {
    let n = indices.count
    let data = u.prefix(n * visible)
    standardisation()
    arena.gather(values, columns: visible, rows: indices, into: data)
    arena.affineRows(rows: n, columns: visible, data, shift: negativeShift, scale: inverse, noise: nil)
    if let source {
      // Missing inputs are drawn from the model given the others, as in stochastic expectation maximisation.
      arena.gather(source, columns: visible, rows: indices, into: mask)
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
      into: part(gradient, 0, visible * hidden))
    let hiddenGradient = part(gradient, visible * hidden + visible, hidden)
    arena.columnSums(rows: n, columns: hidden, p.prefix(n * hidden), scale: -1, into: hiddenGradient)
    arena.columnSums(
      rows: n, columns: hidden, part(p, n * hidden, n * hidden), into: hiddenGradient, accumulate: true)
    let visibleGradient = part(gradient, visible * hidden, visible)
    arena.columnSums(rows: n, columns: visible, r.prefix(n * visible), scale: -1, into: visibleGradient)
    arena.columnSums(
      rows: n, columns: visible, part(r, n * visible, n * visible), into: visibleGradient, accumulate: true)
    arena.multiply(visibleGradient, by: inverse)
    arena.multiply(u.prefix(2 * n * visible), by: r.prefix(2 * n * visible))
    arena.columnSums(
      rows: 2 * n, columns: visible, u.prefix(2 * n * visible), into: part(gradient, size - visible, visible))
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
  mutating func scoreMatching(values: [Float], mask source: [Float]?, rows indices: [Int]) -> Float {
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
      if let source {
        arena.gather(source, columns: visible, rows: part, into: mask)
        arena.multiply(data, by: mask.prefix(n * visible))
      }
      hiddenProbabilities(of: data, into: probabilities, rows: n)
      residuals(of: data, probabilities, into: r.prefix(n * visible), rows: n)
      let residual = arena[r.prefix(n * visible)]
      let variance = arena[probabilities].map { $0 * (1 - $0) }
      var curvature = [Float](repeating: 0, count: n * visible)
      Product.multiply(
        m: n, n: visible, k: hidden, variance, squared, otherTransposed: true, into: &curvature)
      let observed = source == nil ? nil : arena[mask.prefix(n * visible)]
      for i in residual.indices where observed?[i] != 0 {
        let scale = inverses[i % visible]
        total += Double((residual[i] * residual[i] / 2 - 1 + curvature[i]) * scale * scale)
      }
    }
    return Float(total / Double(max(indices.count, 1)))
  }
}
