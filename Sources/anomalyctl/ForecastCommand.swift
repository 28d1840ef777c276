import ArgumentParser
import Control
import Foundation

struct ForecastCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "forecast",
    abstract: "How the fields of a stream will go on, with intervals, and when one reaches a limit.",
    discussion: """
      A sequence model of the suite is learned from the stream's kept rows when somebody asks (a few seconds; it is kept for \
      the next time), and tried on rows that it was not fitted to, beside the last value and the value one season ago. Each \
      field is foretold by what was best there. Intervals come from the errors made there, for each step by itself.
      """)
  @Argument(help: "The stream's name.") var stream: String
  @Option(help: "Only this field, step by step.") var field: String?
  @Option(help: "How far: a number of events, or a span such as 1h. 60 events when left out.")
  var horizon: HorizonArgument?
  @Option(help: "When the field reaches this value.") var limit: Double?
  @Option(help: "The member of the suite that foretells: gru or lstm.") var model: String?
  @Option(help: "The share of values that intervals are meant to hold, 0.5 to 0.99.") var coverage = 0.9
  @OptionGroup var common: CommonOptions

  func validate() throws {
    do throws(Failure) {
      try query.check()
    } catch {
      throw ValidationError("\(error.why): \(error.remedy)")
    }
  }

  private var query: ForecastQuery {
    ForecastQuery(
      stream: stream, field: field, steps: horizon?.steps, seconds: horizon?.seconds, limit: limit,
      model: model, coverage: coverage)
  }

  func request() -> ControlRequest { .forecast(query) }

  func text(_ reply: ControlReply, _ style: TextStyle, now: Double) throws -> String {
    guard case .forecast(let report) = reply else { throw unexpected(reply) }
    return report.text(style)
  }
}

/// How far ahead: a plain number counts events, anything else is a span of time.
struct HorizonArgument: ExpressibleByArgument, Equatable {
  var steps: Int?
  var seconds: Double?

  init?(argument: String) {
    steps = Int(argument)
    if steps == nil {
      guard let span = Readable.seconds(ofSpan: argument) else { return nil }
      seconds = span
    }
  }
}
