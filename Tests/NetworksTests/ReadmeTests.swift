import Foundation
import Gradients
import Networks
import Tensors
import Testing

// What the README shows of layers and models stands here, compiled; a test holds the two texts against each other.

/// `y = a ⊙ σ(b)` with `[a, b] = x W + c`: a gated linear unit (Dauphin et al. 2017).
struct GatedLinear: Sendable {
  let weight: Slot
  let bias: Slot

  init(_ name: String, _ inputs: Int, _ outputs: Int, in scope: inout ParameterScope) {
    (weight, bias) = scope.within(name) { scope in
      let weight = scope.parameter("weight", [inputs, 2 * outputs]) { random, count in
        Initializer.glorot.values(count, inputs: inputs, outputs: outputs, random: &random)
      }
      return (weight, scope.parameter("bias", [2 * outputs]))
    }
  }

  /// x `[rows, inputs]` to `[rows, outputs]`
  func callAsFunction(_ x: Variable) -> Variable {
    let parts = (matmul(x, x.tape[weight]) + x.tape[bias]).split(-1, into: 2)
    return parts[0] * sigmoid(parts[1])
  }
}

/// Learns to take noise off rows.
struct Denoiser: Sendable {
  let encoder: GatedLinear
  let decoder: Dense
  let parameters: Parameters

  init(width: Int, code: Int, seed: UInt64) {
    var scope = ParameterScope(seed: seed)
    encoder = GatedLinear("encoder", width, code, in: &scope)
    decoder = Dense("decoder", code, width, in: &scope)
    parameters = scope.parameters
  }

  func callAsFunction(_ x: Variable) -> Variable { decoder(encoder(x)) }

  func loss(_ batch: Batch) -> Variable {
    let clean = batch[0]
    let noisy = batch.isTraining ? clean + batch.tape.normal(clean.shape) * 0.1 : clean
    return Loss.meanSquaredError(self(noisy), clean)
  }

  /// - Parameter data: `[rows, width]`; the last tenth decides what is kept.
  func trained(
    on data: Tensor, now: () -> Double, observer: (TrainingProgress) -> Void
  ) throws -> TrainingState {
    let learned = data.rows * 9 / 10
    var state = TrainingState(
      parameters, optimizers: [.adam(rate: 0.01)], shuffle: Shuffle(rows: learned, batch: 32, seed: 1),
      seed: 1)
    var learner = TapeLearner(
      parameters, data: [data], heldOutRows: Array(learned..<data.rows), seed: 1, loss: loss)
    var loop = TrainingLoop(steps: 600)
    loop.schedule = .warmUp(steps: 20, then: .cosine(steps: 580, end: 0.1))
    loop.clipping = .norm(1)
    loop.patience = 20
    try loop.run(&state, &learner, now: now, observer: observer)
    return state
  }
}

struct ReadmeTests {
  @Test func `the layer of the README has the derivatives of differences`() {
    var scope = ParameterScope(seed: 1)
    let layer = GatedLinear("gated", 3, 2, in: &scope)
    let buffer = ParameterBuffer(scope.parameters)
    var random = RandomStream(seed: 2)
    let x = Tensor(random.normals(12), shape: [4, 3])
    let record: DifferenceCheck.Recording = {
      let tape = Tape(buffer)
      let input = tape.input(x)
      return (tape, [input, tape[layer.weight], tape[layer.bias]], layer(input))
    }
    #expect(DifferenceCheck().firstOrder(record) < 1)
    #expect(DifferenceCheck().secondOrder(record) < 1)
  }

  @Test func `the model of the README learns, and is there again after a restart`() throws {
    // Rows on a curved line in six dimensions.
    var random = RandomStream(seed: 3)
    let rows = random.uniforms(300).flatMap { t -> [Float] in
      [t, t * t, 1 - t, t - t * t, 0.5 * t, t * t * t]
    }
    let data = Tensor(rows, shape: [300, 6])
    let model = Denoiser(width: 6, code: 4, seed: 4)
    var losses: [Float] = []
    let state = try model.trained(on: data, now: { 0 }, observer: { losses.append($0.loss) })
    let best = try #require(state.best)
    #expect(best.loss < 0.1 * losses[0])
    #expect(best.loss < 2e-3)

    var other = TrainingState(
      model.parameters, optimizers: [.adam(rate: 0.01)], shuffle: Shuffle(rows: 270, batch: 32, seed: 1),
      seed: 1)
    try other.restore(state.encode())
    let plan = NetworkPlan(ParameterBuffer(other.parameters), row: [6]) { model($0) }
    let output = plan.run(data.values, rows: Array(0..<300)[...]).values
    #expect(worst(output, data.values) < 0.3)
  }

  @Test func `what the README shows is compiled`() throws {
    let here = URL(filePath: #filePath)
    let root = here.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
    let source = try String(contentsOf: here, encoding: .utf8)
    let section = try #require(
      readme.components(separatedBy: "## How to write a layer").dropFirst().first?
        .components(separatedBy: "\n## ").prefix(2).joined())
    let blocks = section.components(separatedBy: "```swift\n").dropFirst().map {
      $0.components(separatedBy: "\n```")[0]
    }
    #expect(blocks.count == 2)
    for block in blocks { #expect(source.contains(block), "not compiled:\n\(block)") }
  }
}
