import Gradients
import Networks
import Tensors

/// What can be chosen about a Gaussian-Bernoulli RBM.
public struct GaussianRBMSettings: ModelSettings {
  /// Hidden units; 0 for about 2/3 of the width.
  public var hidden = 0
  public var negativePhase = NegativePhase.contrastiveDivergence
  /// Gibbs steps per update.
  public var steps = 1
  /// Learn each visible unit's σ (Cho, Ilin & Raiko 2011); otherwise it stays at the input's deviation.
  public var learnsSigma = true
  /// The least σ, as a part of the input's deviation.
  public var sigmaFloor: Float = 0.2
  /// The least deviation of an input.
  public var deviationFloor: Float = 0.05
  /// Of annealed importance sampling, where not all states of the hidden units can be written out.
  public var partitionChains = 100
  public var partitionSteps = 1000

  public init() {}
  public func check() throws(FitError) {
    guard (0...65536).contains(hidden) else { throw .setting("hidden is \(hidden), not 0 to 65536") }
    guard (1...10000).contains(steps) else { throw .setting("steps is \(steps), not 1 to 10000") }
    guard sigmaFloor > 0, sigmaFloor <= 1 else {
      throw .setting("sigmaFloor is \(sigmaFloor), not above 0 and at most 1")
    }
    var chains = ChainSettings()
    (chains.partitionChains, chains.partitionSteps) = (partitionChains, partitionSteps)
    try chains.check()
    guard deviationFloor >= 0 else { throw .setting("deviationFloor is \(deviationFloor), not 0 or more") }
  }
}

/// The fit of a ``GaussianBernoulliRBM``: that of its `fit` function, and with settings by name and a state that can be written down.
final class GaussianBernoulliRBMFit: LoopFit {
  private let data: DataMatrix
  private let seed: UInt64
  private let sampler: AnnealedImportanceSampling
  private let moments: (mean: [Float], deviation: [Float])
  var training: Training<RBMLearner>

  static var name: String { GaussianBernoulliRBM.catalogueName }

  static var usual: TrainingSettings {
    let usual = RBMSettings()
    var training = TrainingSettings()
    training.epochs = usual.epochs
    training.batch = usual.batch
    training.rate = usual.learningRate
    training.heldOut = usual.heldOut
    training.patience = usual.patience
    training.decay = usual.weightDecay
    return training
  }

  init(_ records: Records, _ options: FitOptions) throws(FitError) {
    data = records.matrix
    try data.check(minimumRows: GaussianBernoulliRBM.minimumRows)
    var own = GaussianRBMSettings()
    var chosen = Self.usual
    try assign(options, own: &own, training: &chosen)
    seed = options.seed
    sampler = AnnealedImportanceSampling(chains: own.partitionChains, temperatures: own.partitionSteps)
    var settings = RBMSettings()
    settings.hidden = own.hidden > 0 ? own.hidden : nil
    settings.negativePhase = own.negativePhase
    settings.steps = own.steps
    settings.learnsSigma = own.learnsSigma
    settings.sigmaFloor = own.sigmaFloor
    settings.deviationFloor = own.deviationFloor
    settings.epochs = chosen.epochs
    settings.batch = chosen.batch
    settings.learningRate = chosen.rate
    settings.heldOut = chosen.heldOut
    settings.patience = chosen.patience
    settings.weightDecay = chosen.decay
    moments = data.moments(floor: settings.deviationFloor)
    let split = HeldOutSplit(rows: data.rows, share: settings.heldOut)
    var training = GaussianBernoulliRBM.training(
      GaussianBernoulliRBM.seen(data, split, moments), split, settings: settings, seed: options.seed)
    if chosen.patience == 0 {
      training.loop.patience = nil
      training.loop.halvingInterval = nil
    }
    if chosen.cosine { training.loop.schedule = .cosine(steps: training.loop.steps, end: 0) }
    if chosen.clip > 0 { training.loop.clipping = .norm(chosen.clip) }
    if chosen.average > 0 {
      training.state.average = MovingAverage(of: training.state.parameters.values, decay: chosen.average)
    }
    self.training = training
  }

  func model() throws(FitError) -> any TrainedModel {
    let state = training.state
    guard state.step > 0 else { throw .stopped }
    var parameters = state.best?.parameters ?? state.parameters
    if let average = state.average { parameters.values = average.values }
    return GaussianBernoulliRBM.machine(
      training.learner.machine(parameters), moments, curve: training.curve, fittedTo: data
    )
    .normalised(sampler, seed: seed)
  }
}
