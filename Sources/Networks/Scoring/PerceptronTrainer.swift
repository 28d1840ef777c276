public import Tensors

/// Trains a tanh perceptron with linear output to give back its input, on masked squared error: forward, backward and
/// Adam by hand over one flat buffer, without allocation after the first step. Its gradient is that of the tape
/// (checked by test).
public struct PerceptronTrainer: Sendable {
  /// The numbers of Adam (Kingma & Ba 2015).
  public struct Adam: Sendable, Equatable {
    public var rate: Float
    public var beta1: Float = 0.9
    public var beta2: Float = 0.999
    public var epsilon: Float = 1e-8
    public init(rate: Float = 1e-3) { self.rate = rate }
  }

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

  private var arena = Arena()
  private let layers: [Layer]
  private let parameters: Region
  private let gradient: Region
  private let first: Region
  private let second: Region
  private let best: Region
  private let input: Region
  private let target: Region
  private let mask: Region
  private let visible: Region
  private let uniforms: Region
  public let batch: Int
  public var adam: Adam
  /// Steps taken.
  public private(set) var steps = 0

  private var width: Int { layers[0].inputs }

  /// - Parameter batch: rows per step at most.
  /// - Precondition: hidden layers are tanh, the last one is linear, and as wide as the input.
  public init(_ network: MultilayerPerceptron, batch: Int, adam: Adam) {
    precondition(
      network.layers.dropLast().allSatisfy { $0.activation == .tanh }
        && network.layers.last?.activation == .identity,
      "hidden layers of tanh and a linear output")
    precondition(
      network.layers.first?.inputs == network.layers.last?.outputs, "a network that gives back its input")
    self.batch = batch
    self.adam = adam
    let flat = network.flattened
    parameters = arena.reserve(flat.count)
    gradient = arena.reserve(flat.count)
    first = arena.reserve(flat.count)
    second = arena.reserve(flat.count)
    best = arena.reserve(flat.count)
    arena[parameters] = flat
    arena[best] = flat
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
    mask = arena.reserve(size)
    visible = arena.reserve(size)
    uniforms = arena.reserve(size)
  }

  /// The parameters as they are now, in the order of ``MultilayerPerceptron/flattened``.
  public var current: [Float] { arena[parameters] }
  /// The parameters last kept by ``keep()``; the initial ones before.
  public var kept: [Float] { arena[best] }
  /// Remembers the parameters as the best so far.
  public mutating func keep() { arena.copy(parameters, into: best) }
  /// Goes back to the parameters last kept.
  public mutating func restore() { arena.copy(best, into: parameters) }
  /// One step on chosen rows of a matrix that the network is to give back (an autoencoder's step).
  ///
  /// - Parameters:
  ///   - values: rows × width; a masked entry holds 0.
  ///   - mask: of the same shape, or nil; only observed entries count in the loss.
  ///   - corruption: the probability with which an input is hidden from the network (never from the loss).
  /// - Returns: the mean squared error over observed entries, before the step.
  public mutating func step(
    values: [Float], mask source: [Float]?, rows indices: ArraySlice<Int>, corruption: Float,
    random: inout RandomStream
  ) -> Float {
    let rows = indices.count
    let size = rows * width
    load(values, mask: source, rows: indices)
    if corruption > 0 {
      arena.fill(visible.prefix(size), with: 1 - corruption)
      arena.bernoulli(visible.prefix(size), uniforms: uniforms, random: &random)
      arena.multiply(input.prefix(size), by: visible.prefix(size))
    }
    let error = forward(rows: rows, masked: source != nil)
    let observed = max(source == nil ? Float(size) : arena.sum(mask.prefix(size)), 1)
    backward(rows: rows)
    steps += 1
    arena.adam(
      parameters, gradient: gradient, first: first, second: second, rate: adam.rate, beta1: adam.beta1,
      beta2: adam.beta2, epsilon: adam.epsilon, step: steps, scale: 2 / observed)
    return error / observed
  }

  /// The mean squared error over observed entries of any number of rows, without learning from them.
  public mutating func loss(values: [Float], mask source: [Float]?, rows indices: ArraySlice<Int>) -> Float {
    var (error, observed): (Double, Double) = (0, 0)
    for start in stride(from: indices.startIndex, to: indices.endIndex, by: batch) {
      let part = indices[start..<min(start + batch, indices.endIndex)]
      load(values, mask: source, rows: part)
      error += Double(forward(rows: part.count, masked: source != nil))
      let size = part.count * width
      observed += Double(source == nil ? Float(size) : arena.sum(mask.prefix(size)))
    }
    return Float(error / max(observed, 1))
  }

  /// Loss and its gradient by all parameters at the present ones, for at most ``batch`` rows; no step is taken.
  public mutating func lossAndGradient(values: [Float], mask source: [Float]?, rows indices: ArraySlice<Int>)
    -> (
      loss: Float, gradient: [Float]
    )
  {
    load(values, mask: source, rows: indices)
    let error = forward(rows: indices.count, masked: source != nil)
    let size = indices.count * width
    let observed = max(source == nil ? Float(size) : arena.sum(mask.prefix(size)), 1)
    backward(rows: indices.count)
    return (error / observed, arena[gradient].map { 2 * $0 / observed })
  }

  private mutating func load(_ values: [Float], mask source: [Float]?, rows indices: ArraySlice<Int>) {
    precondition(indices.count <= batch, "\(indices.count) rows in a batch of \(batch)")
    arena.gather(values, columns: width, rows: indices, into: target)
    arena.copy(target.prefix(indices.count * width), into: input)
    if let source { arena.gather(source, columns: width, rows: indices, into: mask) }
  }

  /// Leaves `mask · (output - target)` in the last layer's delta and returns the sum of its squares.
  private mutating func forward(rows: Int, masked: Bool) -> Float {
    var x = input
    for (i, layer) in layers.enumerated() {
      arena.multiply(
        m: rows, n: layer.outputs, k: layer.inputs, x, layer.weight, bias: layer.bias, into: layer.output)
      if i < layers.count - 1 { arena.tanh(layer.output.prefix(rows * layer.outputs)) }
      x = layer.output
    }
    return arena.maskedError(
      rows: rows, columns: width, target: target, output: x, mask: masked ? mask : nil,
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
