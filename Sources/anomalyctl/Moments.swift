import ArgumentParser
import Control
import Foundation

/// A span of time as written on a command line: `90s`, `15m`, `2h`, `1h30m`, `3d`, `1w`, or plain seconds.
struct SpanArgument: ExpressibleByArgument, Equatable {
  let seconds: Double

  init(seconds: Double) { self.seconds = seconds }

  init?(argument: String) {
    guard let seconds = Readable.seconds(ofSpan: argument) else { return nil }
    self.seconds = seconds
  }
}

/// A moment as written on a command line: a span before now (`1h`), RFC 3339, a date, or seconds since 1970 (`@…`).
struct MomentArgument: ExpressibleByArgument, Equatable {
  enum Form: Equatable {
    case ago(seconds: Double)
    case at(secondsSince1970: Double)
  }
  let form: Form

  init?(argument: String) {
    if argument.hasPrefix("@"), let seconds = Double(argument.dropFirst()), seconds.isFinite {
      form = .at(secondsSince1970: seconds)
    } else if let span = SpanArgument(argument: argument), span.seconds < 1e9 {
      form = .ago(seconds: span.seconds)
    } else if let seconds = Double(argument), seconds.isFinite {
      form = .at(secondsSince1970: seconds)
    } else {
      let whole = argument.count == 10 ? argument + "T00:00:00Z" : argument
      let styles: [Date.ISO8601FormatStyle] = [
        .iso8601, .iso8601.year().month().day().time(includingFractionalSeconds: true),
      ]
      guard let date = styles.lazy.compactMap({ try? Date(whole, strategy: $0) }).first else { return nil }
      form = .at(secondsSince1970: date.timeIntervalSince1970)
    }
  }

  func secondsSince1970(now: Double) -> Double {
    switch form {
    case .ago(let seconds): now - seconds
    case .at(let moment): moment
    }
  }
}
