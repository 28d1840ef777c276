import Gradients
import Networks
import Tensors
import Testing

struct NetworksTests {
  static let sizes = [5, 4, 2, 4, 5]

  static func network() -> MultilayerPerceptron {
    var random = RandomStream(seed: 1)
    return MultilayerPerceptron(sizes: sizes, hidden: .tanh, random: &random)
  }

  static func worst(_ a: [Float], _ b: [Float]) -> Float {
    a.count == b.count ? zip(a, b).map { abs($0 - $1) }.max() ?? 0 : .infinity
  }

  /// Loss and gradients by all parameters, on the tape.
  static func tapeGradient(_ network: MultilayerPerceptron, x: Tensor, mask: Tensor?) -> (Float, [Tensor]) {
    let tape = Tape()
    let parameters = network.parameters.map { tape.input($0) }
    let input = tape.input(x)
    let square = (network(input, parameters: parameters) - input).squared()
    let loss =
      mask.map { (square * tape.input($0)).sum() / max(VectorMath.sum($0.values), 1) } ?? square.mean()
    let gradients = tape.gradients(of: loss, by: parameters)
    return (loss.scalar, gradients.map(\.value))
  }

  @Test func `ten Adam steps on the tape are PyTorch's`() {
    var network = Self.network()
    network.flattened = AdamFixture.before
    var adam = Optimizer.adam(rate: 0.01)
    let x = Tensor(AdamFixture.x, shape: [6, 5])
    let mask = Tensor(AdamFixture.mask, shape: [6, 5])
    var losses: [Float] = []
    for _ in 0..<10 {
      let (loss, gradients) = Self.tapeGradient(network, x: x, mask: mask)
      losses.append(loss)
      let buffer = OptimizerTests.buffer(network.flattened, gradients.flatMap(\.values))
      adam.step(buffer)
      network.flattened = buffer.weights.values
    }
    #expect(Self.worst(losses, AdamFixture.losses) < 1e-5)
    #expect(Self.worst(network.flattened, AdamFixture.after) < 1e-5)
    #expect(adam.steps == 10)
  }

  @Test func `ten steps of the perceptron's learner are PyTorch's too`() {
    var network = Self.network()
    network.flattened = AdamFixture.before
    var learner = PerceptronLearner(
      network, values: AdamFixture.x, mask: AdamFixture.mask, batch: 8, seed: 1)
    var adam = Optimizer.adam(rate: 0.01)
    let losses = (0..<10).map { step in
      let loss = learner.gradient(of: [0, 1, 2, 3, 4, 5][...], step: step, phase: 0)
      adam.step(learner.buffer)
      return loss
    }
    #expect(Self.worst(losses, AdamFixture.losses) < 1e-5)
    #expect(Self.worst(learner.buffer.weights.values, AdamFixture.after) < 1e-5)
  }

  @Test("the learner's gradient is the tape's", arguments: [false, true])
  func learnerGradient(masked: Bool) throws {
    var random = RandomStream(seed: 2)
    let sizes = [19, 17, 3, 17, 19]
    var network = MultilayerPerceptron(sizes: sizes, hidden: .tanh, random: &random)
    network.flattened = network.flattened.map { $0 + 0.1 * random.normal() }
    let mask = masked ? random.uniforms(13 * 19).map { $0 < 0.3 ? Float(0) : 1 } : nil
    var x = random.normals(13 * 19)
    for i in x.indices where mask?[i] == 0 { x[i] = 0 }
    let rows = Array(0..<13)
    // Held-out rows in two batches, the second one smaller.
    var learner = PerceptronLearner(network, values: x, mask: mask, heldOutRows: rows, batch: 13, seed: 1)
    var halves = PerceptronLearner(network, values: x, mask: mask, heldOutRows: rows, batch: 8, seed: 1)
    let (loss, gradients) = Self.tapeGradient(
      network, x: Tensor(x, shape: [13, 19]), mask: mask.map { Tensor($0, shape: [13, 19]) })
    #expect(abs(learner.gradient(of: rows[...], step: 0, phase: 0) - loss) < 1e-5)
    #expect(Self.worst(learner.buffer.gradient.values, gradients.flatMap(\.values)) < 1e-6)
    let (whole, parts) = (learner.heldOutLoss(), halves.heldOutLoss())
    #expect(abs(try #require(whole) - loss) < 1e-5)
    #expect(abs(try #require(parts) - loss) < 1e-5)
  }

