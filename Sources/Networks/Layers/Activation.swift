public import Gradients

/// What follows the linear part of a layer.
public enum Activation: String, Sendable, Codable {
  case identity, tanh, relu, sigmoid, softplus, gelu, silu
  /// With a slope of 0.2 below 0, as the critics of image models have it.
  case leakyReLU

  public func callAsFunction(_ x: Variable) -> Variable {
    switch self {
    case .identity: x
    case .tanh: Gradients.tanh(x)
    case .relu: Gradients.relu(x)
    case .sigmoid: Gradients.sigmoid(x)
    case .softplus: Gradients.softplus(x)
    case .gelu: Gradients.gelu(x)
    case .silu: Gradients.silu(x)
    case .leakyReLU: Gradients.leakyReLU(x, slope: 0.2)
    }
  }

  /// The same as part of a dense layer, where that is one operation.
  var fused: Nonlinearity? {
    switch self {
    case .identity: .identity
    case .tanh: .tanh
    case .relu: .relu
    case .sigmoid: .sigmoid
    case .softplus, .gelu, .silu, .leakyReLU: nil
    }
  }

  /// What keeps the variance of signals through a layer of this kind.
  var initializer: Initializer {
    switch self {
    case .relu, .gelu, .silu, .leakyReLU: .he
    case .identity, .tanh, .sigmoid, .softplus: .glorot
    }
  }
}
