import Gradients
import Networks
import Tensors

/// What a flow makes of rows: independent numbers of a known distribution.
enum BaseDensity: Sendable {
  case gaussian
  /// `p(z) = σ(z) σ(-z)`
  case logistic
  /// Uniform over an interval of a learned length, blurred by a logistic variable: the logistic distribution is its limit for short
  /// intervals. The slot holds what `softplus` makes half a length, one for each column.
  case flat(halfLength: Slot)

  /// `log p(z)` of rows `[rows, width]`, `[rows]`.
  func logDensity(_ z: Variable) -> Variable {
    switch self {
    case .gaussian:
      return z.squared().sum(-1) * -0.5 - 0.918_938_5 * Float(z.shape[1])
    case .logistic:
      return (-z - softplus(-z) * 2).sum(-1)
    case .flat(let slot):
      // (σ(z + a) - σ(z - a)) / 2a, where σ(p) - σ(q) = σ(p) σ(-q) (1 - e^(q - p)).
      let half = softplus(z.tape[slot]) + 1e-3
      let blurred = softplus(-half - z) + softplus(z - half)
      return (log((1 - exp(half * -2)) / (half * 2)) - blurred).sum(-1)
    }
  }

  /// `count × width` numbers.
  func sample(_ count: Int, width: Int, seed: UInt64, _ buffer: ParameterBuffer) -> [Float] {
    var random = RandomStream(seed: seed, stream: Purpose.sampling.stream(0))
    func logistic() -> [Float] {
      let uniform = random.uniforms(count * width)
      return zip(VectorMath.log(uniform), VectorMath.log(uniform.map { 1 - $0 })).map { $0 - $1 }
    }
    switch self {
    case .gaussian: return random.normals(count * width)
    case .logistic: return logistic()
    case .flat(let slot):
      let half = VectorMath.softplus(buffer.view(slot).values).map { $0 + 1e-3 }
      let blur = logistic()
      let uniform = random.uniforms(count * width)
      return blur.indices.map { blur[$0] + (2 * uniform[$0] - 1) * half[$0 % width] }
    }
  }
}
