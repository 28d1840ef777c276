import Gradients
import Networks
import Tensors

/// An ``Autoencoder`` under way.
final class AutoencoderFit: LoopFit {
  private let form: RowForm
  private let scaled: ScaledRows
  private let settings: AutoencoderSettings
  private let network: MultilayerPerceptron
  var training: Training<AutoencoderLearner>

  static var name: String { Autoencoder.catalogueName }

  init(
    _ records: Records, settings: AutoencoderSettings, seed: UInt64, threads: Int = 1
  ) throws(FitError) {
    try settings.check()
    try records.matrix.check(minimumRows: Autoencoder.minimumRows)
    self.settings = settings
    form = records.form
    scaled = ScaledRows(records, settings)
    network = Autoencoder.network(records.form, settings: settings, seed: seed)
    training = Autoencoder.training(
      network, scaled.seen, scaled.split, form: records.form, settings: settings, seed: seed, threads: threads
    )
    if settings.patience == 0 {
      training.loop.patience = nil
      training.loop.halvingInterval = nil
    }
  }

  convenience init(_ records: Records, _ options: FitOptions) throws(FitError) {
    var settings = AutoencoderSettings()
    let taken = try settings.take(options.settings)
    if let unknown = options.settings.keys.filter({ !taken.contains($0) }).min() {
      let names = settings.descriptions.map(\.name)
      throw .setting("there is no setting \(unknown); there are \(names.joined(separator: ", "))")
    }
    if let epochs = options.epochs { settings.epochs = epochs }
    try self.init(records, settings: settings, seed: options.seed, threads: options.threads)
  }

  /// The daemon's way: tells of each pass.
  func run(shouldStop: () -> Bool, observer: (FitProgress) -> Void) throws(FitError) {
    _ = try training.run(shouldStop: shouldStop, observer: observer)
  }

  func model() throws(FitError) -> any TrainedModel { try autoencoder() }

  func autoencoder() throws(FitError) -> Autoencoder {
    let state = training.state
    guard state.step > 0 else { throw .stopped }
    var network = network
    network.flattened = (state.best?.parameters ?? state.parameters).values
    return Autoencoder(network, scaled, form: form, floor: settings.residualFloor, curve: training.curve)
  }
}

/// Rows as an ``Autoencoder`` learns from them.
struct ScaledRows {
  let shift: [Float]
  let scale: [Float]
  let split: HeldOutSplit
  /// Scaled, in the order of the split.
  let seen: DataMatrix

  /// Every column by its own deviation; grey values stay as they are, since all of them are in one unit.
  init(_ records: Records, _ settings: AutoencoderSettings) {
    let moments = records.matrix.moments(floor: settings.deviationFloor)
    if records.form.isPicture, records.form.support != .real {
      let isLinear = settings.activation(records.form) == .identity
      shift = isLinear ? moments.mean : [Float](repeating: 0, count: records.form.width)
      scale = [Float](repeating: 1, count: records.form.width)
    } else {
      shift = moments.mean
      scale = moments.deviation.map { 1 / $0 }
    }
    split = HeldOutSplit(rows: records.count, share: settings.heldOut)
    seen = records.matrix.standardised(
      split.order, shift: shift, scale: scale, bound: Autoencoder.encoderBound)
  }
}

/// Trains the perceptron of an ``Autoencoder`` on the squared error of what was observed: by hand where hidden layers are tanh and
/// the output is linear, on a tape where they are not.
struct AutoencoderLearner: Learner {
  private var byHand: PerceptronLearner?
  private var onTape: TapeLearner?
  let buffer: ParameterBuffer

  init(_ learner: PerceptronLearner) {
    byHand = learner
    buffer = learner.buffer
  }

  init(_ learner: TapeLearner) {
    onTape = learner
    buffer = learner.buffer
  }

  mutating func gradient(of rows: ArraySlice<Int>, step: Int, phase: Int) -> Float {
    byHand?.gradient(of: rows, step: step, phase: phase)
      ?? onTape?.gradient(of: rows, step: step, phase: phase) ?? .nan
  }

  mutating func heldOutLoss() -> Float? {
    byHand != nil ? byHand?.heldOutLoss() : onTape?.heldOutLoss()
  }
}
