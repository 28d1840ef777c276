import Control
import Events
import Foundation
import Messaging
import Testing

/// The HTTP side of a true daemon.
@Suite struct DashboardTests {
  static let config = "sources: [{name: in, socket: pull, bind: [\"ipc://%/in\"]}]\n"

  func withDaemon(_ body: (Daemon, Sender) throws -> Void) throws {
    try Programs.withFolder { folder in
      let daemon = try Daemon(Self.config.replacing("%", with: folder.path), in: folder)
      try body(daemon, try Sender(to: Daemon.endpoint("in", in: folder)))
    }
  }

  @Test func `the API answers as the control socket does`() throws {
    try withDaemon { daemon, sender in
      try sender.sendOrdinary("a b/ü", 0..<20)
      try daemon.waitForEvents(20, of: "a b/ü")
      let status = try daemon.http("GET", "/api/v1/status").json()
      #expect(status["pid"] as? Int == Int(try daemon.status().pid))
      let stream = try daemon.http("GET", "/api/v1/stream?name=a%20b%2F%C3%BC").json()
      #expect((stream["summary"] as? [String: Any])?["events"] as? Int == 20)
      let posted = try daemon.http("POST", "/api/v1/streams", body: #"{"matching":"a*","limit":5}"#).json()
      #expect((posted["rows"] as? [Any])?.count == 1)
      #expect(
        (try daemon.http("GET", "/api/v1/streams?matching=b*").json()["rows"] as? [Any])?.isEmpty == true)
      let trace = try daemon.http("GET", "/api/v1/trace?stream=a+b/%C3%BC&count=5").json()
      #expect((trace["ts"] as? [Any])?.count == 5)
      #expect(try daemon.http("GET", "/api/v1/stream?name=none").status == 404)
      #expect(try daemon.http("GET", "/api/v1/dance").status == 404)
      #expect(try daemon.http("POST", "/api/v1/streams", body: "[").status == 400)
      // Numbers that no list is long enough for.
      for limit in ["-1", "9223372036854775807", "1e300", "nan"] {
        #expect(try daemon.http("GET", "/api/v1/alerts?limit=\(limit)").status != 0)
        #expect(try daemon.http("GET", "/api/v1/streams?limit=\(limit)").status != 0)
      }
      #expect(daemon.process.isRunning)
    }
  }

  @Test func `nothing is changed without the token, and what is changed is in the audit log`() throws {
    try withDaemon { daemon, sender in
      try sender.sendOrdinary("a", 0..<5)
      try daemon.waitForEvents(5, of: "a")
      let order = #"{"stream":"a","seconds":3600}"#
      func silence(_ token: String?) throws -> Int {
        try daemon.http(
          "POST", "/api/v1/silence", headers: token.map { ["Authorization": "Bearer \($0)"] } ?? [:],
          body: order
        ).status
      }
      let token = try daemon.token
      #expect(token.count == 64)
      #expect(try silence(nil) == 401)
      for wrong in ["x", String(token.dropLast()), token + "0", String(token.reversed())] {
        #expect(try silence(wrong) == 403)
      }
      #expect(try daemon.http("GET", "/api/v1/silence?stream=a&seconds=3600").status == 405)
      // A config names files, which the daemon may read and the asker may not.
      let config = #"{"text":"security: {key: /etc/shadow}"}"#
      #expect(try daemon.http("POST", "/api/v1/check", body: config).status == 401)
      #expect(try daemon.status().alerts.silencedStreams == 0)
      #expect(try silence(token) == 200)
      #expect(try daemon.status().alerts.silencedStreams == 1)
      let entries = try daemon.http("GET", "/api/v1/audit?limit=10").json()["entries"] as? [[String: Any]]
      #expect(entries?.count == 1 && entries?.first?["command"] as? String == "silence")
      let mode =
        try FileManager.default.attributesOfItem(atPath: daemon.state.appending(path: "token").path)[
          .posixPermissions]
        as? Int
      #expect((mode ?? 0o777) & 0o007 == 0)
    }
  }

