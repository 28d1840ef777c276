import ArgumentParser
import Control
import Events

struct StreamsCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "streams", abstract: "The streams, a row each.")
  @Argument(help: ArgumentHelp("Only names that match (* and ? allowed).", valueName: "pattern"))
  var matching: String?
  @Option(help: "Only streams in this phase.") var phase: Choice<Phase>?
  @Option(help: "The order of the rows.") var sort: Choice<StreamQuery.Order> = Choice(.name)
  @Option(help: "At most so many rows.") var limit: Int?
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
  }

  func request() -> ControlRequest {
    .streams(StreamQuery(matching: matching, phase: phase?.value, order: sort.value, limit: limit))
  }

  func text(_ reply: ControlReply, _ style: TextStyle, now: Double) throws -> String {
    guard case .streams(let list) = reply else { throw unexpected(reply) }
    return StreamText(style: style, now: now).table(list)
  }
}

/// One of the names of an enumeration.
struct Choice<Value: RawRepresentable<String> & CaseIterable & Sendable>: ExpressibleByArgument {
  let value: Value
  init(_ value: Value) { self.value = value }

  init?(argument: String) {
    guard let value = Value(rawValue: argument) else { return nil }
    self.value = value
  }

  static var allValueStrings: [String] { Value.allCases.map(\.rawValue) }
  var defaultValueDescription: String { value.rawValue }
}

struct StreamCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "stream",
    abstract: "One stream: fields, expected ranges, models, calibration, history, drift.")
  @Argument(help: "The stream's name.") var name: String
  @OptionGroup var common: CommonOptions

  func request() -> ControlRequest { .stream(name: name) }

  func text(_ reply: ControlReply, _ style: TextStyle, now: Double) throws -> String {
    guard case .stream(let detail) = reply else { throw unexpected(reply) }
    return StreamText(style: style, now: now).text(detail)
  }
}

struct SilenceCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "silence", abstract: "No alerts of a stream for a while; scoring and learning go on.")
  @Argument(help: "The stream's name.") var stream: String
  @Option(
    name: .customLong("for"), help: ArgumentHelp("For how long: 90s, 15m, 2h, 1h30m, 3d.", valueName: "span"))
  var span: SpanArgument
  @OptionGroup var common: CommonOptions

  func request() -> ControlRequest { .silence(stream: stream, seconds: span.seconds) }
}

struct UnsilenceCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "unsilence", abstract: "Alerts of a silent stream again, from now on.")
  @Argument(help: "The stream's name.") var stream: String
  @OptionGroup var common: CommonOptions

  func request() -> ControlRequest { .unsilence(stream: stream) }
}

/// ``StreamList`` and ``StreamDetail`` for a person.
struct StreamText {
  let style: TextStyle
  let now: Double

  func tone(score: Double?) -> TextStyle.Tone {
    guard let score else { return .plain }
    return score >= 90 ? .bad : score >= 80 ? .notice : .plain
  }

  func table(_ list: StreamList) -> String {
    guard !list.rows.isEmpty else { return "no streams\n" }
    var table = TextTable([
      .init("stream"), .init("phase"), .init("events", .right), .init("rate/s", .right),
      .init("last", .right),
      .init("score", .right), .init("max", .right), .init("fields", .right), .init("lost", .right),
      .init("incident"),
    ])
    for row in list.rows {
      let lost = row.gaps + row.dropped
      let wanted = row.rowsWanted.map { " (\(Readable.count($0)) rows to go)" } ?? ""
      table.append([
        .init(row.name, .strong), .init(row.phase.rawValue + wanted, row.phase == .scoring ? .good : .plain),
        .init(Readable.count(row.events)), .init(Readable.number(row.rate)),
        .init(row.lastEvent.map { ago($0) } ?? "never"),
        .init(score(row.lastScore), tone(score: row.lastScore)),
        .init(score(row.maxScore)), .init("\(row.fields)"),
        .init(Readable.count(lost), lost == 0 ? .plain : .notice),
        .init(row.incident ?? (row.silencedUntil.map { $0 > now } == true ? "silent" : ""), .bad),
      ])
    }
    var text = table.rendered(style)
    if list.total > list.rows.count { text += "\(Readable.count(list.total - list.rows.count)) more\n" }
    return text
  }

  private func score(_ value: Double?) -> String {
    value.map { Readable.number(($0 * 10).rounded() / 10) } ?? "–"
  }

  private func ago(_ moment: Double) -> String {
    let age = now - moment
    return age < 0 ? "in \(Readable.span(seconds: -age))" : "\(Readable.span(seconds: age)) ago"
  }

