import ArgumentParser
import Control
import Datasets
import Foundation
import Generative
import Networks
import Tensors

/// `anomalylab inspect`.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "What a model file holds: architecture, parameters, training curve.")
  @Argument(help: "A model that fit wrote.") var model: String
  @Option(help: ArgumentHelp("Writes the training curve here.", valueName: "file.svg")) var curve: String?
  @Flag(help: "As JSON.") var json = false

  func run() throws {
    let file = try ModelFile(model)
    if let curve {
      guard !file.curve.isEmpty else {
        throw Failure(
          .usage, what: model, why: "the \(file.entry.name) has no training curve",
          remedy: "it was fitted in one go; leave --curve out")
      }
      do throws(DataError) {
        try TrainingCurve(file.curve, unit: file.model.scoreUnit)
          .chart(title: "\(file.entry.name): training").write(to: curve)
      } catch {
        throw Failure(error)
      }
    }
    let report = ModelReport(file)
    Output.line(json ? try JSONLine.indented(report) : report.text)
  }
}

/// A model file in words.
struct ModelReport: Encodable {
  struct Array: Encodable {
    let name: String
    let shape: [Int]
  }

  struct Fact: Encodable {
    let name: String
    let value: String
  }

  let model: String
  let family: String
  let reference: String
  let capabilities: [String]
  let scoreUnit: String
  let bytes: Int
  let parameters: Int
  let arrays: [Array]
  let card: ModelCard?
  /// All settings that held, as the model's own file names them.
  let settings: [String: String]
  let curve: [CurvePoint]
  /// What the model has to say of how it came out.
  let facts: [Fact]
  private let line: String

  private enum CodingKeys: String, CodingKey {
    case model, family, reference, capabilities, scoreUnit, bytes, parameters, arrays, card, settings, curve,
      facts
  }

  init(_ file: ModelFile) {
    model = file.entry.name
    family = file.entry.family
    reference = file.entry.reference
    capabilities = file.entry.capabilities.names
    scoreUnit = file.model.scoreUnit.rawValue
    bytes = file.bytes
    // What a network reads its rows with is not what it learned.
    arrays = file.weights.tensors.filter { !$0.key.hasPrefix("preparation.") && $0.key != "columns" }
      .sorted { $0.key < $1.key }.map { Array(name: $0.key, shape: Swift.Array($0.value.shape)) }
    parameters = arrays.reduce(0) { $0 + $1.shape.reduce(1, *) }
    card = file.card
    settings = Self.settings(file.weights.metadata["description"])
    curve = file.curve
    facts = ((file.model as? any Inspectable)?.facts ?? []).map { Fact(name: $0.name, value: $0.value) }
    line = TrainingCurve(curve, unit: file.model.scoreUnit).line(width: 60)
  }

  /// Of a network's description.
  private static func settings(_ description: String?) -> [String: String] {
    guard let description,
      let parts = try? JSONDecoder().decode(Description.self, from: Data(description.utf8))
    else { return [:] }
    return parts.settings.merging(parts.training ?? [:]) { own, _ in own }.mapValues(\.text)
  }

  private struct Description: Decodable {
    let settings: [String: PlainValue]
    let training: [String: PlainValue]?
  }

  /// A setting as it would be typed.
  private struct PlainValue: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let flag = try? container.decode(Bool.self) {
        text = "\(flag)"
      } else if let number = try? container.decode(Double.self) {
        text = Int(exactly: number).map { "\($0)" } ?? "\(Float(number))"
      } else if let list = try? container.decode([PlainValue].self) {
        text = list.map(\.text).joined(separator: ",")
      } else {
        text = try container.decode(String.self)
      }
    }
  }

  var text: String {
    var lines = [
      "\(Output.style(.strong, model))  \(family)", reference,
      "can " + (["score", "sample"] + capabilities).joined(separator: ", ") + "; scores are \(scoreUnit)",
    ]
    if let card {
      let form = card.reading.form
      let shape = form.shape.map(String.init).joined(separator: " × ")
      let classes = form.classes > 0 ? ", \(form.classes) classes" : ""
      lines.append(
        "rows of \(shape) \(form.support.rawValue) numbers\(classes); fitted to \(Readable.count(card.rows)) of them with seed "
          + "\(card.seed)" + (card.end.map { ", \($0.rawValue)" } ?? ""))
    }
    if !settings.isEmpty {
      lines.append(
        "settings "
          + settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " "))
    }
    lines.append("\(Readable.count(parameters)) parameters in \(Readable.bytes(UInt64(bytes)))")
    var table = TextTable([.init("  array"), .init("shape"), .init("numbers", .right)])
    for array in arrays {
      table.append([
        .init("  " + array.name), .init(array.shape.map(String.init).joined(separator: " × ")),
        .init(Readable.count(array.shape.reduce(1, *))),
      ])
    }
    lines.append(String(table.rendered(Output.style).dropLast()))
    if let last = curve.last {
      let losses = curve.map { Double($0.loss) }
      lines.append(
        "training \(line) from \(Readable.number(losses[0])) to \(Readable.number(Double(last.loss))) "
          + "after \(Readable.count(last.step)) steps")
      if let best = curve.compactMap(\.heldOutLoss).min() {
        lines.append("held out \(Readable.number(Double(best))) at best")
      }
    }
    lines += facts.map { "\($0.name): \($0.value)" }
    return lines.joined(separator: "\n")
  }
}