  @Test func `pages of other sites can neither read nor call`() throws {
    try withDaemon { daemon, _ in
      let page = try daemon.http("GET", "/")
      #expect(page.status == 200)
      let policy = try #require(page.headers["content-security-policy"])
      #expect(policy.contains("default-src 'none'") && !policy.contains("unsafe"))
      #expect(
        page.headers["x-frame-options"] == "DENY" && page.headers["x-content-type-options"] == "nosniff")
      #expect(!page.headers.keys.contains { $0.hasPrefix("access-control") })
      // A name that somebody made to mean this machine.
      #expect(try daemon.http("GET", "/api/v1/status", headers: ["Host": "evil.example"]).status == 421)
      #expect(
        try daemon.http("GET", "/api/v1/status", headers: ["Origin": "http://evil.example"]).status == 403)
      #expect(try daemon.http("OPTIONS", "/api/v1/status").status == 405)
      #expect(
        try daemon.http("POST", "/api/v1/streams", headers: ["Content-Type": "text/plain"], body: "{}").status
          == 400)
    }
  }

  @Test func `what is too long, too many or no request is refused, and the daemon goes on`() throws {
    try withDaemon { daemon, _ in
      let port = try daemon.httpPort()
      func answer(to text: String) throws -> Int {
        let peer = try HTTPPeer(port: port)
        peer.say(text)
        return try HTTPPeer.answer(peer.hear()).status
      }
      #expect(try answer(to: "GET / HTTP/1.1\r\nA: \(String(repeating: "x", count: 20_000))\r\n\r\n") == 431)
      #expect(try answer(to: "POST /api/v1/check HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n") == 413)
      #expect(try answer(to: "\u{0}\u{1}\u{2}\r\n\r\n") == 400)
      // More connections than are taken: the surplus is told so, and those that leave make room again.
      var crowd = try (0..<64).map { _ in try HTTPPeer(port: port) }
      try daemon.wait(
        "a full house",
        for: { () -> Int in
          let peer = try HTTPPeer(port: port)
          peer.say("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
          return try HTTPPeer.answer(peer.hear()).status
        }, until: { $0 == 503 })
      crowd.removeAll()
      try daemon.wait("room", for: { try? daemon.http("GET", "/healthz").status }, until: { $0 == 200 })
    }
  }

  @Test func `health and readiness are told, and the OpenAPI document knows every command`() throws {
    try withDaemon { daemon, _ in
      #expect(try daemon.http("GET", "/healthz").body == "ok\n")
      #expect(try daemon.http("GET", "/readyz").status == 200)
      let paths = try #require(
        try daemon.http("GET", "/api/v1/openapi.json").json()["paths"] as? [String: [String: Any]])
      for command in ControlRequest.commands {
        let path = try #require(paths["/api/v1/\(command)"], "no \(command)")
        #expect((path["get"] == nil) == ControlRequest.guarded.contains(command), "\(command)")
      }
      #expect(paths.count == ControlRequest.commands.count + 1)
    }
  }

  @Test func `events are sent as they come, and a reader that comes back gets the alerts it missed`() throws {
    try withDaemon { daemon, sender in
      try sender.sendOrdinary("a", 0..<3)
      try daemon.waitForEvents(3, of: "a")
      let port = try daemon.httpPort()
      let peer = try HTTPPeer(port: port)
      peer.say("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
      let heard = peer.hear { $0.components(separatedBy: "event: tick").count > 2 }
      #expect(heard.contains("Content-Type: text/event-stream"))
      #expect(heard.contains(#""streams":[["a","collecting","#))
    }
  }

  static let promtool = "/usr/bin/promtool"

  @Test func `the metrics have every figure that is promised`() throws {
    try withDaemon { daemon, sender in
      try sender.sendOrdinary("a", 0..<30)
      try sender.send("no JSON")
      try daemon.waitForMessages(31, of: "in")
      try daemon.waitForEvents(30, of: "a")
      let answer = try daemon.http("GET", "/metrics")
      #expect(answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
      let lines = answer.body.split(separator: "\n")
      for line in [
        #"anomalyd_source_events_total{source="in"} 30"#, #"anomalyd_streams{phase="collecting"} 1"#,
        #"anomalyd_score_latency_seconds_count 30"#, #"anomalyd_score_latency_seconds_bucket{le="+Inf"} 30"#,
        "anomalyd_config_last_reload_successful 1", "anomalyd_incidents_open 0",
        "anomalyd_training_backlog 0",
      ] { #expect(lines.contains(Substring(line)), "no \(line)") }
      for name in [
        "anomalyd_malformed_total{", "anomalyd_queue_depth{", "anomalyd_scoring_lag_seconds ",
        "process_resident_memory_bytes ", "anomalyd_training_processor_seconds_total ",
      ] { #expect(lines.contains { $0.hasPrefix(name) }, "no \(name)") }
    }
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: promtool), "needs Debian's prometheus"))
  func `promtool finds nothing to complain of`() throws {
    try withDaemon { daemon, sender in
      try sender.sendOrdinary(
        #"a "quoted" \ stream"#.replacing("\"", with: "'").replacing("\\", with: "/"), 0..<30)
      try sender.send("no JSON")
      try daemon.waitForMessages(31, of: "in")
      let file = daemon.folder.appending(path: "metrics.txt")
      try daemon.http("GET", "/metrics").body.write(to: file, atomically: true, encoding: .utf8)
      let ended = try Programs.run("/bin/sh", ["-c", "\(Self.promtool) check metrics < \(file.path)"])
      #expect(ended.status == 0, "\(ended.output)\(ended.errors)")
      #expect((ended.output + ended.errors).isEmpty)
    }
  }

  @Test func `a port that is taken costs the dashboard only, until it is free`() throws {
    try Programs.withFolder { folder in
      let context = try MessagingContext()
      let holder = try Socket(.pull, in: context)
      let endpoint = try holder.bind("tcp://127.0.0.1:*")
      let address = try #require(endpoint.components(separatedBy: "//").last)
      let daemon = try Daemon(
        Self.config.replacing("%", with: folder.path), in: folder,
        environment: ["ANOMALYD_HTTP_LISTEN": address])
      #expect(try daemon.status().endpoints.http == nil)
      #expect(daemon.log.contains("no dashboard yet"))
      try holder.unbind(endpoint)
      #expect(try daemon.httpPort() > 0)
      #expect(try daemon.http("GET", "/healthz").status == 200)
    }
  }
}
