import Control
import Events
import Foundation
import Synchronization

/// `/api/v1/events`: server-sent events. `tick` every second with how the daemon is and what every stream scores; `alert`
/// for each statement, with its sequence number as id, so that a browser that comes back gets what it missed.
final class LiveFeed: Sendable {
  /// Readers at a time; more are turned away.
  static let most = 16
  /// Streams in a tick; of more, those with the highest scores.
  static let mostStreams = 4000

  private let ask: Site.Ask
  private let state = Mutex(State())

  private struct State {
    var readers = 0
    var tick = ""
    var tickAt = ContinuousClock.now - .seconds(60)
    var lastSeq: UInt64 = 0
  }

  init(ask: @escaping Site.Ask) { self.ask = ask }

  func response(to request: HTTPRequest) -> HTTPResponse {
    guard request.method == "GET" else { return .text(405, "GET") }
    let after = request.headers["last-event-id"] ?? request.query.first { $0.name == "after" }?.value
    let isTaken = state.withLock { state in
      guard state.readers < Self.most else { return false }
      state.readers += 1
      return true
    }
    guard isTaken else { return .text(503, "too many readers of events") }
    return HTTPResponse(events: { stream in
      defer { self.state.withLock { $0.readers -= 1 } }
      self.run(stream, after: after.flatMap(UInt64.init))
    })
  }

  private func run(_ stream: any HTTPStream, after: UInt64?) {
    guard stream.send("retry: 2000\n\n") else { return }
    var seq = after
    while true {
      let (tick, last) = tick()
      guard stream.send("event: tick\ndata: \(tick)\n\n") else { return }
      if let known = seq, last > known {
        for alert in alerts(after: known) {
          guard let text = Self.line(alert), stream.send("id: \(alert.seq)\nevent: alert\ndata: \(text)\n\n")
          else { return }
          seq = alert.seq
        }
      } else {
        seq = last
      }
      guard stream.pause(seconds: 1) else { return }
    }
  }

  private func alerts(after seq: UInt64) -> [Alert] {
    guard case .alerts(let list) = ask(.alerts(AlertQuery(afterSeq: seq, limit: 200))) else { return [] }
    return list.alerts
  }

  /// Made once a second for all readers.
  private func tick() -> (text: String, lastSeq: UInt64) {
    let known = state.withLock { state -> (String, UInt64)? in
      ContinuousClock.now - state.tickAt < .milliseconds(900) ? (state.tick, state.lastSeq) : nil
    }
    if let known { return known }
    var tick = Tick()
    var last: UInt64 = 0
    if case .status(let status) = ask(.status) {
      tick.status = status
      last = status.alerts.lastSeq
    }
    if case .streams(let list) = ask(.streams(StreamQuery(order: .score, limit: Self.mostStreams))) {
      tick.total = list.total
      tick.streams = list.rows.map(Tick.Row.init)
    }
    let text = Self.line(tick) ?? "{}"
    state.withLock { state in
      state.tick = text
      state.lastSeq = last
      state.tickAt = .now
    }
    return (text, last)
  }

  private static func line(_ value: some Encodable) -> String? {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) }
  }
}

/// What changes every second.
private struct Tick: Encodable {
  var status = StatusReport()
  var total = 0
  var streams: [Row] = []

  /// As an array, since there are many: name, phase, score, events a second, incident, silenced until.
  struct Row: Encodable {
    let summary: StreamSummary
    init(_ summary: StreamSummary) { self.summary = summary }
    func encode(to encoder: any Encoder) throws {
      var row = encoder.unkeyedContainer()
      try row.encode(summary.name)
      try row.encode(summary.phase.rawValue)
      try row.encode(summary.lastScore.map { ($0 * 10).rounded() / 10 })
      try row.encode((summary.rate * 10).rounded() / 10)
      try row.encode(summary.incident)
      try row.encode(summary.silencedUntil)
    }
  }
}
