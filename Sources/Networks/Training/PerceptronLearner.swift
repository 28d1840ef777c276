public import Gradients
import Tensors

/// Learns a tanh perceptron with linear output that gives back its input, on masked squared error: forward and backward by
/// hand over one flat buffer, without allocation. Its gradient is that of the tape (checked by test).
public struct PerceptronLearner: Learner {
  private struct Layer: Sendable {
    let inputs: Int
    let outputs: Int
    let weight: Region
    let bias: Region
    let weightGradient: Region
    let biasGradient: Region
    /// Rows × outputs: what the layer gives, and the derivative of the loss by it before its activation.
    let output: Region
    let delta: Region
  }

  /// The parameters in the order of ``MultilayerPerceptron/flattened``.
  public let buffer: ParameterBuffer
  private let values: [Float]
  private let sourceMask: [Float]?
  private let heldOutRows: [Int]
  private let batch: Int
  private let corruption: Float
  private let seed: UInt64

  private var arena = Arena()
  private let layers: [Layer]
  private let parameters: Region
  private let gradient: Region
  private let input: Region
  private let target: Region
  private let mask: Region
  private let visible: Region
  private let uniforms: Region

  private var width: Int { layers[0].inputs }

  /// - Parameters:
  ///   - values: rows × width, which the network is to give back; a masked entry holds 0.
  ///   - mask: of the same shape, or nil; only observed entries count in the loss.
  ///   - heldOutRows: the rows that are never learned from.
  ///   - batch: rows per step at most.
  ///   - corruption: the probability with which an input is hidden from the network (never from the loss).
  ///   - seed: of what is hidden.
  /// - Precondition: hidden layers are tanh, the last one is linear, and as wide as the input.
  public init(
    _ network: MultilayerPerceptron, values: [Float], mask: [Float]? = nil, heldOutRows: [Int] = [],
    batch: Int, corruption: Float = 0, seed: UInt64
  ) {
    precondition(
      network.layers.dropLast().allSatisfy { $0.activation == .tanh }
        && network.layers.last?.activation == .identity,
      "hidden layers of tanh and a linear output")
    precondition(
      network.layers.first?.inputs == network.layers.last?.outputs, "a network that gives back its input")
    precondition(
      mask == nil || mask?.count == values.count, "the mask is not of the shape of the values")
    buffer = ParameterBuffer(network.named)
    self.values = values
    sourceMask = mask
    self.heldOutRows = heldOutRows
    self.batch = batch
    self.corruption = corruption
    self.seed = seed
    parameters = arena.reserve(buffer.count)
    gradient = arena.reserve(buffer.count)
    var layers: [Layer] = []
    var offset = 0
    for layer in network.layers {
      let size = layer.inputs * layer.outputs
      func part(_ region: Region, _ start: Int, _ count: Int) -> Region {
        Region(offset: region.offset + start, count: count)
      }
      layers.append(
        Layer(
          inputs: layer.inputs, outputs: layer.outputs,
          weight: part(parameters, offset, size), bias: part(parameters, offset + size, layer.outputs),
          weightGradient: part(gradient, offset, size),
          biasGradient: part(gradient, offset + size, layer.outputs),
          output: arena.reserve(batch * layer.outputs), delta: arena.reserve(batch * layer.outputs)))
      offset += size + layer.outputs
    }
    self.layers = layers
    let size = batch * layers[0].inputs
    input = arena.reserve(size)
    target = arena.reserve(size)
    self.mask = arena.reserve(size)
    visible = arena.reserve(size)
    uniforms = arena.reserve(size)
  }

  /// The mean squared error over the observed entries of these rows (at most the batch), inputs hidden at random.
  public mutating func gradient(of rows: ArraySlice<Int>, step: Int, phase: Int) -> Float {
    let size = rows.count * width
    arena.load(buffer.weights, into: parameters)
    load(rows)
    if corruption > 0 {
      var random = RandomStream(seed: seed, stream: Purpose.noise.stream(step))
      arena.fill(visible.prefix(size), with: 1 - corruption)
      arena.bernoulli(visible.prefix(size), uniforms: uniforms, random: &random)
      arena.multiply(input.prefix(size), by: visible.prefix(size))
    }
    let error = forward(rows: rows.count)
    let observed = max(sourceMask == nil ? Float(size) : arena.sum(mask.prefix(size)), 1)
    backward(rows: rows.count)
    arena.store(gradient, factor: 2 / observed, into: buffer.gradient)
    return error / observed
  }

  /// The mean squared error over the observed entries of the held-out rows, nothing hidden.
  public mutating func heldOutLoss() -> Float? {
    guard !heldOutRows.isEmpty else { return nil }
    arena.load(buffer.weights, into: parameters)
    var (error, observed): (Double, Double) = (0, 0)
    for start in stride(from: 0, to: heldOutRows.count, by: batch) {
      let part = heldOutRows[start..<min(start + batch, heldOutRows.count)]
      load(part)
      error += Double(forward(rows: part.count))
      let size = part.count * width
      observed += Double(sourceMask == nil ? Float(size) : arena.sum(mask.prefix(size)))
    }
    return Float(error / max(observed, 1))
  }

  private mutating func load(_ indices: ArraySlice<Int>) {
    precondition(indices.count <= batch, "\(indices.count) rows in a batch of \(batch)")
    arena.gather(values, columns: width, rows: indices, into: target)
    arena.copy(target.prefix(indices.count * width), into: input)
    if let sourceMask { arena.gather(sourceMask, columns: width, rows: indices, into: mask) }
  }

  /// Leaves `mask · (output - target)` in the last layer's delta and returns the sum of its squares.
  private mutating func forward(rows: Int) -> Float {
    var x = input
    for (i, layer) in layers.enumerated() {
      arena.multiply(
        m: rows, n: layer.outputs, k: layer.inputs, x, layer.weight, bias: layer.bias, into: layer.output)
      if i < layers.count - 1 { arena.tanh(layer.output.prefix(rows * layer.outputs)) }
      x = layer.output
    }
    return arena.maskedError(
      rows: rows, columns: width, target: target, output: x, mask: sourceMask == nil ? nil : mask,
      delta: layers[layers.count - 1].delta)
  }

  /// From the last delta back: `dW = xᵀ δ`, `db = Σ δ`, `δ' = δ Wᵀ (1 - x²)`.
  private mutating func backward(rows: Int) {
    for i in layers.indices.reversed() {
      let layer = layers[i]
      let x = i == 0 ? input : layers[i - 1].output
      arena.multiply(
        m: layer.inputs, n: layer.outputs, k: rows, x, transposed: true, layer.delta,
        into: layer.weightGradient)
      arena.columnSums(rows: rows, columns: layer.outputs, layer.delta, into: layer.biasGradient)
      guard i > 0 else { continue }
      let delta = layers[i - 1].delta.prefix(rows * layer.inputs)
      arena.multiply(
        m: rows, n: layer.inputs, k: layer.outputs, layer.delta, layer.weight, otherTransposed: true,
        into: delta)
      arena.tanhBackward(delta, output: x)
    }
  }
}
