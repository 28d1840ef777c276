import ArgumentParser
import Control
import Foundation

struct ReloadCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "reload", abstract: "Read the config file again: applied as a whole, or refused as a whole.")
  @OptionGroup var common: CommonOptions

  func request() -> ControlRequest { .reload }
}

struct CheckCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract:
      "Is this a valid config? Every mistake, as file:line:column; else what a reload of it would do.",
    discussion: "Asks the running daemon; without one, `anomalyd --check --config FILE` says the same.")
  @Argument(help: "The config file.") var file: String
  @OptionGroup var common: CommonOptions

  func request() throws -> ControlRequest {
    guard FileManager.default.fileExists(atPath: file) else {
      throw Failure(.input, what: file, why: "no such file", remedy: "give the path of a config file")
    }
    guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
      throw Failure(
        .input, what: file, why: "cannot be read as UTF-8 text", remedy: "check its rights and what it is")
    }
    return .check(file: file, text: text)
  }

  func run() throws {
    let request = try request()
    let reply: ControlReply
    do {
      reply = try common.client().ask(request)
    } catch {
      guard error.kind == .unavailable else { throw error }
      throw Failure(
        .unavailable, what: error.what, why: error.why,
        remedy: error.remedy + "; or run `anomalyd --check --config \(file)`")
    }
    guard case .check(let report) = reply else { throw unexpected(reply) }
    if common.json {
      Output.write(try ControlCoding.json(report) + "\n")
    } else if report.isValid {
      let effect = report.effect?.lines ?? []
      Output.write("\(file.printable) is valid\n" + effect.map { "  \($0.printable)\n" }.joined())
    } else {
      Output.write(report.problems.map { $0.printable + "\n" }.joined())
    }
    if !report.isValid { throw ExitCode(78) }
  }
}

struct DoctorCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Is everything in order, and if not, what to do. Exit code 69 when something fails.")
  @OptionGroup var common: CommonOptions

  func request() -> ControlRequest { .doctor }

  func text(_ reply: ControlReply, _ style: TextStyle, now: Double) throws -> String {
    guard case .doctor(let report) = reply else { throw unexpected(reply) }
    var text = ""
    for check in report.checks {
      let (tone, word): (TextStyle.Tone, String) =
        switch check.finding {
        case .ok: (.good, "ok  ")
        case .warn: (.notice, "warn")
        case .fail: (.bad, "FAIL")
        }
      text += "\(style(tone, word))  \(style(.strong, check.name.printable)): \(check.why.printable)\n"
      if !check.remedy.isEmpty { text += "      → \(check.remedy.printable)\n" }
    }
    let count = report.checks.count { $0.finding != .ok }
    return text
      + (count == 0 ? "everything is in order\n" : "\(count) of \(report.checks.count) want looking after\n")
  }

  func exitCode(_ reply: ControlReply) -> Int32 {
    if case .doctor(let report) = reply, report.worst == .fail { return 69 }
    return 0
  }
}
