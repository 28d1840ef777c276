import Foundation
import Gradients
import Tensors
import Testing

@testable import Generative

/// What a chain needs to be right, on problems with known answers.
struct MarkovChainsKernelTests {
  /// `Gamma(3, 1)` on x > 0, of which the distribution function is `1 - e⁻ˣ (1 + x + x²/2)`.
  static let gamma: Density = {
    var density = Density(
      "gamma", [.init("x", .positive)],
      withGradient: { x, gradient in
        gradient[0] = 2 / x[0] - 1
        return 2 * log(x[0]) - x[0]
      })
    density.conditionals = [
      // Not a draw from scratch, but a step that leaves the density as it is.
      Conditional("x") { x, random in
        x[0] = random.slice(from: x[0], width: 2) { $0 > 0 ? 2 * log($0) - $0 : -.infinity }
      }
    ]
    return density
  }()

  /// Pearson's statistic of draws put through their distribution function, in 20 equal parts.
  static func chiSquare(_ draws: [Double]) -> Double {
    var counts = [Double](repeating: 0, count: 20)
    for x in draws {
      let below = 1 - exp(-x) * (1 + x + 0.5 * x * x)
      counts[min(19, Int(20 * below))] += 1
    }
    let expected = Double(draws.count) / 20
    return counts.reduce(0.0) { sum, count in sum + (count - expected) * (count - expected) / expected }
  }

  private func gammaDraws(_ kernel: some MarkovKernel, thinning: Int) throws -> [Double] {
    var settings = MarkovChainSettings()
    (settings.chains, settings.warmUp, settings.draws, settings.thinning) = (50, 20, 40, thinning)
    settings.seed = 11
    return try kernel.run(Self.gamma, settings).draws[0].flatMap { $0 }
  }

  // With 19 degrees of freedom the statistic is above 50 with probability 1.3e-4.
  @Test func `draws of every exact kernel are of the density`() throws {
    var fixed = NoUTurnSampler()
    fixed.stepSize = 0.9
    #expect(Self.chiSquare(try gammaDraws(MetropolisHastings(), thinning: 15)) < 50)
    #expect(Self.chiSquare(try gammaDraws(MetropolisAdjustedLangevin(), thinning: 8)) < 50)
    #expect(Self.chiSquare(try gammaDraws(HamiltonianMonteCarlo(), thinning: 4)) < 50)
    #expect(Self.chiSquare(try gammaDraws(NoUTurnSampler(), thinning: 4)) < 50)
    #expect(Self.chiSquare(try gammaDraws(fixed, thinning: 4)) < 50)
    #expect(Self.chiSquare(try gammaDraws(GibbsSampler(), thinning: 6)) < 50)
  }

  @Test func `unadjusted Langevin is biased by its step, and less by a smaller one`() throws {
    var settings = MarkovChainSettings()
    (settings.chains, settings.warmUp, settings.draws, settings.seed) = (16, 0, 500, 3)
    // A standard normal becomes one of variance 1 / (1 - ε²/4).
    for step in [1.2, 0.6] {
      var kernel = UnadjustedLangevin()
      kernel.stepSize = step
      let run = try kernel.run(StudyDensities.standardNormal(dimension: 2), settings)
      let sd = run.draws.summaries()[0].sd
      #expect(abs(sd * sd * (1 - step * step / 4) - 1) < 0.07, "step \(step): \(sd)")
    }
  }

  @Test
  func `leapfrog steps go back where they came from, and their error falls with the square of the step`() {
    let density = Self.gamma
    let asked = UnconstrainedDensity(density, chains: 1, needsGradient: true)
    func run(_ system: inout HamiltonianSystem, _ step: Double, _ count: Int) {
      for _ in 0..<count {
        system.beginLeapfrog(step)
        asked.want(system.moving.position, 0)
        asked.evaluate()
        system.endLeapfrog(step, asked.evaluated(0))
      }
    }
    asked.want([0.4], 0)
    asked.evaluate()
    let start = ChainPoint(position: [0.4], logDensity: asked.logDensity[0], gradient: asked.gradient)
    var system = HamiltonianSystem(
      start, warmUp: 0, step: 0.1, targetAcceptance: 0.8, random: RandomStream(seed: 2))
    system.refreshMomentum()
    let (momentum, energy) = (system.moving.momentum[0], system.energy(system.moving))
    run(&system, 0.1, 20)
    #expect(abs(system.moving.position[0] - 0.4) > 0.1)
    run(&system, -0.1, 20)
    #expect(abs(system.moving.position[0] - 0.4) < 1e-12 && abs(system.moving.momentum[0] - momentum) < 1e-12)

    let errors = [0.1, 0.05, 0.025].map { step in
      system.moving.move(to: system.current)
      run(&system, step, Int(1.7 / step))
      return abs(system.energy(system.moving) - energy)
    }
    #expect(abs(errors[0] / errors[1] - 4) < 0.4 && abs(errors[1] / errors[2] - 4) < 0.2, "\(errors)")
  }

