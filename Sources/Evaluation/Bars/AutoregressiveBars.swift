import Generative
import Networks

extension Bars {
  /// Autoregressive members on digits made bits by chance, on the same at half the size, and on dna.
  static let autoregressive: [Bar] =
    [made, nade, pixelCNN] + ["pixelrnn-row", "pixelrnn-diagonal"].map(halfSize) + [dna("made"), dna("nade")]

  /// Of all: the mean of the weights is the model, no early end, and nearly all rows are learned from.
  private static let common = ["heldOut": "0.02", "patience": "0", "average": "0.999"]

  private static let mnistBaselines = [
    Bar.Baseline("Chow-Liu tree", 134.88), Bar.Baseline("mixture of 100 Bernoullis", 137.44),
    Bar.Baseline("independent bits", 205.80),
  ]

  private static let made = mnist(
    "made", ["hidden": "500", "batch": "100"], epochs: 20, must: 98, stretch: 94.5, seconds: 700)
  private static let nade = mnist(
    "nade", ["hidden": "500", "batch": "100"], epochs: 20, must: 95, stretch: 88.4, seconds: 900)
  private static let pixelCNN = mnist(
    "pixelcnn", ["channels": "24", "layers": "7", "batch": "16", "rate": "0.002"], epochs: 4, must: 92,
    stretch: 85, seconds: 2400)

  private static func mnist(
    _ model: String, _ settings: [String: String], epochs: Int, must: Double, stretch: Double,
    seconds: Double
  ) -> Bar {
    Bar(
      "\(model)-mnist", "\(model) on MNIST binarised by chance: test negative log-likelihood", unit: "nats",
      .atMost, must: must, stretch: stretch, baselines: mnistBaselines, seconds: seconds
    ) { run in
      let model = try fitted(model, run.data.mnist(.train).asProbabilities(), settings, epochs: epochs, run)
      return [figure(model, try run.data.mnist(.test).binarised(seed: 1))]
    }
  }

  /// Digits of 14 × 14: a PixelRNN against a MADE, and a gated PixelCNN, in the same run.
  private static func halfSize(_ name: String) -> Bar {
    Bar(
      "\(name)-mnist14",
      "\(name) on MNIST at 14 × 14 binarised by chance: test negative log-likelihood less that of a MADE",
      unit: "nats", .atMost, must: 0, baselines: [], seconds: 900
    ) { run in
      let train = try run.data.mnist(.train).halved().asProbabilities()
      let test = try run.data.mnist(.test).halved().binarised(seed: 1)
      let pixels = ["batch": "16", "rate": "0.003"]
      let own = figure(try fitted(name, train, pixels, epochs: 3, run), test)
      let made = figure(
        try fitted("made", train, ["hidden": "500", "batch": "100"], epochs: 10, run), test, "MADE")
      let convolutional = figure(try fitted("pixelcnn", train, pixels, epochs: 3, run), test, "PixelCNN")
      return [BarFigure("beyond MADE", own.value - made.value), own, made, convolutional]
    }
  }

  private static func dna(_ model: String) -> Bar {
    let settings =
      model == "made"
      ? ["hidden": "100", "batch": "32", "decay": "0.3"]
      : ["hidden": "32", "batch": "32", "rate": "0.003", "decay": "0.05"]
    return Bar(
      "\(model)-dna", "\(model) on dna: test log-likelihood", unit: "nats", .atLeast, must: -86, stretch: -80,
      baselines: [
        Bar.Baseline("Chow-Liu tree", -87.70), Bar.Baseline("mixture of 32 Bernoullis", -98.2),
        Bar.Baseline("independent bits", -100.39),
      ], seconds: 5, seeds: 5
    ) { run in
      // Few rows: those held out decide what is kept.
      let rows = try run.data.binary("dna", .train)
      let own = ["patience": "10", "average": "0", "heldOut": "0.1"].merging(settings) { $1 }
      let nats = figure(try fitted(model, rows, own, epochs: nil, run), try run.data.binary("dna", .test))
      return [BarFigure("log-likelihood", -nats.value, standardError: nats.standardError)]
    }
  }

  private static func figure(
    _ model: any LikelihoodModel, _ test: Records, _ name: String = "negative log-likelihood"
  ) -> BarFigure {
    let report = LikelihoodReport(model, test)
    return BarFigure(name, -report.mean, standardError: report.standardError)
  }

  private static func fitted(
    _ name: String, _ rows: Records, _ settings: [String: String], epochs: Int?, _ run: BarRun
  ) throws -> any LikelihoodModel {
    try run.fittedDensity(
      name, rows,
      FitOptions(seed: run.seed, settings: common.merging(settings) { $1 }, epochs: epochs))
  }
}
