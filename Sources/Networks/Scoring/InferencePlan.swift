public import Tensors

/// A trained perceptron compiled for scoring: no tape, no allocation, one product per layer and micro-batch.
///
/// The parameters are one flat array that may be shared between plans and threads; the working space is lent.
public struct InferencePlan: Sendable, Equatable {
  /// Where a layer's weights lie, and what follows them.
  public struct Layer: Sendable, Equatable {
    let inputs: Int
    let outputs: Int
    let weightsAt: Int
    let activation: Activation
  }
  let layers: [Layer]
  /// In the order of ``MultilayerPerceptron/flattened``.
  public let parameters: [Float]

  public init(_ network: MultilayerPerceptron) {
    parameters = network.flattened
    var offset = 0
    layers = network.layers.map { layer in
      defer { offset += (layer.inputs + 1) * layer.outputs }
      return Layer(
        inputs: layer.inputs, outputs: layer.outputs, weightsAt: offset, activation: layer.activation)
    }
  }

  /// The network that was compiled, as layers again.
  public var network: MultilayerPerceptron {
    MultilayerPerceptron(
      layers.map { layer in
        let bias = layer.weightsAt + layer.inputs * layer.outputs
        return PerceptronLayer(
          weight: Tensor(Array(parameters[layer.weightsAt..<bias]), shape: [layer.inputs, layer.outputs]),
          bias: Tensor(Array(parameters[bias..<bias + layer.outputs]), shape: [layer.outputs]),
          activation: layer.activation)
      })
  }

  public var inputs: Int { layers[0].inputs }
  public var outputs: Int { layers[layers.count - 1].outputs }
  public var layerCount: Int { layers.count }
  /// The width after this many layers.
  public func width(after count: Int) -> Int { count == 0 ? inputs : layers[count - 1].outputs }
  /// Numbers of working space per row.
  public var spacePerRow: Int { layers.reduce(0) { $0 + $1.outputs } }

  /// Runs some of the layers on the rows in `input`; the result lies in the returned region of the working space.
  ///
  /// - Parameters:
  ///   - range: which layers; nil for all.
  ///   - space: at least `rows × spacePerRow` numbers of the arena, apart from `input`.
  public func run(
    _ input: Region, rows: Int, layers range: Range<Int>? = nil, arena: inout Arena, space: Region
  ) -> Region {
    var x = input
    var offset = space.offset
    for index in range ?? 0..<layers.count {
      let layer = layers[index]
      let y = Region(offset: offset, count: rows * layer.outputs)
      offset += y.count
      precondition(offset <= space.offset + space.count, "working space of \(space.count) for \(rows) rows")
      arena.multiply(
        m: rows, n: layer.outputs, k: layer.inputs, x, weights: parameters, weightsAt: layer.weightsAt,
        biasAt: layer.weightsAt + layer.inputs * layer.outputs, into: y)
      switch layer.activation {
      case .identity: break
      case .tanh: arena.tanh(y)
      case .sigmoid: arena.sigmoid(y)
      case .softplus: arena.softplus(y)
      case .relu: arena.relu(y)
      case .gelu, .silu, .leakyReLU:
        preconditionFailure("the plan of a perceptron does not know \(layer.activation.rawValue)")
      }
      x = y
    }
    return x
  }
}
