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
public typealias RestrictedBoltzmannSettings = JoinedSettings<RestrictedUnits, ChainSettings>

/// What can be chosen about the units of a restricted Boltzmann machine of bits.
public struct RestrictedUnits: ModelSettings {
  /// Hidden units; 0 for as many as a row has bits, within 16 and 256.
  public var hidden = 0
  public var negativePhase = NegativePhase.persistent

  public init() {}
  public func check() throws(FitError) {
    guard (0...65536).contains(hidden) else { throw .setting("hidden is \(hidden), not 0 to 65536") }
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
    partition.found(layer, settings.shared.sampler, parameters, seed: seed)
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
