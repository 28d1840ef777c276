import ArgumentParser
import Control

struct ModelsCommand: ControlCommand {
  static let configuration = CommandConfiguration(commandName: "models", abstract: "The models in use.")
  @Argument(help: "Only those of this stream.") var stream: String?
  @OptionGroup var common: CommonOptions

  func request() -> ControlRequest { .models(stream: stream) }

  func text(_ reply: ControlReply, _ style: TextStyle, now: Double) throws -> String {
    guard case .models(let list) = reply else { throw unexpected(reply) }
    return list.models.isEmpty ? "no models yet\n" : ModelText(style: style).table(list.models)
  }
}

struct SnapshotsCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "snapshots", abstract: "What is kept of a stream's models, newest first.")
  @Argument(help: "The stream's name.") var stream: String
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Two of them: what is different in the second.", valueName: "snapshot"))
  var diff: [String] = []
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard diff.isEmpty || diff.count == 2 else { throw ValidationError("--diff takes two snapshots") }
  }

  func request() -> ControlRequest {
    diff.count == 2
      ? .diff(stream: stream, first: diff[0], second: diff[1]) : .snapshots(stream: stream)
  }

  func text(_ reply: ControlReply, _ style: TextStyle, now: Double) throws -> String {
    if case .diff(let report) = reply { return text(report, style) }
    guard case .snapshots(let list) = reply else { throw unexpected(reply) }
    guard !list.snapshots.isEmpty else { return "no snapshots of \(list.stream.printable) yet\n" }
    var table = TextTable([
      .init("snapshot"), .init("in use"), .init("trained"), .init("why"), .init("rows", .right),
      .init("size", .right), .init("found", .right), .init("false alarms", .right),
      .init("calibration", .right), .init("µs a row", .right), .init("verdict"),
    ])
    for snapshot in list.snapshots {
      table.append(
        [
          .init(snapshot.id),
          .init(
            (snapshot.current ? "yes" : snapshot.report?.accepted == false ? "refused" : "")
              + (snapshot.retained ? " retained" : ""), .good),
          .init(Readable.moment(snapshot.trainedAt)),
          .init(snapshot.reason), .init(Readable.count(snapshot.rows)), .init(Readable.bytes(snapshot.bytes)),
        ] + figures(snapshot) + [.init(snapshot.verdict ?? "")])
    }
    return table.rendered(style)
  }

  /// Of this one against the one in use then.
  private func figures(_ snapshot: SnapshotSummary) -> [TextTable.Cell] {
    guard let own = snapshot.report?.figures, let other = snapshot.report?.championFigures else {
      return Array(repeating: .init(""), count: 4)
    }
    return [\ModelFigures.meanRecall, \.falseAlarms, \.calibrationError, \.microsecondsPerRow].map {
      .init("\(Readable.number(own[keyPath: $0])) (\(Readable.number(other[keyPath: $0])))")
    }
  }

  private func text(_ report: SnapshotDiff, _ style: TextStyle) -> String {
    guard !report.changes.isEmpty else { return "they differ in nothing but their weights\n" }
    var table = TextTable([.init("what"), .init(report.first), .init(report.second)])
    for change in report.changes {
      table.append([.init(change.what), .init(change.first), .init(change.second)])
    }
    return table.rendered(style)
  }
}

struct RetrainCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "retrain", abstract: "Train again as soon as the budget allows: one stream, or all.")
  @Argument(help: "Only this stream.") var stream: String?
  @OptionGroup var common: CommonOptions

  func request() -> ControlRequest { .retrain(stream: stream) }
}

struct RevertCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "revert", abstract: "Go back to an older model: the one before, or the one named.")
  @Argument(help: "The stream's name.") var stream: String
  @Argument(help: "The snapshot to go back to; see `anomalyctl snapshots`.") var snapshot: String?
  @OptionGroup var common: CommonOptions

  func request() -> ControlRequest { .revert(stream: stream, snapshot: snapshot) }
}

struct PromoteCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "promote", abstract: "Take a kept snapshot into use, also one that was refused.")
  @Argument(help: "The stream's name.") var stream: String
  @Argument(help: "The snapshot; see `anomalyctl snapshots`.") var snapshot: String
  @OptionGroup var common: CommonOptions

  func request() -> ControlRequest { .promote(stream: stream, snapshot: snapshot) }
}

struct RetainCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "retain", abstract: "Keep a snapshot however many newer ones come.")
  @Argument(help: "The stream's name.") var stream: String
  @Argument(help: "The snapshot; see `anomalyctl snapshots`.") var snapshot: String
  @Flag(help: "No longer keep it.") var release = false
  @OptionGroup var common: CommonOptions

  func request() -> ControlRequest { .retain(stream: stream, snapshot: snapshot, release: release) }
}

/// ``ModelSummary`` rows for a person.
struct ModelText {
  let style: TextStyle

  func table(_ models: [ModelSummary]) -> String {
    var table = TextTable([
      .init("stream"), .init("detector"), .init("snapshot"), .init("trained"), .init("rows", .right),
      .init("inputs", .right),
      .init("parameters", .right), .init("seconds", .right), .init("held out", .right), .init("unit"),
    ])
    for model in models {
      table.append([
        .init(model.stream ?? "pooled by \(Readable.count(model.streams))"), .init(model.detector),
        .init(model.snapshot),
        .init(Readable.moment(model.trainedAt)), .init(Readable.count(model.rows)), .init("\(model.inputs)"),
        .init(Readable.count(model.parameters)), .init(Readable.number(model.seconds)),
        .init(Readable.number(model.heldOut)), .init(model.unit),
      ])
    }
    return table.rendered(style)
  }
}
