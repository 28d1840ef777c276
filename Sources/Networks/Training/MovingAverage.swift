import Tensors

/// An exponential moving average of the parameters: what generators are best sampled from (Polyak & Juditsky 1992).
public struct MovingAverage: Sendable, Equatable {
  /// How much of the average stays at each step, below 1.
  public let decay: Float
  /// With a warm-up the decay after `t` steps is at most `(1 + t) / (10 + t)`, so that the beginning is forgotten.
  public let hasWarmUp: Bool
  public internal(set) var values: [Float]
  public internal(set) var steps = 0

  public init(of parameters: [Float], decay: Float, hasWarmUp: Bool = true) {
    precondition(decay >= 0 && decay < 1, "a decay of \(decay)")
    self.decay = decay
    self.hasWarmUp = hasWarmUp
    values = parameters
  }

  /// `average = decay · average + (1 - decay) · parameters`
  mutating func update(_ parameters: View) {
    precondition(
      parameters.count == values.count, "\(parameters.count) parameters, but \(values.count) before")
    let most = hasWarmUp ? Float(1 + steps) / Float(10 + steps) : 1
    steps += 1
    parameters.average(into: &values, decay: min(decay, most))
  }
}
