public import Gradients
public import Networks
import Tensors

/// What can be chosen about a general Boltzmann machine.
public struct BoltzmannMachineSettings: ModelSettings {
  /// What training minimises.
  public enum Objective: String, Sendable, Codable {
    /// The likelihood itself where all states can be written out, otherwise the pseudo-likelihood.
    case automatic
    /// The negative log-likelihood, with the sum over all states written out: at most 20 units.
    case likelihood
    /// `-Σ_i log p(v_i | all others)` (Besag 1975).
    case pseudolikelihood
    /// The likelihood, its gradient sampled by chains that go on from batch to batch.
    case persistent
  }

  /// Hidden units, connected to all others and to one another; at most 10, whose states are written out for every row.
  public var hidden = 0
  public var objective = Objective.automatic
  /// Gibbs sweeps per update, and chains, where these are followed.
  public var steps = 1
  public var particles = 100
  /// Gibbs sweeps before a sample is taken, where not all states can be written out.
  public var sweeps = 500
  /// Of annealed importance sampling, where not all states can be written out.
  public var partitionChains = 100
  public var partitionSteps = 1000

  public init() {}
  public func check() throws(FitError) {
    guard (0...10).contains(hidden) else { throw .setting("hidden is \(hidden), not 0 to 10") }
    var chains = ChainSettings()
    (chains.steps, chains.particles, chains.sweeps) = (steps, particles, sweeps)
    (chains.partitionChains, chains.partitionSteps) = (partitionChains, partitionSteps)
    try chains.check()
  }
}

/// A Boltzmann machine of bits in which all units are connected, `E(x) = -½ xᵀJx - bᵀx` over x = (v, h), with hidden units or without
/// (Ackley, Hinton & Sejnowski 1985).
///
/// With at most 20 units the partition function is written out, and training follows the gradient of the likelihood itself;
/// without hidden ones that likelihood has a single optimum.
public struct BoltzmannMachine: EnergyDesign, InpaintingDesign {
  public static let name = "boltzmann-machine"
  public static var training: TrainingSettings {
    var training = TrainingSettings()
    training.epochs = 100
    training.batch = 4096
    training.rate = 0.02
    training.patience = 0
    training.cosine = true
    return training
  }
  public static func support(for form: RowForm, _ settings: BoltzmannMachineSettings) -> Support { .binary }

  /// Units up to which all states are written out, and up to which samples are drawn by their probabilities.
  static let mostEnumerated = 20
  static let mostSampledExactly = 16

  let settings: BoltzmannMachineSettings
  let objective: BoltzmannMachineSettings.Objective
  let visible: Int
  var hidden: Int { settings.hidden }
  var units: Int { visible + hidden }
  /// Of which J is the mean with its transpose, without the diagonal; `[units, units]`.
  let weight: Slot
  let bias: Slot
  /// What units are on average when the data is shown.
  let mean: Slot
  /// States of chains that follow the model, `[chains, units]`; nil where none are followed.
  let particles: Slot?
  let partition: PartitionSlot

  public init(
    _ settings: BoltzmannMachineSettings, form: RowForm, in scope: inout ParameterScope
  ) throws(FitError) {
    self.settings = settings
    visible = form.width
    let units = form.width + settings.hidden
    let isSmall = units <= Self.mostEnumerated
    guard isSmall || settings.objective != .likelihood else {
      throw .setting("objective=likelihood is for at most \(Self.mostEnumerated) units, not \(units)")
    }
    objective =
      settings.objective == .automatic ? (isSmall ? .likelihood : .pseudolikelihood) : settings.objective
    let seen = form.width
    weight = scope.parameter("weight", [units, units]) { random, count in
      // Hidden units begin different from one another.
      let normals = random.normals(count)
      return (0..<count).map { $0 % units >= seen || $0 / units >= seen ? 0.1 * normals[$0] : 0 }
    }
    bias = scope.parameter("bias", [units])
    mean = scope.statistic("mean", [units], repeating: 0.5)
    particles = objective == .persistent ? scope.statistic("particles", [settings.particles, units]) : nil
    partition = PartitionSlot(in: &scope)
  }

  // MARK: the model

  /// J, `[units, units]`.
  private func couplings(_ tape: Tape) -> Variable {
    let offDiagonal = Tensor(
      (0..<units * units).map { $0 / units == $0 % units ? 0 : 0.5 }, shape: [units, units])
    return (tape[weight] + tape[weight].transposed()) * tape.input(offDiagonal)
  }

  /// `½ xᵀJx + bᵀx` of rows of some units, `[rows]`.
  private func agreement(_ x: Variable, _ couplings: Variable, _ bias: Variable) -> Variable {
    ((matmul(x, couplings) * 0.5 + bias) * x).sum(-1)
  }

