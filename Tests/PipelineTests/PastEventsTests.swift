import Control
import Detection
import Events
import Foundation
import Testing

@testable import Pipeline

/// What a daemon learns from files of the past, and what it says to files that it cannot read.
@Suite(.serialized) struct PastEventsTests {
  private static func folder(_ files: [String: String]) throws -> String {
    let folder = NSTemporaryDirectory() + "anomalyd-past-\(UUID().uuidString.prefix(8))"
    for (name, text) in files {
      let path = "\(folder)/\(name)"
      try FileManager.default.createDirectory(
        atPath: URL(filePath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(filePath: path))
    }
    return folder
  }

  /// The harness's four metrics as they were in the seconds before its first event.
  private static func recording(_ rows: Int) -> String {
    var random = SplitMix(state: 9)
    var text = "ts,m0,m1,m2,m3,label\n"
    for tick in -rows..<0 {
      let common = sin(Double(tick) / 30)
      let values = (0..<4).map { "\(common * Double($0 + 1) + random.gaussian() * 0.3)" }
      text += "\(1_700_000_000 + tick),\(values.joined(separator: ",")),0\n"
    }
    return text
  }

  @Test func `a stream with a file of its past is scored from its first event on, and its model is kept`()
    throws
  {
    let harness = try Harness()
    let folder = try Self.folder(["a.csv": Self.recording(400), "rack/b.csv": Self.recording(100)])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    harness.configuration.pipeline.keep.pastEvents = folder
    harness.configuration.detection.collecting.earlyRows = 64
    try harness.start()
    try harness.wait(for: "models") {
      try harness.stream("a").summary.snapshot != nil && harness.stream("rack/b").summary.snapshot != nil
    }
    // Enough for a first model; not enough for more than a provisional one.
    #expect(try harness.stream("a").summary.snapshot != "provisional")
    #expect(try harness.stream("rack/b").summary.snapshot == "provisional")
    #expect(try harness.stream("rack/b").summary.rowsWanted == 156)
    #expect(try harness.stream("a").summary.events == 0)
    #expect(try harness.stream("a").history.rows == 400)
    try harness.send(1)
    try harness.wait(for: "a score") { try harness.stream("a").summary.lastScore != nil }
    #expect(try harness.stream("a").summary.phase == .calibrating)
    try harness.send(64)
    try harness.wait(for: "scoring") { try harness.stream("a").summary.phase == .scoring }

    // The next start knows it already.
    let snapshot = try harness.stream("a").summary.snapshot
    harness.stop()
    try harness.start()
    #expect(try harness.stream("a").summary.snapshot == snapshot)
    #expect(try harness.stream("a").history.rows == 465)
  }

  /// The same as events that name the streams of `others`, or that of the file.
  private static func events(_ rows: Int, others: [String] = []) -> String {
    recording(rows).split(separator: "\n").dropFirst().enumerated().map { row, line in
      let cells = line.split(separator: ",")
      let names = ["m0", "m1", "m2", "m3"]
      let stream = others.isEmpty ? "" : "\"stream\":\"\(others[row % others.count])\","
      // In each of the shapes that a message may have; m3 came later than the rest.
      let few = row < 10 ? 3 : 4
      let values = zip(names, cells.dropFirst()).prefix(few)
      switch row % 3 {
      case 0:
        return
          "[{\(stream)\"ts\":\(cells[0]),\"values\":{\(values.map { "\"\($0)\":\($1)" }.joined(separator: ","))}}]"
      case 1:
        return
          "{\(stream)\"ts\":\(cells[0]),\"fields\":\(Array(names.prefix(few))),\"values\":[\(values.map { "\($1)" }.joined(separator: ","))]}"
      default:
        return
          "{\(stream)\"ts\":\(cells[0]),\"label\":1,\(values.map { "\"\($0)\":\($1)" }.joined(separator: ","))}\n"
      }
    }.joined(separator: "\r\n")
  }

  @Test func `recorded events teach the streams that they name, or that their file is named after`() throws {
    let harness = try Harness()
    let folder = try Self.folder([
      "a.ndjson": Self.events(300), "rack/all.jsonl": Self.events(300, others: ["x", "y"]),
      "c.csv": Self.recording(100),
    ])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    harness.configuration.pipeline.keep.pastEvents = folder
    try harness.start()
    for (name, rows) in ["a": 300, "x": 150, "y": 150, "c": 100] {
      let detail = try harness.stream(name)
      #expect(detail.history.rows == rows, "\(name)")
      #expect(Set(detail.fields.map(\.name)) == ["m0", "m1", "m2", "m3"], "\(name)")
      #expect(detail.history.to == 1_700_000_000.0 - (name == "x" ? 2.0 : 1.0))
    }
    let same = Self.recording(300).split(separator: "\n").dropFirst().map {
      $0.split(separator: ",").compactMap { Float($0) }
    }
    let past = try RecordedEvents(Array(Self.events(300).utf8), of: StreamKey("a"), file: "a.ndjson").streams
    #expect(
      past.count == 1 && past[0].stream == StreamKey("a") && past[0].fields == ["m0", "m1", "m2", "m3"])
    for row in 0..<300 {
      let values = past[0].values[row * 4..<row * 4 + 4]
      #expect(Array(values.prefix(3)) == Array(same[row][1...3]))
      #expect(row < 10 ? values.last?.isNaN == true : values.last == same[row][4])
    }
    try harness.wait(for: "a model") { try harness.stream("a").summary.snapshot != nil }
  }

  @Test(arguments: [
    ("{\"ts\":1,\"x\":2}\n{\"ts\":2,\"x\":\n", "line 2", "ends before it is complete"),
    ("{\"ts\":1,\"x\":2}\n{\"ts\":2 \"x\":3}\n", "line 2", "is not JSON"),
    ("\n\n{\"x\":2}\n", "line 3", "has no time"),
    ("{\"ts\":\"soon\",\"x\":2}\n", "line 1", "neither seconds since 1970 nor RFC 3339"),
    ("{\"ts\":5,\"x\":2}\n{\"ts\":4,\"x\":2}\n", "line 2", "earlier time"),
    ("{\"ts\":5,\"values\":[1,2]}\n", "line 1", "values without names"),
    ("{\"ts\":5,\"fields\":[\"x\"],\"values\":[1]}\n{\"ts\":6,\"values\":[1,2]}", "line 2", "as many values"),
    ("\n", "a.jsonl", "holds no events"), ("{\"ts\":5,\"stream\":\"b\",\"x\":1}\n", "b.csv", "so does"),
  ]) func `recorded events that cannot be read keep it from starting, with file and line`(
    text: String, place: String, what: String
  ) throws {
    let harness = try Harness()
    let folder = try Self.folder(["a.jsonl": text, "b.csv": "ts,x\n1,2\n"])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    harness.configuration.pipeline.keep.pastEvents = folder
    let error = try #require(throws: Failure.self) { try harness.start() }
    #expect("\(error)".contains(what) && "\(error)".contains(place), "\(error)")
    #expect("\(error)".contains("a.jsonl"), "\(error)")
  }

  @Test(arguments: [
    ("a.csv", "x,y\n1,2\n", "names no column ts"), ("a.csv", "ts,x\nsoon,2\n", "is no time"),
    ("a.csv", "ts,x\n2,2\n1,2\n", "is before the row above"), ("a.csv", "ts,x\n2,much\n", "is no number"),
    ("a.csv", "ts,label\n2,1\n", "names no column of values"), ("a.csv", "ts,x\n", "no rows"),
  ]) func `a file that cannot be read keeps it from starting, with the place and the remedy`(
    name: String, text: String, what: String
  ) throws {
    let harness = try Harness()
    let folder = try Self.folder([name: text])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    harness.configuration.pipeline.keep.pastEvents = folder
    let error = try #require(throws: Failure.self) { try harness.start() }
    #expect("\(error)".contains(what) && "\(error)".contains("a.csv"), "\(error)")
  }

  @Test func `a folder that is not there keeps it from starting`() throws {
    let harness = try Harness()
    harness.configuration.pipeline.keep.pastEvents = "/nowhere/at/all"
    let error = try #require(throws: Failure.self) { try harness.start() }
    #expect("\(error)".contains("/nowhere/at/all"))
  }
}

