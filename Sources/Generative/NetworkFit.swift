import Gradients
import Networks
import Tensors

/// The fit of any ``NetworkDesign``: prepared rows, the one training loop, held-out rows that decide what is kept.
final class NetworkFit<Design: NetworkDesign>: LoopFit {
  private let settings: Design.Settings
  private let training: TrainingSettings
  private let design: Design
  private let preparation: Preparation
  private let columns: ColumnSummary
  private var state: TrainingState
  private(set) var learner: AccompaniedLearner
  private let seed: UInt64
  private var loop: TrainingLoop
  /// Steps between looks at the held-out rows, points of the curve and checkpoints.
  private let interval: Int
  private var curve: [CurvePoint] = []
  private let records: Records
  /// Whether training draws bits from probabilities.
  private let drawsBits: Bool

  /// Small data: passes of a few steps are counted together, and nobody's training ends before so many unless it was asked for.
  static var leastInterval: Int { 50 }
  static var leastSteps: Int { 2000 }

  /// Rows below which nothing is learned.
  static var minimumRows: Int { 8 }

  init(_ records: Records, _ options: FitOptions) throws(FitError) {
    try records.matrix.check(minimumRows: Self.minimumRows)
    var settings = Design.Settings()
    var training = Design.training
    try assign(options, own: &settings, training: &training)
    self.settings = settings
    self.training = training
    let preparation = Preparation(records, wanted: Design.support(for: records.form, settings))
    self.preparation = preparation
    columns = ColumnSummary(records.matrix)
    var scope = ParameterScope(
      random: RandomStream(seed: options.seed, stream: Purpose.initial.stream(0)))
    let design = try Design(settings, form: preparation.form, in: &scope)
    self.design = design

    let energy = design as? any EnergyDesign
    seed = options.seed

    let split = HeldOutSplit(rows: records.count, share: training.heldOut)
    let shuffle = Shuffle(
      rows: split.trained, batch: training.batch, seed: options.seed,
      keepsRest: split.trained < training.batch)
    let data = Self.data(records, split.order, preparation)
    self.records = records
    let drawsBits = preparation.form.support == .binary && data[0].values.contains { $0 != 0 && $0 != 1 }
    self.drawsBits = drawsBits
    var parameters = scope.parameters
    if let energy {
      let learned = Array(data[0].values[..<(split.trained * preparation.form.width)])
      parameters = energy.begin(parameters, rows: learned, seed: options.seed)
    }
    state = TrainingState(
      parameters,
      optimizers: energy?.optimizers(training)
        ?? [.adamW(rate: training.rate, decay: training.decay)],
      shuffle: shuffle, seed: options.seed, averageDecay: training.average > 0 ? training.average : nil)
    let tape = TapeLearner(
      parameters, data: data, heldOutRows: training.heldOut > 0 ? split.heldOut : [],
      batch: max(training.batch, 64), seed: options.seed, workers: Workers(count: options.threads)
    ) { batch in
      let rows = Rows(
        drawsBits ? bernoulli(batch[0]) : batch[0], labels: batch.inputs.count > 1 ? batch[1] : nil,
        isTraining: batch.isTraining)
      return energy?.loss(rows, stage: batch.phase) ?? design.loss(rows)
    }
    let pass = max(shuffle.batchesPerEpoch, 1)
    interval = max(pass, Self.leastInterval)
    loop = TrainingLoop(
      steps: options.epochs.map { $0 * pass } ?? max(training.epochs * pass, Self.leastSteps))
    loop.evaluationInterval = interval
    loop.reportInterval = interval
    loop.checkpointInterval = interval
    if training.cosine { loop.schedule = .cosine(steps: loop.steps, end: 0) }
    if training.clip > 0 { loop.clipping = .norm(training.clip) }
    if training.patience > 0 { loop.patience = training.patience }
    let stages = TrainingStages(count: energy?.stages ?? 1, steps: loop.steps)
    if stages.count > 1 { loop.phases = (0..<stages.steps).map { stages.place(of: $0).stage } }
    learner = AccompaniedLearner(
      base: tape, companion: energy.flatMap { $0.companion(stages, seed: options.seed) })
  }

