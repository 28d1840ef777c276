import Generative
import Networks

extension Bars {
  static let latent: [Bar] = [
    Bar(
      "linear-autoencoder-mnist", "linear autoencoder, MNIST, 32 codes, test error per pixel", unit: "MSE",
      .atMost, must: 0.0172, stretch: 0.0169, baselines: principalComponents, seconds: 120
    ) { run in
      let settings = ["activation": "linear", "code": "32", "corruption": "0", "patience": "30"]
      return try reconstruction(run, "autoencoder", settings, epochs: 150)
    },
    Bar(
      "deep-autoencoder-mnist", "deep autoencoder, MNIST, 32 codes, test error per pixel", unit: "MSE",
      .atMost, must: 0.0120, stretch: 0.00905, baselines: principalComponents, seconds: 240
    ) { run in
      let settings = ["code": "32", "corruption": "0", "batch": "100"]
      return try reconstruction(run, "autoencoder", settings, epochs: 150)
    },
    Bar(
      "convolutional-autoencoder-mnist", "convolutional autoencoder, MNIST, 32 codes, test error per pixel",
      unit: "MSE", .atMost, must: 0.0120, stretch: 0.00905, baselines: principalComponents, seconds: 300
    ) { run in try reconstruction(run, "convolutional-autoencoder", ["code": "32"], epochs: 10) },
    Bar(
      "vae-mnist", "VAE, MNIST binarised, evidence lower bound of test rows after 10 epochs", unit: "nats",
      .atMost, must: 112, baselines: densities, seconds: 120
    ) { run in try bound(run, epochs: 10, samples: 1, rows: 10_000) },
    Bar(
      "iwae-mnist", "VAE, MNIST binarised, importance-weighted bound of test rows with 500 draws",
      unit: "nats", .atMost, must: 105, stretch: 100, baselines: densities, seconds: 500
    ) { run in try bound(run, epochs: 40, samples: 500, rows: 1000) },
  ]

  private static let principalComponents = [
    Bar.Baseline("PCA 64", 0.00905), Bar.Baseline("PCA 32", 0.01683), Bar.Baseline("PCA 16", 0.02686),
    Bar.Baseline("mean image", 0.06747),
  ]
  private static let densities = [
    Bar.Baseline("Chow-Liu tree", 134.88), Bar.Baseline("mixture of 100 Bernoullis", 137.44),
    Bar.Baseline("independent Bernoulli", 205.80),
  ]

  private static func reconstruction(
    _ run: BarRun, _ member: String, _ settings: [String: String], epochs: Int
  ) throws -> [BarFigure] {
    let model = try run.fitted(
      member, run.data.mnist(.train), FitOptions(seed: run.seed, settings: settings, epochs: epochs))
    guard let rebuilder = model as? any ReconstructingModel else { return [] }
    let test = try run.data.mnist(.test)
    let (given, rebuilt) = (test.matrix.values, rebuilder.reconstruct(test))
    let width = test.matrix.columns
    let errors = (0..<test.count).map { row in
      (row * width..<(row + 1) * width).reduce(0.0) {
        $0 + Double((given[$1] - rebuilt[$1]) * (given[$1] - rebuilt[$1])) / Double(width)
      }
    }
    let report = LikelihoodReport(.exact, errors, width: width)
    return [BarFigure("test MSE per pixel", report.mean, standardError: report.standardError)]
  }

  /// The negative bound, nats, of so many test rows from all over.
  private static func bound(_ run: BarRun, epochs: Int, samples: Int, rows: Int) throws -> [BarFigure] {
    let train = try run.data.mnist(.train).asProbabilities()
    let model = try run.fitted("vae", train, FitOptions(seed: run.seed, epochs: epochs))
    guard let likelihood = model as? any LikelihoodModel else { return [] }
    let all = try run.data.mnist(.test).binarised(seed: 1)
    let width = all.matrix.columns
    let chosen = stride(from: 0, to: all.count, by: all.count / rows)
    let values = chosen.flatMap { all.matrix.values[$0 * width..<($0 + 1) * width] }
    let test = Records(DataMatrix(rows: values.count / width, columns: width, values: values), form: all.form)
    func figure(_ name: String, _ samples: Int) -> BarFigure {
      let report = LikelihoodReport(likelihood, test, samples: samples, seed: run.seed)
      return BarFigure(name, -report.mean, standardError: report.standardError)
    }
    var figures = [figure(samples > 1 ? "IWAE-\(samples)" : "ELBO", samples)]
    if samples > 1 { figures.append(figure("ELBO", 1)) }
    return figures
  }
}
