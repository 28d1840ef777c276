import ArgumentParser
import Control
import Datasets
import Foundation
import Messaging

/// `anomalylab`: the workbench that needs no daemon.
@main struct Program {
  static func main() {
    do {
      var command = try Anomalylab.parseAsRoot()
      try command.run()
    } catch {
      Interruption.standAside()
      report(error)
    }
  }

  private static func report(_ error: any Error) -> Never {
    switch error {
    case let failure as Failure:
      fail(failure.description, failure.kind.exitCode)
    case let error as MessagingError:
      let isMistake = error.reason == .badEndpoint || error.reason == .transportNotSupported
      fail(error.description, isMistake ? 64 : 69)
    default:
      end(error)
    }
  }

  /// Help goes to standard output; a usage mistake is one line on standard error.
  private static func end(_ error: any Error) -> Never {
    let code = Anomalylab.exitCode(for: error)
    let message = Anomalylab.message(for: error).split(separator: "\n").joined(separator: " ")
    switch code {
    case .success: Anomalylab.exit(withError: error)
    case .validationFailure: fail("usage: \(message): see anomalylab --help", 64)
    default:
      if let given = error as? ExitCode { exit(given.rawValue) }
      fail(message, 70)
    }
  }

  private static func fail(_ line: String, _ code: Int32) -> Never {
    FileHandle.standardError.write(Data("anomalylab: \(line.printable)\n".utf8))
    exit(code)
  }
}

struct Anomalylab: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "anomalylab",
    abstract: "Fits models and looks at them, records, publishes, replays and measures; needs no daemon.",
    discussion:
      "Exit codes are those of sysexits(3): 64 usage, 65 bad data, 66 no such file, 69 unavailable.",
    version: Release.version,
    subcommands: [
      ModelsCommand.self, FitCommand.self, SampleCommand.self, ScoreCommand.self, EncodeCommand.self,
      ReconstructCommand.self, EvaluateCommand.self, InspectCommand.self, McmcCommand.self,
      Replay.self, BacktestCommand.self, ForecastCommand.self, RecordCommand.self, RecordFaultsCommand.self,
      PublishCommand.self,
      SubscribeCommand.self, DemoCommand.self, SoakCommand.self, BenchCommand.self, CauseCommand.self,
      BenchPublishCommand.self, ManualCommand.self,
    ])
}

extension Failure {
  /// What is wrong with a data file, with the exit code that belongs to it.
  init(_ error: DataError) {
    let kind: Kind =
      switch error.kind {
      case .data: .data
      case .input: .input
      case .output: .output
      case .io: .io
      }
    self.init(kind, what: error.what, why: error.why, remedy: error.remedy)
  }
}

/// A span of time as written on a command line: `90s`, `15m`, `1h30m`.
struct SpanArgument: ExpressibleByArgument {
  let seconds: Double
  init(seconds: Double) { self.seconds = seconds }
  init?(argument: String) {
    guard let seconds = Readable.seconds(ofSpan: argument) else { return nil }
    self.seconds = seconds
  }
}

/// Standard output.
enum Output {
  /// With colour only on a terminal, and not when NO_COLOR asks for none (no-color.org).
  static let style: TextStyle = {
    let environment = ProcessInfo.processInfo.environment
    let isUnwanted = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
    let isTerminal = isatty(STDOUT_FILENO) == 1
    return TextStyle(isColoured: isTerminal && !isUnwanted && environment["TERM"] != "dumb")
  }()

  static func write(_ text: String) {
    do {
      try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    } catch {
      // Whoever read has left (`| head`): there is nobody to write to.
      exit(0)
    }
  }

  static func line(_ text: String) { write(text + "\n") }
}
