import Control
import Events
import Foundation
import Testing

/// Publishers as their makers ship them feed running daemons, with the configs of `config/examples`.
///
/// They publish once a second and 75 rows are learned from, so this takes minutes: `make interop` installs and runs it.
@Suite(
  .enabled(
    if: ProcessInfo.processInfo.environment["ANOMALYD_INTEROP"] == "1",
    "circus, Glances and rsyslog are not asked for here: `make interop` installs them and runs this"))
struct PublisherTests {
  static var root: URL {
    var folder = URL(filePath: #filePath)
    for _ in 0..<3 { folder.deleteLastPathComponent() }
    return folder
  }

  /// A program out of the virtual environment that `make interop` makes.
  static func publisher(_ name: String) -> String {
    root.appending(path: ".build/publishers/bin/\(name)").path
  }

  /// What the example of the publisher's own settings says, with ports that are free here.
  private func settings(_ example: String, ports: [UInt16: UInt16], in folder: URL, _ more: String = "")
    throws -> URL
  {
    var text = try String(
      contentsOf: Self.root.appending(path: "config/examples/\(example)"), encoding: .utf8)
    for (port, free) in ports {
      #expect(text.contains("\(port)"), "\(example) no longer uses port \(port)")
      text = text.replacing("\(port)", with: "\(free)")
    }
    let file = folder.appending(path: example)
    try (text + more).write(to: file, atomically: true, encoding: .utf8)
    return file
  }

  /// A daemon with an example's config, that learns from few rows.
  private func daemon(_ example: String, port: UInt16, in folder: URL) throws -> Daemon {
    try Daemon(
      configFile: Self.root.appending(path: "config/examples/\(example)"), in: folder,
      environment: [
        "ANOMALYD_SOURCES_0_CONNECT": "tcp://127.0.0.1:\(port)", "ANOMALYD_DETECTION_COLLECTING_ROWS": "75",
        "ANOMALYD_DETECTION_CALIBRATION_FRESH_ROWS": "15", "ANOMALYD_RETRAIN_GROWTH": "0",
      ])
  }

  private func waitForScores(_ daemon: Daemon, of names: [String]) throws {
    try daemon.wait(
      "scores of \(names)", seconds: 240, for: { try daemon.streams() },
      until: { rows in
        names.allSatisfy { name in
          rows.contains { $0.name == name && $0.phase == .scoring && $0.events >= 95 && $0.lastScore != nil }
        }
      })
  }

  @Test(.timeLimit(.minutes(8)))
  func `circus: a stream per watcher, and a burst of load raises an alert that names the processor`() throws {
    try Programs.withFolder { folder in
      let ports: [UInt16: UInt16] = [
        15555: try FreePort.next(), 15556: try FreePort.next(), 15557: try FreePort.next(),
      ]
      let burst = folder.appending(path: "burst")
      let program = folder.appending(path: "worker.py")
      try """
      import os, sys, time
      while True:
          sum(i * i for i in range(10 ** 5))
          if not os.path.exists(sys.argv[1]): time.sleep(0.2)
      """.write(to: program, atomically: true, encoding: .utf8)
      let circus = try Running(
        Self.publisher("circusd"),
        [
          try settings(
            "circus.ini", ports: ports, in: folder,
            "\n[watcher:worker]\ncmd = python3 \(program.path) \(burst.path)\nnumprocesses = 1\ncopy_env = True\n"
          ).path
        ], folder: folder)
      defer { circus.stop() }
      let daemon = try daemon("circus.yaml", port: try #require(ports[15557]), in: folder)
      let watchers = ["burner", "circus", "sleeper", "worker"]
      try waitForScores(daemon, of: watchers)
      #expect(try daemon.streams().map(\.name) == watchers)
      let source = try daemon.source("circus")
      #expect(source.malformed.isEmpty && source.dropped.isEmpty && source.problem == nil, "\(source)")
      #expect(source.refused.keys.allSatisfy { $0 == "dropped-by-rule" }, "\(source.refused)")
      #expect(try daemon.streams().allSatisfy { $0.fields == 2 && $0.gaps == 0 })

      let began = Date().timeIntervalSince1970
      try Data().write(to: burst)
      let said = try daemon.wait(
        "an alert of the worker", seconds: 60,
        for: {
          guard case .alerts(let list) = try daemon.client.ask(.alerts(AlertQuery(stream: "worker"))) else {
            return [Alert]()
          }
          return list.alerts.filter { $0.ts >= began }
        }, until: { !$0.isEmpty })
      let alert = try #require(said.first)
      let processor = try #require(alert.features.first)
      #expect(processor.name == "cpu" && alert.text.contains("cpu"), "\(alert)")
      #expect((processor.value ?? 0) > processor.high && alert.score >= 90, "\(alert)")
      #expect(try daemon.control("explain", alert.id).contains("cpu"))
      print(
        "circus: after \(Int(alert.ts - began)) s: \(alert.severity), score \(alert.score): \(alert.text)")

      // What does nothing raises nothing.
      #expect(try daemon.streams().first { $0.name == "sleeper" }?.incident == nil)
      #expect(daemon.end() == 0)
    }
  }

  @Test(.timeLimit(.minutes(8)))
  func `Glances: the plugins of a round become one observation of one stream`() throws {
    try Programs.withFolder { folder in
      let port = try FreePort.next()
      let glances = try Running(
        Self.publisher("glances"),
        [
          "-C", try settings("glances.conf", ports: [15700: port], in: folder).path, "--export", "zeromq",
          "-q",
          "-t", "1",
        ], folder: folder)
      defer { glances.stop() }
      let daemon = try daemon("glances.yaml", port: port, in: folder)
      try waitForScores(daemon, of: ["this-host"])
      #expect(try daemon.streams().map(\.name) == ["this-host"])
      let source = try daemon.source("glances")
      #expect(source.malformed.isEmpty && source.dropped.isEmpty && source.problem == nil, "\(source)")
      // A dozen and more plugins a round, some of them wanted, all in one row.
      #expect(source.messages > 12 * (source.events - 1), "\(source)")
      guard case .stream(let detail) = try daemon.client.ask(.stream(name: "this-host")) else {
        Issue.record("no stream")
        return
      }
      let used = Set(detail.fields.filter(\.used).map(\.name))
      #expect(
        used.isSuperset(of: ["cpu.user", "cpu.system", "load.min1", "mem.percent", "processcount.total"]))
      #expect(
        used.allSatisfy {
          !$0.contains("history_size") && !$0.hasSuffix("_gauge") && !$0.hasSuffix("_careful")
        })
      print("Glances: \(source.messages) messages, \(source.events) events of \(used.count) fields")
      #expect(daemon.end() == 0)
    }
  }

