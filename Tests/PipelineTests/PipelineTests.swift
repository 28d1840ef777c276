import Control
import Events
import Foundation
import Messaging
import Testing

@testable import Pipeline

@Suite(.serialized) struct PipelineTests {
  @Test func `a stream is learned, a fault opens one incident that names the metric, and it resolves`() throws
  {
    let harness = try Harness()
    try harness.start()
    try harness.waitForScoring()
    #expect(try harness.alerts() == [])

    let context = try MessagingContext()
    let subscriber = try Socket(.sub, in: context)
    try subscriber.subscribe("alert/")
    for endpoint in harness.pipeline?.publishEndpoints ?? [] { try subscriber.connect(endpoint) }
    Thread.sleep(forTimeInterval: 0.3)

    try harness.send(40, shift: 12)
    try harness.wait(for: "an incident") { try harness.status().alerts.openIncidents == 1 }
    let opening = try #require(try harness.alerts().first)
    #expect(opening.features.first?.name == "m1")
    #expect(opening.text.contains("m1"))
    #expect(opening.seq == 1)

    let frames = try #require(try subscriber.receive(timeout: 5000))
    #expect(String(decoding: frames[0], as: UTF8.self).hasPrefix("alert/"))
    #expect(try JSONDecoder().decode(Alert.self, from: Data(frames[1])).id == opening.id)

    try harness.send(80)
    try harness.wait(for: "the end of the incident") { try harness.status().alerts.openIncidents == 0 }
    let statements = try harness.alerts()
    #expect(Set(statements.map(\.id)).count == 1)
    #expect(statements.map(\.seq) == Array(1...UInt64(statements.count)))
    #expect(statements.last?.state == .resolved)
  }

  @Test func `an open incident goes on after a restart, under its id, and everything is scored at once`()
    throws
  {
    let harness = try Harness()
    try harness.start()
    try harness.waitForScoring()
    try harness.send(40, shift: 12)
    try harness.wait(for: "an incident") { try harness.status().alerts.openIncidents == 1 }
    let before = try #require(try harness.alerts(open: true).first)
    harness.stop()

    try harness.start()
    let status = try harness.status()
    #expect(status.streams.scoring == 1)
    #expect(try harness.stream("a").summary.incident == before.id)
    try harness.send(100)
    try harness.wait(for: "the end of the incident") { try harness.status().alerts.openIncidents == 0 }
    #expect(Set(try harness.alerts().map(\.id)) == [before.id])
  }

  @Test func `a retrained model takes over without losing an event`() throws {
    let harness = try Harness()
    try harness.start()
    try harness.waitForScoring()
    guard case .done = try harness.ask(.retrain(stream: "a")) else {
      Issue.record("retraining was refused")
      return
    }
    try harness.send(500)
    try harness.wait(for: "a second training") {
      let trainer = try harness.status().trainer
      return trainer.accepted + trainer.rejected >= 2
    }
    try harness.wait(for: "all events") { try harness.stream("a").summary.events == 400 + 64 + 500 }
    let status = try harness.status()
    #expect(status.totals.dropped == 0)
    // What ingest counts is told a moment later.
    try harness.wait(for: "the counts") {
      let status = try harness.status()
      return status.totals.events == status.shards.reduce(0) { $0 + $1.events }
    }
    guard case .snapshots(let list) = try harness.ask(.snapshots(stream: "a")) else { return }
    #expect(list.snapshots.count { $0.current } == 1)
  }

  @Test func `malformed input is counted by reason and costs nothing else`() throws {
    let harness = try Harness()
    try harness.start()
    for text in ["{", "[]]", "{\"stream\":\"a\",\"values\":{\"x\":1e999}}", "\u{0}\u{1}", "{\"stream\":7}"] {
      try harness.send(raw: text)
    }
    try harness.send(10)
    try harness.wait(for: "the good events") { try harness.stream("a").summary.events >= 10 }
    // What ingest counts is told a moment later.
    try harness.wait(for: "the counts") {
      (try harness.status().sources.first?.malformed.values.reduce(0, +) ?? 0) >= 3
    }
  }

  @Test func `streams with the same fields share a pooled model when many wait`() throws {
    let harness = try Harness()
    harness.configuration.pipeline.retrain.pooledFrom = 4
    harness.configuration.pipeline.retrain.budget = 1
    harness.configuration.pipeline.shards = 2
    try harness.start()
    let names = (0..<12).map { "s\($0)" }
    try harness.send(400, streams: names)
    try harness.wait(for: "models") {
      try names.allSatisfy { try harness.stream($0).summary.snapshot != nil }
    }
    try harness.send(64, streams: names)
    try harness.wait(for: "scoring") { try harness.status().streams.scoring == names.count }
    harness.stop()
    try harness.start()
    #expect(try harness.status().streams.scoring == names.count)
  }

  @Test func `a silenced stream says nothing, and speaks of what still lasts when the silence ends`() throws {
    let harness = try Harness()
    try harness.start()
    try harness.waitForScoring()
    guard case .done = try harness.ask(.silence(stream: "a", seconds: 3600)) else {
      Issue.record("not silenced")
      return
    }
    try harness.send(40, shift: 12)
    try harness.wait(for: "the swallowed opening") { try harness.status().alerts.silenced >= 1 }
    #expect(try harness.alerts() == [])
    harness.stop()
    try harness.start()
    #expect(try harness.status().alerts.silencedStreams == 1)
    guard case .done = try harness.ask(.unsilence(stream: "a")) else {
      Issue.record("still silent")
      return
    }
    try harness.send(700, shift: 12)
    try harness.wait(for: "the incident that lasts") { try harness.alerts().first?.state == .open }
  }
}
