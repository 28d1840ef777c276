import ArgumentParser
import Control
import Foundation

/// Writes a manual page from what a program says of itself, so that page and `--help` cannot differ.
struct ManualCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "manual",
    abstract: "Write a manual page from `PROGRAM --experimental-dump-help` on standard input.",
    shouldDisplay: false)
  @Option(help: "The section of the manual.") var section: Int = 1

  func validate() throws {
    guard (1...8).contains(section) else { throw ValidationError("--section must be 1 to 8") }
  }

  func run() throws {
    let data = FileHandle.standardInput.readDataToEndOfFile()
    guard let help = try? JSONDecoder().decode(ProgramHelp.self, from: data) else {
      throw Failure(
        .data, what: "standard input", why: "it is not what --experimental-dump-help prints",
        remedy: "pipe that of a program of the same release into this")
    }
    Output.write(ManualPage(help.command, section: section).text)
  }
}

/// What a program of swift-argument-parser says of itself, as far as a manual page needs it.
struct ProgramHelp: Decodable {
  struct Command: Decodable {
    var commandName: String
    var abstract: String?
    var discussion: String?
    var arguments: [Argument]?
    var subcommands: [Command]?
    var shouldDisplay: Bool?
  }

  struct Argument: Decodable {
    struct Name: Decodable {
      var kind: String
      var name: String
      var text: String { (kind == "long" ? "--" : "-") + name }
    }
    var kind: String
    var names: [Name]?
    var valueName: String?
    var abstract: String?
    var discussion: String?
    var defaultValue: String?
    var allValues: [String]?
    var isOptional: Bool
    var isRepeating: Bool
    var shouldDisplay: Bool?
  }

  var command: Command
}

/// A page in man(7) macros.
struct ManualPage {
  let text: String

  init(_ program: ProgramHelp.Command, section: Int) {
    let name = program.commandName
    var page = ".TH \(name.uppercased()) \(section) \"\" \"anomalyd \(Release.version)\" \"anomalyd\"\n"
    page +=
      ".SH NAME\n\(Self.plain(name)) \\- \(Self.plain((program.abstract ?? "").trimmingCharacters(in: ["."])))\n"
    page += ".SH SYNOPSIS\n" + Self.synopsis([name], program)
    if let discussion = program.discussion { page += ".SH DESCRIPTION\n\(Self.paragraphs(discussion))" }
    page += Self.arguments(program, heading: ".SH OPTIONS\n")
    let commands = (program.subcommands ?? []).filter {
      $0.shouldDisplay != false && $0.commandName != "help"
    }
    if !commands.isEmpty {
      page += ".SH COMMANDS\n"
      for command in commands {
        page += ".SS \(Self.plain(command.commandName))\n"
        page +=
          Self.paragraphs(command.abstract ?? "") + ".PP\n"
          + Self.synopsis([name, command.commandName], command)
        if let discussion = command.discussion { page += ".PP\n" + Self.paragraphs(discussion) }
        page += Self.arguments(command, heading: "")
      }
    }
    page +=
      ".SH EXIT STATUS\nThose of sysexits(3): 0 success, 64 wrong usage, 65 bad data, 66 no such input, "
    page +=
      "69 unavailable, 70 an error within, 74 input or output, 77 not allowed, 78 wrong configuration.\n"
    let others = ["anomalyd(8)", "anomalyctl(1)", "anomalylab(1)"].filter { !$0.hasPrefix(name + "(") }
    page +=
      ".SH SEE ALSO\n" + others.map { ".BR " + $0.replacing("(", with: " (") }.joined(separator: " ,\n")
      + "\n"
    text = page
  }

  private static func synopsis(_ path: [String], _ command: ProgramHelp.Command) -> String {
    var words = [".B " + plain(path.joined(separator: " "))]
    for argument in shown(command) {
      let value = argument.valueName.map { "\\fI\(plain($0))\\fR" } ?? ""
      let word =
        switch argument.kind {
        case "positional": value
        case "flag": "\\fB\(plain(argument.names?.last?.text ?? ""))\\fR"
        default: "\\fB\(plain(argument.names?.last?.text ?? ""))\\fR \(value)"
        }
      words.append(argument.isOptional ? "[\(word)]" : word)
      if argument.isRepeating { words[words.count - 1] += " ..." }
    }
    if command.subcommands?.isEmpty == false { words.append("\\fIcommand\\fR ...") }
    return words.joined(separator: "\n") + "\n"
  }

  private static func arguments(_ command: ProgramHelp.Command, heading: String) -> String {
    let shown = shown(command)
    if shown.isEmpty { return "" }
    return heading
      + shown.map { argument in
        let names = (argument.names ?? []).map { "\\fB\(plain($0.text))\\fR" }.joined(separator: ", ")
        let value = argument.kind == "flag" ? "" : argument.valueName.map { "\\fI\(plain($0))\\fR" } ?? ""
        var about = [argument.abstract ?? "", argument.discussion ?? ""].filter { !$0.isEmpty }.joined(
          separator: " ")
        if let all = argument.allValues, !all.isEmpty { about += " One of: \(all.joined(separator: ", "))." }
        if let usual = argument.defaultValue, !usual.isEmpty { about += " Default: \(usual)." }
        return ".TP\n\([names, value].filter { !$0.isEmpty }.joined(separator: " "))\n\(paragraphs(about))"
      }.joined()
  }

  /// `--help` and `--version` once are enough, and what is hidden stays so.
  private static func shown(_ command: ProgramHelp.Command) -> [ProgramHelp.Argument] {
    (command.arguments ?? []).filter { argument in
      argument.shouldDisplay != false
        && !(argument.names ?? []).contains { $0.name == "help" || $0.name == "version" }
    }
  }

  private static func paragraphs(_ text: String) -> String {
    text.split(separator: "\n\n").map { plain(String($0)) + "\n" }.joined(separator: ".PP\n")
  }

  /// A text in which nothing means anything to the formatter.
  private static func plain(_ text: String) -> String {
    text.split(separator: "\n").map { line in
      let escaped = line.replacing("\\", with: "\\e").replacing("-", with: "\\-")
      return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
    }.joined(separator: "\n")
  }
}
