import Glibc
import Gradients
import Networks
import Tensors
import Testing

@testable import Generative

/// A machine with so few hidden units that every sum over them can be written out, in double precision.
struct TinyMachine {
  static let width = 4
  static let hidden = 3
  var weights: [Double]
  var visibleBias: [Double]
  var hiddenBias: [Double]
  var logSigma: [Double]

  static let example: TinyMachine = {
    var random = RandomStream(seed: 21)
    let numbers = random.normals(width * hidden + hidden + 2 * width).map(Double.init)
    return TinyMachine(parameters: numbers.enumerated().map { $0 >= numbers.count - width ? 0.3 * $1 : $1 })
  }()

  /// W, b, c, log σ behind one another.
  init(parameters: [Double]) {
    let (d, k) = (Self.width, Self.hidden)
    weights = Array(parameters[..<(d * k)])
    visibleBias = Array(parameters[(d * k)..<(d * k + d)])
    hiddenBias = Array(parameters[(d * k + d)..<(d * k + d + k)])
    logSigma = Array(parameters[(d * k + d + k)...])
  }
  var parameters: [Double] { weights + visibleBias + hiddenBias + logSigma }

  static let states = (0..<1 << hidden).map { bits in (0..<hidden).map { Double(bits >> $0 & 1) } }

  func energy(_ v: [Double], _ h: [Double]) -> Double {
    var e = 0.0
    for i in 0..<Self.width {
      let u = (v[i] - visibleBias[i]) / exp(logSigma[i])
      e += u * u / 2
      for j in 0..<Self.hidden { e -= u * weights[i * Self.hidden + j] * h[j] }
    }
    for j in 0..<Self.hidden { e -= hiddenBias[j] * h[j] }
    return e
  }

  /// `-log Σ_h e^-E`
  func freeEnergy(_ v: [Double]) -> Double { -log(Self.states.reduce(0) { $0 + exp(-energy(v, $1)) }) }

  /// The mixture of Gaussians that the machine is: per hidden state its weight and its mean.
  var mixture: [(weight: Double, mean: [Double])] {
    let parts = Self.states.map { h -> (Double, [Double]) in
      var (log, mean) = (0.0, visibleBias)
      for j in 0..<Self.hidden { log += hiddenBias[j] * h[j] }
      for i in 0..<Self.width {
        let shift = (0..<Self.hidden).reduce(0) { $0 + weights[i * Self.hidden + $1] * h[$1] }
        log += shift * shift / 2
        mean[i] += exp(logSigma[i]) * shift
      }
      return (exp(log), mean)
    }
    let total = parts.reduce(0) { $0 + $1.0 }
    return parts.map { ($0.0 / total, $0.1) }
  }

  /// `-log p(v)`, with the partition function in closed form.
  func negativeLogLikelihood(_ v: [Double]) -> Double {
    var z = 0.0
    for h in Self.states {
      var log = 0.0
      for j in 0..<Self.hidden { log += hiddenBias[j] * h[j] }
      for i in 0..<Self.width {
        let shift = (0..<Self.hidden).reduce(0) { $0 + weights[i * Self.hidden + $1] * h[$1] }
        log += shift * shift / 2 + logSigma[i] + Glibc.log(2 * Double.pi) / 2
      }
      z += exp(log)
    }
    return freeEnergy(v) + Glibc.log(z)
  }

  var model: GaussianBernoulliRBM {
    GaussianBernoulliRBM(
      bias: visibleBias.map(Float.init), inverseSigma: logSigma.map { Float(exp(-$0)) },
      weights: weights.map(Float.init), hiddenBias: hiddenBias.map(Float.init),
      spread: [1, 1, 1, 1], usual: [0, 0, 0, 0])
  }
}

struct RestrictedBoltzmannTests {
  let tiny = TinyMachine.example

  @Test func `the free energy is that of all hidden states summed`() {
    var random = RandomStream(seed: 22)
    let rows = random.normals(50 * TinyMachine.width).map { 2 * $0 }
    for (row, raw) in scores(tiny.model, rows).enumerated() {
      let v = rows[row * TinyMachine.width..<(row + 1) * TinyMachine.width].map(Double.init)
      #expect(abs(Double(raw) - tiny.freeEnergy(v)) < 1e-4)
    }
  }

