import Tensors

/// Many chains of a ``BipartiteMachine`` side by side: all units of one side are drawn at once given the other side.
///
/// At an inverse temperature β below 1 the energy is `β E(v, h) - (1 - β) aᵀv`, with the base rates a of a machine without
/// connections: the path of annealed importance sampling (Salakhutdinov & Murray 2008).
struct BlockGibbs {
  let visible: Int
  let hidden: Int
  let chains: Int
  private var arena = Arena()
  private let weights: Region
  private let visibleBias: Region
  private let hiddenBias: Region
  private let base: Region
  private let v: Region
  private let h: Region
  private let uniforms: Region
  /// What the bias of visible units is at some temperature, and what their input is multiplied by.
  private let shift: Region
  private let scale: Region
  private let work: Region
  private let sums: Region
  private let linear: Region
  /// What is given of the visible units, and 1 for those that are free.
  private var given: (values: Region, free: Region)?

  init(visible: Int, hidden: Int, chains: Int) {
    self.visible = visible
    self.hidden = hidden
    self.chains = chains
    weights = arena.reserve(visible * hidden)
    visibleBias = arena.reserve(visible)
    hiddenBias = arena.reserve(hidden)
    base = arena.reserve(visible)
    v = arena.reserve(chains * visible)
    h = arena.reserve(chains * hidden)
    uniforms = arena.reserve(chains * max(visible, hidden))
    shift = arena.reserve(visible)
    scale = arena.reserve(visible)
    work = arena.reserve(chains * hidden)
    sums = arena.reserve(chains)
    linear = arena.reserve(chains)
  }

  // MARK: the machine and its units

  mutating func load(_ machine: BipartiteMachine, base rates: [Float]? = nil) {
    precondition(
      machine.visible == visible && machine.hidden == hidden,
      "a machine of \(machine.visible) and \(machine.hidden) units, not \(visible) and \(hidden)")
    arena[weights] = machine.weights
    arena[visibleBias] = machine.visibleBias
    arena[hiddenBias] = machine.hiddenBias
    if let rates { arena[base] = rates }
  }

  /// The parameters where they are trained.
  mutating func load(weights w: View, visibleBias b: View, hiddenBias c: View) {
    arena.load(w.reshaped([weights.count]), into: weights)
    arena.load(b, into: visibleBias)
    arena.load(c, into: hiddenBias)
  }

  var visibleUnits: [Float] {
    get { arena[v] }
    set { arena[v] = newValue }
  }
  var hiddenUnits: [Float] {
    get { arena[h] }
    set { arena[h] = newValue }
  }
  mutating func loadVisible(_ units: View) { arena.load(units.reshaped([v.count]), into: v) }
  mutating func storeVisible(into units: View) { arena.store(v, into: units.reshaped([v.count])) }

  /// Holds those of the visible units where the mask is 1 at these values, `chains × visible`.
  mutating func hold(_ values: [Float], mask: [Float]) {
    let regions = given ?? (arena.reserve(v.count), arena.reserve(v.count))
    arena[regions.values] = zip(values, mask).map { $0 * $1 }
    arena[regions.free] = mask.map { 1 - $0 }
    given = regions
  }

  // MARK: drawing

  /// `h_j = 1` with probability `sigmoid(β (c_j + Σ_i v_i W_ij))`.
  mutating func sampleHidden(_ random: inout RandomStream, beta: Float = 1) {
    arena.multiply(m: chains, n: hidden, k: visible, v, weights, bias: hiddenBias, into: h)
    if beta != 1 { arena.scale(h, by: beta) }
    arena.sigmoid(h)
    arena.bernoulli(h, uniforms: uniforms, random: &random)
  }

  /// `v_i = 1` with probability `sigmoid((1 - β) a_i + β (b_i + Σ_j W_ij h_j))`.
  mutating func sampleVisible(_ random: inout RandomStream, beta: Float = 1) {
    arena.multiply(m: chains, n: visible, k: hidden, h, weights, otherTransposed: true, into: v)
    arena.fill(scale, with: beta)
    arena.fill(shift, with: 0)
    arena.add(shift, visibleBias, factor: beta)
    if beta != 1 { arena.add(shift, base, factor: 1 - beta) }
    arena.affineRows(rows: chains, columns: visible, v, shift: shift, scale: scale, noise: nil)
    arena.sigmoid(v)
    arena.bernoulli(v, uniforms: uniforms, random: &random)
    keepGiven()
  }

  /// Visible units from the base rates alone.
  mutating func sampleBase(_ random: inout RandomStream) {
    arena.fill(h, with: 0)
    sampleVisible(&random, beta: 0)
  }

