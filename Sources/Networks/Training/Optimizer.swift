public import Gradients
public import Tensors

/// Moves flat parameters down their gradients; a value that holds its own moments.
///
/// One optimizer may own a part of the buffer only: two of them train the two halves of an adversarial model, and what
/// is not trained (running statistics) lies in no range.
///
/// The formulas are those of PyTorch's optimizers of the same names, for which the sources are: momentum, Sutskever et
/// al. 2013; Adam, Kingma & Ba 2015, algorithm 1; AdamW, Loshchilov & Hutter 2019; RMSProp, Hinton's lecture 6e, 2012.
public struct Optimizer: Sendable, Equatable {
  /// The formula of a step.
  public enum Rule: Sendable, Equatable, Codable {
    /// `m = μm + g`, `w -= rate · m`; Nesterov's form steps along `g + μm`.
    case momentum(Float, isNesterov: Bool)
    /// Bias-corrected first and second moments. With `isDecoupled` the decay shrinks the weights directly (AdamW);
    /// otherwise it is added to the gradient.
    case adam(beta1: Float, beta2: Float, epsilon: Float, isDecoupled: Bool)
    /// `v = αv + (1 - α)g²`, `w -= rate · g / (√v + ε)`, with momentum over those quotients if it is not 0.
    case rmsProp(alpha: Float, epsilon: Float, momentum: Float)
  }

  public let rule: Rule
  /// The step length before any schedule.
  public var rate: Float
  /// Pulls weights towards 0; see the rules for how.
  public let decay: Float
  /// The parts of the flat buffer that it moves, ascending; nil is all of it.
  public let ranges: [Range<Int>]?
  /// Steps taken.
  public internal(set) var steps = 0
  /// The rule's moments over its parts, one behind the other; empty before the first step.
  public internal(set) var first: [Float] = []
  public internal(set) var second: [Float] = []

  public init(_ rule: Rule, rate: Float, decay: Float = 0, ranges: [Range<Int>]? = nil) {
    for (part, next) in zip(ranges ?? [], (ranges ?? []).dropFirst()) {
      precondition(part.upperBound <= next.lowerBound, "the ranges \(part) and \(next) are not in order")
    }
    self.rule = rule
    self.rate = rate
    self.decay = decay
    self.ranges = ranges
  }

  /// Plain gradient descent, with momentum if it is not 0.
  public static func sgd(
    rate: Float, momentum: Float = 0, isNesterov: Bool = false, decay: Float = 0, ranges: [Range<Int>]? = nil
  ) -> Optimizer {
    Optimizer(.momentum(momentum, isNesterov: isNesterov), rate: rate, decay: decay, ranges: ranges)
  }

  /// - Parameter isDecoupled: whether the decay passes by the moments (AdamW).
  public static func adam(
    rate: Float = 1e-3, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, decay: Float = 0,
    isDecoupled: Bool = false, ranges: [Range<Int>]? = nil
  ) -> Optimizer {
    Optimizer(
      .adam(beta1: beta1, beta2: beta2, epsilon: epsilon, isDecoupled: isDecoupled), rate: rate, decay: decay,
      ranges: ranges)
  }

  /// Adam whose decay does not pass through the moments.
  public static func adamW(
    rate: Float = 1e-3, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, decay: Float = 0.01,
    ranges: [Range<Int>]? = nil
  ) -> Optimizer {
    adam(
      rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, decay: decay, isDecoupled: true,
      ranges: ranges)
  }

  public static func rmsProp(
    rate: Float = 1e-2, alpha: Float = 0.99, epsilon: Float = 1e-8, momentum: Float = 0, decay: Float = 0,
    ranges: [Range<Int>]? = nil
  ) -> Optimizer {
    Optimizer(
      .rmsProp(alpha: alpha, epsilon: epsilon, momentum: momentum), rate: rate, decay: decay, ranges: ranges)
  }

  /// How many numbers each moment holds for a buffer of this length; 0 where the rule has no such moment.
  public func momentCounts(parameters count: Int) -> (first: Int, second: Int) {
    let moved = ranges.map { $0.reduce(0) { $0 + $1.count } } ?? count
    return switch rule {
    case .momentum(let momentum, _): (momentum == 0 ? 0 : moved, 0)
    case .adam: (moved, moved)
    case .rmsProp(_, _, let momentum): (moved, momentum == 0 ? 0 : moved)
    }
  }

  /// One step down the gradient that the buffer holds.
  ///
  /// - Parameters:
  ///   - factor: of the rate, as a ``Schedule`` gives it.
  ///   - scale: of the gradients, as ``GradientClipping`` gives it.
  public mutating func step(_ buffer: ParameterBuffer, factor: Float = 1, scale: Float = 1) {
    step(buffer.weights, gradient: buffer.gradient, factor: factor, scale: scale)
  }

  /// One step of flat weights down their flat gradient; no allocation after the first.
  public mutating func step(_ weights: View, gradient: View, factor: Float = 1, scale: Float = 1) {
    precondition(
      weights.count == gradient.count && weights.isContiguous && gradient.isContiguous,
      "\(gradient.count) gradients for \(weights.count) parameters")
    let counts = momentCounts(parameters: weights.count)
    if steps == 0, first.isEmpty, second.isEmpty {
      first = [Float](repeating: 0, count: counts.first)
      second = [Float](repeating: 0, count: counts.second)
    }
    precondition(
      first.count == counts.first && second.count == counts.second,
      "moments of \(first.count) and \(second.count) numbers, not \(counts.first) and \(counts.second)")
    steps += 1
    guard let ranges else {
      return move(weights, gradient, at: 0, rate: rate * factor, scale: scale)
    }
    var moved = 0
    for range in ranges {
      move(
        weights.sliced(0, from: range.lowerBound, count: range.count),
        gradient.sliced(0, from: range.lowerBound, count: range.count), at: moved, rate: rate * factor,
        scale: scale)
      moved += range.count
    }
  }

  /// One part, whose moments begin at `at`.
  private mutating func move(_ weights: View, _ gradient: View, at: Int, rate: Float, scale: Float) {
    switch rule {
    case .momentum(let momentum, let isNesterov):
      weights.momentumStep(
        gradient: gradient, velocity: &first, at: at, rate: rate, momentum: momentum,
        isNesterov: isNesterov, decay: decay, scale: scale)
    case .adam(let beta1, let beta2, let epsilon, let isDecoupled):
      weights.adamStep(
        gradient: gradient, first: &first, second: &second, at: at, step: steps, rate: rate, beta1: beta1,
        beta2: beta2, epsilon: epsilon, decay: decay, isDecoupled: isDecoupled, scale: scale)
    case .rmsProp(let alpha, let epsilon, let momentum):
      weights.rmsPropStep(
        gradient: gradient, square: &first, velocity: &second, at: at, rate: rate, smoothing: alpha,
        epsilon: epsilon, momentum: momentum, decay: decay, scale: scale)
    }
  }
}