  /// Hinton's and Cho's form has the hidden bias at `v = 0`: `c + Wᵀ v/σ`; ours at `v = b`. One is the other's shift.
  @Test func `the textbook form of the free energy differs by the hidden bias only`() {
    let textbookBias = (0..<TinyMachine.hidden).map { j in
      tiny.hiddenBias[j]
        - (0..<TinyMachine.width).reduce(0) {
          $0 + tiny.weights[$1 * TinyMachine.hidden + j] * tiny.visibleBias[$1] / exp(tiny.logSigma[$1])
        }
    }
    let v = [0.3, -1.2, 0.8, 2]
    var f = 0.0
    for i in 0..<TinyMachine.width {
      let sigma = exp(tiny.logSigma[i])
      f += (v[i] - tiny.visibleBias[i]) * (v[i] - tiny.visibleBias[i]) / (2 * sigma * sigma)
    }
    for j in 0..<TinyMachine.hidden {
      let a = (0..<TinyMachine.width).reduce(textbookBias[j]) {
        $0 + tiny.weights[$1 * TinyMachine.hidden + j] * v[$1] / exp(tiny.logSigma[$1])
      }
      f -= log1p(exp(a))
    }
    #expect(abs(f - tiny.freeEnergy(v)) < 1e-9)
  }

  @Test func `samples have the moments of the enumerated mixture`() {
    let count = 20_000
    let sampled = tiny.model.sample(count: count, seed: 5, burnIn: 200)
    let mixture = tiny.mixture
    for i in 0..<TinyMachine.width {
      let column = (0..<count).map { Double(sampled[$0 * TinyMachine.width + i]) }
      let mean = column.reduce(0, +) / Double(count)
      let square = column.reduce(0) { $0 + $1 * $1 } / Double(count)
      let sigma = exp(tiny.logSigma[i])
      let trueMean = mixture.reduce(0) { $0 + $1.weight * $1.mean[i] }
      let trueSquare = mixture.reduce(0) { $0 + $1.weight * ($1.mean[i] * $1.mean[i] + sigma * sigma) }
      let deviation = (trueSquare - trueMean * trueMean).squareRoot()
      #expect(abs(mean - trueMean) < 0.04 * deviation)
      #expect(abs(square - trueSquare) < 0.05 * trueSquare)
    }
  }

  /// Rows from the mixture that the machine is.
  func rows(_ count: Int, of machine: TinyMachine, seed: UInt64) -> [Float] {
    var random = RandomStream(seed: seed)
    var rows: [Float] = []
    for _ in 0..<count {
      var left = Double(random.uniform())
      var mean = machine.visibleBias
      for part in machine.mixture {
        mean = part.mean
        left -= part.weight
        if left <= 0 { break }
      }
      for i in 0..<TinyMachine.width {
        rows.append(Float(mean[i] + exp(machine.logSigma[i]) * Double(random.normal())))
      }
    }
    return rows
  }

  /// Central differences of the exact mean negative log-likelihood.
  func exactGradient(_ rows: [Float], at machine: TinyMachine) -> [Double] {
    let count = rows.count / TinyMachine.width
    func loss(_ parameters: [Double]) -> Double {
      let machine = TinyMachine(parameters: parameters)
      return (0..<count).reduce(0) {
        $0
          + machine.negativeLogLikelihood(
            rows[$1 * TinyMachine.width..<($1 + 1) * TinyMachine.width].map(Double.init))
      } / Double(count)
    }
    return machine.parameters.indices.map { i in
      var (up, down) = (machine.parameters, machine.parameters)
      up[i] += 1e-4
      down[i] -= 1e-4
      return (loss(up) - loss(down)) / 2e-4
    }
  }

