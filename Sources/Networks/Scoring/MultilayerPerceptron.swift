public import Gradients
public import Tensors

/// `y = activation(x W + b)`: x `[rows, inputs]`, W `[inputs, outputs]`, b `[outputs]`.
public struct PerceptronLayer: Sendable, Equatable {
  public var weight: Tensor
  public var bias: Tensor
  public var activation: Activation

  /// - Precondition: the bias is as long as the weight has columns.
  public init(weight: Tensor, bias: Tensor, activation: Activation) {
    precondition(
      weight.shape.count == 2 && bias.shape == [weight.columns],
      "a weight of \(weight.shape) and a bias of \(bias.shape)")
    self.weight = weight
    self.bias = bias
    self.activation = activation
  }

  public init(inputs: Int, outputs: Int, activation: Activation, random: inout RandomStream) {
    let initializer: Initializer = activation == .relu ? .he : .glorot
    self.init(
      weight: Tensor(
        initializer.values(inputs * outputs, inputs: inputs, outputs: outputs, random: &random),
        shape: [inputs, outputs]),
      bias: Tensor(repeating: 0, shape: [outputs]), activation: activation)
  }

  public var inputs: Int { weight.rows }
  public var outputs: Int { weight.columns }
}

/// Dense layers, one after the other, as a value: what the small models of the event path are compiled from.
public struct MultilayerPerceptron: Sendable, Equatable {
  public var layers: [PerceptronLayer]

  /// - Precondition: each layer takes as many inputs as the one before gives.
  public init(_ layers: [PerceptronLayer]) {
    precondition(!layers.isEmpty, "a perceptron without layers")
    for (layer, next) in zip(layers, layers.dropFirst()) {
      precondition(
        layer.outputs == next.inputs,
        "a layer of \(layer.outputs) outputs before one of \(next.inputs) inputs")
    }
    self.layers = layers
  }

  /// - Parameter sizes: the widths of input, hidden layers and output.
  public init(sizes: [Int], hidden: Activation, output: Activation = .identity, random: inout RandomStream) {
    var layers: [PerceptronLayer] = []
    for (inputs, outputs) in zip(sizes, sizes.dropFirst()) {
      let last = layers.count == sizes.count - 2
      layers.append(
        PerceptronLayer(inputs: inputs, outputs: outputs, activation: last ? output : hidden, random: &random)
      )
    }
    self.init(layers)
  }

  /// Weight and bias of every layer, in order.
  public var parameters: [Tensor] {
    get { layers.flatMap { [$0.weight, $0.bias] } }
    set {
      precondition(newValue.count == 2 * layers.count, "\(newValue.count) tensors for \(layers.count) layers")
      for i in layers.indices {
        layers[i] = PerceptronLayer(
          weight: newValue[2 * i], bias: newValue[2 * i + 1], activation: layers[i].activation)
      }
    }
  }

  /// All parameters behind one another: weight (row by row) and bias of every layer.
  public var flattened: [Float] {
    get { parameters.flatMap(\.values) }
    set {
      var rest = newValue[...]
      parameters = parameters.map { old in
        precondition(rest.count >= old.count, "\(newValue.count) numbers do not fill the layers")
        defer { rest = rest.dropFirst(old.count) }
        return Tensor(Array(rest.prefix(old.count)), shape: old.shape)
      }
    }
  }

  /// The same numbers as ``flattened`` under the names `0.weight`, `0.bias`, `1.weight`, …
  public var named: Parameters {
    var scope = ParameterScope(seed: 0)
    for (i, layer) in layers.enumerated() {
      scope.within("\(i)") { scope in
        _ = scope.parameter("weight", layer.weight.shape) { _, _ in layer.weight.values }
        _ = scope.parameter("bias", layer.bias.shape) { _, _ in layer.bias.values }
      }
    }
    return scope.parameters
  }

  /// The output for rows `x` on a tape; `parameters` are those of this network as variables of it.
  public func callAsFunction(_ x: Variable, parameters: [Variable]) -> Variable {
    precondition(
      parameters.count == 2 * layers.count, "\(parameters.count) variables for \(layers.count) layers")
    return layers.enumerated().reduce(x) { x, layer in
      dense(x, parameters[2 * layer.offset], parameters[2 * layer.offset + 1], layer.element.activation)
    }
  }
}
