/// What a training run says of itself, every so many steps and at its end.
public struct TrainingProgress: Sendable, Equatable, Codable {
  /// Steps taken, and the most there will be.
  public var step: Int
  public var steps: Int
  /// Passes over the rows begun before this one.
  public var epoch: Int
  /// The mean loss per step since the last report, in the model's own unit.
  public var loss: Float
  /// The loss on held-out rows when it was last computed, and the lowest so far.
  public var heldOutLoss: Float?
  public var bestLoss: Float?
  /// The learning rate of the last step.
  public var rate: Float
  /// The length of the last gradient before clipping; nil where nothing asked for it.
  public var gradientNorm: Float?
  /// Speed since the last report.
  public var rowsPerSecond: Double
  /// Since the run began in this process.
  public var seconds: Double
  public var end: TrainingEnd?
}

/// Why a training run ended.
public enum TrainingEnd: String, Sendable, Equatable, Codable {
  case finished
  /// The held-out loss did not fall for as long as patience allows.
  case noGain = "no gain"
  case timeLimit = "time limit"
  /// Whoever watches asked for it.
  case stopped
}

/// Why training could not go on. The state is as it was before the step that failed.
public enum TrainingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The loss is NaN or infinite.
  case loss(Float, step: Int)
  /// The gradient holds a NaN or an infinity; the first slot where it does.
  case gradient(String, step: Int)
  /// The held-out loss is NaN or infinite.
  case heldOutLoss(Float, step: Int)

  /// Steps taken before it.
  public var step: Int {
    switch self {
    case .loss(_, let step), .gradient(_, let step), .heldOutLoss(_, let step): step
    }
  }

  public var description: String {
    let advice = "a lower learning rate, clipped gradients or scaled inputs may help"
    return switch self {
    case .loss(let loss, let step): "the loss of step \(step) is \(loss): \(advice)"
    case .gradient(let slot, let step):
      "the gradient of \(slot) at step \(step) holds NaN or an infinity: \(advice)"
    case .heldOutLoss(let loss, let step): "the held-out loss after step \(step) is \(loss): \(advice)"
    }
  }
}
