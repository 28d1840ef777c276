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
    try data.check(minimumRows: minimumRows)
    let moments = data.moments(floor: settings.deviationFloor)
    let scale = moments.deviation.map { 1 / $0 }
    let split = HeldOutSplit(rows: data.rows, share: settings.heldOut)
    let seen = data.standardised(split.order, shift: moments.mean, scale: scale, bound: encoderBound)
    var network = network(width: data.columns, settings: settings, seed: seed)
    var training = training(network, seen, split, settings: settings, seed: seed)
    network.flattened = try training.run(shouldStop: shouldStop, observer: observer).parameters.values
    return finished(network, seen, shift: moments.mean, scale: scale, floor: settings.residualFloor)
  }

  /// The network before training.
  static func network(width: Int, settings: AutoencoderSettings, seed: UInt64) -> MultilayerPerceptron {
    var random = RandomStream(seed: seed, stream: Purpose.initial.stream(0))
    let hidden = settings.hidden ?? automaticHidden(width)
    let code = settings.code ?? automaticCode(width)
    return MultilayerPerceptron(
      sizes: [width, hidden, code, hidden, width], hidden: .tanh, random: &random)
  }

  /// The begin of a run on standardised rows in the order of the split.
  static func training(
    _ network: MultilayerPerceptron, _ seen: DataMatrix, _ split: HeldOutSplit,
    settings: AutoencoderSettings, seed: UInt64
  ) -> Training<PerceptronLearner> {
    Training(
      PerceptronLearner(
        network, values: seen.values, mask: seen.mask, heldOutRows: split.heldOut, batch: settings.batch,
        corruption: settings.corruption, seed: seed),
      optimizer: .adam(rate: settings.learningRate), rows: split.trained, epochs: settings.epochs,
      batch: settings.batch, patience: settings.patience, seed: seed)
  }

  /// About 2/3 of the width, in steps of 8.
  public static func automaticHidden(_ width: Int) -> Int { min(128, max(8, (2 * width / 3 + 7) / 8 * 8)) }
  /// About a quarter of the width, and narrower than it.
  public static func automaticCode(_ width: Int) -> Int {
    min(64, max(1, min(width - 1, max(2, (width + 3) / 4))))
  }

  /// What is usual once the network is trained: residuals of each input, and where codes lie.
  private static func finished(
    _ network: MultilayerPerceptron, _ data: DataMatrix, shift: [Float], scale: [Float], floor: Float
  ) -> Autoencoder {
    let values = data.values
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
