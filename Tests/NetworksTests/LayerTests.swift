import Gradients
import Networks
import Tensors
import Testing

struct LayerTests {
  static let fixtures = (try? Fixtures.layers()) ?? []

  @Test("a layer and its gradients are PyTorch's", arguments: LayerCase.all)
  func peer(test: LayerCase) throws {
    let layer = try #require(MadeLayer(test, Self.fixtures))
    let (tape, targets, output) = layer.record()
    #expect(worst(output.value, layer.fixture.output.tensor) < 1e-5)
    let loss = (output * tape.input(layer.fixture.weight.tensor)).sum()
    let gradients = tape.gradients(of: loss, by: targets).map(\.value)
    let slots = layer.buffer.entries.filter(\.slot.isTrained)
    let names = targets.count - slots.count
    for (i, name) in test.inputs.prefix(names).enumerated() {
      let truth = try #require(layer.fixture.gradients[name]?.tensor)
      #expect(worst(gradients[i], truth) < 2e-5, "by \(name)")
    }
    for (i, entry) in slots.enumerated() {
      let truth = try #require(test.sources[entry.name]?.gradient(layer.fixture.gradients))
      #expect(worst(gradients[names + i].values, truth.values) < 2e-5, "by \(entry.name)")
    }
    // The same in the flat gradient.
    tape.backward(loss)
    for (i, entry) in slots.enumerated() {
      #expect(worst(layer.buffer.gradient(entry.slot).values, gradients[names + i].values) < 1e-5)
    }
  }

  @Test(
    "a layer's derivatives are those of differences, first and second order",
    arguments: LayerCase.all.filter { !$0.hasCorners })
  func differences(test: LayerCase) throws {
    let layer = try #require(MadeLayer(test, Self.fixtures))
    let check = DifferenceCheck()
    #expect(check.firstOrder(layer.record) < 1)
    #expect(check.secondOrder(layer.record) < 1)
  }

  @Test(
    "batch norm keeps PyTorch's running statistics", arguments: [("batch norm", 3), ("batch norm 2d", 2)])
  func runningStatistics(name: String, channels: Int) throws {
    let fixture = try #require(Self.fixtures.first { $0.name == name })
    var scope = ParameterScope(seed: 1)
    let layer = BatchNorm("l", channels: channels, in: &scope)
    let buffer = ParameterBuffer(scope.parameters)
    let tape = Tape(buffer)
    let x = try #require(fixture.inputs["x"]?.tensor)
    _ = layer(tape.input(x), isTraining: true)
    let mean = try #require(fixture.runningMean?.values)
    let variance = try #require(fixture.runningVariance?.values)
    #expect(worst(buffer.statistics.values, mean + variance) < 1e-5)
    let other = Tape(buffer)
    let output = layer(other.input(x), isTraining: false)
    #expect(worst(output.value, try #require(fixture.evaluated?.tensor)) < 1e-5)
    #expect(worst(buffer.statistics.values, mean + variance) < 1e-5)
    // A second run goes on from the first.
    tape.rerun()
    #expect(buffer.statistics.values != mean + variance)
  }

