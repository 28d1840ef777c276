import ArgumentParser
import Control
import Datasets
import Evaluation
import Foundation
import Generative

/// `anomalylab evaluate`.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "How good a model is on rows it has not seen, beside simple ones.",
    discussion: """
      Log-likelihoods are in nats per row, with the standard error of their mean and as bits per dimension; exact, lower_bound \
      (the true one is at least this) or estimate. With --train the simple references of the suite are fitted to those rows \
      and stand beside the model. Of a file with the column split the rows split=test (of --train: split=train) count. Grey \
      values are made bits, once, by seed, for a model that sees bits.
      """)
  @Argument(help: "A model that fit wrote.") var model: String
  @Option(help: "Rows that the model has not seen.") var data: String
  @Option(help: "The rows that it was fitted to: for the references.") var train: String?
  @Option(help: ArgumentHelp("Where the report goes.", valueName: "file.json")) var out: String?
  @Option(help: ArgumentHelp("A label per row: a file, or a column.", valueName: "file|column")) var labels:
    String?
  @Option(help: "Draws per row where the likelihood is a bound or an estimate.") var samples = 50
  @Option(help: "At most so many rows, the first ones.") var rows: Int?
  @Option(help: "Seed of everything random.") var seed: UInt64 = 1
  @Flag(help: "The report as JSON on standard output.") var json = false

  func validate() throws {
    guard (1...1_000_000).contains(samples) else {
      throw ValidationError("--samples must be from 1 to 1000000")
    }
    if let rows, rows < 2 { throw ValidationError("--rows must be 2 or more") }
  }

  func run() throws {
    if let out { try SuiteOutput.check(out) }
    let file = try ModelFile(model)
    var input = try SuiteInput(data, labels: labels, part: .test, vocabulary: file.reading.vocabulary)
    if let rows { input.keep(first: rows) }
    // Each number counts once.
    let (records, index) = try input.records(file.reading, step: file.reading.window ?? 1)
    let bits = file.asSeen(records, by: file.model, seed: seed)
    var report = EvaluationReport(
      data: data, rows: records.count, width: records.matrix.columns, seed: seed, samples: samples,
      isBinarised: bits != records,
      model: EvaluationReport.Entry(file.model, records, seen: bits, samples: samples, seed: seed))
    report.anomalies = AnomalyReport(
      labels: input.labels(at: index), scores: file.model.scores(records))
    if let train { report.references = try references(train, file, bits, isBinarised: bits != records) }
    let text = try JSONLine.indented(report)
    if let out {
      do throws(DataError) { try FileBytes.write(Swift.Array((text + "\n").utf8), to: out) } catch {
        throw Failure(error)
      }
    }
    Output.write(json ? text + "\n" : report.text)
  }

  /// The control group, as far as it suits the rows.
  private func references(
    _ path: String, _ file: ModelFile, _ records: Records, isBinarised: Bool
  ) throws(Failure) -> [EvaluationReport.Entry] {
    let input = try SuiteInput(path, part: .train, vocabulary: file.reading.vocabulary)
    var train = try input.records(file.reading, step: file.reading.learningStep).records
    // Grey values that stand for bits stand for them here too.
    if isBinarised { train = train.asProbabilities() }
    let bar = ProgressLine(title: "references")
    defer { bar.clear() }
    let entries = Catalogue.all.filter { $0.family == "references" && $0.name != file.entry.name }
    var found: [EvaluationReport.Entry] = []
    for (place, entry) in entries.enumerated() {
      bar.show(place * 4096, entries.count * 4096)
      do throws(FitError) {
        let model = try entry.fit(train, FitOptions(seed: seed))
        // Bits and densities of grey values have nothing in common.
        guard isBinarised || file.asSeen(records, by: model, seed: seed) == records else { continue }
        found.append(
          EvaluationReport.Entry(model, records, seen: records, samples: samples, seed: seed))
      } catch {
        switch error {
        // Not every reference suits all rows.
        case .unsuitable, .notEnoughRows: continue
        default: throw Failure(error, model: entry.name, data: path)
        }
      }
    }
    return found
  }
}
