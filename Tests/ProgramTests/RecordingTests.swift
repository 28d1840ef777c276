import Foundation
import Messaging
import Testing

/// `anomalylab record`, `publish` and `subscribe` as true programs over true sockets.
@Suite struct RecordingTests {
  @Test func `record writes a steady table of this machine's metrics`() throws {
    try Programs.withFolder { folder in
      let out = folder.appending(path: "r.csv.gz").path
      let ended = try Programs.run(
        "anomalylab", ["record", "--rate", "20", "--duration", "1s", "--out", out])
      #expect(ended.status == 0, "\(ended.errors)")
      let unzip = Process()
      unzip.executableURL = URL(filePath: "/usr/bin/env")
      unzip.arguments = ["gzip", "-dc", out]
      let pipe = Pipe()
      unzip.standardOutput = pipe
      try unzip.run()
      let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
      let rows = text.split(separator: "\n").map {
        $0.split(separator: ",", omittingEmptySubsequences: false)
      }
      // A machine that is busy gives it fewer turns, and never more.
      #expect((5...20).contains(rows.count - 1), "\(rows.count) rows")
      #expect(rows.allSatisfy { $0.count == rows[0].count })
      for name in [
        "ts", "cpu.user", "load.1", "mem.used", "disk.write", "net.lo.packets", "switches", "page.faults",
      ] {
        #expect(rows[0].contains(Substring(name)), "no column \(name)")
      }
      let user = try #require(rows[0].firstIndex(of: "cpu.user"))
      let memory = try #require(rows[0].firstIndex(of: "mem.used"))
      for row in rows.dropFirst() {
        let share = try #require(Double(row[user]))
        #expect((0...1).contains(share))
        #expect(try #require(Double(row[memory])) > 1)
        #expect(abs(Date().timeIntervalSince1970 - (Double(row[0]) ?? 0)) < 60)
      }
    }
  }