  @Test func `spectral norm is PyTorch's, and its vector follows the weight`() throws {
    let fixture = try #require(Self.fixtures.first { $0.name == "spectral norm" })
    var scope = ParameterScope(seed: 1)
    let weight = scope.parameter("weight", [4, 3])
    let bias = scope.parameter("bias", [4])
    let norm = SpectralNorm(weight, in: &scope)
    var parameters = scope.parameters
    parameters[weight] = try #require(fixture.parameters["weight"]?.tensor)
    parameters[bias] = try #require(fixture.parameters["bias"]?.tensor)
    parameters.statistics = try #require(fixture.u?.values)
    let buffer = ParameterBuffer(parameters)
    let tape = Tape(buffer)
    let x = tape.input(try #require(fixture.inputs["x"]?.tensor))
    let output = matmul(x, norm(on: tape, isTraining: true), transposedB: true) + tape[bias]
    #expect(worst(output.value, fixture.output.tensor) < 1e-5)
    #expect(worst(buffer.statistics.values, try #require(fixture.uAfter?.values)) < 1e-5)
    let loss = (output * tape.input(fixture.weight.tensor)).sum()
    let gradients = tape.gradients(of: loss, by: [x, tape[weight], tape[bias]])
    for (gradient, name) in zip(gradients, ["x", "weight", "bias"]) {
      #expect(worst(gradient.value, try #require(fixture.gradients[name]?.tensor)) < 2e-5)
    }
    // After many runs it is the largest singular value: the normalised weight then has one of 1.
    for _ in 0..<200 { tape.rerun() }
    let normal = norm(on: Tape(buffer), isTraining: false).value
    let gram = normal.multiplied(by: normal, transposed: true)
    var v: [Float] = [1, 1, 1]
    for _ in 0..<200 {
      v = gram.multiplied(by: Tensor(v, shape: [3, 1])).values
      let length = VectorMath.dot(v, v).squareRoot()
      v = v.map { $0 / length }
    }
    let top = VectorMath.dot(v, gram.multiplied(by: Tensor(v, shape: [3, 1])).values)
    #expect(abs(top - 1) < 1e-4)
  }

  @Test func `a cache of keys and values changes nothing but the work`() {
    var scope = ParameterScope(seed: 3)
    let blocks = (0..<2).map { TransformerBlock("block.\($0)", width: 8, heads: 2, in: &scope) }
    let buffer = ParameterBuffer(scope.parameters)
    var random = RandomStream(seed: 4)
    let x = Tensor(random.normals(2 * 6 * 8), shape: [2, 6, 8])
    let tape = Tape(buffer)
    let whole = blocks.reduce(tape.input(x)) { $1($0) }.value
    var caches = blocks.map { _ in KeyValueCache() }
    // The first three at once, then one by one.
    for range in [0..<3, 3..<4, 4..<5, 5..<6] {
      let tape = Tape(buffer)
      var y = tape.input(
        Tensor(x.sliced(1, from: range.lowerBound, count: range.count).values, shape: [2, range.count, 8]))
      for i in blocks.indices { y = blocks[i](y, cache: &caches[i]) }
      let truth = whole.sliced(1, from: range.lowerBound, count: range.count)
      #expect(worst(y.value.values, truth.values) < 1e-5)
    }
    #expect(caches[1].count == 6)
  }

  @Test func `dropout keeps the mean, draws anew in every run, and is nothing afterwards`() {
    let tape = Tape(Parameters(), seed: 5)
    let x = tape.input(Tensor(repeating: 1, shape: [100, 100]))
    let y = Dropout(0.3)(x, isTraining: true)
    let first = y.value.values
    #expect(Set(first).count == 2)
    #expect(abs(VectorMath.sum(first) / 10_000 - 1) < 0.03)
    tape.rerun()
    #expect(y.value.values != first)
    #expect(Dropout(0.3)(x, isTraining: false).index == x.index)
  }

  @Test func `a residual block begins as the identity and then learns`() {
    var scope = ParameterScope(seed: 6)
    let block = ResidualBlock("block", inputs: 4, outputs: 4, groups: 2, in: &scope)
    let down = ResidualBlock("down", inputs: 4, outputs: 6, groups: 2, stride: 2, in: &scope)
    let buffer = ParameterBuffer(scope.parameters)
    let tape = Tape(buffer)
    var random = RandomStream(seed: 7)
    let x = tape.input(Tensor(random.normals(2 * 4 * 6 * 6), shape: [2, 4, 6, 6]))
    #expect(worst(block(x).value, x.value) < 1e-6)
    #expect(down(x).shape == [2, 6, 3, 3])
    tape.backward(down(block(x)).squared().mean())
    #expect(buffer.gradient.values.contains { $0 != 0 })
  }
}
