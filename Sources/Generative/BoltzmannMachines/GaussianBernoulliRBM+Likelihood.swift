import Glibc
import Tensors

// `p(v) = e^-F(v) / Z` with, u = (v - b) / σ integrated out, `Z = Π σ_i (2π)^(n/2) Σ_h e^(cᵀh + ½ |W h|²)`.

extension GaussianBernoulliRBM {
  /// Hidden units up to which all their states are written out.
  static let mostEnumerated = 20

  /// The logarithm of the partition function: exact where there are few hidden units, an estimate otherwise.
  func found(_ sampler: AnnealedImportanceSampling, seed: UInt64) -> LogPartition {
    var found =
      hidden <= Self.mostEnumerated
      ? LogPartition.exact(enumerated()) : annealed(sampler, seed: seed)
    // From u to the units of the rows.
    found.value += inverseSigma.reduce(0) { $0 - log(Double($1)) }
    // As it reads back from a file.
    found.value = Double(Float(found.value))
    found.standardError = Double(Float(found.standardError))
    return found
  }

  private static let halfLogTwoPi = 0.5 * log(2 * Double.pi)

  /// The states in an order in which one unit turns over at a time (Gray 1953).
  private func enumerated() -> Double {
    let m = hidden
    var gram = [Double](repeating: 0, count: m * m)
    for i in 0..<width {
      for j in 0..<m {
        for k in 0..<m { gram[j * m + k] += Double(weights[i * m + j]) * Double(weights[i * m + k]) }
      }
    }
    var units = [Double](repeating: 0, count: m)
    // c + Wᵀ W h, and cᵀh + ½ |W h|².
    var input = hiddenBias.map(Double.init)
    var energy = 0.0
    var sum = LogSum()
    sum.add(energy)
    for state in 1..<1 << m {
      let unit = state.trailingZeroBitCount
      let change = 1 - 2 * units[unit]
      energy += change * input[unit] + 0.5 * gram[unit * m + unit]
      units[unit] += change
      for j in 0..<m { input[j] += change * gram[unit * m + j] }
      sum.add(energy)
    }
    return sum.value + Double(width) * Self.halfLogTwoPi
  }

  /// From a machine without connections or biases: at the inverse temperature β, `½ u² - β hᵀ(c + Wᵀu)`.
  func annealed(_ sampler: AnnealedImportanceSampling, seed: UInt64) -> LogPartition {
    var random = RandomStream(seed: seed, stream: 3)
    let count = sampler.chains
    var arena = Arena()
    let weights = arena.reserve(width * hidden)
    arena[weights] = self.weights
    let bias = arena.reserve(hidden)
    arena[bias] = hiddenBias
    let (u, noise) = (arena.reserve(count * width), arena.reserve(count * width))
    let (input, scaled) = (arena.reserve(count * hidden), arena.reserve(count * hidden))
    let uniforms = arena.reserve(count * hidden)
    let sums = arena.reserve(count)
    arena.fillNormal(u, random: &random)
    var logWeights = [Double](repeating: 0, count: count)
    for step in 1...sampler.temperatures {
      let before = Float(step - 1) / Float(sampler.temperatures)
      let now = Float(step) / Float(sampler.temperatures)
      arena.multiply(m: count, n: hidden, k: width, u, weights, bias: bias, into: input)
      for (beta, sign) in [(before, -1.0), (now, 1.0)] {
        arena.copy(input, into: scaled)
        arena.scale(scaled, by: beta)
        arena.softplusSumRows(rows: count, columns: hidden, scaled, sum: sums)
        for (chain, soft) in arena[sums].enumerated() { logWeights[chain] += sign * Double(soft) }
      }
      guard step < sampler.temperatures else { break }
      arena.copy(input, into: scaled)
      arena.scale(scaled, by: now)
      arena.sigmoid(scaled)
      arena.bernoulli(scaled, uniforms: uniforms, random: &random)
      arena.multiply(m: count, n: width, k: hidden, scaled, weights, otherTransposed: true, into: u)
      arena.scale(u, by: now)
      arena.fillNormal(noise, random: &random)
      arena.add(u, noise)
    }
    let base = Double(width) * Self.halfLogTwoPi + Double(hidden) * M_LN2
    return AnnealedImportanceSampling.estimate(logWeights, base: base)
  }
}

extension GaussianBernoulliRBM: LikelihoodModel {
  public var likelihoodKind: LikelihoodKind { hidden <= Self.mostEnumerated ? .exact : .estimate }

  public func logLikelihoods(_ rows: Records, samples: Int, seed: UInt64) -> [Double] {
    var energies = [Float](repeating: 0, count: rows.count)
    var scratch = Scratch()
    score(rows.matrix.values, mask: rows.matrix.mask, rows: rows.count, into: &energies, scratch: &scratch)
    let partition = logPartition ?? found(AnnealedImportanceSampling(), seed: 1)
    return energies.map { -Double($0) - partition.value }
  }
}

extension GaussianBernoulliRBM: InpaintingModel {
  /// Gibbs steps before what is missing is taken.
  static let inpaintingSteps = 200

  /// Block Gibbs sampling of hidden units and what is missing, with what is there held.
  public func inpaint(_ rows: Records, seed: UInt64) -> [Float] {
    guard let mask = rows.matrix.mask else { return rows.matrix.values }
    let count = rows.count
    var random = RandomStream(seed: seed, stream: 2)
    let given = standardised(rows.matrix.values, mask: mask, rows: count)
    // What is missing begins where it is without any hidden unit.
    var u = zip(given, zip(mask, random.normals(given.count))).map { $1.0 == 0 ? $1.1 : $0 }
    for _ in 0..<Self.inpaintingSteps {
      let probabilities = VectorMath.sigmoid(activations(u, rows: count))
      let uniforms = random.uniforms(probabilities.count)
      let units = zip(probabilities, uniforms).map { $1 < $0 ? Float(1) : 0 }
      let means = visibleMeans(units, rows: count)
      let noise = random.normals(u.count)
      for i in u.indices where mask[i] == 0 { u[i] = means[i] + noise[i] }
    }
    let drawn = unscaled(u)
    return drawn.indices.map { mask[$0] == 0 ? drawn[$0] : rows.matrix.values[$0] }
  }
}
