import Datasets
public import Generative
import Tensors

/// The control group against what others computed on the same files: these figures are to be met, and then to be beaten by everybody
/// else.
extension Bars {
  static let references: [Bar] = binary + wine + mnist + texts

  /// A member of the catalogue, fitted.
  private static func fitted(
    _ name: String, _ records: Records, _ settings: [String: String] = [:], seed: UInt64
  ) throws -> any TrainedModel {
    guard let entry = Catalogue.entry(named: name) else {
      throw FitError.unsuitable("the suite has no model \(name)")
    }
    return try entry.fit(records, FitOptions(seed: seed, settings: settings))
  }

  private static func likelihood(
    _ model: any TrainedModel, _ rows: Records, _ name: String
  ) throws -> BarFigure {
    guard let model = model as? any LikelihoodModel else {
      throw FitError.unsuitable("\(name) has no likelihood")
    }
    let report = LikelihoodReport(model, rows)
    return BarFigure(name, report.mean, standardError: report.standardError)
  }

  // MARK: bits and numbers

  private static let binary: [Bar] = [
    ("nltcs", "independent", -9.235, [:]), ("nltcs", "chow-liu", -6.765, [:]),
    ("nltcs", "bernoulli-mixture", -6.03, ["components": "32"]),
    ("dna", "independent", -100.4, [:]), ("dna", "chow-liu", -87.8, [:]),
    ("dna", "bernoulli-mixture", -98.2, ["components": "32"]),
  ].map { (data: String, model: String, must: Double, settings: [String: String]) in
    Bar(
      "\(model)-\(data)", "\(model), \(data), test log-likelihood per row", unit: "nats", .atLeast,
      must: must, baselines: [], seconds: 5
    ) { run in
      let model = try fitted(model, run.data.binary(data, .train), settings, seed: run.seed)
      return [try likelihood(model, run.data.binary(data, .test), "test log-likelihood")]
    }
  }

  private static let wine: [Bar] = [
    ("gaussian", -13.19, []), ("gaussian-mixture", -10.685, [Bar.Baseline("gaussian", -13.183)]),
  ].map { (model: String, must: Double, baselines: [Bar.Baseline]) in
    Bar(
      "\(model)-wine", "\(model), red wine z-scored, ten-fold log-likelihood per row", unit: "nats", .atLeast,
      must: must, baselines: baselines, seconds: 60
    ) { run in
      let records = try run.data.redWine()
      var random = RandomStream(seed: run.seed)
      let order = random.permutation(records.count)
      var values: [Double] = []
      for fold in 0..<10 {
        let test = order.indices.filter { $0 % 10 == fold }.map { order[$0] }
        let train = order.indices.filter { $0 % 10 != fold }.map { order[$0] }
        guard
          let model = try fitted(model, records.rows(train), seed: run.seed) as? any LikelihoodModel
        else { throw FitError.unsuitable("\(model) has no likelihood") }
        values += model.logLikelihoods(records.rows(test), samples: 1, seed: run.seed)
      }
      let report = LikelihoodReport(.exact, values, width: 11)
      return [BarFigure("log-likelihood", report.mean, standardError: report.standardError)]
    }
  }

  // MARK: pictures

  private static let mnist: [Bar] =
    [
      ("independent", -205.9, [:]), ("chow-liu", -135.1, [:]),
      ("bernoulli-mixture", -137.5, ["components": "100"]),
    ].map { (model: String, must: Double, settings: [String: String]) in
      Bar(
        "\(model)-mnist", "\(model), MNIST binarised, test log-likelihood per picture", unit: "nats",
        .atLeast, must: must, baselines: [], seconds: 120
      ) { run in
        let model = try fitted(
          model, run.data.mnist(.train).asProbabilities(), settings, seed: run.seed)
        let test = try run.data.mnist(.test).binarised(seed: run.seed)
        return [try likelihood(model, test, "test log-likelihood")]
      }
    }
    + [(8, 0.03744), (16, 0.02686), (32, 0.01683), (64, 0.00905)].map { (components: Int, must: Double) in
      Bar(
        "pca-\(components)-mnist", "\(components) principal components, MNIST grey, test error per pixel",
        unit: "squared error", .atMost, must: must + 5e-5, baselines: [Bar.Baseline("mean image", 0.06747)],
        seconds: 10
      ) { run in
        let test = try run.data.mnist(.test)
        let model = try fitted(
          "pca", run.data.mnist(.train), ["components": "\(components)"], seed: run.seed)
        guard let model = model as? any ReconstructingModel else {
          throw FitError.unsuitable("pca rebuilds nothing")
        }
        let error = zip(model.reconstruct(test), test.matrix.values).reduce(0.0) {
          $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1))
        }
        return [BarFigure("error per pixel", error / Double(test.matrix.values.count))]
      }
    }

  // MARK: texts

  private static let texts: [Bar] = [
    ("shakespeare", 1, 2.4857), ("shakespeare", 2, 2.0492), ("shakespeare", 3, 1.7738),
    ("shakespeare", 4, 1.6688), ("shakespeare", 5, 1.6981), ("names", 1, 2.4540),
  ].map { (text: String, order: Int, known: Double) in
    Bar(
      "ngram-\(order)-\(text)", "n-gram of order \(order), \(text).txt, nats per character", unit: "nats",
      .atMost, must: known + 0.002, baselines: [], seconds: 5
    ) { run in
      let characters = try run.data.text("\(text).txt").values
      // The last tenth is foretold; of the names, which are few, all of them.
      let cut = text == "names" ? characters.count : characters.count * 9 / 10
      let heldOut = text == "names" ? characters[...] : characters[cut...]
      let train = Records(text: characters[..<cut], length: textLength, overlap: 0)
      let test = Records(text: heldOut, length: textLength, overlap: order)
      let model = try fitted("ngram", train, ["order": "\(order)"], seed: run.seed)
      guard let model = model as? any AutoregressiveModel else {
        throw FitError.unsuitable("ngram foretells nothing")
      }
      // The first characters of a row are the last of the one before: only context.
      let conditionals = model.conditionals(of: test)
      let counted = conditionals.indices.filter { $0 < textLength || $0 % textLength >= order }
      let sum = counted.reduce(0.0) { $0 - Double(conditionals[$1]) }
      return [BarFigure("nats per character", sum / Double(counted.count))]
    }
  }

  private static let textLength = 1024
}

extension Records {
  /// A text as rows of symbols, each beginning with the last `overlap` of the row before; what does not fill a row is left out.
  public init(text: ArraySlice<Float>, length: Int, overlap: Int) {
    precondition(overlap < length && text.count >= length, "rows of \(length) from \(text.count) symbols")
    var values: [Float] = []
    var start = text.startIndex
    while start + length <= text.endIndex {
      values += text[start..<start + length]
      start += length - overlap
    }
    self.init(
      DataMatrix(rows: values.count / length, columns: length, values: values),
      form: RowForm(shape: [length], support: .real))
  }
}
