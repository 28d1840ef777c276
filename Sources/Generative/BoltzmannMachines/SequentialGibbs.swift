import Tensors

/// Many chains of a general Boltzmann machine, `E(x) = -½ xᵀJx - bᵀx`, side by side: in a sweep each unit is drawn in its turn given all
/// others (Geman & Geman 1984).
///
/// At an inverse temperature β below 1 the energy is `β E(x) - (1 - β) aᵀx` with base rates a.
struct SequentialGibbs {
  let units: Int
  let chains: Int
  private var arena = Arena()
  private var bias: [Float]
  private var base: [Float]
  private let couplings: Region
  /// Units × chains, so that each unit's states lie side by side.
  private let x: Region
  private let input: Region
  private let constant: Region
  private let uniforms: Region
  private let work: Region
  private let linear: Region
  private var given: (values: Region, free: Region)?

  init(units: Int, chains: Int) {
    self.units = units
    self.chains = chains
    bias = [Float](repeating: 0, count: units)
    base = bias
    couplings = arena.reserve(units * units)
    x = arena.reserve(units * chains)
    input = arena.reserve(chains)
    constant = arena.reserve(chains)
    uniforms = arena.reserve(chains)
    work = arena.reserve(units * chains)
    linear = arena.reserve(units)
  }

  /// - Parameter couplings: J, `units × units`, symmetric with zeros on its diagonal.
  mutating func load(couplings j: [Float], bias: [Float], base: [Float]? = nil) {
    arena[couplings] = j
    self.bias = bias
    if let base { self.base = base }
  }

  /// The states, `chains × units`.
  var states: [Float] {
    get { VectorMath.transpose(arena[x], rows: units, columns: chains) }
    set { arena[x] = VectorMath.transpose(newValue, rows: chains, columns: units) }
  }

  /// Holds the units where the mask is 1 at these values, `chains × units`.
  mutating func hold(_ values: [Float], mask: [Float]) {
    let regions = given ?? (arena.reserve(x.count), arena.reserve(x.count))
    arena[regions.values] = VectorMath.transpose(
      zip(values, mask).map { $0 * $1 }, rows: chains, columns: units)
    arena[regions.free] = VectorMath.transpose(mask.map { 1 - $0 }, rows: chains, columns: units)
    given = regions
  }

  private func row(_ unit: Int, _ region: Region, _ columns: Int) -> Region {
    Region(offset: region.offset + unit * columns, count: columns)
  }

  /// Each unit in its turn: 1 with probability `sigmoid((1 - β) a_i + β (b_i + Σ_j J_ij x_j))`.
  mutating func sweep(_ random: inout RandomStream, beta: Float = 1) {
    for unit in 0..<units {
      if beta > 0 {
        arena.fill(constant, with: bias[unit] + base[unit] * (1 - beta) / beta)
        arena.multiply(
          m: 1, n: chains, k: units, row(unit, couplings, units), x, bias: constant, into: input)
        if beta != 1 { arena.scale(input, by: beta) }
      } else {
        arena.fill(input, with: base[unit])
      }
      arena.sigmoid(input)
      arena.bernoulli(input, uniforms: uniforms, random: &random)
      if let given {
        arena.multiply(input, by: row(unit, given.free, chains))
        arena.add(input, row(unit, given.values, chains))
      }
      arena.copy(input, into: row(unit, x, chains))
    }
  }

  /// What each chain gains in log weight from one inverse temperature to the next: `(β' - β)(-E(x) - aᵀx)`.
  mutating func gain(from beta: Float, to next: Float) -> [Float] {
    arena.multiply(m: units, n: chains, k: units, couplings, x, into: work)
    arena.multiply(work, by: x)
    arena.columnSums(rows: units, columns: chains, work, scale: 0.5, into: input)
    arena[linear] = zip(bias, base).map { $0 - $1 }
    arena.multiply(m: 1, n: chains, k: units, linear, x, into: input, accumulate: true)
    return arena[input].map { (next - beta) * $0 }
  }
}

extension AnnealedImportanceSampling {
  /// `log Z` of a general machine, from one without couplings that has the base rates as its biases.
  func callAsFunction(couplings: [Float], bias: [Float], base: [Float], seed: UInt64) -> LogPartition {
    var gibbs = SequentialGibbs(units: bias.count, chains: chains)
    gibbs.load(couplings: couplings, bias: bias, base: base)
    var random = RandomStream(seed: seed, stream: 3)
    gibbs.sweep(&random, beta: 0)
    var logWeights = [Double](repeating: 0, count: chains)
    for step in 1...temperatures {
      let (before, now) = (Float(step - 1) / Float(temperatures), Float(step) / Float(temperatures))
      for (chain, gain) in gibbs.gain(from: before, to: now).enumerated() {
        logWeights[chain] += Double(gain)
      }
      if step < temperatures { gibbs.sweep(&random, beta: now) }
    }
    return Self.estimate(
      logWeights, base: VectorMath.softplus(base).reduce(0.0) { $0 + Double($1) })
  }
}
