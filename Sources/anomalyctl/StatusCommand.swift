import ArgumentParser
import Control
import Events

struct StatusCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "How the daemon is: rates, phases, sources, queues, trainer, state.")
  @OptionGroup var common: CommonOptions

  func request() -> ControlRequest { .status }

  func text(_ reply: ControlReply, _ style: TextStyle, now: Double) throws -> String {
    guard case .status(let report) = reply else { throw unexpected(reply) }
    return StatusText(style: style, now: now).text(report)
  }
}

/// A ``StatusReport`` for a person.
struct StatusText {
  let style: TextStyle
  let now: Double

  func text(_ report: StatusReport) -> String {
    var lines = [
      style(.strong, "anomalyd \(report.version)")
        + "  pid \(report.pid), up \(Readable.span(seconds: report.uptime)), "
        + "\(Readable.number(report.totals.eventsPerSecond)) events/s",
      row("streams", phases(report.streams)),
      row("events", traffic(report.totals)),
      row("oddities", odd(report.scoring)),
      row("alerts", alerts(report.alerts)),
      row("trainer", trainer(report.trainer)),
      row("kernel", kernel(report.kernel)),
      row("memory", "\(Readable.bytes(report.memory.resident)) resident"),
      row("config", configuration(report.configuration)),
      row("state", state(report.state)),
      row("publishes", publishes(report.endpoints)),
    ]
    if odd(report.scoring).isEmpty { lines.remove(at: 3) }
    if let error = report.trainer.lastError {
      lines.append(row("", style(.notice, "last training error: \(error.printable)")))
    }
    var text = lines.joined(separator: "\n") + "\n"
    if !report.sources.isEmpty { text += "\n" + sources(report.sources) }
    for source in report.sources { text += reasons(source) }
    if !report.shards.isEmpty { text += "\n" + shards(report.shards) }
    if !report.queues.isEmpty { text += "\n" + queues(report.queues) }
    return text
  }

  private func row(_ name: String, _ value: String) -> String {
    style(.faint, name) + String(repeating: " ", count: max(1, 11 - name.count)) + value
  }

  /// A count that should be nothing, marked when it is not.
  private func loss(_ count: UInt64, _ what: String) -> String {
    count == 0 ? "0 \(what)" : style(.notice, "\(Readable.count(count)) \(what)")
  }

  func phases(_ counts: PhaseCounts) -> String {
    let parts = Phase.allCases.reversed().filter { counts[$0] > 0 }.map {
      "\(Readable.count(counts[$0])) \($0.rawValue)"
    }
    return parts.isEmpty ? "none yet" : parts.joined(separator: ", ")
  }

  private func traffic(_ totals: TrafficReport) -> String {
    "\(Readable.count(totals.events)) in \(Readable.count(totals.messages)) messages (\(Readable.bytes(totals.bytes))), "
      + "\(Readable.count(totals.scored)) scored, "
      + [
        loss(totals.malformed, "malformed"), loss(totals.dropped, "dropped"), loss(totals.refused, "refused"),
      ]
      .joined(separator: ", ")
  }

  /// What became of late events and of values that did not come; empty when there were none.
  private func odd(_ scoring: ScoringReport) -> String {
    var parts = scoring.lateOutcomes.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map {
      "\(Readable.count($0.value)) late events \($0.key.replacing("-", with: " "))"
    }
    if scoring.missingValues > 0 {
      parts.append(
        "\(Readable.count(scoring.missingValues)) values missing, \(Readable.count(scoring.imputedValues)) of them filled in"
      )
    }
    return parts.joined(separator: ", ")
  }

  private func alerts(_ counts: AlertCounts) -> String {
    let open = counts.openIncidents == 0 ? "0 open" : style(.bad, "\(counts.openIncidents) open")
    var text =
      "\(open), \(Readable.count(counts.opened)) opened, \(Readable.count(counts.resolved)) resolved, last number \(counts.lastSeq)"
    if counts.silencedStreams > 0 { text += ", \(counts.silencedStreams) streams silent" }
    if let budget = counts.budget {
      text +=
        "; by chance \(Readable.count(budget.incidents)) in \(Readable.span(seconds: budget.span)) where the budget allows "
        + "\(Readable.number((10 * budget.allowed).rounded() / 10)), \(Readable.number((10 * abs(budget.strictness)).rounded() / 10)) nats \(budget.strictness < 0 ? "less strict" : "stricter")"
    }
    if let run = counts.falseAlarmRun {
      let measured =
        run.measured.map { "\(Readable.number($0.rounded())) events apart" }
        ?? "none in \(Readable.count(run.events)) events"
      text +=
        "; incidents not said to be true or expected: \(measured), promised \(Readable.number(run.promised.rounded())) or more"
    }
    return text
  }

