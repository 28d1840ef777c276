import Networks
import Tensors

extension GaussianBernoulliRBM {
  /// Rows below which nothing is learned.
  public static let minimumRows = 16

  /// Learns the distribution of the rows of `data`; the same data, settings and seed give the same bits.
  ///
  /// Training ends when the score-matching loss of the held-out rows no longer falls. Inputs are standardised for it, and
  /// bounded to ±6 deviations; missing ones are drawn from the model.
  ///
  /// - Parameters:
  ///   - shouldStop: asked every few steps; when it says so the best model so far is returned.
  ///   - observer: told of each pass.
  /// - Throws: ``FitError``.
  public static func fit(
    _ data: DataMatrix, settings: RBMSettings = RBMSettings(), seed: UInt64,
    shouldStop: () -> Bool = { false }, observer: (FitProgress) -> Void = { _ in }
  ) throws(FitError) -> GaussianBernoulliRBM {
    try data.check(minimumRows: minimumRows)
    let moments = data.moments(floor: settings.deviationFloor)
    let split = HeldOutSplit(rows: data.rows, share: settings.heldOut)
    var training = training(
      seen(data, split, moments), split, settings: settings, seed: seed)
    let best = try training.run(shouldStop: shouldStop, observer: observer)
    return machine(
      training.learner.machine(best.parameters), moments, curve: training.curve, fittedTo: data)
  }

  /// Rows in the order of the split, standardised and bounded.
  static func seen(
    _ data: DataMatrix, _ split: HeldOutSplit, _ moments: (mean: [Float], deviation: [Float])
  ) -> DataMatrix {
    data.standardised(split.order, shift: moments.mean, scale: moments.deviation.map { 1 / $0 }, bound: 6)
  }

  /// From standardised inputs back to the units of the rows, with what is usual among these.
  static func machine(
    _ kept: RBMLearner.Machine, _ moments: (mean: [Float], deviation: [Float]), curve: [CurvePoint],
    fittedTo data: DataMatrix
  ) -> GaussianBernoulliRBM {
    let width = data.columns
    let bias = (0..<width).map { moments.mean[$0] + kept.visibleBias[$0] * moments.deviation[$0] }
    let inverseSigma = (0..<width).map { 1 / (kept.sigma[$0] * moments.deviation[$0]) }
    let ones = [Float](repeating: 1, count: width)
    func machine(_ spread: [Float], _ usual: [Float]) -> GaussianBernoulliRBM {
      GaussianBernoulliRBM(
        bias: bias, inverseSigma: inverseSigma, weights: kept.weights, hiddenBias: kept.hiddenBias,
        spread: spread, usual: usual, curve: curve)
    }
    let (spread, usual) = machine(ones, ones).usualValues(data)
    return machine(spread, usual)
  }

  /// The begin of a run on standardised rows in the order of the split.
  static func training(
    _ seen: DataMatrix, _ split: HeldOutSplit, settings: RBMSettings, seed: UInt64
  ) -> Training<RBMLearner> {
    let learner = RBMLearner(
      visible: seen.columns, hidden: settings.hidden ?? automaticHidden(seen.columns), values: seen.values,
      mask: seen.mask, heldOutRows: Array(split.heldOut.prefix(1024)), settings: settings, seed: seed)
    return Training(
      learner, optimizer: learner.optimizer, rows: split.trained, epochs: settings.epochs,
      batch: settings.batch, patience: settings.patience, seed: seed)
  }

  /// About 2/3 of the width, in steps of 8.
  static func automaticHidden(_ width: Int) -> Int { min(128, max(8, (2 * width / 3 + 7) / 8 * 8)) }

  /// Per input, over some of the rows: the deviation from what the others let expect, and what it adds to the free energy.
  private func usualValues(_ data: DataMatrix) -> (spread: [Float], usual: [Float]) {
    let stride = max(1, data.rows / 128)
    var squares = [Double](repeating: 0, count: width)
    var sums = squares
    var counts = squares
    for row in Swift.stride(from: 0, to: data.rows, by: stride) {
      let range = row * width..<(row + 1) * width
      let mask = data.mask.map { Array($0[range]) }
      let parts = usualParts(Array(data.values[range]), mask: mask)
      for i in 0..<width where mask?[i] != 0 {
        // Bounded, so that a few enormous rows do not set what is usual.
        let off = Double(max(-10, min(10, parts.off[i])))
        squares[i] += off * off
        sums[i] += Double(max(-50, min(50, parts.difference[i])))
        counts[i] += 1
      }
    }
    return (
      (0..<width).map { i in
        counts[i] == 0
          ? 1 / inverseSigma[i] : Float((squares[i] / counts[i]).squareRoot().nextUp) / inverseSigma[i]
      },
      (0..<width).map { counts[$0] == 0 ? 0 : Float(sums[$0] / counts[$0]) }
    )
  }
}
