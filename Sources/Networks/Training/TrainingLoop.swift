import Gradients
import Tensors

/// The one way in which everything here is trained: shuffled batches, a schedule, clipping, a moving average, held-out
/// rows that decide what is kept and when to stop, a time limit, and a guard against divergence.
public struct TrainingLoop: Sendable, Equatable {
  /// Where the run ends at the latest, counted from the very beginning of training.
  public var steps: Int
  public var schedule = Schedule.constant
  public var clipping = GradientClipping.none
  /// Which optimizer moves at each step, in turn: `[0, 0, 0, 1]` trains a critic three times per generator.
  public var phases = [0]
  /// Steps between looks at the held-out rows; nil for once per pass.
  public var evaluationInterval: Int?
  /// Evaluations without gain before the end; nil for no early end.
  public var patience: Int?
  /// The rate is halved whenever so many more evaluations brought no gain; nil for never.
  public var halvingInterval: Int?
  /// The share by which the held-out loss must fall to count as a gain.
  public var leastGain: Float = 0
  /// Seconds from the begin of ``run(_:_:now:observer:shouldStop:checkpoint:)``.
  public var timeLimit: Double?
  /// Steps between reports; nil for once per pass.
  public var reportInterval: Int?
  /// Steps between checkpoints; nil for none.
  public var checkpointInterval: Int?

  public init(steps: Int) { self.steps = steps }

  /// Trains from the state until an end; the same state, settings and learner give the same bits, wherever it was stopped
  /// in between.
  ///
  /// - Parameters:
  ///   - now: seconds of a clock that does not jump.
  ///   - observer: told of losses and speed.
  ///   - shouldStop: asked before each step.
  ///   - checkpoint: given the whole state every so many steps, to be kept somewhere.
  /// - Throws: ``TrainingError``; the state is then the last good one.
  @discardableResult
  public func run(
    _ state: inout TrainingState, _ learner: inout some Learner, now: () -> Double,
    observer: (TrainingProgress) -> Void = { _ in }, shouldStop: () -> Bool = { false },
    checkpoint: (TrainingState) -> Void = { _ in }
  ) throws(TrainingError) -> TrainingEnd {
    learner.buffer.parameters = state.parameters
    var speed = Speed(begin: now())
    let perPass = max(state.shuffle.batchesPerEpoch, 1)
    func report(_ state: TrainingState, _ end: TrainingEnd?) {
      observer(speed.progress(state, steps: steps, end: end, at: now()))
    }
    // What ended by itself has ended: going on would add a step that a whole run does not take.
    if hasNoGain(state) {
      report(state, .noGain)
      return .noGain
    }
    do throws(TrainingError) {
      while state.step < steps {
        let limit = timeLimit.map { now() - speed.begin >= $0 } ?? false
        let early = shouldStop() ? TrainingEnd.stopped : limit ? .timeLimit : nil
        if let early {
          state.parameters = learner.buffer.parameters
          // The sums stay as they are: a resumed run goes on with them.
          report(state, early)
          return early
        }
        try step(&state, &learner, &speed)
        if state.step % (evaluationInterval ?? perPass) == 0 { try evaluate(&state, &learner) }
        let end = hasNoGain(state) ? TrainingEnd.noGain : state.step == steps ? .finished : nil
        let isReport = state.step % (reportInterval ?? perPass) == 0
        if isReport || end != nil { report(state, end) }
        if isReport { (state.lossSum, state.lossSteps) = (0, 0) }
        if end != nil || checkpointInterval.map({ state.step % $0 == 0 }) ?? false {
          state.parameters = learner.buffer.parameters
        }
        if let checkpointInterval, state.step % checkpointInterval == 0 { checkpoint(state) }
        if let end { return end }
      }
    } catch {
      state.parameters = learner.buffer.parameters
      throw error
    }
    report(state, .finished)
    return .finished
  }

  private func hasNoGain(_ state: TrainingState) -> Bool {
    patience.map { state.evaluationsWithoutGain >= $0 } ?? false
  }

  /// One step, or nothing at all when it failed.
  private func step(
    _ state: inout TrainingState, _ learner: inout some Learner, _ speed: inout Speed
  ) throws(TrainingError) {
    let buffer = learner.buffer
    let place = (state.shuffle.epoch, state.shuffle.position)
    let statistics = buffer.statistics.count > 0 ? buffer.statistics.values : []
    func undo(_ state: inout TrainingState) {
      state.shuffle.move(toEpoch: place.0, position: place.1)
      buffer.statistics.assign(statistics)
    }
    let phase = phases[state.step % phases.count]
    precondition(
      phase < state.optimizers.count, "phase \(phase) of \(state.optimizers.count) optimizers")
    let rows = state.shuffle.next()
    let loss = learner.gradient(of: rows, step: state.step, phase: phase)
    guard loss.isFinite else {
      undo(&state)
      throw .loss(loss, step: state.step)
    }
    let (scale, norm) = clipping(buffer.gradient)
    guard norm?.isFinite ?? buffer.gradient.isFinite else {
      undo(&state)
      throw .gradient(Self.brokenSlot(buffer), step: state.step)
    }
    let halved = Float(sign: .plus, exponent: -state.halvings, significand: 1)
    let factor = schedule.factor(after: state.step) * halved
    let rate = state.optimizers[phase].rate * factor
    state.optimizers[phase].step(buffer, factor: factor, scale: scale)
    learner.moved(rate: rate)
    state.average?.update(buffer.weights)
    state.step += 1
    state.lossSum += Double(loss)
    state.lossSteps += 1
    speed.rows += rows.count
    (speed.rate, speed.norm) = (rate, norm)
  }

  private func evaluate(
    _ state: inout TrainingState, _ learner: inout some Learner
  ) throws(TrainingError) {
    guard let loss = learner.heldOutLoss() else { return }
    guard loss.isFinite else { throw .heldOutLoss(loss, step: state.step) }
    state.heldOutLoss = loss
    guard let best = state.best else {
      state.keep(learner.buffer.parameters, loss: loss)
      return
    }
    let waited = state.evaluationsWithoutGain
    if loss < best.loss { state.keep(learner.buffer.parameters, loss: loss) }
    guard loss >= best.loss - leastGain * abs(best.loss) else { return }
    state.evaluationsWithoutGain = waited + 1
    if let halvingInterval, state.evaluationsWithoutGain % halvingInterval == 0 { state.halvings += 1 }
  }

  /// The name of the first parameter whose gradient is not finite.
  private static func brokenSlot(_ buffer: ParameterBuffer) -> String {
    buffer.entries.first { $0.slot.isTrained && !buffer.gradient($0.slot).isFinite }?.name
      ?? "all parameters together"
  }
}

/// What a report says beside what the state knows: of this process, since its last report.
private struct Speed {
  let begin: Double
  var last: Double
  var rows = 0
  var rate: Float = 0
  var norm: Float?

  init(begin: Double) {
    self.begin = begin
    last = begin
  }

  mutating func progress(
    _ state: TrainingState, steps most: Int, end: TrainingEnd?, at now: Double
  ) -> TrainingProgress {
    let spent = now - last
    defer { (rows, last) = (0, now) }
    return TrainingProgress(
      step: state.step, steps: most, epoch: state.shuffle.epoch,
      loss: state.lossSteps == 0 ? 0 : Float(state.lossSum / Double(state.lossSteps)),
      heldOutLoss: state.heldOutLoss, bestLoss: state.best?.loss, rate: rate, gradientNorm: norm,
      rowsPerSecond: spent > 0 ? Double(rows) / spent : 0, seconds: now - begin, end: end)
  }
}
