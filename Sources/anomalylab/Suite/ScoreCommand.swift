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
      """)
  @Argument(help: "A model that fit wrote.") var model: String
  @Option(help: "Rows of the kind it was fitted to.") var data: String
  @Option(help: ArgumentHelp("Where the scores go.", valueName: "file.csv")) var out: String
  @Option(help: ArgumentHelp("A label per row: a file, or a column.", valueName: "file|column")) var labels:
    String?
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
    var text = "index,score"
    var likelihoods: [Double] = []
    var kind = ""
    if let model = file.model as? any LikelihoodModel {
      likelihoods = model.logLikelihoods(
        file.asSeen(records, by: file.model, seed: seed), samples: samples, seed: seed)
      kind = model.likelihoodKind.rawValue
      text += ",log_likelihood,kind"
    }
    text += "\n"
    for row in 0..<records.count {
      text += "\(index[row]),\(scores[row])"
      if !likelihoods.isEmpty { text += ",\(likelihoods[row]),\(kind)" }
      text += "\n"
    }
    do throws(DataError) { try FileBytes.write(Array(text.utf8), to: out) } catch { throw Failure(error) }
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
