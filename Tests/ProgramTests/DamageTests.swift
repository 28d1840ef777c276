import Control
import Events
import Foundation
import Testing

/// Damaged files in the state directory of the true daemon: set aside, told, and everything else goes on.
@Suite(.serialized) struct DamageTests {
  static let streams = ["alpha", "beta", "gamma"]

  /// A state directory in which three streams score.
  private func withScoringStreams(_ body: (URL) throws -> Void) throws {
    try Programs.withFolder { folder in
      let daemon = try Daemon(HardStartTests.config(folder, Self.settings), in: folder)
      let sender = try Sender(to: Daemon.endpoint("json", in: folder))
      for stream in Self.streams { try sender.sendOrdinary(stream, 0..<80) }
      try scoring(daemon, Self.streams, sender, from: 80)
      try #require(daemon.end() == 0, "\(daemon.log)")
      try body(folder)
    }
  }

  static let settings =
    "detection: {collecting: {rows: 64}, calibration: {fresh_rows: 1}}\nretrain: {growth: 0}\n"

  /// Sends what is usual until all of these streams score.
  private func scoring(_ daemon: Daemon, _ streams: [String], _ sender: Sender, from start: Int) throws {
    var next = start
    func rows() throws -> [StreamSummary] {
      for stream in streams { try sender.sendOrdinary(stream, next..<next + 1) }
      next += 1
      return try daemon.streams()
    }
    try daemon.wait("\(streams) scoring", for: rows) { rows in
      streams.allSatisfy { name in rows.contains { $0.name == name && $0.phase == .scoring } }
    }
  }

  /// The one file of a kind that belongs to a stream.
  private func file(of stream: String, below folder: String, ending: String, in root: URL) throws -> URL {
    let base = root.appending(path: "state/\(folder)")
    let found = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil)?.compactMap {
      $0 as? URL
    }
    .filter { $0.path.contains("/\(stream)") && $0.path.hasSuffix(ending) }
    return try #require(found?.first, "no \(ending) of \(stream) below \(base.path)")
  }

  private func truncate(_ file: URL) throws {
    let data = try Data(contentsOf: file)
    try data.prefix(data.count / 2).write(to: file)
  }

  @Test(arguments: ["half", "empty", "garbage", "folder"])
  func `a snapshot that cannot be read is set aside, told, and costs its own stream only`(damage: String)
    throws
  {
    try withScoringStreams { folder in
      let snapshot = try file(of: "beta", below: "snapshots", ending: ".model", in: folder)
      switch damage {
      case "half": try truncate(snapshot)
      case "empty": try Data().write(to: snapshot)
      case "garbage": try Data((0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 31) }).write(to: snapshot)
      default:
        try FileManager.default.removeItem(at: snapshot)
        try FileManager.default.createDirectory(at: snapshot, withIntermediateDirectories: false)
      }

      let daemon = try Daemon(in: folder)
      let status = try daemon.status()
      #expect(status.state.setAside == 1 && status.state.bytes > 10_000)
      #expect(status.streams.total == 3)
      #expect(try daemon.streams().filter { $0.phase == .scoring }.map(\.name) == ["alpha", "gamma"])
      #expect(try daemon.control("status").contains("1 damaged files set aside"))
      let check = try daemon.doctor("kept files")
      #expect(check.finding == .warn && check.why.contains("beta"), "\(check)")
      #expect(daemon.log.contains("set aside"))

      // It learns again from its history, which is still there.
      let sender = try Sender(to: Daemon.endpoint("json", in: folder))
      try scoring(daemon, Self.streams, sender, from: 200)
      #expect(daemon.end() == 0)
    }
  }

  @Test func `half a file of running states is set aside, and the version before it is used`() throws {
    try withScoringStreams { folder in
      // A second life writes a second version.
      let second = try Daemon(in: folder)
      let sender = try Sender(to: Daemon.endpoint("json", in: folder))
      try sender.sendOrdinary("alpha", 100..<101)
      try second.wait("an event", for: { try second.status().totals.events }, until: { $0 == 1 })
      #expect(second.end() == 0)
      try truncate(folder.appending(path: "state/running/shard-0.state"))

      let daemon = try Daemon(in: folder)
      #expect(try daemon.status().state.setAside == 1)
      #expect(try daemon.streams().map(\.phase) == [.scoring, .scoring, .scoring])
      #expect(try daemon.doctor("kept files").why.contains("shard-0.state"))
    }
  }

  @Test func `an alert history that is none is set aside, and a new one begins`() throws {
    try withScoringStreams { folder in
      let history = folder.appending(path: "state/alerts.sqlite")
      try Data("this is no database, and too long for an empty one".utf8).write(to: history)
      for ending in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: history.path + ending) }
      let daemon = try Daemon(in: folder)
      #expect(try daemon.status().state.setAside == 1)
      #expect(try daemon.streams().map(\.phase) == [.scoring, .scoring, .scoring])
    }
  }

  @Test func `a damaged history of rows costs that history only`() throws {
    try withScoringStreams { folder in
      try truncate(try file(of: "gamma", below: "history", ending: ".rows", in: folder))
      let daemon = try Daemon(in: folder)
      let sender = try Sender(to: Daemon.endpoint("json", in: folder))
      #expect(try daemon.streams().map(\.phase) == [.scoring, .scoring, .scoring])
      for stream in Self.streams { try sender.sendOrdinary(stream, 300..<500) }
      for stream in Self.streams {
        try daemon.wait(
          "rows of \(stream)", for: { try daemon.streams().first { $0.name == stream }?.events ?? 0 },
          until: { $0 >= 280 })
      }
      #expect(daemon.end() == 0, "\(daemon.log)")
    }
  }
}
