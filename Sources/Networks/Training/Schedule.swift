import Glibc

/// How the learning rate goes on: a factor of it by the number of steps taken.
public indirect enum Schedule: Sendable, Equatable, Codable {
  case constant
  /// Multiplied by `factor` after every so many steps.
  case step(every: Int, factor: Float)
  /// From 1 to `end` along a straight line of `steps`, then constant.
  case linear(steps: Int, end: Float)
  /// From 1 to `end` along half a cosine of `steps` (Loshchilov & Hutter 2017), then constant.
  case cosine(steps: Int, end: Float)
  /// `1/steps`, `2/steps`, … 1, and from there on the other one.
  case warmUp(steps: Int, then: Schedule)

  /// The factor for the step after `step` others, at least 0.
  public func factor(after step: Int) -> Float {
    precondition(step >= 0, "a schedule after \(step) steps")
    switch self {
    case .constant: return 1
    case .step(let every, let factor):
      return pow(factor, Float(step / max(every, 1)))
    case .linear(let steps, let end):
      return 1 + (end - 1) * Self.share(step, of: steps)
    case .cosine(let steps, let end):
      return end + (1 - end) * 0.5 * (1 + cos(Float.pi * Self.share(step, of: steps)))
    case .warmUp(let steps, let next):
      return step < steps ? Float(step + 1) / Float(steps) : next.factor(after: step - max(steps, 0))
    }
  }

  private static func share(_ step: Int, of steps: Int) -> Float {
    Float(min(step, steps)) / Float(max(steps, 1))
  }
}
