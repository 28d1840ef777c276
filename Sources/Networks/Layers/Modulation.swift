public import Gradients
import Tensors

/// Instance normalisation whose scale and shift come from a style (Huang & Belongie 2017): x `[rows, channels, …]`, style
/// `[rows, features]`.
public struct AdaptiveInstanceNorm: Sendable {
  let norm: GroupNorm
  /// To `1 + scale` and shift of every channel.
  let style: Dense

  public init(_ name: String, channels: Int, style features: Int, in scope: inout ParameterScope) {
    (norm, style) = scope.within(name) { scope in
      (
        GroupNorm.instance("norm", channels: channels, hasAffine: false, in: &scope),
        Dense("style", features, 2 * channels, in: &scope)
      )
    }
  }

  public func callAsFunction(_ x: Variable, style features: Variable) -> Variable {
    let parts = style(features).split(1, into: 2).map { part in
      part.reshaped(Shape(x.shape.prefix(2) + [Int](repeating: 1, count: x.shape.rank - 2)))
    }
    return norm(x) * (1 + parts[0]) + parts[1]
  }
}

/// A convolution whose input channels are scaled by a style, and whose outputs are brought back to unit variance (Karras et
/// al. 2020, section 2.2): x `[rows, inputs, height, width]`, style `[rows, features]`.
///
/// Scaling the inputs and dividing the outputs is the same as having other weights for each row, and needs one
/// convolution for all.
public struct ModulatedConvolution: Sendable {
  public let convolution: Convolution2D
  public let style: Dense
  public let isDemodulated: Bool

  /// The style begins as 1: its bias does.
  public init(
    _ name: String, _ inputs: Int, _ outputs: Int, size: Int, style features: Int, isDemodulated: Bool = true,
    in scope: inout ParameterScope
  ) {
    (convolution, style) = scope.within(name) { scope in
      let convolution = Convolution2D(
        "convolution", inputs, outputs, size: size, hasBias: false, initializer: .normal(deviation: 1),
        in: &scope)
      let style = Dense("style", features, inputs, bias: 1, in: &scope)
      return (convolution, style)
    }
    self.isDemodulated = isDemodulated
  }

  public func callAsFunction(_ x: Variable, style features: Variable) -> Variable {
    let tape = x.tape
    let (rows, inputs) = (x.shape[0], x.shape[1])
    let s = style(features)
    let y = convolution(x * s.reshaped([rows, inputs, 1, 1]))
    guard isDemodulated else { return y }
    let power = convolution.power(on: tape)  // [outputs, inputs]
    let squares = matmul(s.squared(), power, transposedB: true)
    return y / sqrt(squares + 1e-8).reshaped([rows, y.shape[1], 1, 1])
  }
}
