public import Gradients
public import Tensors

/// What follows the linear part of a layer.
public enum Activation: String, Sendable, Codable {
  case identity, tanh, relu, sigmoid, softplus

  public func callAsFunction(_ x: Variable) -> Variable {
    switch self {
    case .identity: x
    case .tanh: Gradients.tanh(x)
    case .relu: Gradients.relu(x)
    case .sigmoid: Gradients.sigmoid(x)
    case .softplus: Gradients.softplus(x)
    }
  }
}

/// How weights begin.
public enum Initializer: Sendable {
  /// Uniform with variance `2 / (inputs + outputs)`, for tanh and sigmoid (Glorot & Bengio 2010).
  case glorot
  /// Normal with variance `2 / inputs`, for rectifiers (He et al. 2015).
  case he

  public func callAsFunction(inputs: Int, outputs: Int, random: inout RandomStream) -> Tensor {
    let count = inputs * outputs
    switch self {
    case .glorot:
      let bound = (6 / Float(inputs + outputs)).squareRoot()
      return Tensor(random.uniforms(count).map { (2 * $0 - 1) * bound }, shape: [inputs, outputs])
    case .he:
      let deviation = (2 / Float(inputs)).squareRoot()
      return Tensor(random.normals(count).map { $0 * deviation }, shape: [inputs, outputs])
    }
  }
}

/// `y = activation(x W + b)`: x `[rows, inputs]`, W `[inputs, outputs]`, b `[outputs]`.
public struct Dense: Sendable, Equatable {
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
      weight: initializer(inputs: inputs, outputs: outputs, random: &random),
      bias: Tensor(repeating: 0, shape: [outputs]), activation: activation)
  }

  public var inputs: Int { weight.rows }
  public var outputs: Int { weight.columns }

  /// With the weight and bias as variables of the tape.
  public func callAsFunction(_ x: Variable, weight: Variable, bias: Variable) -> Variable {
    activation(matmul(x, weight) + bias)
  }
}

/// Dense layers, one after the other.
public struct MultilayerPerceptron: Sendable, Equatable {
  public var layers: [Dense]

  /// - Precondition: each layer takes as many inputs as the one before gives.
  public init(_ layers: [Dense]) {
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
    var layers: [Dense] = []
    for (inputs, outputs) in zip(sizes, sizes.dropFirst()) {
      let last = layers.count == sizes.count - 2
      layers.append(
        Dense(inputs: inputs, outputs: outputs, activation: last ? output : hidden, random: &random))
    }
    self.init(layers)
  }

  /// Weight and bias of every layer, in order.
  public var parameters: [Tensor] {
    get { layers.flatMap { [$0.weight, $0.bias] } }
    set {
      precondition(newValue.count == 2 * layers.count, "\(newValue.count) tensors for \(layers.count) layers")
      for i in layers.indices {
        layers[i] = Dense(
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

  /// The output for rows `x`; `parameters` are those of this network as variables of the tape.
  public func callAsFunction(_ x: Variable, parameters: [Variable]) -> Variable {
    precondition(
      parameters.count == 2 * layers.count, "\(parameters.count) variables for \(layers.count) layers")
    var x = x
    for (i, layer) in layers.enumerated() {
      x = layer(x, weight: parameters[2 * i], bias: parameters[2 * i + 1])
    }
    return x
  }
}