  private func trainer(_ report: TrainerReport) -> String {
    var text =
      "\(Readable.share(report.usedShare)) of a core used, \(Readable.share(report.budgetShare)) allowed; "
      + "\(Readable.count(report.backlog)) waiting; \(Readable.count(report.accepted)) models taken into use, "
      + "\(Readable.count(report.rejected)) no better, \(loss(report.failed, "failed"))"
    if report.pooledStreams > 0 {
      text += "; \(Readable.count(report.pooledStreams)) streams on a pooled model"
    }
    if let current = report.current { text += "; at \(current.printable) now" }
    return text
  }

  private func kernel(_ report: KernelReport) -> String {
    var text = report.name
    if let gflops = report.gflops { text += ", \(Readable.number(gflops)) GFLOP/s a core" }
    if let better = report.better { text += style(.notice, " (this processor can \(better))") }
    return text.isEmpty ? "–" : text
  }

  private func configuration(_ report: ConfigurationReport) -> String {
    var text = (report.path ?? "built in").printable
    if report.loadedAt > 0 { text += ", loaded \(Readable.span(seconds: max(0, now - report.loadedAt))) ago" }
    if let reload = report.lastReload {
      let result = reload.accepted ? "accepted" : style(.notice, "refused: \(reload.message.printable)")
      text += "; last reload \(Readable.span(seconds: max(0, now - reload.at))) ago \(result)"
    }
    return text
  }

  private func state(_ report: StateReport) -> String {
    var text = report.path.printable + (report.healthy ? "" : style(.bad, " not healthy"))
    text += ", \(Readable.bytes(report.bytes)), \(Readable.bytes(report.freeBytes)) free"
    if let saved = report.lastSavedAt { text += ", saved \(Readable.span(seconds: max(0, now - saved))) ago" }
    if report.setAside > 0 { text += style(.notice, ", \(report.setAside) damaged files set aside") }
    if let problem = report.problem { text += style(.bad, "; \(problem.printable)") }
    return text
  }

  private func publishes(_ report: EndpointReport) -> String {
    report.alerts.isEmpty
      ? "nothing"
      : "alerts\(report.scores ? " and scores" : "") on \(report.alerts.joined(separator: ", "))".printable
  }

  private func sources(_ sources: [SourceReport]) -> String {
    var table = TextTable([
      .init("source"), .init("format"), .init("streams", .right), .init("messages", .right),
      .init("events", .right),
      .init("malformed", .right), .init("dropped", .right), .init("refused", .right), .init("last", .right),
      .init("endpoints"),
    ])
    for source in sources {
      func lost(_ reasons: [String: UInt64]) -> TextTable.Cell {
        let sum = reasons.values.reduce(0, +)
        return .init(Readable.count(sum), sum == 0 ? .plain : .notice)
      }
      table.append([
        .init(source.name, source.problem == nil ? .plain : .bad), .init(source.format),
        .init(Readable.count(source.streams)), .init(Readable.count(source.messages)),
        .init(Readable.count(source.events)),
        lost(source.malformed), lost(source.dropped), lost(source.refused),
        .init(source.lastMessageAge.map { Readable.span(seconds: $0) } ?? "never"),
        .init(source.endpoints.joined(separator: " ")),
      ])
    }
    return table.rendered(style)
  }

  /// Why messages of one source were lost, a line each.
  private func reasons(_ source: SourceReport) -> String {
    var text = source.problem.map { "  \(source.name.printable): \(style(.bad, $0.printable))\n" } ?? ""
    for (what, reasons) in [
      ("malformed", source.malformed), ("dropped", source.dropped), ("refused", source.refused),
    ] {
      for (reason, count) in reasons.sorted(by: { $0.key < $1.key }) where count > 0 {
        text += "  \(source.name.printable): \(Readable.count(count)) \(what): \(reason.printable)\n"
      }
    }
    return text
  }

  private func shards(_ shards: [ShardReport]) -> String {
    var table = TextTable([
      .init("shard"), .init("streams", .right), .init("events", .right), .init("batches", .right),
      .init("busy", .right),
      .init("alive", .right),
    ])
    for shard in shards {
      table.append([
        "\(shard.index)", .init(Readable.count(shard.streams)), .init(Readable.count(shard.events)),
        .init(Readable.count(shard.batches)), .init(Readable.share(shard.busyShare)),
        .init(
          Readable.span(seconds: shard.lastProgressAge) + " ago", shard.lastProgressAge > 10 ? .bad : .plain),
      ])
    }
    return table.rendered(style)
  }

  private func queues(_ queues: [QueueReport]) -> String {
    var table = TextTable([
      .init("queue"), .init("waiting", .right), .init("peak", .right), .init("room", .right),
      .init("dropped", .right),
      .init("when full"),
    ])
    for queue in queues {
      table.append([
        .init(queue.name), .init(Readable.count(queue.depth)), .init(Readable.count(queue.peak)),
        .init(Readable.count(queue.capacity)),
        .init(Readable.count(queue.dropped), queue.dropped == 0 ? .plain : .notice),
        .init(queue.policy),
      ])
    }
    return table.rendered(style)
  }
}