  /// With chains that have mixed, the sampled gradient is that of the exact likelihood, averaged over many steps.
  @Test func `the gradient of long chains is that of the enumerated likelihood`() {
    var settings = RBMSettings()
    settings.batch = 1024
    settings.steps = 60
    settings.weightDecay = 0
    // Data of another machine than the one whose gradient is asked for.
    var other = tiny
    other.weights = other.weights.map { -0.7 * $0 }
    other.visibleBias = other.visibleBias.map { $0 + 0.5 }
    let data = rows(1024, of: other, seed: 24)
    var learner = RBMLearner(
      visible: TinyMachine.width, hidden: TinyMachine.hidden, values: data, settings: settings, seed: 23)
    learner.buffer.weights.assign(tiny.parameters.map(Float.init))
    var sum = [Double](repeating: 0, count: tiny.parameters.count)
    let rounds = 12
    for round in 0..<rounds {
      _ = learner.gradient(of: Array(0..<1024)[...], step: round, phase: 0)
      for (i, g) in learner.buffer.gradient.values.enumerated() { sum[i] += Double(g) / Double(rounds) }
    }
    for (mine, truth) in zip(sum, exactGradient(data, at: tiny)) {
      #expect(abs(mine - truth) < 0.05 + 0.05 * abs(truth))
    }
  }

  @Test(
    "training raises the exact likelihood close to that of the machine the rows came from",
    arguments: [NegativePhase.contrastiveDivergence, .persistent])
  func likelihood(phase: NegativePhase) throws {
    var settings = RBMSettings()
    settings.negativePhase = phase
    let data = rows(1000, of: tiny, seed: 26)
    func mean(_ machine: TinyMachine) -> Double {
      (0..<1000).reduce(0) {
        $0
          + machine.negativeLogLikelihood(
            data[$1 * TinyMachine.width..<($1 + 1) * TinyMachine.width].map(Double.init))
      } / 1000
    }
    let learner = RBMLearner(
      visible: TinyMachine.width, hidden: TinyMachine.hidden, values: data, settings: settings, seed: 25)
    var training = Training(
      learner, optimizer: learner.optimizer, rows: 1000, epochs: 60, batch: 64, patience: 60, seed: 25)
    let begin = training.state.parameters.values
    try training.loop.run(&training.state, &training.learner, now: { 0 })
    let end = training.state.parameters.values
    let before = mean(TinyMachine(parameters: begin.map(Double.init)))
    let (after, truth) = (mean(TinyMachine(parameters: end.map(Double.init))), mean(tiny))
    #expect(after < before && after < truth + 0.15)
  }

  @Test func `each input is expected from all others, and its contribution is a difference of free energies`()
  {
    let model = tiny.model
    let v: [Float] = [0.5, -0.4, 6, 1]
    let expectation = model.expectation(of: v, mask: nil)
    for i in 0..<TinyMachine.width {
      var replaced = v
      replaced[i] = expectation.expected[i]
      let difference = scores(model, v)[0] - scores(model, replaced)[0]
      #expect(abs(expectation.contribution[i] - max(0, difference)) < 1e-3)
      // Mean field over the others: nothing of the input itself is in what is expected of it.
      var moved = v
      moved[i] += 3
      #expect(abs(model.expectation(of: moved, mask: nil).expected[i] - expectation.expected[i]) < 1e-4)
    }
  }

  @Test func `a missing input is left out and what it usually adds stands in`() throws {
    let model = try GaussianBernoulliRBM.fit(World.training, seed: 3)
    let rows = World.rows(200, seed: 2)
    var mask = [Float](repeating: 1, count: rows.count)
    for i in stride(from: 3, to: rows.count, by: World.width) { mask[i] = 0 }
    let full = scores(model, rows).reduce(0, +) / 200
    let part = scores(model, rows, mask: mask).reduce(0, +) / 200
    let deviation = (scores(model, rows).reduce(0) { $0 + ($1 - full) * ($1 - full) } / 200).squareRoot()
    #expect(abs(full - part) < deviation)
  }

  @Test func `codes are probabilities and decode to the reconstruction`() throws {
    let model = try GaussianBernoulliRBM.fit(World.training, seed: 3)
    let rows = World.rows(5, seed: 2)
    let codes = model.codes(of: rows, mask: nil, rows: 5)
    #expect(codes.allSatisfy { $0 >= 0 && $0 <= 1 })
    #expect(model.decode(codes, rows: 5) == model.reconstruct(rows, mask: nil, rows: 5))
  }
}