/// Provisional models of the running daemon.
@Suite(.serialized) struct EarlyModelTests {
  @Test
  func `streams with the same fields begin together, and a newcomer begins with what they have in common`()
    throws
  {
    let harness = try Harness()
    harness.configuration.detection.collecting.earlyRows = 64
    harness.configuration.pipeline.retrain.pooledFrom = 4
    try harness.start()
    let names = (0..<12).map { "s\($0)" }
    func summaries() throws -> [StreamSummary] { try names.map { try harness.stream($0).summary } }
    try harness.send(64, streams: names)
    try harness.wait(for: "provisional models") {
      try summaries().allSatisfy { $0.snapshot == "provisional" && $0.phase == .calibrating }
    }
    #expect(try summaries().contains { $0.pooled })
    #expect(try summaries().allSatisfy { $0.rowsWanted == 192 })
    // A person cannot have more than there are rows for.
    let refusal = try #require(throws: Failure.self) { try harness.ask(.retrain(stream: "s0")) }
    #expect("\(refusal)".contains("collecting"))

    try harness.send(192, streams: names)
    try harness.wait(for: "first models") {
      try summaries().allSatisfy { $0.snapshot != nil && $0.snapshot != "provisional" }
    }
    try harness.send(64, streams: names)
    try harness.wait(for: "scoring") { try harness.status().streams.scoring == names.count }
    try harness.send(64, streams: ["late"])
    try harness.wait(for: "a provisional model") {
      try harness.stream("late").summary.snapshot == "provisional"
    }
    #expect(try harness.stream("late").summary.pooled)
    #expect(try harness.alerts().isEmpty)
  }
}