  @Test func `record publishes what it records`() throws {
    let context = try MessagingContext()
    let subscriber = try Socket(.sub, in: context)
    try subscriber.subscribe()
    let endpoint = try subscriber.bind("tcp://127.0.0.1:*")
    try Programs.withFolder { folder in
      let record = try Running(
        "anomalylab", ["record", "--rate", "20", "--endpoint", endpoint, "--connect", "--stream", "me"],
        folder: folder)
      defer { record.stop() }
      let frames = try #require(try subscriber.receive(timeout: 20_000))
      #expect(frames.first == Array("me".utf8))
      let event = try #require(
        try JSONSerialization.jsonObject(with: Data(frames[frames.count - 1])) as? [String: Any])
      #expect(event["stream"] as? String == "me")
      #expect((event["values"] as? [String: Any])?["load.1"] is NSNumber)
    }
  }

  @Test func `an interrupted recording is a whole file`() throws {
    try Programs.withFolder { folder in
      let out = folder.appending(path: "r.csv.gz").path
      let record = try Running("anomalylab", ["record", "--rate", "50", "--out", out], folder: folder)
      Thread.sleep(forTimeInterval: 1)
      record.stop()
      #expect(record.status == 0)
      let check = Process()
      check.executableURL = URL(filePath: "/usr/bin/env")
      check.arguments = ["gzip", "-t", out]
      try check.run()
      check.waitUntilExit()
      #expect(check.terminationStatus == 0)
    }
  }

  static let table = "ts,a b,\"q\"\"\",label,split\n1000.5,1.5,,0,train\n1001.5,-2,1e-7,1,test\n"

  /// What `publish` sends of ``table`` to a subscriber that was there first.
  func published(_ arguments: [String], messages: Int) throws -> [[[UInt8]]] {
    let context = try MessagingContext()
    let subscriber = try Socket(.sub, in: context)
    try subscriber.subscribe()
    let endpoint = try subscriber.bind("tcp://127.0.0.1:*")
    return try Programs.withFolder { folder in
      let file = folder.appending(path: "host.csv")
      try Self.table.write(to: file, atomically: true, encoding: .utf8)
      let publish = try Running(
        "anomalylab", ["publish", "--data", file.path, "--endpoint", endpoint] + arguments, folder: folder)
      var received: [[[UInt8]]] = []
      while received.count < messages {
        received.append(try #require(try subscriber.receive(timeout: 20_000)))
      }
      #expect(publish.wait(seconds: 20))
      #expect(publish.status == 0 && publish.output.contains("published 2 rows of"), "\(publish.errors)")
      #expect(try subscriber.receive(timeout: 0) == nil)
      return received
    }
  }

  @Test func `published JSON has the values of the row, without label, split and what is missing`() throws {
    let messages = try published([], messages: 2)
    #expect(messages.map { String(decoding: $0[0], as: UTF8.self) } == ["host", "host"])
    let events = try messages.map {
      try #require(try JSONSerialization.jsonObject(with: Data($0[1])) as? [String: Any])
    }
    #expect(events[0]["stream"] as? String == "host" && events[0]["ts"] as? Double == 1000.5)
    #expect(events[0]["values"] as? [String: Double] == ["a b": 1.5])
    #expect(events[1]["values"] as? [String: Double] == ["a b": -2, "q\"": 1e-7])
    #expect(events.map { $0["seq"] as? Int } == [1, 2])
    #expect(events[0]["epoch"] as? String == events[1]["epoch"] as? String)
  }

  @Test func `many rows can share a message`() throws {
    let messages = try published(
      ["--format", "array", "--batch", "64", "--stream", "s", "--topic", "t"], messages: 1)
    #expect(String(decoding: messages[0][0], as: UTF8.self) == "t")
    let events = try #require(
      try JSONSerialization.jsonObject(with: Data(messages[0][1])) as? [[String: Any]])
    #expect(events[0]["fields"] as? [String] == ["a b", "q\""] && events[1]["fields"] == nil)
    #expect((events[0]["values"] as? [Any])?[1] is NSNull)
    #expect(events[1]["values"] as? [Double] == [-2, 1e-7])
  }

  @Test func `line protocol, float rows and MessagePack are written as specified`() throws {
    let lines = try published(["--format", "line", "--batch", "2", "--stream", "h 1,x"], messages: 1)
    #expect(
      String(decoding: lines[0][1], as: UTF8.self)
        == "h\\ 1\\,x a\\ b=1.5 1000500000000\nh\\ 1\\,x a\\ b=-2,q\"=1e-07 1001500000000")

    let rows = try published(["--format", "f32", "--batch", "2"], messages: 1)[0][1]
    #expect(rows.count == 16)
    #expect(Array(rows[0..<4]) == [0, 0, 0xC0, 0x3F] && Array(rows[8..<12]) == [0, 0, 0, 0xC0])

    let packed = try published(["--format", "msgpack", "--stream", "s"], messages: 2)[0][1]
    // A map of 5: "stream" "s", "ts" 1000.5 (float64), "seq" 1 (uint64), "epoch" …, "values" a map of 1.
    let head: [UInt8] =
      [0x85, 0xA6] + Array("stream".utf8) + [0xA1, 0x73, 0xA2] + Array("ts".utf8)
      + [0xCB, 0x40, 0x8F, 0x44, 0, 0, 0, 0, 0, 0xA3] + Array("seq".utf8) + [0xCF, 0, 0, 0, 0, 0, 0, 0, 1]
    #expect(Array(packed.prefix(head.count)) == head)
    let tail: [UInt8] =
      [0xA6] + Array("values".utf8) + [0x81, 0xA3] + Array("a b".utf8)
      + [0xCB, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0]
    #expect(Array(packed.suffix(tail.count)) == tail)
  }

  @Test func `what is published is what a subscriber prints`() throws {
    try Programs.withFolder { folder in
      let endpoint = "ipc://" + folder.appending(path: "events").path
      let file = folder.appending(path: "host.csv")
      try Self.table.write(to: file, atomically: true, encoding: .utf8)
      let subscribe = try Running(
        "anomalylab", ["subscribe", "--endpoint", endpoint, "--topic", "ho", "--count", "2", "--for", "20s"],
        folder: folder)
      let publish = try Running(
        "anomalylab", ["publish", "--data", file.path, "--endpoint", endpoint, "--rate", "50"], folder: folder
      )
      #expect(publish.wait(seconds: 20) && publish.status == 0)
      #expect(subscribe.wait(seconds: 20) && subscribe.status == 0)
      let lines = subscribe.output.split(separator: "\n")
      #expect(lines.count == 2 && lines.allSatisfy { $0.hasPrefix("host {\"stream\":\"host\"") })
    }
  }

  @Test func `what cannot be published ends with its exit code and one line`() throws {
    try Programs.withFolder { folder in
      let ragged = folder.appending(path: "ragged.csv").path
      try "a,b\n1,2\n3\n".write(toFile: ragged, atomically: true, encoding: .utf8)
      let torn = folder.appending(path: "torn.csv.gz").path
      try "not gzip".write(toFile: torn, atomically: true, encoding: .utf8)
      let good = folder.appending(path: "good.csv").path
      try "a\n1\n".write(toFile: good, atomically: true, encoding: .utf8)
      let free = "ipc://" + folder.appending(path: "e").path
      let cases: [([String], Int32)] = [
        (["--data", ragged, "--endpoint", free], 65), (["--data", torn, "--endpoint", free], 65),
        (["--data", folder.path + "/none.csv", "--endpoint", free], 66),
        (["--data", good, "--endpoint", free, "--wait", "0.1"], 69),
        (["--data", good, "--endpoint", "nonsense"], 64),
        (["--data", good, "--endpoint", free, "--speed", "2"], 65),
        (["--data", good, "--endpoint", free, "--rate", "0"], 64),
        (["--data", good, "--endpoint", free, "--format", "xml"], 64), (["--data", good], 64),
      ]
      for (arguments, code) in cases {
        let ended = try Programs.run("anomalylab", ["publish"] + arguments)
        #expect(ended.status == code, "\(arguments): \(ended.status): \(ended.errors)")
        #expect(ended.errors.split(separator: "\n").count == 1 && ended.errors.hasPrefix("anomalylab: "))
      }
    }
  }

  @Test func `help, version and mistakes have their exit codes`() throws {
    #expect(try Programs.run("anomalylab", ["--version"]).status == 0)
    #expect(try Programs.run("anomalylab", ["publish", "--help"]).output.contains("--endpoint"))
    #expect(try Programs.run("anomalylab", ["dance"]).status == 64)
    #expect(try Programs.run("anomalylab", ["bench", "nothing"]).status == 64)
    #expect(try Programs.run("anomalylab", ["record", "--rate", "0"]).status == 64)
    #expect(
      try Programs.run("anomalylab", ["record", "--out", "/nowhere/at/all.csv", "--duration", "1s"]).status
        == 73)
  }

  @Test func `a fault is caused for its time, recorded with its label, and leaves nothing behind`() throws {
    try Programs.withFolder { folder in
      let ended = try Programs.run(
        "anomalylab",
        [
          "record-faults", "--out", folder.path, "--normal", "1s", "--fault", "1s", "--quiet", "1s", "--rate",
          "10",
          "--faults", "loopback-flood",
        ])
      #expect(ended.status == 0, "\(ended.errors)")
      let faults = try String(contentsOf: folder.appending(path: "faults.csv"), encoding: .utf8).split(
        separator: "\n")
      #expect(
        faults.count == 2 && faults[1].hasPrefix("loopback-flood,") && faults[1].contains("net.lo.packets"))
      let readme = try String(contentsOf: folder.appending(path: "README.md"), encoding: .utf8)
      #expect(readme.contains("| loopback-flood |"))
      let left = try FileManager.default.contentsOfDirectory(atPath: "/var/tmp").filter {
        $0.hasPrefix("anomalylab-")
      }
      #expect(left.isEmpty)
    }
  }
}
