import ArgumentParser
import Control
import Datasets
import Generative

/// `anomalylab encode`.
struct EncodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode", abstract: "The code that a model gives each row of a file.",
    discussion: """
      Writes a row of numbers per row: .csv (with the column label where there are labels), .npy, or .svg for the first two \
      of them as points. A flow's code is its latent row.
      """)
  @Argument(help: "A model that fit wrote.") var model: String
  @Option(help: "Rows of the kind it was fitted to.") var data: String
  @Option(help: "Where the codes go.") var out: String
  @Option(help: ArgumentHelp("A label per row: a file, or a column.", valueName: "file|column")) var labels:
    String?

  func run() throws {
    let output = try SuiteOutput(out)
    let file = try ModelFile(model)
    guard let space = LatentSpace(file.model) else {
      throw file.lacking("has no codes", .encode.union(.invertible))
    }
    let input = try SuiteInput(data, labels: labels, vocabulary: file.reading.vocabulary)
    let (records, index) = try input.records(file.reading)
    let codes = space.codes(records)
    let width = codes.count / max(records.count, 1)
    var array = DataArray(
      shape: [records.count, width], values: codes, columns: (0..<width).map { "code\($0)" })
    let names = input.labels(at: index)
    if let names { array.texts["label"] = names }
    try output.write(array, groups: names)
  }
}
