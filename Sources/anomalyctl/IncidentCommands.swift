import ArgumentParser
import Control
import Events
import Foundation

struct AlertsCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "alerts", abstract: "What was said about incidents, and what you missed.")
  @Option(
    help: ArgumentHelp("From when on: 1h (ago), RFC 3339, a date, seconds since 1970.", valueName: "moment"))
  var since: MomentArgument?
  @Option(help: ArgumentHelp("Until when.", valueName: "moment")) var until: MomentArgument?
  @Option(help: ArgumentHelp("Only statements after this number.", valueName: "seq")) var after: UInt64?
  @Option(help: "Only of this stream.") var stream: String?
  @Flag(help: "Only incidents that are open now.") var open = false
  @Flag(help: "Every statement, not only the latest of each incident.") var all = false
  @Option(help: "At most so many, the newest.") var limit: Int = 1000
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard limit >= 1 else { throw ValidationError("--limit must be at least 1") }
  }

  func request() -> ControlRequest {
    let now = Date().timeIntervalSince1970
    // Whoever asks for what comes after a number wants every statement.
    return .alerts(
      AlertQuery(
        since: since?.secondsSince1970(now: now), until: until?.secondsSince1970(now: now), afterSeq: after,
        stream: stream,
        openOnly: open, incidentsOnly: !all && after == nil, limit: limit))
  }

  func text(_ reply: ControlReply, _ style: TextStyle, now: Double) throws -> String {
    guard case .alerts(let list) = reply else { throw unexpected(reply) }
    return IncidentText(style: style).table(list)
  }
}

struct ExplainCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "One incident in full: what, since when, and why.")
  @Argument(help: "The incident's id; its first characters suffice when no other begins so.") var id: String
  @OptionGroup var common: CommonOptions

  @Flag(help: "Compute its score once more, from what was kept. Exit code 65 when it comes out otherwise.")
  var rerun = false

  func request() -> ControlRequest { rerun ? .rerun(id: id) : .explain(id: id) }

  func exitCode(_ reply: ControlReply) -> Int32 {
    if case .rerun(let report) = reply, !report.isSame { return 65 }
    return 0
  }

  func text(_ reply: ControlReply, _ style: TextStyle, now: Double) throws -> String {
    if case .rerun(let report) = reply { return text(report, style) }
    guard case .explanation(let explanation) = reply else { throw unexpected(reply) }
    return IncidentText(style: style).text(explanation)
  }

  private func text(_ report: RerunReport, _ style: TextStyle) -> String {
    guard report.missing.isEmpty else {
      return "cannot be computed once more: \(report.missing.joined(separator: "; ").printable)\n"
    }
    var table = TextTable([.init("figure"), .init("said", .right), .init("again", .right), .init("")])
    for figure in report.figures {
      table.append([
        .init(figure.name), .init("\(figure.said)"), .init("\(figure.again)"),
        .init(figure.isSame ? "the same bits" : "differs", figure.isSame ? .good : .bad),
      ])
    }
    return "snapshot \(report.snapshot.printable), row of \(Readable.moment(report.ts))\n"
      + table.rendered(style)
  }
}

struct AckCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "ack", abstract: "Say that an incident was seen.")
  @Argument(help: "The incident's id.") var id: String
  @Option(help: "What to note with it.") var note: String = ""
  @Option(help: "Who has seen it; default: this user.") var by: String?
  @OptionGroup var common: CommonOptions

  func request() -> ControlRequest {
    .acknowledge(id: id, by: by ?? ProcessInfo.processInfo.userName, note: note)
  }
}

/// Alerts and explanations for a person.
struct IncidentText {
  let style: TextStyle

  func tone(_ severity: Alert.Severity) -> TextStyle.Tone { severity >= .major ? .bad : .notice }

  func table(_ list: AlertList) -> String {
    guard !list.alerts.isEmpty else { return "no alerts\n" }
    var table = TextTable([
      .init("time"), .init("state"), .init("severity"), .init("stream"), .init("score", .right),
      .init("confidence", .right), .init("incident"), .init("what"),
    ])
    for alert in list.alerts {
      let isSeen = list.acknowledged[alert.id] != nil
      table.append([
        .init(Readable.moment(alert.ts)),
        .init(state(alert) + (isSeen ? " (seen)" : "")),
        .init(alert.severity.rawValue, alert.isOver ? .plain : tone(alert.severity)),
        .init(alert.stream),
        .init(Readable.number((alert.score * 10).rounded() / 10)),
        .init(alert.confidence.map(Readable.share) ?? "–"), .init(alert.id), .init(what(alert)),
      ])
    }
    return table.rendered(style) + (list.more ? "there are more: raise --limit or name --since\n" : "")
  }

  /// What the incident is once this is said, and whether events that came late changed it.
  private func state(_ alert: Alert) -> String {
    let state = alert.isOver ? Alert.State.resolved : alert.state
    return state.rawValue + (alert.amended == true ? " (amended)" : "")
  }

  /// The strongest feature in a few words.
  func what(_ alert: Alert) -> String {
    guard let first = alert.features.first else { return alert.kind.rawValue }
    let value = first.value.map { Readable.number($0) } ?? "missing"
    return "\(first.name) \(value), usual \(Readable.number(first.low)) to \(Readable.number(first.high))"
  }

  /// One statement in one line.
  func line(_ alert: Alert) -> String {
    let state = style(alert.isOver ? .good : tone(alert.severity), state(alert))
    return "\(Readable.clock(alert.ts))  \(state)  \(alert.severity.rawValue)  \(alert.stream.printable)  "
      + "score \(Readable.number((alert.score * 10).rounded() / 10))  \(what(alert).printable)  \(alert.id.printable)\n"
  }

