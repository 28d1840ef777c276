import ArgumentParser
import Control

/// Causes one fault in this process; started by the recording and the live demonstration.
struct CauseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cause", abstract: "Really causes one fault on this machine, for a bounded time.",
    shouldDisplay: false)
  @Argument(help: "Which: \(Cause.allCases.map(\.rawValue).joined(separator: ", ")).") var name: String
  @Option(help: "For how long, at most ten minutes.") var span: SpanArgument = SpanArgument(seconds: 20)
  @Option(help: "Where temporary files may be written.") var folder: String = "/var/tmp"

  func validate() throws {
    guard Cause(rawValue: name) != nil else { throw ValidationError("no cause \(name)") }
    guard span.seconds <= 1800 else { throw ValidationError("--span must be at most 30 minutes") }
  }

  func run() throws {
    try Cause(rawValue: name)?.run(seconds: span.seconds, folder: folder)
  }
}
