import Gradients
import Networks
import Tensors

extension Autoencoder {
  /// Rows below which nothing is learned.
  public static let minimumRows = 16

  /// Learns to give back the rows of `data`; the same data, settings and seed give the same bits.
  ///
  /// - Parameters:
  ///   - shouldStop: asked every few steps; when it says so the best model so far is returned.
  ///   - observer: told of each pass.
  /// - Throws: ``FitError``.
  public static func fit(
    _ data: DataMatrix, settings: AutoencoderSettings = AutoencoderSettings(), seed: UInt64,
    shouldStop: () -> Bool = { false }, observer: (FitProgress) -> Void = { _ in }
  ) throws(FitError) -> Autoencoder {
    let fit = try AutoencoderFit(
      Records(data, form: RowForm(shape: [data.columns], support: .real)), settings: settings, seed: seed)
    try fit.run(shouldStop: shouldStop, observer: observer)
    return try fit.autoencoder()
  }

  /// The network before training.
  static func network(_ form: RowForm, settings: AutoencoderSettings, seed: UInt64) -> MultilayerPerceptron {
    var random = RandomStream(seed: seed, stream: Purpose.initial.stream(0))
    let activation = settings.activation(form)
    let encoder = settings.sizes(form)
    let sizes = encoder + encoder.dropLast().reversed()
    let output: Activation =
      activation == .relu && form.isPicture && form.support != .real ? .sigmoid : .identity
    return MultilayerPerceptron(
      zip(sizes, sizes.dropFirst()).enumerated().map { i, ends in
        // Rectified codes would die; those of tanh stay in bounds.
        let isCode = i == encoder.count - 2 && activation == .relu
        let isLast = i == sizes.count - 2
        return PerceptronLayer(
          inputs: ends.0, outputs: ends.1, activation: isLast ? output : isCode ? .identity : activation,
          random: &random)
      })
  }

  /// The begin of a run on scaled rows in the order of the split.
  static func training(
    _ network: MultilayerPerceptron, _ seen: DataMatrix, _ split: HeldOutSplit, form: RowForm,
    settings: AutoencoderSettings, seed: UInt64, threads: Int = 1
  ) -> Training<AutoencoderLearner> {
    let isByHand = network.layers.dropLast().allSatisfy { $0.activation == .tanh }
    let learner =
      isByHand && network.layers.last?.activation == .identity
      ? AutoencoderLearner(
        PerceptronLearner(
          network, values: seen.values, mask: seen.mask, heldOutRows: split.heldOut, batch: settings.batch,
          corruption: settings.corruption, seed: seed))
      : AutoencoderLearner(
        tapeLearner(
          network, seen, heldOutRows: split.heldOut, corruption: settings.corruption, seed: seed,
          workers: Workers(count: threads)))
    return Training(
      learner, optimizer: .adam(rate: settings.learningRate(form)), rows: split.trained,
      epochs: settings.epochs, batch: settings.batch, patience: settings.patience, seed: seed)
  }

  private static func tapeLearner(
    _ network: MultilayerPerceptron, _ seen: DataMatrix, heldOutRows: [Int], corruption: Float, seed: UInt64,
    workers: Workers
  ) -> TapeLearner {
    let parameters = network.named
    let data = [seen.values, seen.mask].compactMap {
      $0.map { Tensor($0, shape: [seen.rows, seen.columns]) }
    }
    return TapeLearner(
      parameters, data: data, heldOutRows: heldOutRows, seed: seed, workers: workers
    ) { batch in
      var x = batch[0]
      if batch.isTraining, corruption > 0 {
        x = x * bernoulli(batch.tape.input(Tensor(repeating: 1 - corruption, shape: x.shape)))
      }
      let output = network(x, parameters: parameters.entries.map { batch.tape[$0.slot] })
      return batch.inputs.count > 1
        ? Loss.maskedSquaredError(output, batch[0], mask: batch[1])
        : Loss.meanSquaredError(output, batch[0])
    }
  }

  /// About 2/3 of the width, in steps of 8.
  public static func automaticHidden(_ width: Int) -> Int { min(128, max(8, (2 * width / 3 + 7) / 8 * 8)) }
  /// About a quarter of the width, and narrower than it.
  public static func automaticCode(_ width: Int) -> Int {
    min(64, max(1, min(width - 1, max(2, (width + 3) / 4))))
  }

  /// What is usual once the network is trained: residuals of each input, and where codes lie.
  init(
    _ network: MultilayerPerceptron, _ scaled: ScaledRows, form: RowForm, floor: Float, curve: [CurvePoint]
  ) {
    let data = scaled.seen
    let plan = InferencePlan(network)
    let encoderLayers = network.layers.count / 2
    let ones = [Float](repeating: 1, count: data.columns)
    let bare = Autoencoder(
      plan: plan, encoderLayers: encoderLayers, shift: scaled.shift, scale: scaled.scale, residual: ones,
      codeMean: [], codeFactor: [], form: form, curve: [])
    let chosen = Array(stride(from: 0, to: data.rows, by: (data.rows + 20_479) / 20_480))
    let seen =
      chosen.count == data.rows
      ? data
      : data.standardised(chosen, shift: bare.shift.map { _ in 0 }, scale: ones, bound: Self.encoderBound)
    let values = seen.values
    let output = bare.run(values, rows: seen.rows, layers: 0..<plan.layerCount)
    let width = seen.columns
    var squares = [Double](repeating: 0, count: width)
    var counts = [Double](repeating: 0, count: width)
    for i in values.indices where seen.mask?[i] != 0 {
      let d = Double(values[i] - output[i])
      squares[i % width] += d * d
      counts[i % width] += 1
    }
    let residual = (0..<width).map {
      counts[$0] == 0 ? 1 : Float(max(Double(floor * floor), squares[$0] / counts[$0]))
    }
    let codes = bare.codeRange.unbounded(bare.run(values, rows: seen.rows, layers: 0..<encoderLayers))
    let (mean, factor) = UsualRows.normal(
      of: codes, rows: seen.rows, columns: plan.width(after: encoderLayers))
    self.init(
      plan: plan, encoderLayers: encoderLayers, shift: scaled.shift, scale: scaled.scale, residual: residual,
      codeMean: mean, codeFactor: factor, form: form, curve: curve)
  }
}
