import Events
import Foundation
import Messaging
import Testing
import Wire

@testable import Pipeline

struct IngestRulesTests {
  let context: MessagingContext

  init() throws { context = try MessagingContext() }

  @Test func `a subscriber reads the topics it asked for, in every format at once`() throws {
    var sources: [SourceSettings] = []
    for (name, format) in [
      ("json", PayloadFormat.json), ("msgpack", .msgpack), ("line", .line), ("f32", .f32),
    ] {
      sources.append(
        IngestHarness.source(name) {
          $0.kind = .sub
          $0.topics = ["want"]
          $0.rules.format = format
          $0.rules.fields = format == .f32 ? ["x"] : []
        })
    }
    let harness = try IngestHarness(IngestSettings(sources: sources), context: context)
    let payloads: [[UInt8]] = [
      Array(#"{"x":1}"#.utf8), [0x81, 0xA1, 0x78, 0x02], Array("m x=3".utf8), [0, 0, 0x80, 0x40],
    ]
    for (index, payload) in payloads.enumerated() {
      let publisher = try Socket(.xpub, in: context)
      try publisher.connect(harness.thread.counters[index].endpoints[0])
      #expect(try publisher.receive(timeout: 5000) != nil)
      try publisher.send([Array("other".utf8), payload])
      try publisher.send([Array("want".utf8), Array("part".utf8), payload])
      harness.rows(index + 1)
    }
    #expect(harness.collected.rows.map(\.stream) == ["want/part", "want/part", "m", "want/part"])
    #expect(harness.collected.rows.map { $0.values["x"] } == [1, 2, 3, 4])
    #expect(harness.await { $0.map(\.messages) == [1, 1, 1, 1] })
  }

  @Test func `parts that come within the tolerance are one observation`() throws {
    let source = IngestHarness.source {
      $0.rules.stream = "{topic.0}"
      $0.rules.name = "{topic.1}.{key}"
      $0.rules.joinTolerance = 0.2
    }
    let harness = try IngestHarness(IngestSettings(sources: [source]), context: context)
    let sender = try harness.sender()
    func part(_ plugin: String, _ ts: Double, _ value: Double) throws {
      try sender.send(
        [Array("G".utf8), Array(plugin.utf8), Array("{\"ts\":\(ts),\"v\":\(value)}".utf8)], wait: .forever)
    }
    let start = 1_732_270_000.0
    for round in 0..<3 {
      try part("cpu", start + Double(round) * 2, Double(round))
      try part("mem", start + Double(round) * 2 + 0.1, Double(round) + 10)
      if round != 1 { try part("load", start + Double(round) * 2 + 0.15, Double(round) + 20) }
    }
    // The same part again is the next observation, whatever its time.
    try part("cpu", start + 4.1, 7)
    let rows = harness.rows(4)
    #expect(rows.map(\.timestamp) == [start, start + 2, start + 4, start + 4.1])
    #expect(
      rows.map(\.values) == [
        ["cpu.v": 0, "mem.v": 10, "load.v": 20], ["cpu.v": 1, "mem.v": 11],
        ["cpu.v": 2, "mem.v": 12, "load.v": 22],
        ["cpu.v": 7],
      ])
    #expect(harness.await { $0[0].parts == 9 && $0[0].events == 4 })
  }

  @Test func `an observation whose last part is overdue leaves without it`() throws {
    let source = IngestHarness.source { $0.rules.joinTolerance = 0.05 }
    let harness = try IngestHarness(IngestSettings(sources: [source]), context: context)
    try harness.sender().send(text: #"{"stream":"s","x":1}"#)
    #expect(harness.rows(1).map(\.values) == [["x": 1]])
  }

  @Test func `counters become increases per second; a reset is missing`() throws {
    let source = IngestHarness.source {
      $0.rules.stream = "{json.name}"
      $0.rules.rates = ["enqueued"]
    }
    let harness = try IngestHarness(IngestSettings(sources: [source]), context: context)
    let sender = try harness.sender()
    for (ts, count, size) in [
      (0, 1_000_000_000_000, 5), (1, 1_000_000_000_017, 6), (3, 1_000_000_000_025, 7), (4, 10, 8), (4, 12, 9),
      (5, 20, 10),
    ] {
      try sender.send(
        text: "{\"ts\":\(1_732_270_000 + ts),\"name\":\"q\",\"enqueued\":\(count),\"size\":\(size)}")
    }
    let rows = harness.rows(6)
    #expect(
      rows.map(\.values) == [
        ["size": 5], ["size": 6, "enqueued": 17], ["size": 7, "enqueued": 4], ["size": 8], ["size": 9],
        ["size": 10, "enqueued": 8],
      ])
  }

  @Test func `unwanted topics and streams are dropped and counted`() throws {
    let source = IngestHarness.source {
      $0.rules.stream = "{topic.1}"
      $0.rules.dropTopics = ["stat.*.*"]
      $0.rules.dropStreams = ["circus*"]
    }
    let harness = try IngestHarness(IngestSettings(sources: [source]), context: context)
    let sender = try harness.sender()
    for topic in ["stat.burner.8423", "stat.burner", "stat.circusd", "stat.circusd-stats"] {
      try sender.send(text: #"{"cpu":4}"#, topic: topic)
    }
    #expect(harness.rows(1).map(\.stream) == ["burner"])
    #expect(harness.await { $0[0].droppedByRule == 3 && $0[0].events == 1 })
  }
}
