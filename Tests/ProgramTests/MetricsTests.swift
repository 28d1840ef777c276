import Control
import Foundation
import Messaging
import Testing

/// The daemon's own figures as those get them who watch it: over ZeroMQ, and a true Prometheus.
@Suite struct MetricsTests {
  private static let config =
    "sources: [{name: in, socket: pull, bind: [\"ipc://%/in\"]}]\npublish: {metrics: 200ms}\n"

  @Test func `the figures of the page come on a topic, as an event that another daemon takes in`() throws {
    try Programs.withFolder { folder in
      let daemon = try Daemon(Self.config.replacing("%", with: folder.path), in: folder)
      let sender = try Sender(to: Daemon.endpoint("in", in: folder))
      try sender.sendOrdinary("a", 0..<30)
      try daemon.waitForEvents(30, of: "a")
      let socket = try Socket(.sub, in: try MessagingContext())
      try socket.subscribe("metrics/")
      try socket.connect(Daemon.endpoint("alerts", in: folder))
      // The first may have been on its way before the last event came.
      var values: [String: Double] = [:]
      for _ in 0..<50 where values[#"anomalyd_source_events_total{source="in"}"#] != 30 {
        let frames = try #require(try socket.receive(timeout: 20_000))
        #expect(String(decoding: frames[0], as: UTF8.self) == "metrics/anomalyd")
        let event = try #require(
          try JSONSerialization.jsonObject(with: Data(frames[1])) as? [String: Any])
        values = try #require(event["values"] as? [String: Double])
      }
      #expect(values[#"anomalyd_source_events_total{source="in"}"#] == 30)
      let page = try daemon.http("GET", "/metrics").body.split(separator: "\n").filter { !$0.hasPrefix("#") }
      // Labels may hold spaces, values do not.
      let names = Set(page.map { String($0[..<($0.lastIndex(of: " ") ?? $0.endIndex)]) })
      #expect(Set(values.keys) == names)

      // A second daemon that watches the first.
      try Programs.withFolder { other in
        let watcher = try Daemon(
          "sources: [{name: peers, connect: [\"\(Daemon.endpoint("alerts", in: folder))\"], topics: [metrics/]}]\n",
          in: other)
        try watcher.waitForEvents(2, of: "anomalyd")
        #expect(try watcher.status().sources.first?.malformed.isEmpty == true)
      }
    }
  }

  static let prometheus = "/usr/bin/prometheus"

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: prometheus), "needs Debian's prometheus"))
  func `a Prometheus scrapes it, and finds what was sent`() throws {
    try Programs.withFolder { folder in
      let daemon = try Daemon(Self.config.replacing("%", with: folder.path), in: folder)
      let sender = try Sender(to: Daemon.endpoint("in", in: folder))
      try sender.sendOrdinary("a", 0..<30)
      try daemon.waitForEvents(30, of: "a")
      let file = folder.appending(path: "prometheus.yml")
      try """
      global: {scrape_interval: 1s}
      scrape_configs: [{job_name: anomalyd, static_configs: [{targets: ["127.0.0.1:\(try daemon.httpPort())"]}]}]
      """.write(to: file, atomically: true, encoding: .utf8)
      let port = try HTTPPeer.freePort()
      let server = try Running(
        Self.prometheus,
        [
          "--config.file=\(file.path)", "--storage.tsdb.path=\(folder.path)/tsdb",
          "--web.listen-address=127.0.0.1:\(port)", "--log.level=error",
        ], folder: folder)
      defer { server.kill() }
      let query = "/api/v1/query?query=anomalyd_source_events_total"
      let found = try daemon.wait(
        "a scrape", for: { try? HTTPPeer.get(query, port: port).body },
        until: { $0?.contains(#""source":"in""#) == true })
      #expect(found?.contains(#","30"]"#) == true, "\(found ?? "") \(server.errors)")
      let up = try HTTPPeer.get("/api/v1/query?query=up", port: port).body
      #expect(up.contains(#","1"]"#), "\(up)")
    }
  }
}