  @Test func `binary Gibbs draws states by their probability`() {
    // E(x) = -b·x - Σ w x x over three variables.
    let (bias, weight) = ([0.3, -0.5, 0.2], [[0, 1.2, -0.7], [1.2, 0, 0.4], [-0.7, 0.4, 0]])
    let gibbs = BinaryGibbs(count: 3) { i, x in
      bias[i] + (0..<3).reduce(0) { $0 + (x[$1] ? weight[i][$1] : 0) }
    }
    func energy(_ code: Int) -> Double {
      let x = (0..<3).map { Double(code >> $0 & 1) }
      var sum = 0.0
      for i in 0..<3 {
        sum -= bias[i] * x[i]
        for j in 0..<i { sum -= weight[i][j] * x[i] * x[j] }
      }
      return sum
    }
    let weights = (0..<8).map { exp(-energy($0)) }
    let total = weights.reduce(0, +)
    var random = RandomStream(seed: 5)
    var x = [false, true, false]
    var counts = [Double](repeating: 0, count: 8)
    let draws = 4000.0
    for _ in 0..<Int(draws) {
      for _ in 0..<5 { gibbs.sweep(&x, random: &random) }
      counts[(0..<3).reduce(0) { $0 | (x[$1] ? 1 << $1 : 0) }] += 1
    }
    var statistic = 0.0
    for (count, weight) in zip(counts, weights) {
      let expected: Double = draws * weight / total
      statistic += (count - expected) * (count - expected) / expected
    }
    // Seven degrees of freedom: above 30 with probability 1e-4.
    #expect(statistic < 30, "\(counts)")
  }

  @Test func `a lattice of 4 by 4 has the magnetisation and energy of its 65536 states`() {
    let beta = 0.35
    var (partition, magnetisation, energy) = (0.0, 0.0, 0.0)
    for state: UInt16 in 0...(.max) {
      // Neighbours to the right (within rows of four bits) and below, around the borders.
      let right = (state & 0x7777) << 1 | (state & 0x8888) >> 3
      let below = state << 4 | state >> 12
      let unequal = (state ^ right).nonzeroBitCount + (state ^ below).nonzeroBitCount
      let e = Double(2 * unequal - 32)
      let weight = exp(-beta * e)
      partition += weight
      magnetisation += weight * Double(abs(2 * state.nonzeroBitCount - 16)) / 16
      energy += weight * e / 16
    }
    let draws = IsingLattice.draws(side: 4, beta: beta, chains: 4, warmUp: 100, draws: 3000, seed: 1)
    let summaries = draws.summaries(reference: [
      "magnetisation": .init(mean: magnetisation / partition, sd: 0),
      "energy": .init(mean: energy / partition, sd: 0),
    ])
    for summary in summaries {
      #expect(abs(summary.meanError ?? .infinity) < 4, "\(summary)")
      #expect(summary.meanMCSE < 0.02)
    }
    #expect(abs(IsingLattice.exactMagnetisation(beta: 0.5) - 0.9113) < 5e-5)
    #expect(IsingLattice.exactMagnetisation(beta: 0.4) == 0)
  }

  @Test func `draws of conditionals have their moments`() {
    var random = RandomStream(seed: 8)
    func moments(_ draw: () -> Double) -> (mean: Double, variance: Double) {
      let x = (0..<20_000).map { _ in draw() }
      return (ConvergenceDiagnostics.mean(x), ConvergenceDiagnostics.variance(x))
    }
    for shape in [0.5, 3.0] {
      let (mean, variance) = moments { random.gamma(shape: shape) }
      #expect(abs(mean / shape - 1) < 0.04 && abs(variance / shape - 1) < 0.1)
    }
    // N(m, 1) given that it is positive: m + h, 1 - h (h + m), with h = φ(m) / Φ(m).
    for (m, h) in [(1.0, 0.28759997), (-2.0, 2.37321553)] {
      let (mean, variance) = moments { random.positiveNormal(mean: m, sd: 1) }
      #expect(abs(mean - (m + h)) < 0.03 && abs(variance - (1 - h * (h + m))) < 0.03)
    }
    let (mean, variance) = moments { random.exponential() }
    #expect(abs(mean - 1) < 0.04 && abs(variance - 1) < 0.1)
  }

  @Test func `a warm-up has the windows of Stan`() {
    func ends(_ warmUp: Int) -> [Int] {
      var windows = WarmUpWindows(warmUp)
      return (0..<warmUp).filter { _ in windows.next() == .windowEnds }
    }
    #expect(ends(1000) == [99, 149, 249, 449, 949])
    #expect(ends(300) == [99, 149, 249])
    #expect(ends(100) == [89])
    #expect(ends(10) == [])
  }
}
