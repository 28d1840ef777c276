import ArgumentParser
import Control
import Datasets
import Generative

/// `anomalylab score`.
struct ScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score", abstract: "How strange a model finds each row of a file.",
    discussion: """
      Writes index (of the row, from 0; of windows their last) and score (higher is stranger). Where the model has a \
      likelihood, also log_likelihood in nats and its kind: exact, lower_bound (the true one is at least this) or estimate.

      A likelihood can be greater for rows from elsewhere than for usual ones. With --usual, usual rows that the model was not \
      fitted to, there is typicality: how far a row's log-likelihood is from their mean, nats (Nalisnick et al. 2019). With \
      --background, a model fitted to rows that keep less of what matters (see `fit --exchange`), there is likelihood_ratio: the \
      log-likelihood less that by the background, nats (Ren et al. 2019); smaller is stranger.
      """)
  @Argument(help: "A model that fit wrote.") var model: String
  @Option(help: "Rows of the kind it was fitted to.") var data: String
  @Option(help: ArgumentHelp("Where the scores go.", valueName: "file.csv")) var out: String
  @Option(help: ArgumentHelp("A label per row: a file, or a column.", valueName: "file|column")) var labels:
    String?
  @Option(help: "Usual rows, of the kind it was fitted to: adds typicality.") var usual: String?
  @Option(help: ArgumentHelp("A model of background: adds likelihood_ratio.", valueName: "model"))
  var background: String?
  @Option(help: "Draws per row where the likelihood is a bound or an estimate.") var samples = 16
  @Option(help: "Seed of everything random.") var seed: UInt64 = 1

  func validate() throws {
    guard (1...1_000_000).contains(samples) else {
      throw ValidationError("--samples must be from 1 to 1000000")
    }
    guard DataFormat(path: out) == .csv else { throw ValidationError("--out must end with .csv or .csv.gz") }
  }

  func run() throws {
    try SuiteOutput.check(out)
    let file = try ModelFile(model)
    let reading = file.reading
    let input = try SuiteInput(data, labels: labels, vocabulary: reading.vocabulary)
    let (records, index) = try input.records(reading)
    let scores = file.model.scores(records)
    var columns = [Column(name: "score", cells: scores.map { "\($0)" })]
    if let model = file.model as? any LikelihoodModel {
      let likelihoods = try likelihoods(file, records)
      columns.append(Column(name: "log_likelihood", cells: likelihoods.map { "\($0)" }))
      columns.append(
        Column(name: "kind", cells: likelihoods.map { _ in model.likelihoodKind.rawValue }))
      if let usual {
        let (rows, _) = try SuiteInput(usual, labels: nil, vocabulary: reading.vocabulary).records(reading)
        let known = try self.likelihoods(file, rows)
        let mean = known.reduce(0, +) / Double(max(1, known.count))
        columns.append(Column(name: "typicality", cells: likelihoods.map { "\(abs($0 - mean))" }))
      }
      if let background {
        let other = try self.likelihoods(try ModelFile(background), records)
        columns.append(
          Column(name: "likelihood_ratio", cells: zip(likelihoods, other).map { "\($0 - $1)" }))
      }
    } else if usual != nil || background != nil {
      throw file.lacking("has no likelihood", .likelihood)
    }
    var text = (["index"] + columns.map(\.name)).joined(separator: ",") + "\n"
    for row in 0..<records.count {
      text += (["\(index[row])"] + columns.map { $0.cells[row] }).joined(separator: ",") + "\n"
    }
    do throws(DataError) { try FileBytes.write(Array(text.utf8), to: out) } catch { throw Failure(error) }
  }
}

extension ScoreCommand {
  private struct Column {
    var name: String
    var cells: [String]
  }

  /// Of each row, nats.
  private func likelihoods(_ file: ModelFile, _ records: Records) throws -> [Double] {
    guard let model = file.model as? any LikelihoodModel else {
      throw file.lacking("has no likelihood", .likelihood)
    }
    guard file.model.width == records.matrix.columns else {
      throw Failure(
        .data, what: "--background",
        why: "it was fitted to rows of \(file.model.width) numbers, these have \(records.matrix.columns)",
        remedy: "fit it to rows of the same kind")
    }
    return model.logLikelihoods(
      file.asSeen(records, by: file.model, seed: seed), samples: samples, seed: seed)
  }
}

extension TrainedModel {
  /// The strangeness of each row.
  func scores(_ records: Records) -> [Float] {
    var raw = [Float](repeating: 0, count: records.count)
    var scratch = Scratch()
    score(
      records.matrix.values, mask: records.matrix.mask, rows: records.count, into: &raw, scratch: &scratch)
    return raw
  }
}