  mutating func sweep(_ random: inout RandomStream, beta: Float = 1) {
    sampleHidden(&random, beta: beta)
    sampleVisible(&random, beta: beta)
  }

  private mutating func keepGiven() {
    guard let given else { return }
    arena.multiply(v, by: given.free)
    arena.add(v, given.values)
  }

  // MARK: along the path

  /// What each chain's visible units gain in log weight from one inverse temperature to the next:
  /// `(β' - β)(b - a)ᵀv + Σ_j softplus(β' t_j) - softplus(β t_j)` with `t = c + Wᵀv`.
  mutating func gain(from beta: Float, to next: Float) -> [Float] {
    arena.fill(shift, with: 0)
    arena.add(shift, visibleBias)
    arena.add(shift, base, factor: -1)
    arena.multiply(m: chains, n: 1, k: visible, v, shift, into: linear)
    arena.multiply(m: chains, n: hidden, k: visible, v, weights, bias: hiddenBias, into: work)
    var gains = arena[linear].map { (next - beta) * $0 }
    for (at, sign) in [(next, Float(1)), (beta, Float(-1))] {
      arena.copy(work, into: h)
      arena.scale(h, by: at)
      arena.softplusSumRows(rows: chains, columns: hidden, h, sum: sums)
      let soft = arena[sums]
      for chain in gains.indices { gains[chain] += sign * soft[chain] }
    }
    return gains
  }
}

// MARK: sampling

/// How units are drawn that are not drawn from the probabilities of all states.
struct SamplingPlan {
  /// Gibbs sweeps before a sample is taken.
  var sweeps: Int
  /// Base rates: logits of units without connections, where annealed chains begin.
  var base: [Float]
  /// Chains of the model to go on from, row by row; none for annealed ones from the base rates.
  var particles: [Float] = []

  /// The inverse temperature of a sweep: chains without a past cool down over the first half of them.
  func beta(_ sweep: Int) -> Float {
    let cooling = particles.isEmpty ? sweeps / 2 : 0
    return sweep < cooling ? Float(sweep + 1) / Float(cooling + 1) : 1
  }

  /// The units of some chains to begin with, `chains × width`, over and over the same if there are not so many.
  func begin(_ chains: Range<Int>, width: Int) -> [Float]? {
    guard !particles.isEmpty else { return nil }
    let kept = particles.count / width
    return chains.flatMap { particles[$0 % kept * width..<($0 % kept + 1) * width] }
  }

  /// At most 500 chains at once.
  static func inBlocks(_ count: Int, _ body: (Range<Int>) -> [Float]) -> [Float] {
    stride(from: 0, to: count, by: 500).flatMap { body($0..<min($0 + 500, count)) }
  }
}

extension BipartiteMachine {
  /// Units of the smaller side up to which samples are drawn by the probabilities of all states.
  static let mostSampledExactly = 16

  /// Visible units, `count × visible`: exact draws where all states of a side can be written out, otherwise each from its own
  /// chain after so many sweeps.
  func sample(count: Int, seed: UInt64, plan: SamplingPlan) -> [Float] {
    var random = RandomStream(seed: seed, stream: 1)
    if min(visible, hidden) <= Self.mostSampledExactly {
      return exactSample(count: count, random: &random)
    }
    return SamplingPlan.inBlocks(count) { gibbs($0, random: &random, plan: plan) }
  }

  /// Draws of the visible units that the mask does not show, given the others, `count × visible`.
  func inpaint(_ values: [Float], mask: [Float], count: Int, seed: UInt64, plan: SamplingPlan) -> [Float] {
    var random = RandomStream(seed: seed, stream: 2)
    let annealed = SamplingPlan(sweeps: plan.sweeps, base: plan.base)
    return SamplingPlan.inBlocks(count) { block in
      let range = block.lowerBound * visible..<block.upperBound * visible
      return gibbs(
        block, random: &random, plan: annealed, holding: (Array(values[range]), Array(mask[range])))
    }
  }

  /// Visible units of these chains after the sweeps of a plan.
  func gibbs(
    _ chains: Range<Int>, random: inout RandomStream, plan: SamplingPlan,
    holding given: (values: [Float], mask: [Float])? = nil
  ) -> [Float] {
    var gibbs = BlockGibbs(visible: visible, hidden: hidden, chains: chains.count)
    gibbs.load(self, base: plan.base)
    if let given { gibbs.hold(given.values, mask: given.mask) }
    if let begin = plan.begin(chains, width: visible) {
      gibbs.visibleUnits = begin
    } else {
      gibbs.sampleBase(&random)
    }
    for sweep in 0..<plan.sweeps { gibbs.sweep(&random, beta: plan.beta(sweep)) }
    return gibbs.visibleUnits
  }
}
