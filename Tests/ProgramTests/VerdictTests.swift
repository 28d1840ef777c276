import Control
import Events
import Foundation
import Testing

/// What people say of incidents, against a true daemon through the true `anomalyctl`.
@Suite struct VerdictTests {
  func withIncident(_ body: (TestDaemon, Alert) throws -> Void) throws {
    try Programs.withFolder { folder in
      let daemon = try TestDaemon(folder: folder)
      try daemon.learn("web")
      try daemon.send("web", rows: 40, cpuHigherBy: 3)
      try daemon.settle("web")
      let isOpen = try daemon.wait { try daemon.incident() != nil }
      try #require(isOpen, "no incident")
      try body(daemon, try #require(try daemon.incident()))
      daemon.running.stop()
    }
  }

  func quarantined(_ daemon: TestDaemon) throws -> Int {
    guard case .stream(let detail) = try daemon.client.ask(.stream(name: "web")) else { return -1 }
    return detail.history.quarantined
  }

  func label(_ daemon: TestDaemon, _ arguments: String...) throws -> VerdictReport {
    let ended = try daemon.ctl(["label"] + arguments + ["--json"])
    try #require(ended.status == 0, "\(ended.errors)")
    return try JSONDecoder().decode(VerdictReport.self, from: Data(ended.output.utf8))
  }

  @Test func `a false alarm is learned from, a preview changes nothing, and undo brings back what was`()
    throws
  {
    try withIncident { daemon, alert in
      let before = try quarantined(daemon)
      #expect(before > 10)
      let preview = try label(daemon, alert.id, "false-alarm", "--preview")
      #expect(preview.preview && preview.changed == before && preview.rows >= preview.changed)
      #expect(try quarantined(daemon) == before)
      #expect(try daemon.ctl(["audit"]).output == "nothing yet\n")

      let said = try label(daemon, alert.id, "false-alarm", "--cause", "a test", "--by", "me")
      #expect(said.changed == before && !said.preview && !said.retrains)
      #expect(try quarantined(daemon) == 0)
      #expect(try daemon.ctl(["explain", alert.id, "--json"]).json()["label"] as? String == "false-alarm")
      let audit = try daemon.ctl(["audit"]).output
      #expect(audit.contains("label") && audit.contains("false-alarm by me a test"))

      let undone = try daemon.ctl(["undo"])
      #expect(undone.status == 0 && undone.output.contains("is taken back"))
      #expect(try quarantined(daemon) == before)
      #expect(try daemon.ctl(["explain", alert.id, "--json"]).json()["label"] == nil)
      #expect(try daemon.ctl(["undo"]).status == 65)
    }
  }

  @Test func `a fault's rows stay out of what is learned from its very beginning, over a restart`() throws {
    try withIncident { daemon, alert in
      let said = try label(daemon, alert.id, "true")
      #expect(said.verdict == .true && said.from == alert.onset)
      let kept = try quarantined(daemon)
      #expect(kept == said.rows)
      daemon.running.stop()
      let again = try TestDaemon(folder: daemon.folder, after: daemon)
      #expect(try quarantined(again) == kept)
      #expect(try again.ctl(["explain", alert.id, "--json"]).json()["label"] as? String == "true")
      // A verdict of an earlier life can be taken back, too.
      #expect(try again.ctl(["undo"]).status == 0)
      #expect(try again.ctl(["explain", alert.id, "--json"]).json()["label"] == nil)
      again.running.stop()
    }
  }

  @Test func `a new normal asks for a model at once`() throws {
    try withIncident { daemon, alert in
      let snapshot = try daemon.stream("web")?.snapshot
      #expect(try label(daemon, alert.id, "new-normal").retrains)
      let isAsked = try daemon.wait(seconds: 60) {
        try daemon.status().trainer.trained >= 2
      }
      let trainer = try daemon.status().trainer
      #expect(isAsked, "no training; \(trainer), was \(snapshot ?? "")")
    }
  }

  @Test func `a window that is forgotten is not learned from any more`() throws {
    try withIncident { daemon, alert in
      let (from, to) = ("\(alert.onset - 100)", "\(alert.onset - 51)")
      func forget(_ more: String...) throws -> VerdictReport {
        let ended = try daemon.ctl(["forget", "web", "--from", from, "--to", to, "--json"] + more)
        try #require(ended.status == 0, "\(ended.errors)")
        return try JSONDecoder().decode(VerdictReport.self, from: Data(ended.output.utf8))
      }
      #expect(try forget("--preview").changed == 50)
      #expect(try forget().changed == 50)
      #expect(try forget().changed == 0)
      guard case .trace(let trace) = try daemon.client.ask(.trace(stream: "web", count: 400)) else { return }
      #expect(!trace.ts.contains { $0 >= alert.onset - 100 && $0 <= alert.onset - 51 })
      #expect(try daemon.ctl(["forget", "web", "--from", to, "--to", from]).status == 64)
      #expect(try daemon.ctl(["forget", "none", "--from", from, "--to", to]).status == 65)
    }
  }

  @Test(arguments: [
    ["label", "x"], ["label", "x", "wrong"], ["forget", "web"], ["audit", "--limit", "0"],
  ])
  func `a usage mistake ends with 64`(arguments: [String]) throws {
    #expect(try Programs.run("anomalyctl", arguments).status == 64)
  }
}

/// Times in which what is odd was to be expected, on a true daemon.
@Suite struct MaintenanceProgramTests {
  @Test
  func `nothing is said of a maintenance and nothing learned from it, and what goes on after it is said`()
    throws
  {
    try Programs.withFolder { folder in
      let config = folder.appending(path: "c.yaml").path
      // The test daemon's events are a second apart from this moment on; it learns from 576 to 600 of them.
      let (from, to) = (1_700_000_000 + 700, 1_700_000_000 + 760)
      try "maintenance: [{streams: [\"we?\"], from: \(from), to: \(to)}]\n".write(
        toFile: config, atomically: true, encoding: .utf8)
      let daemon = try TestDaemon(folder: folder, config: config)
      try daemon.learn("web")
      while try (daemon.stream("web")?.lastEvent ?? 0) < Double(from - 1) {
        try daemon.send("web", rows: 1)
        try daemon.settle("web")
      }
      try daemon.send("web", rows: 40, cpuHigherBy: 3)
      try daemon.settle("web")
      let isKept = try daemon.wait { try daemon.status().alerts.silenced > 0 }
      #expect(isKept, "an incident was to be kept back")
      #expect(try daemon.status().alerts.lastSeq == 0)
      guard case .trace(let trace) = try daemon.client.ask(.trace(stream: "web", count: 40)) else { return }
      #expect((trace.scores.last.flatMap(\.self) ?? 0) > 98)
      // It goes on after the window: now it is said, as an opening.
      try daemon.send("web", rows: 700, cpuHigherBy: 3)
      try daemon.settle("web")
      let isSaid = try daemon.wait { try daemon.incident() != nil }
      #expect(isSaid)
      daemon.running.stop()
    }
  }
}

/// What people know of their streams, on a true daemon.
@Suite struct GateProgramTests {
  @Test
  func `an incident that does not pass its gate is not said, and a reload without the gate lets it out`()
    throws
  {
    try Programs.withFolder { folder in
      let config = folder.appending(path: "c.yaml").path
      try "gates: [{streams: [web], direction: down}]\n".write(
        toFile: config, atomically: true, encoding: .utf8)
      let daemon = try TestDaemon(
        folder: folder, config: config, overrides: ["ANOMALYD_DETECTION_ALERTS_UPDATE_EVERY": "8"])
      try daemon.learn("web")
      try daemon.send("web", rows: 30, cpuHigherBy: 3)
      try daemon.settle("web")
      let isKept = try daemon.wait { try daemon.status().alerts.gated > 0 }
      #expect(isKept)
      #expect(try daemon.status().alerts.lastSeq == 0)
      try "gates: [{streams: [web], direction: up}]\n".write(
        toFile: config, atomically: true, encoding: .utf8)
      #expect(try daemon.ctl(["reload"]).status == 0)
      try daemon.send("web", rows: 20, cpuHigherBy: 3)
      let isSaid = try daemon.wait { try daemon.incident() != nil }
      #expect(isSaid)
      let alert = try #require(try daemon.incident())
      guard case .explanation(let told) = try daemon.client.ask(.explain(id: alert.id)) else { return }
      #expect(told.statements.first?.state == .open && alert.group == alert.id)
      daemon.running.stop()
    }
  }
}
