import Foundation
import Generative
import Networks
import Tensors

extension Bars {
  /// Flows on densities of two columns, and on the wines.
  public static let flows: [Bar] = toys + [redWine]

  // MARK: densities of two columns

  /// How a member is fitted to a density of two columns: small networks, all of 50,000 rows, a rate that falls to 0.
  private struct Recipe: Sendable {
    let model: String
    let settings: [String: String]
    /// About how long it takes on one core.
    let seconds: Double
  }

  private static let common = ["batch": "256", "rate": "0.002", "patience": "0", "heldOut": "0.02"]
  private static let affine = ["layers": "12", "hidden": "64", "depth": "3", "bound": "2"]
  private static let splines = ["layers": "4", "hidden": "64", "depth": "2", "bins": "16", "tail": "3"]

  private static func recipe(_ model: String, on density: ToyDensity) -> Recipe {
    switch model {
    case "nice":
      // A flow of shifts keeps the volume of every level of density: a uniform density wants a flat prior.
      let prior = density == .checkerboard ? "flat" : "gaussian"
      return Recipe(
        model: model,
        settings: [
          "layers": "24", "hidden": "64", "depth": "3", "noise": "0", "prior": prior, "epochs": "50",
        ], seconds: 120)
    case "nsf-coupling", "nsf-autoregressive":
      return Recipe(
        model: model, settings: splines.merging(["epochs": "25"]) { $1 }, seconds: 90)
    default:
      return Recipe(model: model, settings: affine.merging(["epochs": "60"]) { $1 }, seconds: 60)
    }
  }

  private static let toys: [Bar] = [
    "nice", "realnvp", "glow", "maf", "iaf", "nsf-coupling", "nsf-autoregressive",
  ]
  .flatMap { model in [ToyDensity.eightGaussians, .checkerboard].map { toy(model, on: $0) } }

  private static func toy(_ model: String, on density: ToyDensity) -> Bar {
    let isSpline = model.hasPrefix("nsf")
    let allowed = density == .checkerboard ? (isSpline ? 0.10 : 0.25) : (isSpline ? 0.05 : 0.10)
    let wished = density == .checkerboard ? 0.05 : 0.02
    let recipe = recipe(model, on: density)
    return Bar(
      "\(model)-\(density.rawValue)", "\(model) on \(density.rawValue): test negative log-likelihood",
      unit: "nats", .atMost, must: density.entropy + allowed, stretch: density.entropy + wished,
      baselines: [Bar.Baseline("entropy", density.entropy)], seconds: recipe.seconds, seeds: 5
    ) { run in
      let options = FitOptions(seed: run.seed, settings: common.merging(recipe.settings) { $1 })
      let model = try run.fittedDensity(recipe.model, density.rows(50_000, seed: run.seed), options)
      let report = LikelihoodReport(model, density.rows(20_000, seed: 1_000_000 + run.seed))
      return [BarFigure("negative log-likelihood", -report.mean, standardError: report.standardError)]
    }
  }

  // MARK: wines

  /// The measurements are rounded and some rows occur twice, so a density can gain where no continuous truth would let it.
  ///
  /// Ten folds; in each the mean density of a few fits with different seeds, itself a density, of rows that none of them saw.
  private static let redWine = Bar(
    "flow-red-wine", "maf, mean density of 5, on red wine z-scored, 10-fold: log-likelihood",
    unit: "nats",
    .atLeast, must: -10.7, stretch: -9.9,
    baselines: [Bar.Baseline("Gaussian mixture", -10.685), Bar.Baseline("full Gaussian", -13.183)],
    seconds: 90
  ) { run in
    let settings = [
      "layers": "5", "hidden": "48", "depth": "1", "dropout": "0.1", "noise": "0.05", "rate": "0.003",
      "epochs": "200", "patience": "10", "decay": "0.01",
    ]
    return try wines("maf", settings, members: 5, run)
  }

  /// The mean log-likelihood of each row by the mean density of members that were fitted without its fold; beside it that of
  /// single members.
  public static func wines(
    _ model: String, _ settings: [String: String], members: Int, folds: Int = 10, _ run: BarRun
  ) throws -> [BarFigure] {
    let wines = try run.data.redWine()
    var random = RandomStream(seed: run.seed, stream: 0x666f)
    let order = random.permutation(wines.count)
    var together: [Double] = []
    var single: [Double] = []
    for fold in 0..<folds {
      let test = wines.rows(order.indices.filter { $0 % folds == fold }.map { order[$0] })
      let training = wines.rows(order.indices.filter { $0 % folds != fold }.map { order[$0] })
      let each = try (0..<members).map { member in
        let options = FitOptions(seed: run.seed * 1000 + UInt64(member), settings: settings)
        return try run.fittedDensity(model, training, options).logLikelihoods(
          test, samples: 1, seed: run.seed)
      }
      single += each.flatMap { $0 }
      for row in 0..<test.count {
        let values = each.map { $0[row] }
        let most = values.max() ?? 0
        together.append(most + log(values.reduce(0) { $0 + exp($1 - most) } / Double(members)))
      }
      run.note("fold \(fold): \(together.reduce(0, +) / Double(together.count)) so far")
    }
    let report = LikelihoodReport(.exact, together, width: wines.matrix.columns)
    return [
      BarFigure("log-likelihood", report.mean, standardError: report.standardError),
      BarFigure("of single members", single.reduce(0, +) / Double(single.count)),
    ]
  }
}