  /// `E(x)` of states of all units, `[rows]`.
  func energy(_ x: Variable) -> Variable { -agreement(x, couplings(x.tape), x.tape[bias]) }

  /// `F(v) = -log Σ_h e^-E(v, h)`, `[rows]`
  func freeEnergy(_ v: Variable) -> Variable {
    let (seen, all) = (0..<visible, visible..<units)
    let (couplings, bias) = (couplings(v.tape), v.tape[bias])
    guard hidden > 0 else { return -agreement(v, couplings, bias) }
    let states = v.tape.input(Self.states(hidden))
    let input = matmul(v, couplings[0, seen][1, all]) + bias[0, all]
    // What hidden units say to one another in each of their states.
    let among = agreement(states, couplings[0, all][1, all], bias[0, all] * 0)
    let sums = logSumExp(matmul(input, states, transposedB: true) + among)
    return -agreement(v, couplings[0, seen][1, seen], bias[0, seen]) - sums
  }

  /// `log Z`, all states written out: those of the first half of the units against those of the second. One number.
  func logPartition(_ tape: Tape) -> Variable {
    let (couplings, bias) = (couplings(tape), tape[bias])
    guard units > 1 else { return softplus(bias).sum() }
    let (low, high) = (0..<units / 2, units / 2..<units)
    func half(_ range: Range<Int>) -> (states: Variable, agreement: Variable) {
      let states = tape.input(Self.states(range.count))
      return (states, agreement(states, couplings[0, range][1, range], bias[0, range]))
    }
    let (lows, highs) = (half(low), half(high))
    let between = matmul(
      matmul(highs.states, couplings[0, high][1, low]), lows.states, transposedB: true)
    let all = between + lows.agreement.inserting(0) + highs.agreement.inserting(1)
    return logSumExp(all.reshaped([1, 1 << units])).sum()
  }

  /// All states of some units, `[2^count, count]`; bit `i` of a state's number is unit `i`.
  static func states(_ count: Int) -> Tensor {
    Tensor(
      (0..<1 << count).flatMap { state in (0..<count).map { Float(state >> $0 & 1) } },
      shape: [1 << count, count])
  }

  public func loss(_ rows: Rows, stage: Int) -> Variable {
    let v = rows.x
    if objective == .likelihood { return freeEnergy(v).mean() + logPartition(rows.tape) }
    if objective == .persistent, rows.isTraining, let particles {
      return freeEnergy(v).mean() - energy(rows.tape[particles]).mean()
    }
    guard hidden == 0 else { return oneUnitPseudoLoss(v, width: visible, freeEnergy).mean() }
    let logits = matmul(v, couplings(v.tape)) + v.tape[bias]
    return binaryCrossEntropy(logits, targets: v).sum(-1).mean()
  }

  public func logLikelihood(_ rows: Rows, samples: Int) -> Variable {
    -freeEnergy(rows.x) - partition(rows.tape)
  }

  public func likelihoodKind(_ parameters: Parameters) -> LikelihoodKind {
    partition[parameters].isExact ? .exact : .estimate
  }

  // MARK: training

  public func begin(_ parameters: Parameters, rows: [Float], seed: UInt64) -> Parameters {
    var parameters = parameters
    let means = bitMeans(rows, width: visible) + [Float](repeating: 0.5, count: hidden)
    parameters[mean] = Tensor(means, shape: [units])
    parameters[bias] = Tensor(logits(means), shape: [units])
    if let particles {
      var random = RandomStream(seed: seed, stream: Purpose.initial.stream(1))
      let uniforms = random.uniforms(particles.shape.size)
      parameters[particles] = Tensor(
        uniforms.indices.map { uniforms[$0] < means[$0 % units] ? 1 : 0 }, shape: particles.shape)
    }
    return parameters
  }

  public func optimizers(_ training: TrainingSettings) -> [Optimizer] {
    [.adamW(rate: training.rate, decay: training.decay)]
  }

  public func companion(_ stages: TrainingStages, seed: UInt64) -> (any TrainingCompanion)? {
    particles.map { SequentialChains(self, particles: $0, seed: seed) }
  }

  public func completed(_ parameters: Parameters, seed: UInt64) -> Parameters {
    var parameters = parameters
    let sampler = AnnealedImportanceSampling(
      chains: settings.partitionChains, temperatures: settings.partitionSteps)
    let found: LogPartition =
      if units <= Self.mostEnumerated {
        .exact(Double(logPartition(Tape(parameters)).scalar))
      } else {
        logPartition(parameters, sampler, seed: seed)
      }
    partition.set(found, in: &parameters)
    return parameters
  }

  // MARK: numbers

