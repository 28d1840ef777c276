import Foundation
import Gradients
import Networks
import Tensors
import Testing

@testable import Generative

/// Rows of six bits: two causes, their copies, and whether they agree.
func causedBits(_ count: Int, seed: UInt64, noise: Float = 0.05) -> Records {
  var random = RandomStream(seed: seed, stream: 41)
  var values: [Float] = []
  for _ in 0..<count {
    let (a, b) = (random.bernoulli(0.5), random.bernoulli(0.3))
    for bit in [a, b, a, b, a == b, !a] { values.append(bit != random.bernoulli(noise) ? 1 : 0) }
  }
  return Records(DataMatrix(rows: count, columns: 6, values: values))
}

extension EnergyDesign {
  /// The gradient that training sees on rows of bits, averaged over steps at the same parameters.
  func meanGradient(_ parameters: Parameters, rows: [Float], width: Int, steps: Range<Int>) -> [Double] {
    let count = rows.count / width
    let tape = TapeLearner(parameters, data: [Tensor(rows, shape: [count, width])], seed: 5) { batch in
      loss(Rows(batch[0], isTraining: batch.isTraining), stage: batch.phase)
    }
    var learner = AccompaniedLearner(
      base: tape, companion: companion(TrainingStages(shares: [1], steps: 1_000_000), seed: 6))
    var sum = [Double](repeating: 0, count: learner.buffer.count)
    for step in 0..<steps.upperBound {
      _ = learner.gradient(of: Array(0..<count)[...], step: step, phase: 0)
      guard steps.contains(step) else { continue }
      for (i, g) in learner.buffer.gradient.values.enumerated() { sum[i] += Double(g) / Double(steps.count) }
    }
    return sum
  }
}

struct BernoulliBoltzmannTests {
  static let tiny = BipartiteMachine.random(4, 3, scale: 0.8, seed: 11)

  static func design(_ settings: RestrictedBoltzmannSettings = .init()) throws -> (
    RestrictedBoltzmannMachine, Parameters
  ) {
    var settings = settings
    settings.hidden = 3
    var scope = ParameterScope(seed: 1)
    let design = try RestrictedBoltzmannMachine(
      settings, form: RowForm(shape: [4], support: .binary), in: &scope)
    var parameters = scope.parameters
    parameters[design.layer.weight] = Tensor(tiny.weights, shape: [4, 3])
    parameters[design.layer.visibleBias] = Tensor(tiny.visibleBias, shape: [4])
    parameters[design.layer.hiddenBias] = Tensor(tiny.hiddenBias, shape: [3])
    return (design, parameters)
  }

  /// Rows of another machine.
  let rows: [Float] = {
    var random = RandomStream(seed: 12)
    return BipartiteMachine.random(4, 3, scale: 1, seed: 13).exactSample(count: 500, random: &random)
  }()

  /// The mean negative log-likelihood of the rows, by sums over everything; W, b, c behind one another.
  func exactLoss(_ parameters: [Double]) -> Double {
    let numbers = parameters.map(Float.init)
    let machine = BipartiteMachine(
      visibleBias: Array(numbers[12..<16]), hiddenBias: Array(numbers[16...]), weights: Array(numbers[..<12]))
    let logs = machine.logProbabilities
    return -zip(counts(rows, width: 4), logs).reduce(0) { $0 + $1.0 * $1.1 } / 500
  }

  var exactGradient: [Double] {
    let at = (Self.tiny.weights + Self.tiny.visibleBias + Self.tiny.hiddenBias).map(Double.init)
    return at.indices.map { i in
      var (up, down) = (at, at)
      up[i] += 1e-2
      down[i] -= 1e-2
      return (exactLoss(up) - exactLoss(down)) / 2e-2
    }
  }

