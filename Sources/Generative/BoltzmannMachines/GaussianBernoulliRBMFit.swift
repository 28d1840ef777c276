import FoundationEssentials
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

  public init() {}
  public func check() throws(FitError) {
    guard (0...65536).contains(hidden) else { throw .setting("hidden is \(hidden), not 0 to 65536") }
    guard (1...10000).contains(steps) else { throw .setting("steps is \(steps), not 1 to 10000") }
    guard sigmaFloor > 0, sigmaFloor <= 1 else {
      throw .setting("sigmaFloor is \(sigmaFloor), not above 0 and at most 1")
    }
    guard deviationFloor >= 0 else { throw .setting("deviationFloor is \(deviationFloor), not 0 or more") }
  }
}

/// The fit of a ``GaussianBernoulliRBM``: that of its `fit` function, and with settings by name and a state that can be written down.
final class GaussianBernoulliRBMFit: LoopFit {
  private let data: DataMatrix
  private let moments: (mean: [Float], deviation: [Float])
  private var trained: Training<RBMLearner>
  private let interval: Int
  private var curve: [CurvePoint] = []

  static var training: TrainingSettings {
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
    var chosen = Self.training
    try assign(options, own: &own, training: &chosen)
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
    if chosen.patience == 0 { training.loop.patience = nil }
    if chosen.patience == 0 { training.loop.halvingInterval = nil }
    if chosen.cosine { training.loop.schedule = .cosine(steps: training.loop.steps, end: 0) }
    if chosen.clip > 0 { training.loop.clipping = .norm(chosen.clip) }
    if chosen.average > 0 {
      training.state.average = MovingAverage(of: training.state.parameters.values, decay: chosen.average)
    }
    interval = training.loop.evaluationInterval ?? 1
    training.loop.checkpointInterval = interval
    trained = training
  }

  var learner: RBMLearner { trained.learner }

  func run(_ surroundings: FitSurroundings) throws(FitError) -> TrainingEnd {
    var learner = trained.learner
    defer { trained.learner = learner }
    return try run(surroundings, with: &learner)
  }

  func run(
    _ surroundings: FitSurroundings, with learner: inout some Learner
  ) throws(FitError) -> TrainingEnd {
    trained.loop.timeLimit = surroundings.timeLimit
    var written = surroundings.now()
    var end = TrainingEnd.finished
    let loop = trained.loop
    var state = trained.state
    defer { trained.state = state }
    do throws(TrainingError) {
      try loop.run(
        &state, &learner, now: surroundings.now,
        observer: { progress in
          note(progress)
          end = progress.end ?? end
          surroundings.observer(progress)
        }, shouldStop: surroundings.shouldStop,
        checkpoint: { state in
          guard surroundings.now() - written >= surroundings.checkpointInterval else { return }
          written = surroundings.now()
          surroundings.checkpoint(encode(state))
        })
    } catch {
      throw .diverged(step: error.step)
    }
    return end
  }

  private func note(_ progress: TrainingProgress) {
    let isWhole = progress.step % interval == 0 || progress.end == .finished
    guard isWhole, progress.step > (curve.last?.step ?? 0) else { return }
    curve.append(CurvePoint(step: progress.step, loss: progress.loss, heldOutLoss: progress.heldOutLoss))
  }

  func model() throws(FitError) -> any TrainedModel {
    guard trained.state.step > 0 else { throw .stopped }
    var parameters = trained.state.best?.parameters ?? trained.state.parameters
    if let average = trained.state.average { parameters.values = average.values }
    return GaussianBernoulliRBM.machine(trained.learner.machine(parameters), moments, fittedTo: data)
  }

  // MARK: bytes

  func encode() -> [UInt8] { encode(trained.state) }

  private func encode(_ state: TrainingState) -> [UInt8] {
    // What was just written reads back.
    guard let weights = try? Weights(decoding: state.encode()) else { return [] }
    let text = CurvePoint.text(curve)
    return Weights(
      weights.tensors,
      metadata: weights.metadata.merging(
        ["curve": text, "model": GaussianBernoulliRBM.catalogueName]
      ) { old, _ in old }
    ).encode()
  }

  func restore(_ bytes: [UInt8]) throws(WeightsError) {
    let weights = try Weights(decoding: bytes)
    try weights.check(model: GaussianBernoulliRBM.catalogueName)
    let text = try weights.text("curve")
    let curve: [CurvePoint]
    do {
      curve = try JSONDecoder().decode([CurvePoint].self, from: Data(text.utf8))
    } catch {
      throw .malformed("the training curve is not what it should be")
    }
    try trained.state.restore(bytes)
    self.curve = curve
  }
}
