import ArgumentParser
import Control
import Foundation

struct LabelCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "label", abstract: "Say what an incident was; decides what is learned from it.",
    discussion: """
      true: a fault, never learned from. expected: odd but known why, not learned from. false-alarm: nothing was odd, \
      learned from with the next model. new-normal: it stays like this, learned from now.
      """)
  @Argument(help: "The incident's id.") var id: String
  @Argument(help: "What it was.") var verdict: Choice<Verdict>
  @Option(help: "Why, in a few words.") var cause: String = ""
  @Option(help: "Who says so; default: this user.") var by: String?
  @Flag(help: "Only say what it would do.") var preview = false
  @OptionGroup var common: CommonOptions

  func request() -> ControlRequest {
    .label(
      LabelOrder(
        id: id, verdict: verdict.value, cause: cause, by: by ?? ProcessInfo.processInfo.userName,
        preview: preview))
  }

  func text(_ reply: ControlReply, _ style: TextStyle, now: Double) throws -> String {
    try VerdictText.text(reply, self)
  }
}

struct UndoCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "undo", abstract: "Take the last verdict or forgetting back.")
  @Option(help: "Who says so; default: this user.") var by: String?
  @OptionGroup var common: CommonOptions

  func request() -> ControlRequest { .undo(by: by ?? ProcessInfo.processInfo.userName) }

  func text(_ reply: ControlReply, _ style: TextStyle, now: Double) throws -> String {
    try VerdictText.text(reply, self)
  }
}

struct ForgetCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget", abstract: "Take a window of a stream out of everything that is learned later.")
  @Argument(help: "The stream's name.") var stream: String
  @Option(
    help: ArgumentHelp("From when on: 1h (ago), RFC 3339, a date, seconds since 1970.", valueName: "moment"))
  var from: MomentArgument
  @Option(help: ArgumentHelp("Until when.", valueName: "moment")) var to: MomentArgument
  @Option(help: "Who says so; default: this user.") var by: String?
  @Flag(help: "Only say what it would do.") var preview = false
  @OptionGroup var common: CommonOptions

  func request() -> ControlRequest {
    let now = Date().timeIntervalSince1970
    return .forget(
      ForgetOrder(
        stream: stream, from: from.secondsSince1970(now: now), to: to.secondsSince1970(now: now),
        by: by ?? ProcessInfo.processInfo.userName, preview: preview))
  }

  func text(_ reply: ControlReply, _ style: TextStyle, now: Double) throws -> String {
    try VerdictText.text(reply, self)
  }
}

struct AuditCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "What people and programs asked for, newest first.")
  @Option(help: "At most so many.") var limit: Int = 100
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...10_000).contains(limit) else { throw ValidationError("--limit must be 1 to 10000") }
  }

  func request() -> ControlRequest { .audit(limit: limit) }

  func text(_ reply: ControlReply, _ style: TextStyle, now: Double) throws -> String {
    guard case .audit(let list) = reply else { throw unexpected(reply) }
    guard !list.entries.isEmpty else { return "nothing yet\n" }
    var table = TextTable([.init("time"), .init("command"), .init("arguments"), .init("outcome")])
    for entry in list.entries {
      table.append([
        .init(Readable.moment(entry.at)), .init(entry.command), .init(entry.arguments), .init(entry.outcome),
      ])
    }
    return table.rendered(style)
  }
}

enum VerdictText {
  static func text(_ reply: ControlReply, _ command: some ControlCommand) throws -> String {
    guard case .verdict(let report) = reply else { throw command.unexpected(reply) }
    return report.what.printable + (report.retrains && !report.preview ? "; a new model is asked for" : "")
      + "\n"
  }
}