  @Test func `corruption hides inputs but not targets`() {
    let network = Self.network()
    let rows = Array(0..<6)[...]
    var plain = PerceptronLearner(network, values: AdamFixture.x, batch: 6, seed: 3)
    var corrupted = PerceptronLearner(network, values: AdamFixture.x, batch: 6, corruption: 1, seed: 3)
    let loss = corrupted.gradient(of: rows, step: 0, phase: 0)
    // Everything hidden: the network sees zeros, so it gives its (zero) biases back.
    let squares = AdamFixture.x.reduce(0) { $0 + $1 * $1 } / Float(AdamFixture.x.count)
    #expect(abs(loss - squares) < 1e-5)
    #expect(plain.gradient(of: rows, step: 0, phase: 0) != loss)
  }

  @Test func `parameters have names, in the order of the flat numbers`() {
    let network = Self.network()
    let named = network.named
    #expect(named.values == network.flattened)
    #expect(named["1.weight"] == network.layers[1].weight && named["3.bias"] == network.layers[3].bias)
  }

  @Test("a plan gives what the tape gives", arguments: [Activation.tanh, .relu, .sigmoid, .softplus])
  func plan(hidden: Activation) {
    var random = RandomStream(seed: 5)
    let network = MultilayerPerceptron(
      sizes: [7, 18, 3, 5], hidden: hidden, output: .identity, random: &random)
    let x = random.normals(9 * 7)
    let tape = Tape()
    let parameters = network.parameters.map { tape.input($0) }
    let output = network(tape.input(Tensor(x, shape: [9, 7])), parameters: parameters)
    let plan = InferencePlan(network)
    var arena = Arena()
    let input = arena.reserve(9 * 7)
    arena[input] = x
    let space = arena.reserve(9 * plan.spacePerRow)
    let y = plan.run(input, rows: 9, arena: &arena, space: space)
    #expect(Self.worst(arena[y], output.value.values) < 1e-5)
    #expect(plan.network == network)
    // In two parts it is the same.
    let middle = plan.run(input, rows: 9, layers: 0..<2, arena: &arena, space: space)
    let code = arena.reserve(27)
    arena[code] = arena[middle]
    let rest = plan.run(code, rows: 9, layers: 2..<3, arena: &arena, space: space)
    #expect(Self.worst(arena[rest], output.value.values) < 1e-5)
  }

  @Test func `initial weights have the variance of their papers`() {
    var random = RandomStream(seed: 6)
    func variance(_ x: [Float]) -> Float { x.reduce(0) { $0 + $1 * $1 } / Float(x.count) }
    let glorot = Initializer.glorot.values(20_000, inputs: 200, outputs: 100, random: &random)
    #expect(abs(variance(glorot) - 2 / 300) < 2e-4)
    let he = Initializer.he.values(20_000, inputs: 200, outputs: 100, random: &random)
    #expect(abs(variance(he) - 2 / 200) < 3e-4)
  }

  @Test("orthogonal weights are orthonormal", arguments: [(6, 4), (4, 6), (5, 5)])
  func orthogonal(inputs: Int, outputs: Int) {
    var random = RandomStream(seed: 7)
    let values = Initializer.orthogonal.values(
      inputs * outputs, inputs: inputs, outputs: outputs, random: &random)
    let matrix = Tensor(values, shape: [inputs, outputs])
    let gram = matrix.multiplied(
      by: matrix, transposed: inputs >= outputs, otherTransposed: inputs < outputs)
    for i in 0..<gram.rows {
      for j in 0..<gram.columns { #expect(abs(gram[i, j] - (i == j ? 1 : 0)) < 1e-6) }
    }
  }
}