  @Test func `the score is the negative log-likelihood of sums over everything`() throws {
    let (design, parameters) = try Self.design()
    let completed = design.completed(parameters, seed: 1)
    #expect(design.likelihoodKind(completed) == .exact)
    let tape = Tape(completed)
    let states = bitStates(4).flatMap { $0.map { Float($0) } }
    let scores = design.strangeness(Rows(tape.input(Tensor(states, shape: [16, 4])))).value.values
    for (score, log) in zip(scores, Self.tiny.logProbabilities) { #expect(abs(Double(score) + log) < 1e-4) }
  }

  @Test(arguments: [NegativePhase.persistent, .contrastiveDivergence])
  func `the gradient of mixed chains is that of the enumerated likelihood`(phase: NegativePhase) throws {
    var settings = RestrictedBoltzmannSettings()
    settings.negativePhase = phase
    settings.centred = false
    settings.particles = 2000
    settings.steps = phase == .persistent ? 2 : 20
    let (design, parameters) = try Self.design(settings)
    let sampled = design.meanGradient(parameters, rows: rows, width: 4, steps: 10..<50)
    for (mine, truth) in zip(sampled, exactGradient) { #expect(abs(mine - truth) < 0.015) }
  }

  /// Along W alone in the centred form the biases go with it: `b - Wλ` and `c - Wᵀμ`.
  @Test func `the centred gradient is the derivative in the centred form`() throws {
    var settings = RestrictedBoltzmannSettings()
    settings.particles = 2000
    settings.steps = 2
    var (design, parameters) = try Self.design(settings)
    let (mu, lambda): ([Float], [Float]) = ([0.3, 0.6, 0.2, 0.5], [0.4, 0.7, 0.1])
    parameters[design.layer.visibleMean] = Tensor(mu, shape: [4])
    // The mean of the hidden units follows the data while training; a look at it is enough here.
    parameters[design.layer.hiddenMean] = Tensor(lambda, shape: [3])
    let buffer = ParameterBuffer(parameters)
    buffer.gradient.assign(exactGradient.map { Float($0) })
    let company = design.companion(TrainingStages(shares: [1], steps: 10), seed: 1)
    company?.after(buffer, step: 3)
    let centred = buffer.gradient.values
    let at = (Self.tiny.weights + Self.tiny.visibleBias + Self.tiny.hiddenBias).map(Double.init)
    for i in 0..<4 {
      for j in 0..<3 {
        func loss(_ step: Double) -> Double {
          var moved = at
          moved[i * 3 + j] += step
          moved[12 + i] -= step * Double(lambda[j])
          moved[16 + j] -= step * Double(mu[i])
          return exactLoss(moved)
        }
        #expect(abs(Double(centred[i * 3 + j]) - (loss(1e-2) - loss(-1e-2)) / 2e-2) < 1e-3)
      }
    }
    // It still goes down.
    let slope = zip(exactGradient, centred).reduce(0) { $0 + $1.0 * Double($1.1) }
    #expect(slope > 0)
  }

  @Test func `pseudo-likelihood by one unit of each row is on average that of all units`() throws {
    let (design, parameters) = try Self.design()
    let logs = Self.tiny.logProbabilities
    let state = 5
    let truth = (0..<4).reduce(0.0) { $0 - (logs[state] - logSumExp([logs[state], logs[state ^ 1 << $1]])) }
    let tape = Tape(ParameterBuffer(parameters), seed: 3)
    let row: [Float] = (0..<4).map { Float(state >> $0 & 1) }
    let x = tape.input(Tensor((0..<8000).flatMap { _ in row }, shape: [8000, 4]))
    let estimate = Double(design.layer.pseudoLoss(x).mean().scalar)
    #expect(abs(estimate - truth) < 0.05 * truth)
  }

  @Test(arguments: ["persistent", "contrastiveDivergence"])
  func `training comes close to the entropy of the rows`(phase: String) throws {
    let records = causedBits(600, seed: 14)
    let entry = try #require(Catalogue.entry(named: "rbm"))
    // With the usual momentum of one half even the exact gradient, all states written out, ends .24 nats away after so few steps:
    // they are too short.
    let settings = [
      "hidden": "8", "heldOut": "0", "negativePhase": phase, "rate": "0.1", "momentum": "0.9",
    ]
    let options = FitOptions(seed: 2, settings: settings, epochs: 300)
    let model = try #require(try entry.fit(records, options) as? any LikelihoodModel)
    let mean = model.logLikelihoods(records, samples: 1, seed: 1).reduce(0, +) / 600
    let entropy = counts(records.matrix.values, width: 6).reduce(0) {
      $1 == 0 ? $0 : $0 - $1 / 600 * log($1 / 600)
    }
    #expect(mean > -entropy - 0.15)
    #expect(mean <= -entropy + 1e-3)
  }
}
