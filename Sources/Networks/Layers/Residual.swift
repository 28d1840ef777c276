public import Gradients

/// `x + f(x)`, with a 1×1 convolution on the way past where the number of channels or the stride changes: two normalised,
/// activated 3×3 convolutions (He et al. 2016, the order of "identity mappings").
public struct ResidualBlock: Sendable {
  let norms: [GroupNorm]
  let convolutions: [Convolution2D]
  let past: Convolution2D?
  public let activation: Activation

  /// - Parameter groups: of the normalisation before each convolution.
  public init(
    _ name: String, inputs: Int, outputs: Int, groups: Int, stride: Int = 1, activation: Activation = .silu,
    in scope: inout ParameterScope
  ) {
    self.activation = activation
    (norms, convolutions, past) = scope.within(name) { scope in
      (
        [
          GroupNorm("norm.0", groups: groups, channels: inputs, in: &scope),
          GroupNorm("norm.1", groups: groups, channels: outputs, in: &scope),
        ],
        [
          Convolution2D("convolution.0", inputs, outputs, size: 3, stride: stride, in: &scope),
          // Begins as nothing, so that a deep stack begins as the identity.
          Convolution2D("convolution.1", outputs, outputs, size: 3, initializer: .constant(0), in: &scope),
        ],
        inputs == outputs && stride == 1
          ? nil
          : Convolution2D("past", inputs, outputs, size: 1, stride: stride, hasBias: false, in: &scope)
      )
    }
  }

  /// x `[rows, inputs, height, width]`
  public func callAsFunction(_ x: Variable) -> Variable {
    var y = x
    for (norm, convolution) in zip(norms, convolutions) { y = convolution(activation(norm(y))) }
    return y + (past?(x) ?? x)
  }
}