  @Test(.timeLimit(.minutes(8)))
  func `rsyslog: a stream per object, and its counters are rates`() throws {
    try Programs.withFolder { folder in
      let port = try FreePort.next()
      let rsyslog = try Running(
        "/usr/sbin/rsyslogd",
        [
          "-n", "-f", try settings("rsyslog.conf", ports: [15600: port], in: folder).path, "-i",
          folder.appending(path: "rsyslog.pid").path,
        ], folder: folder)
      defer { rsyslog.stop() }
      let daemon = try daemon("rsyslog.yaml", port: port, in: folder)
      let objects = ["rsyslog action-0-omczmq", "rsyslog main Q", "rsyslog resource-usage"]
      try waitForScores(daemon, of: objects)
      #expect(try daemon.streams().map(\.name) == objects)
      let source = try daemon.source("rsyslog")
      #expect(source.malformed.isEmpty && source.dropped.isEmpty && source.problem == nil, "\(source)")
      guard case .stream(let detail) = try daemon.client.ask(.stream(name: "rsyslog main Q")) else {
        Issue.record("no stream")
        return
      }
      // Five statistics a second pass its own queue; since the start they would be hundreds.
      let enqueued = try #require(detail.fields.first { $0.name == "enqueued" }?.center)
      #expect((2...12).contains(enqueued), "\(enqueued) a second")
      print("rsyslog: \(source.messages) messages, \(source.events) events; \(enqueued) enqueued a second")
      #expect(daemon.end() == 0)
    }
  }
}
