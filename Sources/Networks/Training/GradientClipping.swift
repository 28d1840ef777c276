public import Tensors

/// Keeps one step from running away.
public enum GradientClipping: Sendable, Equatable, Codable {
  case none
  /// All gradients are scaled so that their joint Euclidean length is at most this (Pascanu et al. 2013).
  case norm(Float)
  /// Each gradient is cut to ±this.
  case value(Float)

  /// What is to be done to these gradients before a step.
  ///
  /// - Returns: the factor that the optimizer is to apply (1 unless the norm was too long), and the norm where it was
  ///   computed. Cutting by value happens in place.
  public func callAsFunction(_ gradients: View) -> (scale: Float, norm: Float?) {
    switch self {
    case .none: return (1, nil)
    case .norm(let most):
      let norm = Float(gradients.sumOfSquares.squareRoot())
      // PyTorch's guard against a division by zero.
      return (min(1, most / (norm + 1e-6)), norm)
    case .value(let most):
      Elementwise.clamp(gradients, from: -most, to: most, into: gradients)
      return (1, nil)
    }
  }
}
