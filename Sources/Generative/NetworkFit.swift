import Gradients
import Networks
import Tensors

/// The fit of any ``NetworkDesign``: prepared rows, the one training loop, held-out rows that decide what is kept.
final class NetworkFit<Design: NetworkDesign>: LoopFit {
  static var name: String { Design.name }
  private let settings: Design.Settings
  private let chosen: TrainingSettings
  private let design: Design
  private let preparation: Preparation
  private let columns: ColumnSummary
  private let seed: UInt64
  var training: Training<AccompaniedLearner>
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
    var chosen = Design.training
    try assign(options, own: &settings, training: &chosen)
    self.settings = settings
    self.chosen = chosen
    let preparation = Preparation(records, wanted: Design.support(for: records.form, settings))
    self.preparation = preparation
    columns = ColumnSummary(records.matrix)
    var scope = ParameterScope(
      random: RandomStream(seed: options.seed, stream: Purpose.initial.stream(0)))
    let design = try Design(settings, form: preparation.form, in: &scope)
    self.design = design

    let energy = design as? any EnergyDesign
    seed = options.seed

    let split = HeldOutSplit(rows: records.count, share: chosen.heldOut)
    let shuffle = Shuffle(
      rows: split.trained, batch: chosen.batch, seed: options.seed,
      keepsRest: split.trained < chosen.batch)
    let data = Self.data(records, split.order, preparation)
    let hasLabels = Design.isConditional && records.labels != nil
    let hasMask = data.count > (hasLabels ? 2 : 1)
    self.records = records
    let drawsBits = preparation.form.support == .binary && data[0].values.contains { $0 != 0 && $0 != 1 }
    self.drawsBits = drawsBits
    var parameters = scope.parameters
    if let energy {
      let learned = Array(data[0].values[..<(split.trained * preparation.form.width)])
      parameters = energy.begin(parameters, rows: learned, seed: options.seed)
    }
    let state = TrainingState(
      parameters,
      optimizers: energy?.optimizers(chosen)
        ?? [.adamW(rate: chosen.rate, decay: chosen.decay)],
      shuffle: shuffle, seed: options.seed, averageDecay: chosen.average > 0 ? chosen.average : nil)
    let tape = TapeLearner(
      parameters, data: data, heldOutRows: chosen.heldOut > 0 ? split.heldOut : [],
      batch: max(chosen.batch, 64), seed: options.seed, workers: Workers(count: options.threads)
    ) { batch in
      let rows = Rows(
        drawsBits ? bernoulli(batch[0]) : batch[0], labels: hasLabels ? batch[1] : nil,
        mask: hasMask ? batch.inputs.last : nil, isTraining: batch.isTraining)
      return energy?.loss(rows, stage: batch.phase) ?? design.loss(rows)
    }
    let pass = max(shuffle.batchesPerEpoch, 1)
    // Steps between looks at the held-out rows, points of the curve and checkpoints.
    let interval = max(pass, Self.leastInterval)
    var loop = TrainingLoop(
      steps: options.epochs.map { $0 * pass } ?? max(chosen.epochs * pass, Self.leastSteps))
    loop.evaluationInterval = interval
    loop.reportInterval = interval
    if chosen.cosine { loop.schedule = .cosine(steps: loop.steps, end: 0) }
    if chosen.clip > 0 { loop.clipping = .norm(chosen.clip) }
    if chosen.patience > 0 { loop.patience = chosen.patience }
    let stages = TrainingStages(shares: energy?.stages ?? [1], steps: loop.steps)
    if stages.count > 1 { loop.phases = (0..<stages.steps).map { stages.place(of: $0).stage } }
    let companion = energy.flatMap { $0.companion(stages, seed: options.seed) }
    training = Training(state, AccompaniedLearner(base: tape, companion: companion), loop)
  }

  /// Prepared rows in the order of the split; behind them their labels for a conditional design, and their mask where numbers are
  /// missing.
  private static func data(_ records: Records, _ order: [Int], _ preparation: Preparation) -> [Tensor] {
    let width = preparation.form.width
    func ordered(_ values: [Float]) -> Tensor {
      var arena = Arena()
      let region = arena.reserve(values.count)
      arena.gather(values, columns: width, rows: order[...], into: region)
      return Tensor(arena[region], shape: [order.count, width])
    }
    var data = [ordered(preparation(records.matrix))]
    if Design.isConditional, let labels = records.labels {
      data.append(Tensor(order.map { Float(labels[$0]) }, shape: [order.count]))
    }
    if let mask = preparation.mask(records.matrix) { data.append(ordered(mask)) }
    return data
  }

  func model() throws(FitError) -> any TrainedModel {
    let state = training.state
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
      design, parameters, settings: settings, training: chosen, preparation: preparation,
      columns: columns, curve: training.curve)
  }

  /// Rows from all over the data, prepared as training sees them.
  private var settlingRows: PreparedRows {
    let chosen = Array(stride(from: 0, to: records.count, by: (records.count + 8191) / 8192))
    let matrix = records.matrix
    func gathered(_ source: [Float]) -> [Float] {
      chosen.flatMap { source[$0 * matrix.columns..<($0 + 1) * matrix.columns] }
    }
    let part = DataMatrix(
      rows: chosen.count, columns: matrix.columns, values: gathered(matrix.values),
      mask: matrix.mask.map(gathered))
    var values = preparation(part)
    if drawsBits {
      var random = RandomStream(seed: seed, stream: Purpose.sampling.stream(2))
      for i in values.indices { values[i] = random.bernoulli(values[i]) ? 1 : 0 }
    }
    let labels = Design.isConditional ? records.labels.map { labels in chosen.map { labels[$0] } } : nil
    return PreparedRows(values, count: chosen.count, labels: labels, mask: preparation.mask(part))
  }
}
