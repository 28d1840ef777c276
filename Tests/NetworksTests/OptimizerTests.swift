import Gradients
import Networks
import Tensors
import Testing

struct OptimizerTests {
  /// The rules under the fixtures' names.
  static let rules: [String: (Optimizer, GradientClipping)] = [
    "sgd": (.sgd(rate: 0.05), .none),
    "momentum": (.sgd(rate: 0.05, momentum: 0.9, decay: 0.01), .none),
    "nesterov": (.sgd(rate: 0.05, momentum: 0.9, isNesterov: true), .none),
    "adam": (.adam(rate: 0.01), .none),
    "adam with decay": (.adam(rate: 0.01, decay: 0.1), .none),
    "adamw": (.adamW(rate: 0.01, decay: 0.1), .none),
    "rmsprop": (.rmsProp(rate: 0.01), .none),
    "rmsprop with momentum": (.rmsProp(rate: 0.01, momentum: 0.9), .none),
    "adam, clipped by norm": (.adam(rate: 0.01), .norm(0.1)),
    "sgd, clipped by value": (.sgd(rate: 0.05), .value(0.02)),
  ]

  @Test("ten steps of a small network are PyTorch's", arguments: rules.keys.sorted())
  func tenSteps(name: String) throws {
    let fixture = try Fixtures.optimizers()
    let run = try #require(fixture.runs.first { $0.name == name })
    var (optimizer, clipping) = try #require(Self.rules[name])
    var scope = ParameterScope(seed: 1)
    let network = Perceptron("net", sizes: [4, 5, 3], hidden: .tanh, in: &scope)
    var parameters = scope.parameters
    let slots = network.layers.flatMap { [$0.weight, $0.bias].compactMap { $0 } }
    for (slot, value) in zip(slots, fixture.before) { parameters[slot] = Self.ours(value) }
    let buffer = ParameterBuffer(parameters)
    let tape = Tape(buffer)
    let loss = Loss.meanSquaredError(network(tape.input(fixture.x.tensor)), tape.input(fixture.y.tensor))
    tape.backward(loss)
    var losses: [Float] = []
    for step in 0..<10 {
      if step > 0 { tape.rerun() }
      losses.append(loss.scalar)
      let (scale, _) = clipping(buffer.gradient)
      optimizer.step(buffer, scale: scale)
    }
    #expect(worst(losses, run.losses) < 1e-5)
    for (slot, value) in zip(slots, run.after) {
      #expect(worst(buffer.parameters[slot], Self.ours(value)) < 1e-5)
    }
    #expect(optimizer.steps == 10)
  }

  static func buffer(_ weights: [Float], _ gradient: [Float]) -> ParameterBuffer {
    var scope = ParameterScope(seed: 1)
    _ = scope.parameter("w", [weights.count]) { _, _ in weights }
    let buffer = ParameterBuffer(scope.parameters)
    buffer.gradient.assign(gradient)
    return buffer
  }

  /// Their weights are `[outputs, inputs]`.
  static func ours(_ numbers: Fixtures.Numbers) -> Tensor {
    numbers.shape.count == 2
      ? Tensor(numbers.tensor.transposed.values, shape: [numbers.shape[1], numbers.shape[0]]) : numbers.tensor
  }

  @Test func `a range moves by itself, as the same optimizer of all would move it`() {
    var random = RandomStream(seed: 2)
    let (start, gradient) = (random.normals(10), random.normals(10))
    for rule in Self.rules.values.map(\.0) {
      var all = Optimizer(rule.rule, rate: rule.rate, decay: rule.decay)
      var part = Optimizer(rule.rule, rate: rule.rate, decay: rule.decay, ranges: [1..<3, 6..<9])
      let (whole, some) = (Self.buffer(start, gradient), Self.buffer(start, gradient))
      for _ in 0..<3 {
        all.step(whole)
        part.step(some)
      }
      let (a, b) = (whole.weights.values, some.weights.values)
      for i in 0..<10 { #expect(b[i] == ([1, 2, 6, 7, 8].contains(i) ? a[i] : start[i])) }
    }
  }

  @Test(
    "schedules are PyTorch's",
    arguments: [
      ("step", Schedule.step(every: 3, factor: 0.5)), ("linear", .linear(steps: 8, end: 0.1)),
      ("cosine", .cosine(steps: 8, end: 0.1)),
    ])
  func schedules(name: String, schedule: Schedule) throws {
    let truth = try #require(try Fixtures.optimizers().schedules.first { $0.name == name }).factors
    #expect(worst(truth.indices.map { schedule.factor(after: $0) }, truth) < 1e-6)
  }

  @Test func `a warm-up rises to 1 and then the other schedule begins`() {
    let schedule = Schedule.warmUp(steps: 4, then: .linear(steps: 2, end: 0))
    #expect((0..<8).map { schedule.factor(after: $0) } == [0.25, 0.5, 0.75, 1, 1, 0.5, 0, 0])
    #expect(Schedule.constant.factor(after: 1_000_000) == 1)
  }
}
