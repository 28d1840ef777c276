import ArgumentParser
import Control
import Events
import Foundation

/// A live view: on a terminal the whole picture every second, elsewhere one line per alert as it comes.
struct WatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Alerts and scores as they come, until interrupted.")
  @Option(help: ArgumentHelp("Rows of streams to show, the strangest first.", valueName: "count")) var rows:
    Int = 12
  @Option(help: ArgumentHelp("Time between two pictures.", valueName: "span"))
  var every: SpanArgument = SpanArgument(seconds: 1)
  @Option(name: .customLong("for"), help: ArgumentHelp("End after this time.", valueName: "span")) var span:
    SpanArgument?
  @Option(help: ArgumentHelp("End after so many alerts.", valueName: "count")) var count: Int?
  @OptionGroup var common: CommonOptions

  func run() throws {
    let client = try common.client()
    guard case .status(let status) = try client.ask(.status) else {
      throw Failure(.protocol, what: "reply", why: "not a status", remedy: "use programs of one version")
    }
    let end = span.map { Date().addingTimeInterval($0.seconds) } ?? .distantFuture
    var feed =
      status.endpoints.alerts.isEmpty
      ? nil : try AlertFeed(endpoints: status.endpoints.alerts, security: common.security())
    var log = AlertLog(epoch: status.alerts.epoch, lastSeq: status.alerts.lastSeq)
    var shown = 0
    let isPicture = Output.isTerminal && !common.json
    while Date() < end, shown < count ?? .max {
      if isPicture { paint(client, log) }
      let tick = min(Date().addingTimeInterval(every.seconds), end)
      repeat {
        let left = max(0, tick.timeIntervalSinceNow)
        var heard: Alert?
        if feed != nil { heard = try feed?.next(within: left) } else { Thread.sleep(forTimeInterval: left) }
        // What was missed, or is not published at all, is asked for; numbers have no holes.
        if let heard { try log.hear(heard, client) } else if feed == nil { try log.catchUp(client) }
        for alert in log.takeNew() where shown < count ?? .max {
          shown += 1
          if !isPicture { Output.write(try line(alert)) }
        }
      } while Date() < tick && shown < count ?? .max
    }
  }

  private func line(_ alert: Alert) throws -> String {
    guard common.json else { return IncidentText(style: Output.style).line(alert) }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(alert), as: UTF8.self) + "\n"
  }

  private func paint(_ client: ControlClient, _ log: AlertLog) {
    let style = Output.style
    let now = Date().timeIntervalSince1970
    var picture: String
    do {
      guard case .status(let status) = try client.ask(.status),
        case .streams(let list) = try client.ask(.streams(StreamQuery(order: .score, limit: rows)))
      else { return }
      picture =
        "\(style(.strong, "anomalyd")) \(Readable.clock(now))  \(StatusText(style: style, now: now).phases(status.streams))  "
        + "\(Readable.number(status.totals.eventsPerSecond)) events/s  \(status.alerts.openIncidents) open\n\n"
      picture += StreamText(style: style, now: now).table(list)
    } catch {
      picture = style(.bad, error.description.printable) + "\n"
    }
    picture += "\n" + log.recent.suffix(10).map { IncidentText(style: style).line($0) }.joined()
    // Home, the new picture with each line's rest wiped, then everything below it.
    Output.write("\u{1B}[H" + picture.replacingOccurrences(of: "\n", with: "\u{1B}[K\n") + "\u{1B}[J")
  }
}

/// The alerts heard so far, in the order of their numbers.
struct AlertLog {
  private(set) var recent: [Alert] = []
  private var fresh: [Alert] = []
  private var epoch: String
  private var lastSeq: UInt64

  init(epoch: String, lastSeq: UInt64) {
    self.epoch = epoch
    self.lastSeq = lastSeq
  }

  /// Takes an alert off the wire; when numbers before it are missing, they are asked for.
  mutating func hear(_ alert: Alert, _ client: ControlClient) throws(Failure) {
    if alert.epoch == epoch, alert.seq > lastSeq + 1 { try catchUp(client) }
    if alert.epoch != epoch || alert.seq > lastSeq { append(alert) }
  }

  private mutating func append(_ alert: Alert) {
    epoch = alert.epoch
    lastSeq = alert.seq
    fresh.append(alert)
    recent = recent.suffix(99) + [alert]
  }

  mutating func catchUp(_ client: ControlClient) throws(Failure) {
    guard case .alerts(let list) = try client.ask(.alerts(AlertQuery(afterSeq: lastSeq))) else { return }
    for alert in list.alerts where alert.epoch != epoch || alert.seq > lastSeq { append(alert) }
    if list.epoch != epoch { (epoch, lastSeq) = (list.epoch, list.lastSeq) }
  }

  mutating func takeNew() -> [Alert] {
    defer { fresh.removeAll() }
    return fresh
  }
}
