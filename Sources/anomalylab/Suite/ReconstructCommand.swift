import ArgumentParser
import Control
import Datasets
import Generative

/// `anomalylab reconstruct`.
struct ReconstructCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reconstruct", abstract: "The rows of a file as a model gives them back.",
    discussion: """
      Written by the extension of --out: .csv, .npy, .idx, or .png for a grid of pictures, in which each row of the file is \
      followed by its reconstruction. What was missing is filled in.
      """)
  @Argument(help: "A model that fit wrote.") var model: String
  @Option(help: "Rows of the kind it was fitted to.") var data: String
  @Option(help: "Where the reconstructions go.") var out: String
  @Option(help: "At most so many rows, the first ones.") var count: Int?
  @Option(help: ArgumentHelp("A label per row: a file, or a column.", valueName: "file|column")) var labels:
    String?
  @Flag(help: "The error as JSON.") var json = false

  func validate() throws {
    if let count, count < 1 { throw ValidationError("--count must be 1 or more") }
  }

  private struct Result: Encodable {
    let rows: Int
    let meanSquaredError: Double
    let standardError: Double
  }

  func run() throws {
    let output = try SuiteOutput(out)
    let file = try ModelFile(model)
    guard let model = file.model as? any ReconstructingModel else {
      throw file.lacking("does not give rows back", .reconstruct)
    }
    var input = try SuiteInput(data, labels: labels, vocabulary: file.reading.vocabulary)
    if let count, file.reading.window == nil { input.keep(first: count) }
    let records = try input.records(file.reading).records
    let rebuilt = model.reconstruct(records)
    if DataFormat(path: out) == .png {
      // In pairs: as it is and as it comes back.
      let width = records.matrix.columns
      var pairs: [Float] = []
      pairs.reserveCapacity(2 * rebuilt.count)
      for row in 0..<records.count {
        let places = row * width..<(row + 1) * width
        pairs += records.matrix.values[places]
        pairs += rebuilt[places]
      }
      let across = 2 * max(1, Int(Double(records.count).squareRoot().rounded(.up)) / 2)
      try output.write(file.reading.array(pairs, count: 2 * records.count), columns: across)
    } else {
      try output.write(file.reading.array(rebuilt, count: records.count))
    }
    let error = SquaredError(records, rebuilt)
    let result = Result(
      rows: records.count, meanSquaredError: error.mean, standardError: error.standardError)
    Output.line(
      json
        ? try JSONLine.text(result)
        : "mean squared error of a number \(Readable.number(error.mean)) ± \(Readable.number(error.standardError)) "
          + "on \(Readable.count(records.count)) rows")
  }
}

/// The mean squared error of a number of a row, over the numbers that are there.
struct SquaredError {
  let mean: Double
  /// Of the mean, over the rows.
  let standardError: Double

  init(_ records: Records, _ rebuilt: [Float]) {
    let width = records.matrix.columns
    let errors = (0..<records.count).compactMap { row -> Double? in
      var (sum, count) = (0.0, 0)
      for place in row * width..<(row + 1) * width where records.matrix.mask?[place] != 0 {
        let difference = Double(records.matrix.values[place] - rebuilt[place])
        sum += difference * difference
        count += 1
      }
      return count > 0 ? sum / Double(count) : nil
    }
    (mean, standardError) = errors.meanAndStandardError
  }
}

extension [Double] {
  /// Of the mean; both NaN without numbers.
  var meanAndStandardError: (Double, Double) {
    guard !isEmpty else { return (.nan, .nan) }
    let mean = reduce(0, +) / Double(count)
    let variance = reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(Swift.max(count - 1, 1))
    return (mean, (variance / Double(count)).squareRoot())
  }
}
