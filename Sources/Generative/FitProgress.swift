/// What a fit reports once per pass over its training rows.
public struct FitProgress: Sendable, Equatable {
  /// Passes over the training rows so far, and the most there will be.
  public let epoch: Int
  public let epochs: Int
  /// The mean loss of this pass, in the model's own unit.
  public let trainingLoss: Float
  /// The loss on the held-out part after this pass.
  public let heldOutLoss: Float

  public init(epoch: Int, epochs: Int, trainingLoss: Float, heldOutLoss: Float) {
    self.epoch = epoch
    self.epochs = epochs
    self.trainingLoss = trainingLoss
    self.heldOutLoss = heldOutLoss
  }
}
