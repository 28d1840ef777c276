public import Gradients
import Tensors

/// `y = activation(x W + b)` of the last axis: x `[…, inputs]`, W `[inputs, outputs]`, b `[outputs]`.
public struct Dense: Sendable {
  public let weight: Slot
  public let bias: Slot?
  public let activation: Activation

  /// - Parameters:
  ///   - initial: every bias at the begin.
  ///   - initializer: of the weight; nil for what suits the activation.
  public init(
    _ name: String, _ inputs: Int, _ outputs: Int, activation: Activation = .identity, hasBias: Bool = true,
    bias initial: Float = 0, initializer: Initializer? = nil, in scope: inout ParameterScope
  ) {
    let initializer = initializer ?? activation.initializer
    self.activation = activation
    (weight, bias) = scope.within(name) { scope in
      let weight = scope.parameter("weight", [inputs, outputs]) { random, count in
        initializer.values(count, inputs: inputs, outputs: outputs, random: &random)
      }
      return (weight, hasBias ? scope.parameter("bias", [outputs], repeating: initial) : nil)
    }
  }

  public func callAsFunction(_ x: Variable) -> Variable {
    dense(x, x.tape[weight], bias.map { x.tape[$0] }, activation)
  }
}

/// `activation(x W + b)` with any variables as weight and bias; in one operation where there is one.
func dense(_ x: Variable, _ weight: Variable, _ bias: Variable?, _ activation: Activation) -> Variable {
  if let fused = activation.fused { return Gradients.dense(x, weight, bias, fused) }
  return activation(Gradients.dense(x, weight, bias))
}

/// Dense layers, one after the other.
public struct Perceptron: Sendable {
  public let layers: [Dense]

  /// - Parameter sizes: the widths of input, hidden layers and output.
  public init(
    _ name: String, sizes: [Int], hidden: Activation, output: Activation = .identity,
    in scope: inout ParameterScope
  ) {
    precondition(sizes.count >= 2, "a perceptron of the sizes \(sizes)")
    layers = scope.within(name) { scope in
      zip(sizes, sizes.dropFirst()).enumerated().map { i, width in
        Dense(
          "\(i)", width.0, width.1, activation: i == sizes.count - 2 ? output : hidden, in: &scope)
      }
    }
  }

  public func callAsFunction(_ x: Variable) -> Variable { layers.reduce(x) { $1($0) } }
}