  /// What became of late events, where there is something to tell.
  private static func late(_ summary: StreamSummary) -> String {
    let outcomes = summary.lateOutcomes.filter { $0.value > 0 }.sorted { $0.key < $1.key }
    if outcomes.isEmpty { return "" }
    return " (" + outcomes.map { "\($0.value) \($0.key.replacing("-", with: " "))" }.joined(separator: ", ")
      + ")"
  }

  func text(_ detail: StreamDetail) -> String {
    let summary = detail.summary
    var text = style(.strong, summary.name.printable) + "  \(summary.phase.rawValue)"
    if let wanted = summary.rowsWanted { text += ", \(Readable.count(wanted)) rows to go" }
    text += ", \(Readable.count(summary.events)) events, \(Readable.number(summary.rate))/s"
    if let last = summary.lastEvent { text += ", last \(ago(last))" }
    text += "\n"
    if let last = summary.lastScore {
      text += "score      " + style(tone(score: last), score(last)) + ", at most \(score(summary.maxScore))\n"
    }
    text +=
      "sequence   \(summary.gaps) missing, \(summary.repeats) repeated, \(summary.restarts) restarts of the publisher, "
      + "\(summary.late) late\(Self.late(summary)), \(summary.dropped) dropped\n"
    if summary.missingValues > 0 {
      text += "missing    \(summary.missingValues) values, \(summary.imputedValues) of them filled in\n"
    }
    text += history(detail.history)
    if let drift = detail.drift {
      text +=
        "drift      \(Readable.number(drift.statistic)) of \(Readable.number(drift.threshold))"
        + (drift.drifting
          ? style(.notice, ", drifting") + (drift.since.map { " since \(Readable.moment($0))" } ?? "") : "")
        + "\n"
    }
    if let until = summary.silencedUntil, until > now {
      text += "silent     until \(Readable.moment(until))\n"
    }
    if let incident = detail.incident {
      text +=
        "incident   " + style(.bad, incident.id.printable)
        + " \(incident.severity.rawValue) since \(Readable.moment(incident.onset)): \(incident.text.printable)\n"
    }
    if !detail.fields.isEmpty { text += "\n" + fields(detail.fields) }
    if !detail.models.isEmpty { text += "\n" + ModelText(style: style).table(detail.models) }
    if !detail.calibration.isEmpty { text += "\n" + calibration(detail.calibration) }
    return text
  }

  private func history(_ report: HistoryReport) -> String {
    var text = "history    \(Readable.count(report.rows)) of \(Readable.count(report.capacity)) rows"
    if report.quarantined > 0 { text += ", \(Readable.count(report.quarantined)) kept out of training" }
    if let from = report.from, let to = report.to {
      text += ", \(Readable.moment(from)) to \(Readable.moment(to))"
    }
    return text + "\n"
  }

  private func fields(_ fields: [FieldReport]) -> String {
    var table = TextTable([
      .init("field"), .init("last", .right), .init("expected", .right), .init("usual"),
      .init("centre", .right),
      .init("scale", .right), .init("missing", .right), .init("share", .right), .init("note"),
    ])
    for field in fields {
      let isOutside = field.last.map { $0 < field.low ?? -.infinity || $0 > field.high ?? .infinity } ?? false
      let usual = field.low.flatMap { low in
        field.high.map { "\(Readable.number(low)) to \(Readable.number($0))" }
      }
      table.append([
        .init(field.name, field.used ? .plain : .faint),
        .init(Readable.number(field.last), isOutside ? .notice : .plain),
        .init(Readable.number(field.expected)), .init(usual ?? "–"), .init(Readable.number(field.center)),
        .init(Readable.number(field.scale)), .init(Readable.share(field.missing)),
        .init(field.share.map { Readable.share($0) } ?? "–"),
        .init(field.note ?? (field.used ? "" : "not in the model")),
      ])
    }
    return table.rendered(style)
  }

  private func calibration(_ points: [CalibrationPoint]) -> String {
    var table = TextTable([
      .init("false alarms promised", .right), .init("measured", .right), .init("ratio", .right),
      .init("events", .right), .init("events between, promised", .right), .init("measured", .right),
    ])
    for point in points {
      let ratio = point.nominal > 0 ? point.measured / point.nominal : .nan
      table.append([
        .init(Readable.probability(point.nominal)), .init(Readable.probability(point.measured)),
        .init(Readable.number(ratio), ratio > 2 ? .notice : .plain), .init(Readable.count(point.events)),
        .init(Readable.number((1 / point.nominal).rounded())),
        .init(point.measured > 0 ? Readable.number((1 / point.measured).rounded()) : "–"),
      ])
    }
    return table.rendered(style)
  }
}
