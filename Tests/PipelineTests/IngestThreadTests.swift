import Events
import Foundation
import Messaging
import Testing
import Wire

@testable import Pipeline

struct IngestThreadTests {
  let context: MessagingContext

  init() throws { context = try MessagingContext() }

  @Test func `events of many streams reach the shard of their number, with their names declared before`()
    throws
  {
    let harness = try IngestHarness(
      IngestSettings(sources: [IngestHarness.source()]), context: context, shards: 2)
    let sender = try harness.sender()
    for number in 0..<300 {
      try sender.send(
        text:
          "{\"stream\":\"s\(number % 5)\",\"ts\":\(1_732_270_000 + number),\"values\":{\"a\":\(number),\"b\":1}}"
      )
    }
    let rows = harness.rows(300)
    #expect(rows.count == 300)
    for stream in 0..<5 {
      let own = rows.filter { $0.stream == "s\(stream)" }
      #expect(own.map { $0.values["a"] } == stride(from: stream, to: 300, by: 5).map { Float($0) })
    }
    #expect(harness.collected.streams == [0: "s0", 1: "s1", 2: "s2", 3: "s3", 4: "s4"])
    #expect(
      harness.await {
        $0[0].messages == 300 && $0[0].events == 300 && $0[0].streams == 5 && $0[0].bytes > 10_000
      })
    #expect(
      harness.handoffs[0].counters.acceptedEvents == 180 && harness.handoffs[1].counters.acceptedEvents == 120
    )
  }

  @Test func `a batch leaves when it is full, and at the latest when its time is over`() throws {
    var settings = IngestSettings(sources: [IngestHarness.source()])
    settings.flushEvents = 10
    let harness = try IngestHarness(settings, context: context)
    let sender = try harness.sender()
    let events = (0..<25).map { "{\"stream\":\"s\",\"values\":{\"a\":\($0)}}" }.joined(separator: ",")
    try sender.send(text: "[\(events)]")
    #expect(harness.rows(25).count == 25)
    #expect(harness.handoffs[0].counters.acceptedBatches == 3)
  }

  @Test func `fields appear and vanish, rows stay aligned`() throws {
    let harness = try IngestHarness(IngestSettings(sources: [IngestHarness.source()]), context: context)
    let sender = try harness.sender()
    for values in [
      #"{"a":1,"b":2}"#, #"{"b":3}"#, #"{"c":4,"a":5}"#, #"{"a":6,"b":7,"c":8}"#, #"{"b":9,"b":10}"#,
      #"{"a":null,"d":1}"#,
    ] {
      try sender.send(text: "{\"stream\":\"s\",\"values\":\(values)}")
    }
    let rows = harness.rows(6)
    #expect(
      rows.map(\.values) == [
        ["a": 1, "b": 2], ["b": 3], ["c": 4, "a": 5], ["a": 6, "b": 7, "c": 8], ["b": 10], ["d": 1],
      ])
    #expect(rows.map(\.width) == [2, 2, 3, 3, 3, 4])
    #expect(harness.collected.fields[0] == ["a", "b", "c", "d"])
  }

  @Test func `values without names are those of the list sent before, else of the stream's fields`() throws {
    let harness = try IngestHarness(IngestSettings(sources: [IngestHarness.source()]), context: context)
    let sender = try harness.sender()
    for message in [
      #"{"stream":"s","values":[1,2]}"#, #"{"stream":"s","values":[3,4],"fields":["a","b"]}"#,
      #"{"stream":"s","values":[5,6]}"#,
      #"{"stream":"s","values":[7]}"#, #"{"stream":"s","values":[8,9],"fields":["b","a"]}"#,
      #"{"stream":"s","values":[10,11]}"#,
      #"{"stream":"t","values":{"x":1,"y":2}}"#, #"{"stream":"t","values":[3,4]}"#,
      #"{"stream":"t","values":[5,6,7]}"#,
    ] { try sender.send(text: message) }
    let rows = harness.rows(6)
    #expect(
      rows.map(\.values) == [
        ["a": 3, "b": 4], ["a": 5, "b": 6], ["b": 8, "a": 9], ["b": 10, "a": 11], ["x": 1, "y": 2],
        ["x": 3, "y": 4],
      ])
    #expect(harness.await { $0[0][.fieldsUnknown] == 1 && $0[0][.wrongFieldCount] == 2 })
  }

  @Test func `streams of an earlier life keep their numbers and the order of their fields`() throws {
    let known = [
      KnownStream(key: StreamKey("old"), fields: ["x", "y"]),
      KnownStream(key: StreamKey("older"), fields: []),
    ]
    let harness = try IngestHarness(
      IngestSettings(sources: [IngestHarness.source()]), context: context, shards: 2, known: known)
    let sender = try harness.sender()
    for message in [
      #"{"stream":"old","values":[1,2]}"#, #"{"stream":"old","values":{"y":3,"z":4,"x":5}}"#,
      #"{"stream":"new","x":1}"#,
    ] {
      try sender.send(text: message)
    }
    let rows = harness.rows(3)
    #expect(harness.collected.streams == [0: "old", 1: "older", 2: "new"])
    #expect(harness.collected.fields[0] == ["x", "y", "z"])
    #expect(
      rows.filter { $0.stream == "old" }.map(\.values) == [["x": 1, "y": 2], ["y": 3, "z": 4, "x": 5]])
  }

  @Test func `streams beyond the cap are refused and counted, and take no memory`() throws {
    let harness = try IngestHarness(
      IngestSettings(sources: [IngestHarness.source { $0.rules.maxStreams = 100 }]), context: context)
    let sender = try harness.sender()
    for block in 0..<50 {
      let events = (0..<1000).map { "{\"stream\":\"s\(block * 1000 + $0)\",\"a\":1}" }.joined(separator: ",")
      try sender.send(text: "[\(events)]")
    }
    try sender.send(text: #"{"stream":"s7","a":2}"#)
    let rows = harness.rows(101)
    #expect(rows.last?.stream == "s7")
    #expect(harness.await { $0[0].streamsRefused == 49_900 && $0[0].streams == 100 && $0[0].events == 101 })
    #expect(harness.thread.streamCounters().count == 100)
    #expect(harness.log.lines.count == 1)
    #expect(harness.log.lines[0].reason.contains("more than 100 streams"))
  }

  @Test func `fields beyond the cap of a stream are refused and counted`() throws {
    let harness = try IngestHarness(
      IngestSettings(sources: [IngestHarness.source { $0.rules.maxFields = 3 }]), context: context)
    let sender = try harness.sender()
    for number in 0..<10 { try sender.send(text: "{\"stream\":\"s\",\"a\(number)\":1,\"a\(number + 1)\":2}") }
    #expect(harness.rows(10).map(\.width) == [2, 3, 3, 3, 3, 3, 3, 3, 3, 3])
    #expect(harness.collected.fields[0] == ["a0", "a1", "a2"])
    #expect(harness.await { $0[0].fieldsRefused == 15 })
  }

  @Test func `bad messages are counted by reason, told once, republished, and stop nothing`() throws {
    var settings = IngestSettings(sources: [IngestHarness.source { $0.maxMessageSize = 2000 }])
    let path = FileManager.default.temporaryDirectory.appending(path: "dead-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    settings.deadLetterEndpoint = "ipc://\(path)"
    let harness = try IngestHarness(settings, context: context)
    let letters = try Socket(.sub, in: context)
    try letters.subscribe("dead-letter/test/")
    try letters.connect("ipc://\(path)")
    let sender = try harness.sender()
    // Until the subscription has arrived, letters go unheard.
    var first: [[UInt8]]?
    while first == nil {
      try sender.send(text: "{\"x\":1", topic: "a.b")
      first = try letters.receive(timeout: 20)
    }
    #expect(first == [Array("dead-letter/test/truncated".utf8), Array("a.b".utf8), Array("{\"x\":1".utf8)])
    while try letters.receive(timeout: 50) != nil {}
    for message in [
      "{\"x\":1}}", "{\"x\":tru}", "{\"ts\":3,\"x\":1}", "{\"s\":\"only text\"}",
      String(repeating: " ", count: 3000),
    ] {
      try sender.send(text: message)
    }
    try sender.send([[0x7B, 0xFF]], wait: .forever)
    try sender.send(text: #"{"stream":"good","x":1}"#)
    #expect(harness.rows(1).map(\.stream) == ["good"])
    var topics: [String] = []
    while let frames = try letters.receive(timeout: 200) {
      topics.append(String(decoding: frames[0], as: UTF8.self))
    }
    #expect(
      topics.map { String($0.dropFirst(17)) } == [
        "malformed-json", "malformed-json", "absurd-timestamp", "too-large", "non-utf8",
      ])
    #expect(
      harness.await {
        $0[0][.malformedJSON] == 2 && $0[0][.absurdTimestamp] == 1 && $0[0][.noNumbers] == 1
          && $0[0][.tooLarge] == 1
          && $0[0][.nonUTF8] == 1 && $0[0].malformed["truncated"] ?? 0 >= 1
      })
    let lines = harness.log.lines
    #expect(lines.count == 5, "\(lines)")
    #expect(lines[1].reason == "source test: malformed-json: a message is not JSON")
    #expect(lines[1].extract == "{\"x\":1}}")
  }

  @Test func `a source that must not lose events is not read while its shard is full, and nothing is lost`()
    throws
  {
    let source = IngestHarness.source { $0.receiveHighWater = 50 }
    var settings = IngestSettings(sources: [source])
    settings.flushEvents = 8
    let harness = try IngestHarness(settings, context: context, capacity: 2)
    let sender = try harness.sender(highWater: 50)
    // A socket that is closed takes with it what it has not sent.
    let mayClose = DispatchSemaphore(value: 0)
    defer { mayClose.signal() }
    Thread.detachNewThread { [sender] in
      for number in 0..<5000 { try? sender.send(text: "{\"stream\":\"s\",\"n\":\(number)}") }
      mayClose.wait()
    }
    #expect(harness.await { $0[0].isHeldBack })
    let before = harness.thread.counters[0].events
    #expect(before < 5000)
    #expect(harness.rows(5000).map { $0.values["n"] } == (0..<5000).map { Float($0) })
    #expect(harness.await { $0[0].events == 5000 && !$0[0].isHeldBack && $0[0].droppedByPolicy == 0 })
  }

  @Test(arguments: [Overflow.dropOldest, .dropNewest])
  func `a source that may lose events does so exactly as it is counted`(overflow: Overflow) throws {
    let source = IngestHarness.source { $0.overflow = overflow }
    var settings = IngestSettings(sources: [source])
    settings.flushEvents = 8
    let harness = try IngestHarness(settings, context: context, capacity: 2)
    let sender = try harness.sender()
    for number in 0..<1000 { try sender.send(text: "{\"stream\":\"s\",\"n\":\(number)}") }
    #expect(harness.await { $0[0].messages == 1000 })
    harness.thread.stop()
    let dropped = harness.thread.counters[0].droppedByPolicy
    let numbers = harness.rows(Int(1000 - dropped)).compactMap { $0.values["n"] }
    #expect(dropped > 900 && numbers.count == Int(1000 - dropped))
    #expect(overflow == .dropOldest ? numbers.last == 999 : numbers.first == 0)
    #expect(harness.thread.streamCounters("s")?.dropped == dropped)
    #expect(harness.collected.fields[0] == ["n"])
  }

  @Test func `sequence numbers, late events and times are told by stream`() throws {
    let harness = try IngestHarness(IngestSettings(sources: [IngestHarness.source()]), context: context)
    let sender = try harness.sender()
    for (seq, epoch, ts) in [
      (1, "a", 10), (2, "a", 11), (5, "a", 12), (5, "a", 12), (6, "a", 11), (0, "b", 13),
    ] {
      try sender.send(
        text: "{\"stream\":\"s\",\"seq\":\(seq),\"epoch\":\"\(epoch)\",\"ts\":\(1_732_270_000 + ts),\"x\":1}")
    }
    harness.rows(5)
    let counters = try #require(harness.thread.streamCounters()["s"])
    #expect(counters.gaps == 2 && counters.repeats == 1 && counters.restarts == 1 && counters.late == 1)
    #expect(counters.events == 5 && counters.lastTimestamp == 1_732_270_013 && counters.source == "test")
    #expect(harness.thread.streamCounters("nobody") == nil)
  }

  @Test func `stopping takes in what has arrived`() throws {
    let harness = try IngestHarness(
      IngestSettings(sources: [IngestHarness.source()]), context: context, capacity: 1000)
    let sender = try harness.sender()
    for number in 0..<3000 { try sender.send(text: "{\"stream\":\"s\",\"n\":\(number)}") }
    #expect(harness.await { $0[0].messages > 0 })
    harness.thread.stop()
    let counters = harness.thread.counters[0]
    #expect(harness.rows(Int(counters.events)).count == Int(counters.messages))
    let error = #expect(throws: IngestError.self) { try harness.thread.apply(IngestSettings(sources: [])) }
    #expect(error?.reason == .stopped)
  }

  @Test func `the loop makes progress with nothing to do, an unreachable publisher included`() throws {
    var source = SourceSettings(name: "away", endpoints: ["tcp://127.0.0.1:9"])
    source.topics = ["a", "b"]
    let harness = try IngestHarness(IngestSettings(sources: [source]), context: context)
    let start = harness.thread.progress
    let deadline = Clocks.monotonic() + 3_000_000_000
    while harness.thread.progress < start + 3, Clocks.monotonic() < deadline { usleep(10_000) }
    #expect(harness.thread.progress >= start + 3)
    #expect(harness.thread.counters[0].peers == 0 && harness.thread.counters[0].lastMessage == 0)
  }

  @Test func `a port in use keeps it from starting, with the source, the endpoint and the remedy`() throws {
    let other = try Socket(.pull, in: context)
    let endpoint = try other.bind("tcp://127.0.0.1:*")
    let settings = IngestSettings(sources: [IngestHarness.source { $0.endpoints = [endpoint] }])
    let error = #expect(throws: IngestError.self) { try IngestHarness(settings, context: context) }
    #expect(error?.reason == .endpoint)
    #expect(error?.description.hasPrefix("source test: \(endpoint): Address already in use: ") == true)
  }

  @Test func `contradicting settings are told with their place`() throws {
    var settings = IngestSettings(sources: [
      IngestHarness.source("a"), IngestHarness.source("a") { $0.endpoints = [] },
    ])
    settings.sources[1].rules.stream = "{nothing}"
    settings.flushEvents = 0
    #expect(
      settings.problems().map(\.path) == [
        "sources[1].name", "sources[1].endpoints", "sources[1].stream", "flush_events",
      ])
    let error = #expect(throws: IngestError.self) { try IngestHarness(settings, context: context) }
    #expect(error?.reason == .settings)
  }

  @Test func `peers that come and go are counted`() throws {
    let harness = try IngestHarness(IngestSettings(sources: [IngestHarness.source()]), context: context)
    do {
      let sender = try harness.sender()
      try sender.send(text: #"{"x":1}"#)
      harness.rows(1)
      #expect(harness.await { $0[0].peers == 1 })
    }
    #expect(harness.await { $0[0].peers == 0 && $0[0].disconnections == 1 })
  }
}