  func text(_ explanation: Explanation) -> String {
    guard let last = explanation.statements.last,
      let worst = explanation.statements.max(by: { $0.score < $1.score })
    else { return "nothing is known of it\n" }
    let length = max(0, (last.resolvedAt ?? last.ts) - last.onset)
    var text =
      style(.strong, last.stream.printable) + "  "
      + style(tone(worst.severity), worst.severity.rawValue.uppercased())
      + "  \(last.isOver ? "resolved" : "open")\(last.amended == true ? " (amended)" : "")  incident \(last.id.printable)\n"
    text += worst.text.printable + "\n\n"
    text +=
      "score      \(Readable.number((worst.score * 10).rounded() / 10)) of 100, by chance \(Readable.probability(worst.pValue))\n"
    if let confidence = worst.confidence {
      let imputed = worst.imputed ?? 0
      text +=
        "confidence \(Readable.share(confidence))"
        + (imputed > 0 ? "; \(Readable.share(imputed)) of the features did not come and were filled in" : "")
        + "\n"
    }
    text +=
      "since      \(Readable.moment(last.onset)), for \(Readable.span(seconds: length)) \(last.isOver ? "" : "so far")\n"
    if let events = last.events { text += "events     \(Readable.count(events))\n" }
    text += "kind       \(worst.kind.rawValue)\n"
    for (name, score) in worst.detectors.sorted(by: { $0.key < $1.key }) {
      text +=
        "detector   \(name.printable): raw \(Readable.number(score.raw)), by chance \(Readable.probability(score.pValue))\n"
    }
    text +=
      "model      \(worst.model.snapshot.printable), trained \(Readable.moment(worst.model.trainedAt))\n"
    if let seen = explanation.acknowledged {
      text +=
        "seen       by \(seen.by.printable), \(Readable.moment(seen.at))"
        + (seen.note.isEmpty ? "" : ": \(seen.note.printable)") + "\n"
    }
    if !explanation.trajectory.isEmpty {
      text += "scores     \(sparkline(explanation.trajectory.map(\.score)))\n"
    }
    if let normal = explanation.normal { text += "normal     \(normal.text.printable)\n" }
    for similar in explanation.similar ?? [] { text += "like       \(line(similar))\n" }
    text += "\n" + features(worst.features)
    if explanation.statements.count > 1 { text += "\n" + statements(explanation.statements) }
    return text
  }

  /// An earlier incident, and what people said of it.
  private func line(_ similar: SimilarIncident) -> String {
    let said =
      similar.label.map { label in
        "said to be \(label.printable)" + (similar.cause.map { ": \($0.printable)" } ?? "")
      } ?? "nobody said what it was"
    return "\(similar.id.printable) of \(Readable.moment(similar.onset)) "
      + "(\(Readable.share(similar.likeness)) alike), \(said)"
  }

  private func features(_ features: [Alert.Feature]) -> String {
    var table = TextTable([
      .init("feature"), .init("value", .right), .init("expected", .right), .init("usual"),
      .init("share", .right), .init("where it lies"),
    ])
    for feature in features {
      let isOutside = feature.value.map { $0 < feature.low || $0 > feature.high } ?? true
      table.append([
        .init(feature.name, .strong),
        .init(feature.value.map { Readable.number($0) } ?? "missing", isOutside ? .bad : .plain),
        .init(Readable.number(feature.expected)),
        .init("\(Readable.number(feature.low)) to \(Readable.number(feature.high))"),
        .init(Readable.share(feature.share)),
        .init("\(scale(feature))  \(Readable.bar(feature.share, width: 20))"),
      ])
    }
    return table.rendered(style)
  }

  /// The value against its usual interval: `····[═══|════]··●`.
  func scale(_ feature: Alert.Feature) -> String {
    let width = 24
    guard let value = feature.value, value.isFinite, feature.low.isFinite, feature.high.isFinite else {
      return String(repeating: "·", count: width)
    }
    var from = min(feature.low, value)
    var to = max(feature.high, value)
    if from == to { (from, to) = (from - 1, to + 1) }
    func place(_ x: Double) -> Int { Int(((x - from) / (to - from) * Double(width - 1)).rounded()) }
    var line = [Character](repeating: "·", count: width)
    for index in place(feature.low)...max(place(feature.low), place(feature.high)) { line[index] = "═" }
    if feature.expected >= from, feature.expected <= to { line[place(feature.expected)] = "┃" }
    line[place(value)] = "●"
    return String(line)
  }

  private func sparkline(_ scores: [Double]) -> String {
    let blocks: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    let step = max(1, scores.count / 60)
    return String(
      stride(from: 0, to: scores.count, by: step).map { start in
        let worst = scores[start..<min(start + step, scores.count)].max() ?? 0
        return blocks[min(7, max(0, Int(worst.isFinite ? worst / 12.5 : 0)))]
      })
  }

  private func statements(_ statements: [Alert]) -> String {
    var table = TextTable([
      .init("number", .right), .init("time"), .init("state"), .init("severity"), .init("score", .right),
      .init("what"),
    ])
    for alert in statements.suffix(20) {
      table.append([
        "\(alert.seq)", .init(Readable.moment(alert.ts)),
        .init(state(alert)),
        .init(alert.severity.rawValue),
        .init(Readable.number((alert.score * 10).rounded() / 10)), .init(what(alert)),
      ])
    }
    return table.rendered(style)
  }
}
