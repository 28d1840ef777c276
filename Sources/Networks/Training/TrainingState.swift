public import Gradients

/// All that a training run is: stop it anywhere, keep this value, go on later or elsewhere, and every bit is as if it had
/// not been stopped.
///
/// Random numbers need no state of their own: each step draws from streams that are functions of ``seed`` and ``step`` (see
/// ``Purpose``).
public struct TrainingState: Sendable, Equatable {
  /// The best parameters so far, by the held-out loss.
  public struct Best: Sendable, Equatable {
    public var loss: Float
    public var step: Int
    public var parameters: Parameters
  }

  public var parameters: Parameters
  /// One, or several that each move their part.
  public var optimizers: [Optimizer]
  public var average: MovingAverage?
  public var shuffle: Shuffle
  public let seed: UInt64
  /// Steps taken.
  public var step = 0
  public var best: Best?
  /// Evaluations since the best one.
  public var evaluationsWithoutGain = 0
  /// How often the rate was halved for want of gain.
  public var halvings = 0
  /// The losses of the steps since the last report that was due, so that a resumed run reports what a whole one does.
  public var lossSum = 0.0
  public var lossSteps = 0
  /// The held-out loss when it was last computed.
  public var heldOutLoss: Float?

  /// The begin of a run.
  ///
  /// - Parameters:
  ///   - shuffle: the rows to learn from, in their order.
  ///   - averageDecay: of a moving average of the parameters; nil for none.
  public init(
    _ parameters: Parameters, optimizers: [Optimizer], shuffle: Shuffle, seed: UInt64,
    averageDecay: Float? = nil
  ) {
    self.parameters = parameters
    self.optimizers = optimizers
    average = averageDecay.map { MovingAverage(of: parameters.values, decay: $0) }
    self.shuffle = shuffle
    self.seed = seed
  }

  /// Remembers parameters as the best.
  mutating func keep(_ parameters: Parameters, loss: Float) {
    best = Best(loss: loss, step: step, parameters: parameters)
    evaluationsWithoutGain = 0
  }
}
