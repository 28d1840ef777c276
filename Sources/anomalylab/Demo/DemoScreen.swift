import Control
import Events

/// What the demonstration prints.
struct DemoScreen {
  let style: TextStyle

  func title(_ text: String) { Output.line(style(.strong, text)) }
  func note(_ text: String) { Output.line(style(.faint, text)) }

  func moment(_ ts: Double, _ text: String) { Output.line("\(style(.faint, Readable.clock(ts)))  \(text)") }

  func begins(_ name: String, at ts: Double) {
    let what = Cause(rawValue: name).map { ": \($0.summary)" } ?? ""
    moment(ts, style(.notice, "▼ \(name)") + style(.faint, "\(what) (the daemon is not told)"))
  }

  func ends(_ name: String, at ts: Double) { moment(ts, style(.notice, "▲ \(name) ended")) }

  func alert(_ alert: Alert) {
    let score = Readable.number((alert.score * 10).rounded() / 10)
    switch alert.state {
    case .open:
      moment(
        alert.ts,
        style(.bad, "● \(alert.severity.rawValue.uppercased())")
          + "  \(alert.stream.printable)  score \(score)  \(style(.faint, alert.id.printable))")
      Output.line("            \(alert.text.printable)")
      for feature in alert.features.prefix(DemoJudge.explained) {
        Output.line("            \(self.feature(feature))")
      }
    case .update where alert.isOver:
      moment(alert.ts, style(.faint, "○ amended") + "  score \(score): what came late belongs to it")
    case .update:
      moment(
        alert.ts,
        style(.bad, "● still \(alert.severity.rawValue)") + "  score \(score)  "
          + (alert.features.first.map { self.feature($0) } ?? ""))
    case .resolved:
      moment(
        alert.ts, style(.good, "○ resolved") + " after \(Readable.span(seconds: alert.ts - alert.onset))")
    }
  }

  private func feature(_ feature: Alert.Feature) -> String {
    let value = feature.value.map { Readable.number($0) } ?? "missing"
    return "\(style(.strong, feature.name.printable)) \(value), usual \(Readable.number(feature.low)) to "
      + "\(Readable.number(feature.high))  \(Readable.share(feature.share)) \(style(.notice, Readable.bar(feature.share, width: 12)))"
  }

  func summary(_ judge: DemoJudge) {
    var table = TextTable([
      .init("known fault"), .init("found"), .init("after", .right), .init("score", .right),
      .init("explained by"), .init("incident"),
    ])
    for finding in judge.findings {
      let why =
        finding.isExplained
        ? finding.named.joined(separator: ", ")
        : finding.statement.map {
          "not by it: " + $0.features.prefix(DemoJudge.explained).map(\.name).joined(separator: ", ")
        } ?? ""
      table.append([
        .init(finding.fault.name, .strong), finding.isFound ? .init("yes", .good) : .init("no", .bad),
        .init(finding.delay.map { Readable.span(seconds: $0) } ?? "–"),
        .init(finding.statement.map { Readable.number(($0.score * 10).rounded() / 10) } ?? "–"),
        .init(why, finding.isExplained ? .good : .bad), .init(finding.statement?.id ?? ""),
      ])
    }
    Output.write("\n" + table.rendered(style))
    let besides = judge.besides.map {
      "\(Readable.clock($0.onset)) \($0.severity.rawValue), score \(Readable.number(($0.score * 10).rounded() / 10)): \($0.text.printable)"
    }
    Output.line("incidents besides: \(judge.besides.count)\(besides.map { "\n  \($0)" }.joined())")
    let found = judge.findings.count { $0.isFound }
    let explained = judge.findings.count { $0.isExplained }
    Output.line(
      style(
        judge.isPassed ? .good : .bad,
        "\(found) of \(judge.findings.count) faults found, \(explained) explained by a metric of theirs, "
          + "\(judge.besides.count) incidents besides: \(judge.isPassed ? "passed" : "not passed")"))
  }
}