  /// Prepared rows in the order of the split; their labels too for a conditional design.
  private static func data(_ records: Records, _ order: [Int], _ preparation: Preparation) -> [Tensor] {
    let prepared = Tensor(
      preparation(records.matrix), shape: [records.count, preparation.form.width])
    var arena = Arena()
    let region = arena.reserve(prepared.values.count)
    arena.gather(prepared.values, columns: preparation.form.width, rows: order[...], into: region)
    var data = [Tensor(arena[region], shape: prepared.shape)]
    if Design.isConditional, let labels = records.labels {
      data.append(Tensor(order.map { Float(labels[$0]) }, shape: [order.count]))
    }
    return data
  }

  func run(_ surroundings: FitSurroundings) throws(FitError) -> TrainingEnd {
    var learner = learner
    defer { self.learner = learner }
    return try run(surroundings, with: &learner)
  }

  func run(
    _ surroundings: FitSurroundings, with learner: inout some Learner
  ) throws(FitError) -> TrainingEnd {
    loop.timeLimit = surroundings.timeLimit
    var written = surroundings.now()
    var end = TrainingEnd.finished
    // Worked on apart, since the observer looks at this fit meanwhile.
    var state = state
    defer { self.state = state }
    do throws(TrainingError) {
      // The curve is part of the state: a point is added before the state is given away.
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

  /// A point of the curve for each interval; one that was broken off is told of when it is complete.
  private func note(_ progress: TrainingProgress) {
    let isWhole = progress.step % interval == 0 || progress.end == .finished
    guard isWhole, progress.step > (curve.last?.step ?? 0) else { return }
    curve.append(CurvePoint(step: progress.step, loss: progress.loss, heldOutLoss: progress.heldOutLoss))
  }

  func model() throws(FitError) -> any TrainedModel {
    guard state.step > 0 else { throw .stopped }
    var parameters = state.parameters
    if let average = state.average {
      parameters.values = average.values
    } else if let best = state.best, !(design is any EnergyDesign) {
      parameters = best.parameters
    }
    if let design = design as? any SettlingDesign {
      let buffer = ParameterBuffer(parameters)
      design.settle(settlingRows, buffer)
      parameters = buffer.parameters
    }
    // Held-out rows cannot tell which of two partition functions is the smaller: what was learned last is kept.
    if let energy = design as? any EnergyDesign { parameters = energy.completed(parameters, seed: seed) }
    return NetworkModel(
      design, parameters, settings: settings, training: training, preparation: preparation,
      columns: columns, curve: curve)
  }

  /// Rows from all over the data, prepared as training sees them.
  private var settlingRows: PreparedRows {
    let chosen = Array(stride(from: 0, to: records.count, by: (records.count + 8191) / 8192))
    let matrix = records.matrix
    func gathered(_ source: [Float]) -> [Float] {
      chosen.flatMap { source[$0 * matrix.columns..<($0 + 1) * matrix.columns] }
    }
    var values = preparation(
      DataMatrix(
        rows: chosen.count, columns: matrix.columns, values: gathered(matrix.values),
        mask: matrix.mask.map(gathered)))
    if drawsBits {
      var random = RandomStream(seed: state.seed, stream: Purpose.sampling.stream(2))
      for i in values.indices { values[i] = random.bernoulli(values[i]) ? 1 : 0 }
    }
    let labels = Design.isConditional ? records.labels.map { labels in chosen.map { labels[$0] } } : nil
    return PreparedRows(values, count: chosen.count, labels: labels)
  }

  // MARK: bytes

  func encode() -> [UInt8] { encode(state) }

  private func encode(_ state: TrainingState) -> [UInt8] {
    // What was just written reads back.
    guard let weights = try? Weights(decoding: state.encode()) else { return [] }
    let text = CurvePoint.text(curve)
    return Weights(
      weights.tensors,
      metadata: weights.metadata.merging(["curve": text, "model": Design.name]) { old, _ in old }
    ).encode()
  }

  func restore(_ bytes: [UInt8]) throws(WeightsError) {
    let weights = try Weights(decoding: bytes)
    try weights.check(model: Design.name)
    let curve = try CurvePoint.points(try weights.text("curve"))
    try state.restore(bytes)
    self.curve = curve
  }
}
