import Control
import Events
import Foundation
import Glibc
import Messaging
import Testing

/// Starts, reloads and ends of the true daemon that meet with obstacles.
@Suite(.serialized) struct HardStartTests {
  static func config(_ folder: URL, _ rest: String = "") -> String {
    HardshipTests.config([("json", "")], in: folder, rest)
  }

  /// The last line on standard error, which says why.
  private func reason(_ ended: Programs.Ended) -> String {
    ended.errors.split(separator: "\n").last.map(String.init) ?? ""
  }

  @Test func `a port in use ends the start with 69 and one line that names it`() throws {
    try Programs.withFolder { folder in
      let holder = try Socket(.rep, in: try MessagingContext())
      let taken = try holder.bind("tcp://127.0.0.1:*")
      for variable in ["ANOMALYD_SOURCES_0_BIND", "ANOMALYD_PUBLISH_ENDPOINTS", "ANOMALYD_CONTROL_ENDPOINT"] {
        let ended = try Daemon.refusal(Self.config(folder), in: folder, environment: [variable: taken])
        #expect(ended.status == 69, "\(variable): \(ended.errors)")
        #expect(
          reason(ended).hasPrefix("anomalyd: cannot start: ") && reason(ended).contains(taken)
            && reason(ended).contains("in use"), "\(ended.errors)")
        #expect(ended.errors.split(separator: "\n").filter { $0.hasPrefix("anomalyd: ") }.count == 1)
      }
    }
  }

  @Test func `a second daemon takes nothing from the one that runs`() throws {
    try Programs.withFolder { folder in
      let daemon = try Daemon(Self.config(folder), in: folder)
      let sender = try Sender(to: Daemon.endpoint("json", in: folder))
      try sender.sendOrdinary("good", 0..<5)
      try daemon.waitForEvents(5, of: "good")

      let sameState = try Daemon.refusal(Self.config(folder), in: folder)
      #expect(sameState.status == 69)
      #expect(reason(sameState).contains("in use by another process"), "\(sameState.errors)")
      // Another state, but the same sockets, one after the other.
      for kept in ["control", "alerts", "json"] {
        var environment = [
          "ANOMALYD_CONTROL_ENDPOINT": "control", "ANOMALYD_PUBLISH_ENDPOINTS": "alerts",
          "ANOMALYD_SOURCES_0_BIND": "json",
        ].mapValues { Daemon.endpoint($0 == kept ? kept : "other-" + $0, in: folder) }
        environment["ANOMALYD_LOG_LEVEL"] = "warning"
        let ended = try Daemon.refusal(
          Self.config(folder), in: folder, environment: environment, state: "other")
        #expect(
          ended.status == 69 && reason(ended).contains(Daemon.endpoint(kept, in: folder)), "\(ended.errors)")
      }

      // A new peer still finds the first one at its endpoints.
      let other = try Sender(to: Daemon.endpoint("json", in: folder))
      try other.sendOrdinary("good", 5..<10)
      try daemon.waitForEvents(10, of: "good")
      #expect(daemon.end() == 0)
    }
  }

  @Test func `a state directory that cannot be used ends the start with 69 and one line`() throws {
    try Programs.withFolder { folder in
      let file = folder.appending(path: "a-file")
      try Data("x".utf8).write(to: file)
      for place in ["a-file", "a-file/below"] {
        let ended = try Daemon.refusal(Self.config(folder), in: folder, state: place)
        #expect(ended.status == 69 && reason(ended).contains(file.path), "\(place): \(ended.errors)")
      }
      // Without the right to write; root has it everywhere, so somebody else has to try.
      let closed = folder.appending(path: "closed")
      try FileManager.default.createDirectory(
        at: closed, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o555])
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
      let readable = folder.appending(path: "readable.yaml")
      try Self.config(folder).write(to: readable, atomically: true, encoding: .utf8)
      let arguments = Daemon.arguments(config: readable, state: "closed", in: folder)
      let environment = Daemon.sockets(in: folder)
      let ended: Programs.Ended
      if geteuid() == 0 {
        let nobody = ["setpriv", "--reuid=65534", "--clear-groups", Programs.path("anomalyd").path]
        // Where these programs were built may be closed to others.
        guard try Programs.run("/usr/bin/env", nobody + ["--version"]).status == 0 else { return }
        ended = try Programs.run("/usr/bin/env", nobody + arguments, environment: environment)
      } else {
        ended = try Programs.run("anomalyd", arguments, environment: environment)
      }
      #expect(ended.status == 69 && reason(ended).contains("permission denied"), "\(ended.errors)")
    }
  }

  @Test func `a config with mistakes ends the start with 78 and tells all of them with their place`() throws {
    try Programs.withFolder { folder in
      let ended = try Daemon.refusal(
        """
        sources:
          - name: a
            bnd: [tcp://127.0.0.1:5559]
            format: jsn
        publsh:
          scores: true
        detection:
          window: many
        """, in: folder)
      #expect(ended.status == 78)
      let file = folder.appending(path: "refused.yaml").path
      for line in [
        "\(file):3:5: sources[0].bnd: no such key (did you mean bind?)", "\(file):4:13: sources[0].format:",
        "\(file):5:1: publsh: no such key (did you mean publish?)", "\(file):8:11: detection.window:",
      ] {
        #expect(ended.errors.contains("anomalyd: \(line)"), "no \(line) in\n\(ended.errors)")
      }
      #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "state").path))
    }
  }

  @Test func `SIGHUP with a faulty config is refused as a whole, and the running one stays`() throws {
    try Programs.withFolder { folder in
      let daemon = try Daemon(Self.config(folder), in: folder)
      let sender = try Sender(to: Daemon.endpoint("json", in: folder))
      try sender.sendOrdinary("good", 0..<5)
      // One good change and one mistake: neither is applied.
      let faulty = Self.config(folder, "publish: {scores: true}\ndetection: {windw: 9}\n")
      try faulty.write(to: Daemon.configFile(in: folder), atomically: true, encoding: .utf8)
      daemon.process.signal(SIGHUP)
      let report = try daemon.wait(
        "a refused reload", for: { try daemon.status() },
        until: { $0.configuration.lastReload?.accepted == false })
      #expect(report.configuration.lastReload?.message.contains("did you mean window?") == true)
      #expect(!report.endpoints.scores)
      #expect(try daemon.control("status").contains("refused"))
      #expect(try daemon.doctor("configuration").finding == .warn)
      try sender.sendOrdinary("good", 5..<10)
      try daemon.waitForEvents(10, of: "good")

      try Self.config(folder, "publish: {scores: true}\n").write(
        to: Daemon.configFile(in: folder), atomically: true, encoding: .utf8)
      daemon.process.signal(SIGHUP)
      try daemon.wait(
        "an accepted reload", for: { try daemon.status() },
        until: { $0.configuration.lastReload?.accepted == true && $0.endpoints.scores })
      try sender.sendOrdinary("good", 10..<15)
      try daemon.waitForEvents(15, of: "good")
      #expect(try daemon.waitForMessages(15, of: "json").events == 15, "the source lost its counters")
    }
  }

  @Test func `SIGHUP that would need a port in use is refused as a whole`() throws {
    try Programs.withFolder { folder in
      let daemon = try Daemon(Self.config(folder), in: folder)
      let holder = try Socket(.rep, in: try MessagingContext())
      let taken = try holder.bind("tcp://127.0.0.1:*")
      let more = Self.config(folder) + "  - {name: more, socket: pull, bind: [\"\(taken)\"]}\n"
      try more.write(to: Daemon.configFile(in: folder), atomically: true, encoding: .utf8)
      daemon.process.signal(SIGHUP)
      let report = try daemon.wait(
        "a refused reload", for: { try daemon.status() },
        until: { $0.configuration.lastReload?.accepted == false })
      #expect(report.configuration.lastReload?.message.contains(taken) == true)
      #expect(report.sources.map(\.name) == ["json"])
      let sender = try Sender(to: Daemon.endpoint("json", in: folder))
      try sender.sendOrdinary("good", 0..<5)
      try daemon.waitForEvents(5, of: "good")
    }
  }

  @Test func `SIGTERM scores all that has come in, saves it and ends with 0`() throws {
    try Programs.withFolder { folder in
      let daemon = try Daemon(Self.config(folder, "detection: {collecting: {rows: 20000}}\n"), in: folder)
      let sender = try Sender(to: Daemon.endpoint("json", in: folder))
      try sender.sendOrdinary("good", 0..<15_000)
      try daemon.waitForMessages(15_000, of: "json")
      #expect(daemon.end() == 0, "\(daemon.log)")
      let again = try Daemon(in: folder)
      #expect(try again.streams().first { $0.name == "good" }?.events == 15_000)
    }
  }

  @Test func `a state directory that fails under way is shown, and events go on`() throws {
    try Programs.withFolder { folder in
      let daemon = try Daemon(Self.config(folder, "state: {save_every: 1s}\n"), in: folder)
      let sender = try Sender(to: Daemon.endpoint("json", in: folder))
      let running = daemon.state.appending(path: "running")
      try FileManager.default.removeItem(at: running)
      try Data().write(to: running)
      try sender.sendOrdinary("good", 0..<10)
      let problem = try daemon.wait(
        "a problem", for: { try daemon.status().state }, until: { !$0.healthy })
      #expect(problem.problem?.contains(running.path) == true, "\(problem)")
      #expect(try daemon.control("status").contains("not healthy"))
      #expect(try daemon.doctor("state directory").finding == .fail)
      try sender.sendOrdinary("good", 10..<20)
      try daemon.waitForEvents(20, of: "good")
    }
  }
}