  func couplings(_ parameters: Parameters) -> [Float] {
    let w = parameters[weight].values
    let turned = VectorMath.transpose(w, rows: units, columns: units)
    return w.indices.map { $0 / units == $0 % units ? 0 : 0.5 * (w[$0] + turned[$0]) }
  }

  func logPartition(
    _ parameters: Parameters, _ sampler: AnnealedImportanceSampling, seed: UInt64
  ) -> LogPartition {
    sampler(
      couplings: couplings(parameters), bias: parameters[bias].values,
      base: logits(parameters[mean].values), seed: seed)
  }

  // MARK: sampling

  public func sample(_ request: SampleRequest, _ buffer: ParameterBuffer) -> [Float] {
    let parameters = buffer.parameters
    var random = RandomStream(seed: request.seed, stream: 1)
    guard units > Self.mostSampledExactly else {
      let tape = Tape(buffer)
      let weights = (-energy(tape.input(Self.states(units)))).value.values
      return drawStates(weights, count: request.count, random: &random).flatMap { state in
        (0..<visible).map { Float(state >> $0 & 1) }
      }
    }
    let plan = SamplingPlan(
      sweeps: settings.sweeps, base: logits(parameters[mean].values),
      particles: particles.map { parameters[$0].values } ?? [])
    return SamplingPlan.inBlocks(request.count) { gibbs($0, random: &random, plan, parameters) }
  }

  public func inpaint(
    _ values: [Float], mask: [Float], count: Int, labels: [Int]?, seed: UInt64, _ buffer: ParameterBuffer
  ) -> [Float] {
    let parameters = buffer.parameters
    var random = RandomStream(seed: seed, stream: 2)
    let plan = SamplingPlan(sweeps: settings.sweeps, base: logits(parameters[mean].values))
    return SamplingPlan.inBlocks(count) { block in
      // All hidden units are free.
      func widened(_ rows: [Float]) -> [Float] {
        block.flatMap {
          Array(rows[$0 * visible..<($0 + 1) * visible]) + [Float](repeating: 0, count: hidden)
        }
      }
      return gibbs(block, random: &random, plan, parameters, holding: (widened(values), widened(mask)))
    }
  }

  /// The visible units of these chains after the sweeps of a plan.
  func gibbs(
    _ chains: Range<Int>, random: inout RandomStream, _ plan: SamplingPlan, _ parameters: Parameters,
    holding given: (values: [Float], mask: [Float])? = nil
  ) -> [Float] {
    var gibbs = SequentialGibbs(units: units, chains: chains.count)
    gibbs.load(couplings: couplings(parameters), bias: parameters[bias].values, base: plan.base)
    if let given { gibbs.hold(given.values, mask: given.mask) }
    if let begin = plan.begin(chains, width: units) {
      gibbs.states = begin
    } else {
      gibbs.sweep(&random, beta: 0)
    }
    for sweep in 0..<plan.sweeps { gibbs.sweep(&random, beta: plan.beta(sweep)) }
    let states = gibbs.states
    return (0..<chains.count).flatMap { states[$0 * units..<$0 * units + visible] }
  }
}

/// Chains of a general machine that follow its training (Tieleman 2008).
private final class SequentialChains: TrainingCompanion {
  private let machine: BoltzmannMachine
  private let particles: Slot
  private let seed: UInt64
  private var gibbs: SequentialGibbs

  init(_ machine: BoltzmannMachine, particles: Slot, seed: UInt64) {
    self.machine = machine
    self.particles = particles
    self.seed = seed
    gibbs = SequentialGibbs(units: machine.units, chains: particles.shape[0])
  }

  func before(_ buffer: ParameterBuffer, step: Int) {
    let w = buffer.view(machine.weight).values
    let units = machine.units
    let turned = VectorMath.transpose(w, rows: units, columns: units)
    gibbs.load(
      couplings: w.indices.map { $0 / units == $0 % units ? 0 : 0.5 * (w[$0] + turned[$0]) },
      bias: buffer.view(machine.bias).values)
    gibbs.states = buffer.view(particles).values
    var random = RandomStream(seed: seed, stream: Purpose.sampling.stream(step))
    for _ in 0..<machine.settings.steps { gibbs.sweep(&random) }
    buffer.view(particles).assign(gibbs.states)
  }

  func after(_ buffer: ParameterBuffer, step: Int) {}
}

extension NetworkModel<BoltzmannMachine> {
  /// The partition function that likelihoods are computed with.
  public var logPartition: LogPartition { design.partition[parameters] }

  /// An estimate of it.
  public func logPartition(_ sampler: AnnealedImportanceSampling, seed: UInt64) -> LogPartition {
    design.logPartition(parameters, sampler, seed: seed)
  }
}
