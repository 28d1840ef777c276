import Control
import Evaluation
import Generative

/// What `evaluate` found.
struct EvaluationReport: Encodable {
  /// One model on the rows.
  struct Entry: Encodable {
    struct Likelihood: Encodable {
      let kind: LikelihoodKind
      let mean: Double
      let standardError: Double
      let bitsPerDimension: Double
      var unit = "nats"
    }
    struct Mean: Encodable {
      let mean: Double
      let standardError: Double
      var unit: String
    }

    let name: String
    /// Nil for a model without one.
    let logLikelihood: Likelihood?
    /// Of a number of a row.
    let reconstruction: Mean?
    let score: Mean

    /// - Parameter seen: the rows as likelihoods want them.
    init(_ model: any TrainedModel, _ records: Records, seen: Records, samples: Int, seed: UInt64) {
      name = type(of: model).catalogueName
      logLikelihood = (model as? any LikelihoodModel).map { model in
        let report = LikelihoodReport(model, seen, samples: samples, seed: seed)
        return Likelihood(
          kind: report.kind, mean: report.mean, standardError: report.standardError,
          bitsPerDimension: report.bitsPerDimension)
      }
      reconstruction = (model as? any ReconstructingModel).map { model in
        let error = SquaredError(records, model.reconstruct(records))
        return Mean(mean: error.mean, standardError: error.standardError, unit: "squared error")
      }
      let (mean, standardError) = model.scores(records).map(Double.init).meanAndStandardError
      score = Mean(mean: mean, standardError: standardError, unit: model.scoreUnit.rawValue)
    }
  }

  var data: String
  var rows: Int
  /// Numbers in a row: the dimensions of bits per dimension.
  var width: Int
  var seed: UInt64
  var samples: Int
  /// Grey values were made bits.
  var isBinarised: Bool
  var model: Entry
  var references: [Entry] = []
  /// Nil without labels that say which rows are anomalies.
  var anomalies: AnomalyReport?

  var text: String {
    var table = TextTable([
      .init("model"), .init("log-likelihood, nats", .right), .init("±", .right), .init("kind"),
      .init("bits/dim", .right), .init("squared error", .right), .init("±", .right),
    ])
    for (place, entry) in ([model] + references).enumerated() {
      let likelihood = entry.logLikelihood
      table.append([
        .init(entry.name, place == 0 ? .strong : .plain), .init(Readable.number(likelihood?.mean)),
        .init(Readable.number(likelihood?.standardError)), .init(likelihood?.kind.rawValue ?? "–"),
        .init(Readable.number(likelihood?.bitsPerDimension)),
        .init(Readable.number(entry.reconstruction?.mean)),
        .init(Readable.number(entry.reconstruction?.standardError)),
      ])
    }
    var text =
      "\(Readable.count(rows)) rows of \(Readable.count(width)) numbers of \(data)\(isBinarised ? ", made bits" : "")\n"
      + table.rendered(Output.style)
    if let anomalies {
      text +=
        "anomalies: AUROC \(Readable.number(anomalies.auroc)) (\(anomalies.anomalies) of \(Readable.count(rows)) rows)\n"
    }
    if references.isEmpty { text += "give --train to have the suite's simple references beside it\n" }
    return text
  }
}

/// How well scores tell labelled anomalies from other rows.
struct AnomalyReport: Encodable {
  let anomalies: Int
  /// The share of pairs of an anomaly and another row in which the anomaly scores higher; ties count half.
  let auroc: Double

  /// Nil unless labels are 0 and 1 and both are there.
  init?(labels: [String]?, scores: [Float]) {
    guard let labels, Set(labels) == ["0", "1"], labels.count == scores.count else { return nil }
    let order = scores.indices.sorted { scores[$0] < scores[$1] }
    var ranks = 0.0
    var start = 0
    while start < order.count {
      var end = start
      while end < order.count, scores[order[end]] == scores[order[start]] { end += 1 }
      // All of a tie have the rank of its middle.
      let rank = Double(start + end + 1) / 2
      ranks += rank * Double(order[start..<end].count { labels[$0] == "1" })
      start = end
    }
    anomalies = labels.count { $0 == "1" }
    let positives = Double(anomalies)
    auroc =
      (ranks - positives * (positives + 1) / 2) / (positives * (Double(labels.count) - positives))
  }
}
