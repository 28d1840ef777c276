import ArgumentParser
import Control
import Detection
import Foundation
import Pipeline

/// `anomalylab forecast`.
struct ForecastCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forecast",
    abstract: "How the columns of a recording will go on, with intervals, and when one reaches a limit.",
    discussion: """
      The file is as for `replay`. A sequence model is learned from the first three fifths of the rows and tried on the rest \
      beside the last value and the value one season ago; each column is foretold by what was best there.
      """)

  @Option(help: "CSV file with a header, plain or gzip.") var data: String
  @Option(help: "Only this column, step by step.") var field: String?
  @Option(help: "How far: a number of rows, or a span such as 1h. 60 rows when left out.") var horizon:
    String?
  @Option(help: "When the column reaches this value.") var limit: Double?
  @Option(help: "The member of the suite that foretells: gru or lstm.") var model = "gru"
  @Option(help: "The share of values that intervals are meant to hold, 0.5 to 0.99.") var coverage = 0.9
  @Option(help: "Seconds after which the fit ends with the best so far.") var timeLimit: SpanArgument?
  @Option(help: "Seed of everything random.") var seed: UInt64 = 1
  @Flag(help: "Print a JSON object.") var json = false

  private var query: ForecastQuery {
    let steps = horizon.flatMap { Int($0) }
    return ForecastQuery(
      stream: String(URL(filePath: data).lastPathComponent.prefix { $0 != "." }), field: field, steps: steps,
      seconds: steps == nil ? horizon.flatMap { Readable.seconds(ofSpan: $0) } : nil, limit: limit,
      model: model, coverage: coverage)
  }

  func validate() throws {
    if let horizon, query.steps == nil, query.seconds == nil {
      throw ValidationError("--horizon \(horizon): give a number of rows, or a span such as 1h")
    }
    do throws(Failure) {
      try query.check()
    } catch {
      throw ValidationError("\(error.why): \(error.remedy)")
    }
  }

  func run() throws {
    try ended {
      let table = try ReplayTable(file: data)
      if let field, !table.fields.contains(field) {
        throw Failure(
          .data, what: data, why: "has no column \(field)",
          remedy: "it has \(table.fields.joined(separator: ", "))")
      }
      let rows = table.rows(Array(0..<table.count))
      var settings = Forecaster.Settings()
      settings.model = model
      settings.coverage = coverage
      let report: ForecastReport
      do throws(Forecaster.Failure) {
        settings.horizon = try Forecaster.steps(query.steps, seconds: query.seconds, of: rows)
        let end = timeLimit.map { Date().timeIntervalSince1970 + $0.seconds }
        let forecaster = try Forecaster(learning: rows, settings: settings, seed: seed) {
          end.map { Date().timeIntervalSince1970 >= $0 } ?? false
        }
        if let field, !forecaster.fields.contains(field) { throw .unusable(field) }
        guard let forecast = forecaster.forecast(after: rows) else { throw .noUsableField }
        report = ForecastReport(
          forecast, by: forecaster, stream: query.stream, field: field, limit: limit)
      } catch {
        throw Failure(.data, what: data, why: "\(error)", remedy: "give more rows, or ask for less")
      }
      Output.write(json ? try ControlCoding.json(report) + "\n" : report.text(Output.style))
    }
  }
}
