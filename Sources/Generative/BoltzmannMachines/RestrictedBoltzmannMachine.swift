public import Gradients
public import Networks
import Tensors

/// How the model's own side of a gradient is sampled.
public enum NegativePhase: String, Sendable, Codable {
  /// Chains begin at the data of the batch (Hinton 2002).
  case contrastiveDivergence
  /// Chains go on from batch to batch (Tieleman 2008).
  case persistent
}

/// What can be chosen about a restricted Boltzmann machine of bits.
public struct RestrictedBoltzmannSettings: ModelSettings {
  /// Hidden units; 0 for as many as a row has bits, within 16 and 256.
  public var hidden = 0
  public var negativePhase = NegativePhase.persistent
  /// Gibbs steps per update.
  public var steps = 1
  /// Chains that go on from batch to batch.
  public var particles = 100
  /// Whether gradients are centred at the means of the units.
  public var centred = true
  public var momentum: Float = 0.5
  /// Gibbs sweeps before a sample is taken, where not all states can be written out.
  public var sweeps = 200
  /// Of annealed importance sampling, where not all states can be written out.
  public var partitionChains = 100
  public var partitionSteps = 1000

  public init() {}
  public func check() throws(FitError) {
    guard (0...65536).contains(hidden) else { throw .setting("hidden is \(hidden), not 0 to 65536") }
    try checkChains(
      steps: steps, particles: particles, momentum: momentum, sweeps: sweeps, chains: partitionChains,
      temperatures: partitionSteps)
  }
}

/// What all machines that follow chains ask of their settings.
func checkChains(
  steps: Int, particles: Int, momentum: Float, sweeps: Int, chains: Int, temperatures: Int
) throws(FitError) {
  guard (1...10000).contains(steps) else { throw .setting("steps is \(steps), not 1 to 10000") }
  guard (1...65536).contains(particles) else {
    throw .setting("particles is \(particles), not 1 to 65536")
  }
  guard momentum >= 0, momentum < 1 else { throw .setting("momentum is \(momentum), not 0 to below 1") }
  guard (1...1_000_000).contains(sweeps) else { throw .setting("sweeps is \(sweeps), not 1 to 1000000") }
  guard (2...65536).contains(chains) else {
    throw .setting("partitionChains is \(chains), not 2 to 65536")
  }
  guard (1...10_000_000).contains(temperatures) else {
    throw .setting("partitionSteps is \(temperatures), not 1 to 10000000")
  }
}

/// A restricted Boltzmann machine of bits: `E(v, h) = -bᵀv - cᵀh - vᵀWh`, so that the free energy is
/// `F(v) = -bᵀv - Σ_j softplus(c_j + Σ_i v_i W_ij)` and `log p(v) = -F(v) - log Z` (Smolensky 1986; Hinton 2002).
///
/// The partition function is written out where one side has few units, and estimated by annealed importance sampling otherwise.
public struct RestrictedBoltzmannMachine: EnergyDesign, EncodingDesign, InpaintingDesign {
  public static let name = "rbm"
  public static var training: TrainingSettings {
    var training = TrainingSettings()
    training.epochs = 100
    training.batch = 100
    training.rate = 0.05
    training.patience = 0
    training.cosine = true
    return training
  }
  public static func support(for form: RowForm, _ settings: RestrictedBoltzmannSettings) -> Support {
    .binary
  }

  let settings: RestrictedBoltzmannSettings
  let layer: BipartiteLayer
  let partition: PartitionSlot
  public var codeWidth: Int { layer.hidden }

  public init(
    _ settings: RestrictedBoltzmannSettings, form: RowForm, in scope: inout ParameterScope
  ) throws(FitError) {
    self.settings = settings
    layer = BipartiteLayer(
      visible: form.width, hidden: settings.hidden > 0 ? settings.hidden : max(16, min(256, form.width)),
      particles: settings.particles, in: &scope)
    partition = PartitionSlot(in: &scope)
  }

  private var isPersistent: Bool { settings.negativePhase == .persistent }

  // MARK: the model

  public func loss(_ rows: Rows, stage: Int) -> Variable {
    guard rows.isTraining else { return layer.pseudoLoss(rows.x).mean() }
    return layer.contrast(
      rows.x,
      isPersistent
        ? rows.tape[layer.particles] : layer.contrasted(rows.x, steps: settings.steps))
  }

  public func logLikelihood(_ rows: Rows, samples: Int) -> Variable {
    -layer.freeEnergy(rows.x) - partition(rows.tape)
  }

  public func likelihoodKind(_ parameters: Parameters) -> LikelihoodKind {
    partition[parameters].isExact ? .exact : .estimate
  }

  public func encode(_ rows: Rows) -> Variable { sigmoid(layer.hiddenInput(rows.x)) }

  public func decode(_ codes: Variable, labels: Variable?) -> Variable { sigmoid(layer.visibleInput(codes)) }

  // MARK: training

  public func begin(_ parameters: Parameters, rows: [Float], seed: UInt64) -> Parameters {
    var parameters = parameters
    var random = RandomStream(seed: seed, stream: Purpose.initial.stream(1))
    layer.begin(&parameters, means: bitMeans(rows, width: layer.visible), random: &random)
    return parameters
  }

  public func optimizers(_ training: TrainingSettings) -> [Optimizer] {
    [.sgd(rate: training.rate, momentum: settings.momentum, decay: training.decay)]
  }

  public func companion(_ stages: TrainingStages, seed: UInt64) -> (any TrainingCompanion)? {
    PersistentChains(
      [layer], stages, sweeps: isPersistent ? settings.steps : 0, isCentred: settings.centred, seed: seed)
  }

  public func completed(_ parameters: Parameters, seed: UInt64) -> Parameters {
    var parameters = parameters
    let sampler = AnnealedImportanceSampling(
      chains: settings.partitionChains, temperatures: settings.partitionSteps)
    partition.set(
      sampler.logPartition(layer.machine(parameters), base: layer.baseRates(parameters), seed: seed),
      in: &parameters)
    return parameters
  }

  // MARK: sampling

  private func plan(_ parameters: Parameters) -> SamplingPlan {
    layer.samplingPlan(parameters, sweeps: settings.sweeps, isPersistent: isPersistent)
  }

  public func sample(_ request: SampleRequest, _ buffer: ParameterBuffer) -> [Float] {
    let parameters = buffer.parameters
    return layer.machine(parameters).sample(
      count: request.count, seed: request.seed, plan: plan(parameters))
  }

  public func inpaint(
    _ values: [Float], mask: [Float], count: Int, labels: [Int]?, seed: UInt64, _ buffer: ParameterBuffer
  ) -> [Float] {
    let parameters = buffer.parameters
    return layer.machine(parameters).inpaint(
      values, mask: mask, count: count, seed: seed, plan: plan(parameters))
  }
}

extension NetworkModel<RestrictedBoltzmannMachine> {
  /// The partition function that likelihoods are computed with.
  public var logPartition: LogPartition { design.partition[parameters] }

  /// Another estimate of it.
  public func logPartition(_ sampler: AnnealedImportanceSampling, seed: UInt64) -> LogPartition {
    sampler(
      design.layer.machine(parameters), base: design.layer.baseRates(parameters), seed: seed)
  }
}
