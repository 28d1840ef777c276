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
    try data.check(minimumRows: minimumRows)
    let width = data.columns
    let moments = data.moments(floor: settings.deviationFloor)
    let scale = moments.deviation.map { 1 / $0 }

    // What the network sees and is to give back: standardised and bounded once, before all steps.
    var arena = Arena()
    let region = arena.reserve(data.values.count)
    arena.standardise(
      data.values, mask: data.mask, first: 0, rows: data.rows, shift: moments.mean, scale: scale,
      bound: encoderBound, into: region)
    let values = arena[region]

    var random = RandomStream(seed: seed, stream: 1)
    let hidden = settings.hidden ?? automaticHidden(width)
    let code = settings.code ?? automaticCode(width)
    var network = MultilayerPerceptron(
      sizes: [width, hidden, code, hidden, width], hidden: .tanh, random: &random)
    var trainer = PerceptronTrainer(
      network, batch: settings.batch, adam: PerceptronTrainer.Adam(rate: settings.learningRate))
    let loop = TrainingLoop(
      rows: data.rows, heldOut: settings.heldOut, epochs: settings.epochs, batch: settings.batch,
      learningRate: settings.learningRate, patience: settings.patience)
    try loop.run(
      random: &random, shouldStop: shouldStop, observer: observer,
      step: { rows, rate, random in
        trainer.adam.rate = rate
        return trainer.step(
          values: values, mask: data.mask, rows: rows, corruption: settings.corruption, random: &random)
      },
      evaluate: { trainer.loss(values: values, mask: data.mask, rows: $0[...]) },
      keep: { trainer.keep() })
    network.flattened = trainer.kept
    return finished(
      network, values: values, data: data, shift: moments.mean, scale: scale, floor: settings.residualFloor)
  }

  /// About 2/3 of the width, in steps of 8.
  public static func automaticHidden(_ width: Int) -> Int { min(128, max(8, (2 * width / 3 + 7) / 8 * 8)) }
  /// About a quarter of the width, and narrower than it.
  public static func automaticCode(_ width: Int) -> Int {
    min(64, max(1, min(width - 1, max(2, (width + 3) / 4))))
  }

  /// What is usual once the network is trained: residuals of each input, and where codes lie.
  private static func finished(
    _ network: MultilayerPerceptron, values: [Float], data: DataMatrix, shift: [Float], scale: [Float],
    floor: Float
  ) -> Autoencoder {
    let plan = InferencePlan(network)
    let width = shift.count
    let code = plan.width(after: encoderLayers)
    let ones = [Float](repeating: 1, count: width)
    let bare = Autoencoder(
      plan: plan, shift: shift, scale: scale, residual: ones, codeMean: [], codeFactor: [])
    let output = bare.run(values, rows: data.rows, layers: 0..<plan.layerCount)
    var squares = [Double](repeating: 0, count: width)
    var counts = [Double](repeating: 0, count: width)
    for i in values.indices where data.mask?[i] != 0 {
      let d = Double(values[i] - output[i])
      squares[i % width] += d * d
      counts[i % width] += 1
    }
    let residual = (0..<width).map {
      counts[$0] == 0 ? 1 : Float(max(Double(floor * floor), squares[$0] / counts[$0]))
    }

    let bounded = bare.run(values, rows: data.rows, layers: 0..<encoderLayers).map {
      max(-0.9999, min(0.9999, $0))
    }
    let codes = VectorMath.log(bounded.map { (1 + $0) / (1 - $0) }).map { Double($0) / 2 }  // artanh
    var mean = [Double](repeating: 0, count: code)
    for i in codes.indices { mean[i % code] += codes[i] / Double(data.rows) }
    var covariance = [Double](repeating: 0, count: code * code)
    for row in 0..<data.rows {
      for i in 0..<code {
        let d = codes[row * code + i] - mean[i]
        for j in 0...i {
          covariance[i * code + j] += d * (codes[row * code + j] - mean[j]) / Double(data.rows)
        }
      }
    }
    return Autoencoder(
      plan: plan, shift: shift, scale: scale, residual: residual, codeMean: mean.map(Float.init),
      codeFactor: Cholesky.factor(covariance, n: code))
  }
}
