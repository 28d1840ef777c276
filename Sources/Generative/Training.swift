import Gradients
import Networks

/// A training run of a member of the suite: what is trained, by whom and how. The loop of all networks drives it; held-out
/// rows decide what is kept and when it ends.
struct Training<Member: Learner> {
  var state: TrainingState
  var learner: Member
  var loop: TrainingLoop
  /// How it went so far, a point for each report.
  private(set) var curve: [CurvePoint] = []

  /// An epoch is a pass over the training rows, or over this many of them where there are more.
  static var rowsPerEpoch: Int { 8192 }

  init(_ state: TrainingState, _ learner: Member, _ loop: TrainingLoop) {
    self.state = state
    self.learner = learner
    self.loop = loop
  }

  /// - Parameters:
  ///   - rows: how many rows are learned from; they are the learner's first ones.
  ///   - patience: epochs without improvement before the end; the rate is halved after every third of them.
  init(
    _ learner: Member, optimizer: Optimizer, rows: Int, epochs: Int, batch: Int, patience: Int, seed: UInt64
  ) {
    let shuffle = Shuffle(rows: rows, batch: batch, seed: seed, keepsRest: true)
    let stepsPerEpoch = (min(rows, Self.rowsPerEpoch) + shuffle.batch - 1) / shuffle.batch
    var loop = TrainingLoop(steps: max(epochs, 1) * stepsPerEpoch)
    loop.evaluationInterval = stepsPerEpoch
    loop.reportInterval = stepsPerEpoch
    loop.patience = patience
    loop.halvingInterval = max(patience / 3, 1)
    // A thousandth is noise: waiting for it would only cost time.
    loop.leastGain = 1e-3
    self.init(
      TrainingState(learner.buffer.parameters, optimizers: [optimizer], shuffle: shuffle, seed: seed),
      learner,
      loop)
  }

  /// Trains to an end.
  ///
  /// - Returns: the best parameters by the held-out loss.
  /// - Throws: ``FitError/diverged(step:)``, or ``FitError/stopped`` when nothing was kept yet.
  mutating func run(
    shouldStop: () -> Bool, observer: (FitProgress) -> Void
  ) throws(FitError) -> TrainingState.Best {
    let (steps, interval) = (loop.steps, interval)
    var told: [TrainingProgress] = []
    defer { for progress in told { note(progress) } }
    do throws(TrainingError) {
      try loop.run(
        &state, &learner, now: { 0 },
        observer: { progress in
          told.append(progress)
          // A run that was stopped ends within a pass, or after one that was told of.
          guard progress.end != .stopped, let heldOutLoss = progress.heldOutLoss else { return }
          observer(
            FitProgress(
              epoch: progress.step / interval, epochs: steps / interval, trainingLoss: progress.loss,
              heldOutLoss: heldOutLoss))
        }, shouldStop: shouldStop)
    } catch {
      throw .diverged(step: error.step)
    }
    guard let best = state.best else { throw .stopped }
    return best
  }

  /// Steps between reports.
  private var interval: Int { loop.reportInterval ?? 1 }

  /// A point of the curve for each interval; one that was broken off is told of when it is complete.
  mutating func note(_ progress: TrainingProgress) {
    let isWhole = progress.step % interval == 0 || progress.end == .finished
    guard isWhole, progress.step > (curve.last?.step ?? 0) else { return }
    curve.append(CurvePoint(step: progress.step, loss: progress.loss, heldOutLoss: progress.heldOutLoss))
  }

  // MARK: bytes

  /// A state of this run with the curve so far, as the file of a fit of this name.
  func encode(_ state: TrainingState, model name: String) -> [UInt8] {
    // What was just written reads back.
    guard let weights = try? Weights(decoding: state.encode()) else { return [] }
    let more = ["curve": CurvePoint.text(curve), "model": name]
    return Weights(weights.tensors, metadata: weights.metadata.merging(more) { old, _ in old }).encode()
  }

  /// Goes on from such bytes; on an error nothing is changed.
  mutating func restore(_ bytes: [UInt8], model name: String) throws(WeightsError) {
    let weights = try Weights(decoding: bytes)
    try weights.check(model: name)
    let curve = try CurvePoint.points(try weights.text("curve"))
    try state.restore(bytes)
    self.curve = curve
  }
}

/// Which rows are learned from and which decide when to stop.
struct HeldOutSplit {
  /// All rows: first those that are learned from.
  let order: [Int]
  /// How many are learned from.
  let trained: Int
  /// Places in ``order`` that decide: rows that are not learned from, or all where none are held out.
  let heldOut: [Int]

  /// The rows themselves that are learned from, and those that decide.
  var trainedRows: ArraySlice<Int> { order[..<trained] }
  var heldOutRows: ArraySlice<Int> { heldOut.map { order[$0] }[...] }

  /// Every n-th block of rows is held out, so that it comes from all times and yet not from between neighbours only.
  init(rows: Int, share: Float) {
    let period = max(2, Int((1 / max(share, 0.02)).rounded()))
    let block = max(1, min(16, rows / (4 * period)))
    let isHeldOut = { (row: Int) in share > 0 && row / block % period == period / 2 }
    let learned = (0..<rows).filter { !isHeldOut($0) }
    order = learned + (0..<rows).filter(isHeldOut)
    trained = learned.count
    heldOut = trained == rows ? Array(0..<rows) : Array((trained..<rows).prefix(4096))
  }
}
