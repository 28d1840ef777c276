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

  @Test func `ten steps of the trainer are PyTorch's too`() {
    var network = Self.network()
    network.flattened = AdamFixture.before
    var trainer = PerceptronTrainer(network, batch: 8, adam: PerceptronTrainer.Adam(rate: 0.01))
    var random = RandomStream(seed: 1)
    let losses = (0..<10).map { _ in
      trainer.step(
        values: AdamFixture.x, mask: AdamFixture.mask, rows: [0, 1, 2, 3, 4, 5][...], corruption: 0,
        random: &random)
    }
    #expect(Self.worst(losses, AdamFixture.losses) < 1e-5)
    #expect(Self.worst(trainer.current, AdamFixture.after) < 1e-5)
  }

  @Test("the trainer's gradient is the tape's", arguments: [false, true])
  func trainerGradient(masked: Bool) {
    var random = RandomStream(seed: 2)
    let sizes = [19, 17, 3, 17, 19]
    var network = MultilayerPerceptron(sizes: sizes, hidden: .tanh, random: &random)
    network.flattened = network.flattened.map { $0 + 0.1 * random.normal() }
    let mask = masked ? random.uniforms(13 * 19).map { $0 < 0.3 ? Float(0) : 1 } : nil
    var x = random.normals(13 * 19)
    for i in x.indices where mask?[i] == 0 { x[i] = 0 }
    var trainer = PerceptronTrainer(network, batch: 16, adam: PerceptronTrainer.Adam())
    let mine = trainer.lossAndGradient(values: x, mask: mask, rows: Array(0..<13)[...])
    let (loss, gradients) = Self.tapeGradient(
      network, x: Tensor(x, shape: [13, 19]), mask: mask.map { Tensor($0, shape: [13, 19]) })
    #expect(abs(mine.loss - loss) < 1e-5)
    #expect(Self.worst(mine.gradient, gradients.flatMap(\.values)) < 1e-6)
    #expect(abs(trainer.loss(values: x, mask: mask, rows: Array(0..<13)[...]) - loss) < 1e-5)
  }

  @Test func `corruption hides inputs but not targets`() {
    let network = Self.network()
    var (plain, corrupted) = (
      PerceptronTrainer(network, batch: 6, adam: PerceptronTrainer.Adam()),
      PerceptronTrainer(network, batch: 6, adam: PerceptronTrainer.Adam())
    )
    var random = RandomStream(seed: 3)
    let rows = Array(0..<6)[...]
    let loss = corrupted.step(values: AdamFixture.x, mask: nil, rows: rows, corruption: 1, random: &random)
    // Everything hidden: the network sees zeros, so it gives its (zero) biases back.
    let squares = AdamFixture.x.reduce(0) { $0 + $1 * $1 } / Float(AdamFixture.x.count)
    #expect(abs(loss - squares) < 1e-5)
    #expect(plain.step(values: AdamFixture.x, mask: nil, rows: rows, corruption: 0, random: &random) != loss)
  }

  @Test func `kept parameters are gone back to`() {
    var trainer = PerceptronTrainer(Self.network(), batch: 6, adam: PerceptronTrainer.Adam())
    var random = RandomStream(seed: 4)
    let before = trainer.current
    _ = trainer.step(
      values: AdamFixture.x, mask: nil, rows: Array(0..<6)[...], corruption: 0, random: &random)
    #expect(trainer.current != before && trainer.kept == before)
    trainer.restore()
    #expect(trainer.current == before)
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
