import Tensors

/// The one way a member of the suite is trained: shuffled batches, a held-out part that decides what is kept and when
/// to stop, a falling learning rate, and a guard against divergence.
struct TrainingLoop {
  var epochs: Int
  var batch: Int
  var learningRate: Float
  /// Epochs without improvement before the end; the rate is halved after every third of them.
  var patience: Int
  let trainingRows: [Int]
  let heldOutRows: [Int]

  /// An epoch is a pass over the training rows, or over this many of them where there are more.
  static let rowsPerEpoch = 8192

  /// Every n-th block of rows is held out, so that it comes from all times and yet not from between neighbours only.
  init(rows: Int, heldOut: Float, epochs: Int, batch: Int, learningRate: Float, patience: Int) {
    self.epochs = epochs
    self.batch = batch
    self.learningRate = learningRate
    self.patience = patience
    let period = max(2, Int((1 / max(heldOut, 0.02)).rounded()))
    let block = max(1, min(16, rows / (4 * period)))
    let isHeldOut = { (row: Int) in heldOut > 0 && row / block % period == period / 2 }
    let out = (0..<rows).filter(isHeldOut)
    trainingRows = (0..<rows).filter { !isHeldOut($0) }
    heldOutRows = out.isEmpty ? Array(0..<rows) : Array(out.prefix(4096))
  }

  /// - Parameters:
  ///   - step: learns from some rows at a rate and returns their loss.
  ///   - evaluate: the loss of the held-out rows.
  ///   - keep: remembers the present parameters as the best.
  /// - Throws: ``FitError/diverged(step:)``, or ``FitError/stopped`` when nothing was kept yet.
  func run(
    random: inout RandomStream, shouldStop: () -> Bool, observer: (FitProgress) -> Void,
    step: (ArraySlice<Int>, Float, inout RandomStream) -> Float, evaluate: ([Int]) -> Float, keep: () -> Void
  ) throws(FitError) {
    var order = trainingRows
    var cursor = order.count
    var rate = learningRate
    var best = Float.infinity
    var waited = 0
    var steps = 0
    for epoch in 1...max(epochs, 1) {
      var total: Double = 0
      var seen = 0
      while seen < min(order.count, Self.rowsPerEpoch) {
        if cursor >= order.count {
          random.shuffle(&order)
          cursor = 0
        }
        let part = order[cursor..<min(cursor + batch, order.count)]
        cursor += part.count
        steps += 1
        let loss = step(part, rate, &random)
        guard loss.isFinite else { throw .diverged(step: steps) }
        total += Double(loss) * Double(part.count)
        seen += part.count
        if steps % 16 == 0, shouldStop() {
          guard best < .infinity else { throw .stopped }
          return
        }
      }
      let heldOut = evaluate(heldOutRows)
      guard heldOut.isFinite else { throw .diverged(step: steps) }
      observer(
        FitProgress(
          epoch: epoch, epochs: epochs, trainingLoss: Float(total / Double(max(seen, 1))),
          heldOutLoss: heldOut))
      // A thousandth is noise: waiting for it would only cost time.
      if heldOut < best - 1e-3 * abs(best) || best == .infinity {
        best = heldOut
        waited = 0
        keep()
      } else {
        if heldOut < best {
          best = heldOut
          keep()
        }
        waited += 1
        if waited % max(patience / 3, 1) == 0 { rate *= 0.5 }
        if waited >= patience { return }
      }
    }
  }
}
