import Archive
import Control
import Detection
import Events
import Foundation

extension AnomalyPipeline {
  func alertList(_ query: AlertQuery) throws -> AlertList {
    var found: [Alert]
    if query.openOnly {
      found = try alerts.openAlerts()
    } else if let after = query.afterSeq {
      found = try alerts.alerts(after: after, limit: query.limit + 1)
    } else {
      found = try alerts.alerts(since: query.since ?? 0, limit: .max)
    }
    found = found.filter { alert in
      (query.stream == nil || alert.stream == query.stream) && (query.since.map { alert.ts >= $0 } ?? true)
        && (query.until.map { alert.ts <= $0 } ?? true)
    }
    if query.incidentsOnly {
      var latest: [String: Alert] = [:]
      for alert in found { latest[alert.id] = alert }
      found = latest.values.sorted { $0.seq < $1.seq }
    }
    let more = found.count > query.limit
    if more { found = query.afterSeq == nil ? found.suffix(query.limit) : Array(found.prefix(query.limit)) }
    var acknowledged: [String: AcknowledgementRecord] = [:]
    let ids = Set(found.map(\.id))
    for id in ids { acknowledged[id] = try acknowledgement(of: id) }
    let labels = try alerts.labels(of: Array(ids))
    return AlertList(
      alerts: found, acknowledged: acknowledged, labels: labels, epoch: alerts.epoch,
      lastSeq: try alerts.lastSeq(),
      more: more)
  }

  func explanation(of id: String) throws -> Explanation {
    let statements = try alerts.history(of: id)
    guard !statements.isEmpty else { throw Failure.unknownIncident(id) }
    return Explanation(
      statements: statements, acknowledged: try acknowledgement(of: id),
      label: try alerts.incident(statements[0].id)?.label, normal: nearestNormal(of: statements),
      similar: try statements.last { !$0.features.isEmpty }.map {
        try alerts.similar(to: $0, openedBefore: statements[0].seq)
      } ?? [])
  }

  private func acknowledgement(of id: String) throws -> AcknowledgementRecord? {
    guard let incident = try alerts.incident(id), let at = incident.acknowledgedAt else { return nil }
    // Who and what stand in one note, divided at the first line break.
    let parts = (incident.note ?? "").split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
    return AcknowledgementRecord(
      by: parts.first.map(String.init) ?? "", note: parts.count > 1 ? String(parts[1]) : "", at: at)
  }

  func acknowledge(_ id: String, by: String, note: String) throws -> Done {
    guard try alerts.acknowledge(id, note: "\(by)\n\(note)", at: Clocks.wall()) else {
      throw Failure.unknownIncident(id)
    }
    return Done("incident \(id) is acknowledged", details: ["id": id, "by": by])
  }

  func silence(_ stream: String, seconds: Double) throws -> Done {
    let now = Clocks.wall()
    let until = now + seconds
    try alerts.silence(.init(stream: StreamKey(stream), since: now, until: until, reason: ""))
    publisher.silence(stream, until: until)
    let text = Date(timeIntervalSince1970: until).formatted(.iso8601)
    return Done("\(stream) is silent until \(text)", details: ["stream": stream, "until": text])
  }

  func unsilence(_ stream: String) throws -> Done {
    guard try alerts.unsilence(StreamKey(stream), at: Clocks.wall()) else {
      throw Failure(
        .data, what: "stream \(stream)", why: "it is not silenced", remedy: "see `anomalyctl streams`")
    }
    publisher.silence(stream, until: nil)
    return Done("\(stream) may speak again", details: ["stream": stream])
  }
}
