public import Gradients

/// Sets numbers to 0 with a probability and scales the others up, anew in every run (Srivastava et al. 2014); nothing
/// when not training.
public struct Dropout: Sendable {
  public let probability: Float

  /// - Precondition: the probability is at least 0 and below 1.
  public init(_ probability: Float) {
    precondition(probability >= 0 && probability < 1, "a dropout of \(probability)")
    self.probability = probability
  }

  public func callAsFunction(_ x: Variable, isTraining: Bool) -> Variable {
    isTraining && probability > 0 ? dropout(x, rate: probability) : x
  }
}
