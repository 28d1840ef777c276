import Foundation
import Gradients
import Tensors
import Testing

@testable import Generative

struct MarkovChainsRunTests {
  /// With rows enough that two threads share the work.
  static func logistic() throws -> Density {
    var random = RandomStream(seed: 4)
    let (rows, width) = (1500, 9)
    var values = random.normals(rows * width)
    for row in 0..<rows {
      let odds = values[row * width] - 0.5 * values[row * width + 1]
      values[row * width + width - 1] = random.bernoulli(1 / (1 + exp(-odds))) ? 1 : 0
    }
    return try MarkovTargets.density(
      "logistic-regression",
      rows: (
        (1..<width).map { "x\($0)" } + ["y"], DataMatrix(rows: rows, columns: width, values: values)
      ))
  }

  @Test func `the same seed gives the same bits, with one thread and with two`() throws {
    let density = try Self.logistic()
    var settings = MarkovChainSettings()
    (settings.chains, settings.warmUp, settings.draws, settings.seed) = (8, 15, 10, 21)
    let one = try NoUTurnSampler().run(density, settings)
    let two = try NoUTurnSampler().run(density, settings, workers: Workers(count: 2))
    #expect(one.draws == two.draws && one.evaluations == two.evaluations)
    settings.seed = 22
    #expect(try NoUTurnSampler().run(density, settings).draws != one.draws)
    #expect(one.draws.names.contains("slope[x1]"))
  }

  @Test func `chains have random numbers of their own`() throws {
    var settings = MarkovChainSettings()
    (settings.chains, settings.warmUp, settings.draws) = (3, 20, 20)
    let run = try MetropolisHastings().run(StudyDensities.standardNormal(dimension: 2), settings)
    #expect(Set(run.draws[0]).count == 3)
  }

  @Test func `NUTS gives a correlated normal its means, deviations and correlation`() throws {
    var settings = MarkovChainSettings()
    settings.seed = 5
    (settings.warmUp, settings.draws) = (500, 500)
    let density = StudyDensities.correlatedNormal()
    let run = try NoUTurnSampler().run(density, settings)
    for (i, summary) in run.draws.summaries(reference: density.reference).enumerated() {
      #expect(abs(summary.meanError ?? .infinity) < 4)
      #expect(abs(summary.sd - Double(i + 1)) < 4 * summary.sdMCSE, "\(summary)")
      #expect(summary.rHat < 1.02 && summary.bulkESS > 200)
    }
    // E[x₁ x₂] = 2 ρ
    let products = zip(run.draws[0], run.draws[1]).map { zip($0, $1).map { $0 * $1 } }
    let summary = QuantitySummary("x₁x₂", products, reference: .init(mean: 1.8, sd: 1))
    #expect(abs(summary.meanError ?? .infinity) < 4)
    #expect(run.divergences == [0, 0, 0, 0] && run.cutTrajectories == [0, 0, 0, 0])
    #expect(try #require(run.energyBFMI).allSatisfy { $0 > 0.6 })
  }

  @Test func `diagnostics tell that Neal's funnel was not explored`() throws {
    var settings = MarkovChainSettings()
    (settings.warmUp, settings.draws, settings.seed) = (200, 200, 1)
    let run = try NoUTurnSampler().run(StudyDensities.funnel(), settings)
    let summary = run.draws.summaries()[0]
    #expect(summary.rHat > 1.01 && summary.tailESS < 200)
    #expect(try #require(run.energyBFMI).contains { $0 < 0.3 })
  }

  @Test(arguments: PosteriorData.allCases)
  func `kernels find the means of the posteriors`(_ posterior: PosteriorData) throws {
    guard let density = try posterior.density() else { return }
    try check(NoUTurnSampler(), density)
    try check(HamiltonianMonteCarlo(), density)
    try check(MetropolisAdjustedLangevin(), density, thinning: 8)
    try check(GibbsSampler(), density, thinning: 2)
    try check(MetropolisHastings(), density, thinning: 25)
  }

  private func check(_ kernel: some MarkovKernel, _ density: Density, thinning: Int = 1) throws {
    var settings = MarkovChainSettings()
    (settings.warmUp, settings.draws, settings.thinning, settings.seed) = (200, 200, thinning, 2)
    let name = type(of: kernel).name
    for summary in try kernel.run(density, settings).draws.summaries(reference: density.reference) {
      if let error = summary.meanError { #expect(abs(error) < 4, "\(name): \(summary)") }
      #expect(summary.rHat < 1.05 && summary.bulkESS > 50, "\(name): \(summary)")
    }
  }

  @Test func `a run says how it ends`() throws {
    let density = StudyDensities.standardNormal(dimension: 2)
    var settings = MarkovChainSettings()
    (settings.warmUp, settings.draws, settings.timeLimit) = (100, 10_000, 5)
    var time = 0.0
    var seen: [MarkovChainProgress] = []
    let run = try HamiltonianMonteCarlo().run(
      density, settings, now: { time },
      observer: {
        seen.append($0)
        time += 0.1
      })
    #expect(run.ending == .timeLimit && run.draws.count > 4 && run.draws.count < 10_000)
    #expect(run.draws.values.allSatisfy { $0.count == run.draws.count * 2 })
    #expect(run.energies.allSatisfy { $0.count == run.draws.count })
    #expect(seen.first?.isWarmingUp == true && seen.last?.isWarmingUp == false)
    #expect(throws: MarkovChainError.tooFewDraws(have: 0)) {
      try HamiltonianMonteCarlo().run(density, settings, shouldStop: { true })
    }
  }

  @Test func `what cannot be run is said`() {
    let nowhere = Density("nowhere", [.init("x")], withGradient: { _, _ in .nan })
    #expect(throws: MarkovChainError.noStart(density: "nowhere", chain: 0, attempts: 100)) {
      try NoUTurnSampler().run(nowhere)
    }
    #expect(throws: MarkovChainError.startOutside(density: "funnel", chain: 1)) {
      var settings = MarkovChainSettings()
      settings.chains = 2
      let starts = [[0.0, 0], [.nan, 0]]
      _ = try NoUTurnSampler().run(StudyDensities.funnel(dimension: 2), settings, starts: starts)
    }
    #expect(throws: MarkovChainError.noConditionals(density: "funnel")) {
      try GibbsSampler().run(StudyDensities.funnel())
    }
    // Grows without end: no step is too long.
    let improper = Density(
      "improper", [.init("x")],
      withGradient: { _, gradient in
        gradient[0] = 0
        return 0
      })
    #expect(throws: MarkovChainError.noStepSize) { try NoUTurnSampler().run(improper) }
  }
}
