import Control
import Events
import Foundation
import Messaging
import Testing

/// What bad input gets from the true daemon: a count, an explanation, and nothing else is lost.
@Suite(.serialized) struct HardshipTests {
  /// Sources that listen in `folder` under their own names.
  static func config(_ sources: [(name: String, more: String)], in folder: URL, _ rest: String = "") -> String
  {
    "sources:\n"
      + sources.map { source in
        let bind = Daemon.endpoint(source.name, in: folder)
        return "  - {name: \(source.name), socket: pull, bind: [\"\(bind)\"]\(source.more)}\n"
      }.joined() + rest
  }

  static func deepObject(_ depth: Int) -> String {
    String(repeating: #"{"a":"#, count: depth) + "1" + String(repeating: "}", count: depth)
  }

  /// A faulty JSON message, and the name under which it is counted.
  static let faultyJSON: [(message: String, reason: String)] = [
    ("", "truncated"), ("\u{0}\u{1}\u{2}", "malformed-json"), ("hello", "malformed-json"),
    (#"{"stream":"good","ts":1700000000,"values":{"a":1"#, "truncated"),
    (#"{"stream":"good","#, "truncated"), ("[", "truncated"),
    (#"{"stream":"good","ts":1700000000,"values":{"a":1}} {}"#, "malformed-json"),
    (#"{"stream":"good","values":[1,2,3]}"#, "wrong-field-count"),
    (#"{"stream":"good","values":[1]}"#, "wrong-field-count"),
    (#"{"stream":"nobody","values":[1,2]}"#, "fields-unknown"),
    (#"{"stream":"good","ts":4000000000,"values":{"a":1}}"#, "absurd-timestamp"),
    (#"{"stream":"good","ts":-5,"values":{"a":1}}"#, "absurd-timestamp"),
    (#"{"stream":"good","ts":1700000000000,"values":{"a":1}}"#, "absurd-timestamp"),
    (#"{"stream":"good","ts":"yesterday","values":{"a":1}}"#, "bad-timestamp"),
    (#"{"stream":"good","ts":"2026-13-45T00:00:00Z","values":{"a":1}}"#, "bad-timestamp"),
    (#"{"stream":"good","ts":1e400,"values":{"a":1}}"#, "bad-timestamp"),
    (deepObject(100), "too-deep"), (#""text""#, "unknown-shape"), ("42", "unknown-shape"),
    ("[[1,2]]", "unknown-shape"),
    (#"{"stream":"\#(String(repeating: "n", count: 3000))","values":{"a":1}}"#, "name-too-long"),
    (#"{"stream":"good","values":{"\#(String(repeating: "n", count: 3000))":1}}"#, "name-too-long"),
    (
      #"{"stream":"good","values":{\#((0..<2000).map { "\"f\($0)\":1" }.joined(separator: ","))}}"#,
      "too-many-fields"
    ),
  ]

  @Test func `every kind of faulty message is counted by its reason, shown, and harms no other`() throws {
    try Programs.withFolder { folder in
      let daemon = try Daemon(
        Self.config(
          [
            ("json", ""), ("rows", ", format: f32, fields: [x, y], stream: rows"),
            ("packed", ", format: msgpack"), ("lines", ", format: line"),
          ], in: folder), in: folder)
      let json = try Sender(to: Daemon.endpoint("json", in: folder))
      for (index, faulty) in Self.faultyJSON.enumerated() {
        try json.sendOrdinary("good", index..<index + 1)
        try json.send("topic", faulty.message)
      }
      try json.send([
        Array("topic".utf8), Array(#"{"stream":"g"#.utf8) + [0xFF, 0xFE] + Array(#"","a":1}"#.utf8),
      ])
      try json.send((0..<200).map { Array("part \($0)".utf8) })
      try json.send([[UInt8](repeating: UInt8(ascii: "t"), count: 5 << 20), Array(#"{"a":1}"#.utf8)])
      try json.sendOrdinary("good", Self.faultyJSON.count..<40)

      let source = try daemon.waitForMessages(43 + Self.faultyJSON.count, of: "json")
      var expected = Dictionary(grouping: Self.faultyJSON, by: \.reason).mapValues { UInt64($0.count) }
      expected["non-utf8", default: 0] += 1
      expected["unknown-shape", default: 0] += 1
      expected["too-large", default: 0] += 1
      #expect(source.malformed == expected)
      #expect(source.events == 40)
      try daemon.waitForEvents(40, of: "good")

      for (name, messages, reasons) in [
        (
          "rows", [[1, 2, 3], [UInt8](repeating: 0, count: 12), [UInt8](repeating: 0, count: 8)],
          ["wrong-field-count": 2]
        ),
        (
          "packed", [[], [0xC1], [0x85, 0xA6, 0x73], [0xDF, 0xFF, 0xFF, 0xFF, 0xFF], [0x93, 1, 2, 3]],
          ["truncated": 3, "malformed-msgpack": 1, "unknown-shape": 1]
        ),
        (
          "lines",
          ["cpu", "cpu a=", "cpu a=1 17e5x", "cpu a=1 1", "cpu a=1 1700000000000000000"].map {
            Array($0.utf8)
          },
          ["malformed-line": 2, "bad-timestamp": 1, "absurd-timestamp": 1]
        ),
      ] as [(String, [[UInt8]], [String: UInt64])] {
        let sender = try Sender(to: Daemon.endpoint(name, in: folder))
        for message in messages { try sender.send([message]) }
        #expect(try daemon.waitForMessages(messages.count, of: name).malformed == reasons, "\(name)")
      }

      let text = try daemon.control("status")
      for reason in expected.keys {
        #expect(text.contains("malformed: \(reason)"), "no \(reason) in\n\(text)")
      }
      #expect(try daemon.doctor("input").finding == .warn)
      // The first of each reason is logged with an extract, and no second one in the same minute.
      let truncated = daemon.log.split(separator: "\n").filter { $0.contains("source json: truncated") }
      #expect(truncated.count == 1, "\(truncated)")
      #expect(daemon.log.contains("extract=..."))
      #expect(daemon.end() == 0)
    }
  }

  @Test func `NaN, infinities and nulls are missing values and no faults`() throws {
    try Programs.withFolder { folder in
      let daemon = try Daemon(Self.config([("json", "")], in: folder), in: folder)
      let sender = try Sender(to: Daemon.endpoint("json", in: folder))
      for value in ["NaN", "Infinity", "-Infinity", "1e999", "null"] {
        try sender.send(#"{"stream":"s","values":{"a":\#(value),"b":1}}"#)
      }
      let source = try daemon.waitForMessages(5, of: "json")
      #expect(source.events == 5 && source.malformed.isEmpty && source.refused.isEmpty, "\(source)")
    }
  }

  @Test func `what cannot be read goes to the dead-letter topic, when there is one`() throws {
    try Programs.withFolder { folder in
      let letters = Daemon.endpoint("dead", in: folder)
      let daemon = try Daemon(
        Self.config([("json", "")], in: folder), in: folder,
        environment: ["ANOMALYD_PUBLISH_DEAD_LETTER": letters])
      let subscriber = try Socket(.sub, in: try MessagingContext())
      try subscriber.subscribe()
      try subscriber.connect(letters)
      let sender = try Sender(to: Daemon.endpoint("json", in: folder))
      var frames: [[UInt8]]?
      // A subscription takes its time to arrive.
      for _ in 0..<200 where frames == nil {
        try sender.send("topic", "no JSON")
        frames = try subscriber.receive(timeout: 100)
      }
      #expect(
        frames == [Array("dead-letter/json/malformed-json".utf8), Array("topic".utf8), Array("no JSON".utf8)])
      #expect(daemon.process.isRunning)
    }
  }

  @Test func `messages of 100 MB are refused one by one and their memory is given back`() throws {
    try Programs.withFolder { folder in
      let daemon = try Daemon(Self.config([("json", "")], in: folder), in: folder)
      let sender = try Sender(to: Daemon.endpoint("json", in: folder))
      try sender.sendOrdinary("good", 0..<10)
      try daemon.waitForMessages(10, of: "json")
      let before = try daemon.status().memory.resident
      let huge = [UInt8](repeating: UInt8(ascii: " "), count: 100_000_000)
      for index in 0..<3 {
        try sender.send([Array("topic".utf8), huge])
        try sender.sendOrdinary("good", 10 + index..<11 + index)
      }
      let source = try daemon.waitForMessages(16, of: "json")
      #expect(source.malformed == ["too-large": 3] && source.events == 13)
      let after = try daemon.status().memory.resident
      #expect(after < before + 50_000_000, "\(before) bytes before, \(after) after")
      #expect(daemon.log.contains("max_message_size"))
    }
  }

  @Test func `a peer whose message is beyond disconnect_size is sent away before it is taken in`() throws {
    try Programs.withFolder { folder in
      let daemon = try Daemon(
        Self.config([("json", ", max_message_size: 1MiB, disconnect_size: 2MiB")], in: folder), in: folder)
      let greedy = try Sender(to: Daemon.endpoint("json", in: folder))
      try greedy.send([[UInt8](repeating: 0, count: 3 << 20)])
      let sender = try Sender(to: Daemon.endpoint("json", in: folder))
      try sender.sendOrdinary("good", 0..<5)
      let source = try daemon.waitForMessages(5, of: "json")
      #expect(source.events == 5)
      try daemon.wait("a log line", for: { daemon.log }, until: { $0.contains("2097152 bytes") })
    }
  }

  @Test func `a million distinct stream names fill their cap and no more`() throws {
    try Programs.withFolder { folder in
      let daemon = try Daemon(Self.config([("json", ", max_streams: 1000")], in: folder), in: folder)
      let sender = try Sender(to: Daemon.endpoint("json", in: folder))
      try sender.sendOrdinary("good", 0..<1)
      try daemon.waitForMessages(1, of: "json")
      let before = try daemon.status().memory.resident
      for block in 0..<500 {
        var text = "["
        for index in block * 2000..<(block + 1) * 2000 {
          text += #"{"stream":"s\#(index)","values":{"a":1,"b":2}},"#
        }
        text.removeLast()
        try sender.send([Array((text + "]").utf8)])
      }
      try sender.sendOrdinary("good", 1..<3)
      let source = try daemon.waitForMessages(503, of: "json")
      #expect(source.streams == 1000 && source.events == 999 + 3)
      #expect(source.refused == ["too-many-streams": 1_000_000 - 999])
      try daemon.waitForEvents(3, of: "good")
      let after = try daemon.status().memory.resident
      // 64 KiB a stream at most, and what the messages themselves took.
      #expect(after < before + 1000 * 65_536 + 32_000_000, "\(before) bytes before, \(after) after")
      #expect(try daemon.control("status").contains("999,001 refused: too-many-streams"))
      #expect(daemon.log.contains("max_streams"))
      #expect(daemon.end() == 0)
    }
  }

  @Test func `somebody who does not speak ZeroMQ is counted out`() throws {
    try Programs.withFolder { folder in
      let port = try FreePort.next()
      let daemon = try Daemon(
        "sources:\n  - {name: open, socket: pull, bind: [\"tcp://127.0.0.1:\(port)\"]}\n", in: folder)
      let browser = try Stranger(port: port)
      try browser.say(Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
      // The browser would be given half a minute to explain itself; a security mechanism that is none is refused at once.
      let stranger = try Stranger(port: port)
      let signature: [UInt8] = [0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 3, 0]
      try stranger.say(signature + Array("NONSENSE".utf8) + [UInt8](repeating: 0, count: 44))
      try daemon.wait(
        "a problem", for: { try daemon.source("open").problem ?? "" }, until: { $0.contains("protocol") })
      let sender = try Sender(to: "tcp://127.0.0.1:\(port)")
      try sender.sendOrdinary("good", 0..<3)
      try daemon.waitForEvents(3, of: "good")
      #expect(try daemon.source("open").malformed.isEmpty)
    }
  }

  @Test func `an endpoint where nobody answers is shown, tried again, and read when somebody does`() throws {
    try Programs.withFolder { folder in
      let port = try FreePort.next()
      let daemon = try Daemon(
        Self.config([("json", "")], in: folder)
          + "  - {name: away, connect: [\"tcp://127.0.0.1:\(port)\"]}\n",
        in: folder)
      let sender = try Sender(to: Daemon.endpoint("json", in: folder))
      try sender.sendOrdinary("good", 0..<5)
      try daemon.waitForEvents(5, of: "good")
      #expect(try daemon.source("away").problem?.contains("nobody is connected") == true)
      #expect(try daemon.control("status").contains("away: nobody is connected"))
      #expect(try daemon.doctor("sources").why.contains("away"))

      let publisher = try Socket(.xpub, in: try MessagingContext())
      try publisher.bind("tcp://127.0.0.1:\(port)")
      #expect(try publisher.receive(timeout: 30_000) != nil, "it did not come back")
      try publisher.send([Array("late".utf8), Array(#"{"a":1}"#.utf8)])
      try daemon.waitForEvents(1, of: "late")
      try daemon.wait("no problem", for: { try daemon.source("away").problem }, until: { $0 == nil })
    }
  }
}
