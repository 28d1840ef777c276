import ArgumentParser
import Control
import Generative

/// `anomalylab models`.
struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "The models of the suite, or one of them with its settings.")
  @Argument(help: "One of them.") var model: String?
  @Flag(help: "As JSON.") var json = false

  private struct Row: Encodable {
    struct Setting: Encodable {
      let name: String
      let value: String
    }
    let name: String
    let family: String
    let capabilities: [String]
    let reference: String
    let settings: [Setting]

    init(_ entry: Catalogue.Entry) {
      name = entry.name
      family = entry.family
      capabilities = entry.capabilities.names
      reference = entry.reference
      settings = entry.settings.map { Setting(name: $0.name, value: $0.value) }
    }
  }

  func run() throws {
    if let model {
      let entry = try Catalogue.member(model)
      Output.line(json ? try JSONLine.text(Row(entry)) : text(entry))
      return
    }
    if json { return Output.line(try JSONLine.indented(Catalogue.all.map(Row.init))) }
    var table = TextTable([.init("name"), .init("family"), .init("can"), .init("reference")])
    for entry in Catalogue.all {
      table.append([
        .init(entry.name, .strong), .init(entry.family),
        .init((["score", "sample"] + entry.capabilities.names).joined(separator: " ")),
        .init(entry.reference, .faint),
      ])
    }
    Output.write(table.rendered(Output.style))
  }

  private func text(_ entry: Catalogue.Entry) -> String {
    var lines = [
      "\(Output.style(.strong, entry.name))  \(entry.family)", entry.reference,
      "can " + (["score", "sample"] + entry.capabilities.names).joined(separator: ", "),
    ]
    if !entry.settings.isEmpty {
      lines.append("settings, with their defaults (--set name=value):")
      lines += entry.settings.map { "  \($0.name)=\($0.value)" }
    }
    return lines.joined(separator: "\n")
  }
}
