import Gradients
import Networks
import Tensors
import Testing

/// A loss as the fixtures know it: a function of named inputs.
struct LossCase: Sendable, CustomTestStringConvertible {
  let name: String
  let inputs: [String]
  let function: @Sendable ([Variable]) -> Variable
  var testDescription: String { name }

  static let all: [LossCase] = [
    LossCase(name: "mse", inputs: ["x", "y"]) { Loss.meanSquaredError($0[0], $0[1]) },
    LossCase(name: "bce with logits", inputs: ["x", "y"]) {
      Loss.binaryCrossEntropy(logits: $0[0], targets: $0[1])
    },
    LossCase(name: "cross entropy", inputs: ["x", "y"]) { Loss.crossEntropy(logits: $0[0], indices: $0[1]) },
    LossCase(name: "gaussian", inputs: ["x", "mean", "logvar"]) {
      Loss.gaussian($0[0], mean: $0[1], logVariance: $0[2])
    },
    LossCase(name: "kl to standard normal", inputs: ["mean", "logvar"]) {
      Loss.divergenceFromStandardNormal(mean: $0[0], logVariance: $0[1])
    },
    LossCase(name: "kl of two", inputs: ["mean", "logvar", "m2", "l2"]) {
      Loss.divergence(mean: $0[0], logVariance: $0[1], from: $0[2], otherLogVariance: $0[3])
    },
    LossCase(name: "hinge critic", inputs: ["real", "fake"]) {
      HingeLoss.critic(real: $0[0], generated: $0[1])
    },
    LossCase(name: "hinge generator", inputs: ["fake"]) { HingeLoss.generator($0[0]) },
    LossCase(name: "wasserstein critic", inputs: ["real", "fake"]) {
      WassersteinLoss.critic(real: $0[0], generated: $0[1])
    },
    LossCase(name: "mixture of logistics", inputs: ["x", "logits", "mean", "logscale"]) {
      Loss.logisticMixture($0[0], logits: $0[1], means: $0[2], logScales: $0[3])
    },
  ]
}

struct LossTests {
  static let fixtures = (try? Fixtures.losses()) ?? []

  @Test("a loss and its gradients are PyTorch's", arguments: LossCase.all)
  func peer(test: LossCase) throws {
    let fixture = try #require(Self.fixtures.first { $0.name == test.name })
    let tape = Tape()
    let inputs = try test.inputs.map { tape.input(try #require(fixture.inputs[$0]?.tensor)) }
    let loss = test.function(inputs)
    #expect(abs(loss.scalar - fixture.value) < 1e-5 * max(1, abs(fixture.value)))
    for differentiable in [false, true] {
      let gradients = tape.gradients(of: loss, by: inputs, differentiable: differentiable)
      for (name, gradient) in zip(test.inputs, gradients) {
        // PyTorch's levels are data; ours would be differentiable between the borders of a step.
        guard let truth = fixture.gradients[name]?.tensor, !(test.name.hasPrefix("mixture") && name == "x")
        else {
          continue
        }
        #expect(worst(gradient.value, truth) < 2e-5, "by \(name)")
      }
    }
  }

  @Test("a loss's derivatives are those of differences, first and second order", arguments: LossCase.all)
  func differences(test: LossCase) throws {
    let fixture = try #require(Self.fixtures.first { $0.name == test.name })
    let values = try test.inputs.map { try #require(fixture.inputs[$0]?.tensor) }
    let fixed: Set = ["cross entropy": ["y"], "mixture of logistics": ["x"]][test.name] ?? []
    let record: DifferenceCheck.Recording = {
      let tape = Tape()
      let inputs = values.map { tape.input($0) }
      let moved = zip(test.inputs, inputs).filter { !fixed.contains($0.0) }.map(\.1)
      return (tape, moved, test.function(inputs))
    }
    #expect(DifferenceCheck().firstOrder(record) < 1)
    #expect(DifferenceCheck().secondOrder(record) < 1)
  }

  @Test func `the levels of a logistic mixture have probabilities that sum to one`() {
    let levels = 16
    let x = (0..<levels).map { 2 * Float($0) / Float(levels - 1) - 1 }
    var total: Float = 0
    for level in x {
      let tape = Tape()
      let loss = Loss.logisticMixture(
        tape.input(Tensor([level], shape: [1])), logits: tape.input(Tensor([0.3, -0.2], shape: [1, 2])),
        means: tape.input(Tensor([-0.4, 0.9], shape: [1, 2])),
        logScales: tape.input(Tensor([-2, -0.5], shape: [1, 2])), levels: levels)
      total += VectorMath.exp([-loss.scalar])[0]
    }
    #expect(abs(total - 1) < 1e-5)
  }

  @Test func `the gradient penalty of a linear critic is known, and its derivative is that of differences`() {
    let tape = Tape()
    let weight = tape.input(Tensor([3, 4], shape: [2, 1]))
    let (real, fake) = (
      tape.input(Tensor([1, 2, 3, 4], shape: [2, 2])), tape.input(Tensor([0, 1, 0, 1], shape: [2, 2]))
    )
    let share = tape.input(Tensor([0.3, 0.8], shape: [2]))
    let linear = WassersteinLoss.gradientPenalty(real: real, generated: fake, share: share) {
      matmul($0, weight)
    }
    // |(3, 4)| = 5 everywhere.
    #expect(abs(linear.scalar - 16) < 1e-4)
    let gradient = tape.gradients(of: linear, by: [weight])[0].value.values
    #expect(worst(gradient, [2 * 4 * 0.6, 2 * 4 * 0.8]) < 1e-4)

    let values = [
      Tensor([0.5, -0.3, 0.8, 0.2, -0.6, 0.4], shape: [2, 3]), Tensor([0.7, -0.4, 0.9], shape: [3, 1]),
    ]
    let record: DifferenceCheck.Recording = {
      let tape = Tape()
      let weights = values.map { tape.input($0) }
      let penalty = WassersteinLoss.gradientPenalty(
        real: tape.input(Tensor([1, 2, 3, 4], shape: [2, 2])),
        generated: tape.input(Tensor([0, 1, 0, 1], shape: [2, 2])),
        share: tape.input(Tensor([0.3, 0.8], shape: [2]))
      ) { matmul(tanh(matmul($0, weights[0])), weights[1]) }
      return (tape, weights, penalty)
    }
    #expect(DifferenceCheck().firstOrder(record) < 1)
  }

  @Test func `a masked loss counts what was observed`() {
    let tape = Tape()
    let x = tape.input(Tensor([1, 2, 3, 4], shape: [2, 2]))
    let y = tape.input(Tensor([0, 0, 0, 0], shape: [2, 2]))
    let mask = tape.input(Tensor([1, 0, 0, 1], shape: [2, 2]))
    let loss = Loss.maskedSquaredError(x, y, mask: mask)
    #expect(abs(loss.scalar - 8.5) < 1e-6)
    #expect(tape.gradients(of: loss, by: [x])[0].value.values == [1, 0, 0, 4])
    let nothing = Loss.maskedSquaredError(x, y, mask: tape.input([2, 2]))
    #expect(nothing.scalar == 0)
  }
}
