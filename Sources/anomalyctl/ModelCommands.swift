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
  @OptionGroup var common: CommonOptions

  func request() -> ControlRequest { .snapshots(stream: stream) }

  func text(_ reply: ControlReply, _ style: TextStyle, now: Double) throws -> String {
    guard case .snapshots(let list) = reply else { throw unexpected(reply) }
    guard !list.snapshots.isEmpty else { return "no snapshots of \(list.stream.printable) yet\n" }
    var table = TextTable([
      .init("snapshot"), .init("in use"), .init("trained"), .init("why"), .init("rows", .right),
      .init("size", .right),
      .init("verdict"),
    ])
    for snapshot in list.snapshots {
      table.append([
        .init(snapshot.id), .init(snapshot.current ? "yes" : "", .good),
        .init(Readable.moment(snapshot.trainedAt)),
        .init(snapshot.reason), .init(Readable.count(snapshot.rows)), .init(Readable.bytes(snapshot.bytes)),
        .init(snapshot.verdict ?? ""),
      ])
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
