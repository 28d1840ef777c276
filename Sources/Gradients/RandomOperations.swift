public import Tensors

/// Numbers of a distribution; each run of the tape draws anew, the same seed and step the same.
struct Noise: Operation {
  let seed: UInt64
  let stream: UInt32
  let distribution: Distribution
  func shape(_ x: [Shape]) -> Shape { [] }
  func forward(_ x: Operands, into y: View) {
    var random = RandomStream(seed: seed, stream: UInt64(stream) << 32 | x.step & 0xffff_ffff)
    random.fill(y, distribution)
  }
  func derivative(_ at: Chain) -> [Variable?] { [] }
  var name: String { "Noise(\(distribution))" }
}

/// 1 where a uniform number is below the probability, else 0; without gradient.
struct Bernoulli: Operation {
  var passesGradient: Bool { false }
  func forward(_ x: Operands, into y: View) { Elementwise.greater(x[0], x[1], into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [nil, nil] }
}

/// `x` with each number kept with probability `keep` (and divided by it) or put to 0; saves the mask.
struct Dropout: Operation {
  let seed: UInt64
  let stream: UInt32
  let keep: Float
  func savedShape(_ x: [Shape]) -> Shape? { x[0] }
  func forward(_ x: Operands, into y: View) {
    var random = RandomStream(seed: seed, stream: UInt64(stream) << 32 | x.step & 0xffff_ffff)
    random.fill(x.saved, .dropout(kept: keep))
    Elementwise.multiply(x[0], x.saved, into: y)
  }
  func derivative(_ at: Chain) -> [Variable?] {
    guard let mask = at.saved else { return [nil] }
    return [at.gradient * mask]
  }
}

extension Tape {
  private func noise(_ shape: Shape, _ distribution: Distribution) -> Variable {
    let noise = Noise(seed: seed, stream: UInt32(nextStream()), distribution: distribution)
    return record(Shaped(operation: noise, to: shape), [])
  }
  /// Standard normal numbers, drawn anew by every run.
  public func normal(_ shape: Shape) -> Variable { noise(shape, .normal) }
  /// Uniform numbers on (0, 1), drawn anew by every run.
  public func uniform(_ shape: Shape) -> Variable { noise(shape, .uniform) }
  /// Gumbel numbers, drawn anew by every run: where logits with these added are largest is a draw of their softmax.
  public func gumbel(_ shape: Shape) -> Variable { noise(shape, .gumbel) }
}

/// An operation without operands, of a given shape.
struct Shaped<Inner: Operation>: Operation {
  let operation: Inner
  let to: Shape
  func shape(_ x: [Shape]) -> Shape { to }
  func forward(_ x: Operands, into y: View) { operation.forward(x, into: y) }
  func derivative(_ at: Chain) -> [Variable?] { operation.derivative(at) }
  var name: String { operation.name }
}

/// 1 with these probabilities, else 0, drawn anew by every run; no gradient flows through.
public func bernoulli(_ probability: Variable) -> Variable {
  probability.record(Bernoulli(), probability.tape.uniform(probability.shape))
}

/// Each number kept with probability `1 - rate` and scaled up by its inverse, or put to 0 (Srivastava et al. 2014).
public func dropout(_ x: Variable, rate: Float) -> Variable {
  precondition(rate >= 0 && rate < 1, "a dropout rate of \(rate)")
  if rate == 0 { return x }
  return x.record(
    Dropout(seed: x.tape.seed, stream: UInt32(x.tape.nextStream()), keep: 1 - rate))
}
