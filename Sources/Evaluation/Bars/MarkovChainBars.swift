import Datasets
import Foundation
import Generative
import Tensors

extension Bars {
  /// Every kernel on the two posteriors whose moments are known from long reference runs, and the Ising lattice.
  static let markovChains: [Bar] =
    Posterior.all.flatMap { posterior in Kernel.allCases.map { bar($0, posterior) } } + [ising]

  private struct Posterior: Sendable {
    let name: String
    let file: String
    static let all = [
      Posterior(name: "eight-schools", file: "eight_schools-eight_schools_noncentered.json"),
      Posterior(name: "arma11", file: "arma-arma11.json"),
    ]
  }

  /// With the transitions per draw that the command has too.
  private enum Kernel: String, Sendable, CaseIterable {
    case metropolis, gibbs, mala, hmc, nuts

    var thinning: Int {
      switch self {
      case .metropolis: 20
      case .gibbs, .mala: 5
      case .hmc, .nuts: 1
      }
    }

    func run(_ density: Density, _ settings: MarkovChainSettings, _ run: BarRun) throws -> MarkovChainRun {
      let workers = Workers(count: run.threads)
      switch self {
      case .metropolis: return try MetropolisHastings().run(density, settings, workers: workers, now: run.now)
      case .gibbs: return try GibbsSampler().run(density, settings, workers: workers, now: run.now)
      case .mala:
        return try MetropolisAdjustedLangevin().run(density, settings, workers: workers, now: run.now)
      case .hmc: return try HamiltonianMonteCarlo().run(density, settings, workers: workers, now: run.now)
      case .nuts:
        var kernel = NoUTurnSampler()
        // The funnel of the eight schools wants small steps to be free of divergences.
        kernel.targetAcceptance = 0.95
        return try kernel.run(density, settings, workers: workers, now: run.now)
      }
    }
  }

  private static func bar(_ kernel: Kernel, _ posterior: Posterior) -> Bar {
    Bar(
      "\(kernel.rawValue)-\(posterior.name)",
      "\(kernel.rawValue) on \(posterior.name), 4 chains of 1000 draws: the largest error of a mean in standard errors",
      unit: "MCSE", .atMost, must: 4, baselines: [], seconds: 2, seeds: 5
    ) { run in
      let json = Data(try FileBytes.read("\(run.data.folder)/posteriors/\(posterior.file)"))
      let density = try MarkovTargets.density(posterior.name, json: json)
      var settings = MarkovChainSettings()
      settings.seed = run.seed
      settings.thinning = kernel.thinning
      let result = try kernel.run(density, settings, run)
      let quantities = result.draws.summaries(reference: density.reference)
      let errors = quantities.compactMap { $0.meanError.map { abs($0) } }
      return [
        BarFigure("largest error", errors.max() ?? .infinity),
        BarFigure("largest R-hat (must be below 1.01)", quantities.map(\.rHat).max() ?? .infinity),
        BarFigure("least bulk ESS (must be 400)", quantities.map(\.bulkESS).min() ?? 0),
        BarFigure("divergences", Double(result.divergences.reduce(0, +))),
      ]
    }
  }

  private static let ising = Bar(
    "ising", "Gibbs on the 128 × 128 Ising lattice at β = 0.5: |m| off the exact .9113", unit: "", .atMost,
    must: 0.003, baselines: [], seconds: 3, seeds: 3
  ) { run in
    let draws = IsingLattice.draws(
      side: 128, beta: 0.5, chains: 1, warmUp: 500, draws: 5000, thinning: 1, seed: run.seed)
    let magnetisation = draws["magnetisation"]?.joined().map { abs($0) } ?? []
    let mean = magnetisation.reduce(0, +) / Double(max(magnetisation.count, 1))
    return [
      BarFigure("distance", abs(mean - IsingLattice.exactMagnetisation(beta: 0.5))),
      BarFigure("|m|", mean),
    ]
  }
}
