import Control
import Events
import Foundation
import Testing

/// Models under control, on a true daemon through the true `anomalyctl`.
@Suite struct SnapshotTests {
  func snapshots(_ daemon: TestDaemon) throws -> [SnapshotSummary] {
    let ended = try daemon.ctl(["snapshots", "web", "--json"])
    try #require(ended.status == 0, "\(ended.errors)")
    return try JSONDecoder().decode(SnapshotList.self, from: Data(ended.output.utf8)).snapshots
  }

  func retrain(_ daemon: TestDaemon, trained: UInt64) throws {
    try #require(try daemon.ctl(["retrain", "web"]).status == 0)
    let isDone = try daemon.wait(seconds: 60) {
      try daemon.status().trainer.trained >= trained && daemon.status().trainer.current == nil
    }
    let trainer = try daemon.status().trainer
    try #require(isDone, "not trained again: \(trainer)")
  }

  @Test
  func `a challenger is kept with its report beside the champion's, can be promoted, compared and retained`()
    throws
  {
    try Programs.withFolder { folder in
      let daemon = try TestDaemon(folder: folder, overrides: ["ANOMALYD_STATE_SNAPSHOTS": "2"])
      try daemon.learn("web")
      let first = try #require(try snapshots(daemon).first)
      #expect(first.current && first.report?.figures == nil && first.rows > 0)
      #expect(try daemon.ctl(["retain", "web", first.id]).status == 0)
      try daemon.send("web", rows: 128)
      try daemon.settle("web")
      try retrain(daemon, trained: 2)
      let two = try snapshots(daemon)
      let challenger = try #require(two.first)
      let report = try #require(challenger.report)
      #expect(report.champion == first.id && report.reason == "requested" && !report.verdict.isEmpty)
      #expect(report.accepted == challenger.current)
      let figures = try #require(report.figures)
      #expect(figures.rows >= 128 && figures.bytes > 1000 && figures.microsecondsPerRow > 0)
      #expect((0...1).contains(figures.meanRecall) && figures.recall.count >= 3)
      #expect(report.championFigures?.rows == figures.rows && report.championFigures != figures)
      let table = try daemon.ctl(["snapshots", "web"])
      #expect(table.output.contains("retained") && table.output.contains(report.verdict))

      let diff = try daemon.ctl(["snapshots", "web", "--diff", first.id, challenger.id])
      #expect(diff.status == 0 && diff.output.contains("field cpu") && diff.output.contains("rows"))

      let other = try #require(two.first { !$0.current })
      #expect(try daemon.ctl(["promote", "web", other.id]).status == 0)
      #expect(try daemon.stream("web")?.snapshot == other.id)
      #expect(try daemon.ctl(["promote", "web", "20200101T000000-0099"]).status == 65)
      #expect(try daemon.ctl(["audit"]).output.contains("promote"))

      // Two are kept: without being retained the first would go with the third and fourth.
      for count in 3...5 { try retrain(daemon, trained: UInt64(count)) }
      let names = try snapshots(daemon).map(\.id)
      #expect(names.contains(first.id), "\(names)")
      daemon.running.stop()
    }
  }

  @Test
  func `a challenger that finds fewer planted faults is refused with the reason, and the champion goes on`()
    throws
  {
    try Programs.withFolder { folder in
      let daemon = try TestDaemon(folder: folder)
      try daemon.learn("web")
      let champion = try #require(try snapshots(daemon).first)
      // Wild life that somebody says was normal: who learns it has a blunt eye for what comes after it, which is as before.
      try daemon.send("web", rows: 700, wider: 200)
      try daemon.send("web", rows: 500)
      try daemon.settle("web")
      guard case .alerts(let list) = try daemon.client.ask(.alerts(AlertQuery(incidentsOnly: true))) else {
        throw Failure.unknownCommand("alerts")
      }
      try #require(!list.alerts.isEmpty, "nothing was odd")
      for alert in list.alerts {
        try #require(try daemon.ctl(["label", alert.id, "false-alarm"]).status == 0)
      }
      try retrain(daemon, trained: 2)
      let challenger = try #require(try snapshots(daemon).first { $0.id != champion.id })
      let report = try #require(challenger.report)
      #expect(report.accepted == false && !challenger.current && report.champion == champion.id)
      #expect(
        report.verdict.hasPrefix("it finds ") && report.verdict.contains("of planted"), "\(report.verdict)")
      let (own, other) = (try #require(report.figures), try #require(report.championFigures))
      #expect(own.rows == other.rows && own.meanRecall < other.meanRecall, "\(own) \(other)")
      #expect(try snapshots(daemon).first { $0.current }?.id == champion.id)
      let trainer = try daemon.status().trainer
      #expect(trainer.rejected == 1)
      let table = try daemon.ctl(["snapshots", "web"])
      #expect(table.output.contains("refused") && table.output.contains(report.verdict))
      // It is the champion that finds the next fault.
      try daemon.send("web", rows: 64)
      try daemon.send("web", rows: 60, cpuHigherBy: 4)
      let isFound = try daemon.wait { try daemon.incident()?.model.snapshot == champion.id }
      #expect(isFound)
      #expect(try daemon.stream("web")?.snapshot == champion.id)
      daemon.running.stop()
    }
  }

  @Test
  func
    `an alert's score is computed once more, bit for bit, also after a restart, and what is missing is said`()
    throws
  {
    try Programs.withFolder { folder in
      let daemon = try TestDaemon(folder: folder)
      try daemon.learn("web")
      try daemon.send("web", rows: 40, cpuHigherBy: 3)
      try daemon.settle("web")
      let isOpen = try daemon.wait { try daemon.incident() != nil }
      try #require(isOpen)
      let id = try #require(try daemon.incident()).id
      func rerun(_ daemon: TestDaemon) throws -> (Int32, RerunReport) {
        let ended = try daemon.ctl(["explain", id, "--rerun", "--json"])
        return (
          ended.status, try JSONDecoder().decode(RerunReport.self, from: Data(ended.output.utf8))
        )
      }
      let (status, report) = try rerun(daemon)
      #expect(status == 0 && report.isSame, "\(report)")
      #expect(report.figures.count >= 4 && (report.figures.first?.said ?? 0) > 90)
      #expect(try daemon.ctl(["explain", id, "--rerun"]).output.contains("the same bits"))
      daemon.running.stop()

      let again = try TestDaemon(folder: folder, after: daemon)
      #expect(try rerun(again).1.isSame)
      again.running.stop()
      // The model is gone: it says so, and gives no figure.
      let models = folder.appending(path: "state/snapshots")
      try FileManager.default.removeItem(at: models)
      let bare = try TestDaemon(folder: folder, after: again)
      let (code, missing) = try rerun(bare)
      #expect(code == 65 && missing.figures.isEmpty)
      #expect(missing.missing.contains { $0.contains(report.snapshot) }, "\(missing)")
      bare.running.stop()
    }
  }

  @Test(arguments: [["promote", "web"], ["retain", "web"], ["snapshots", "web", "--diff", "a"]])
  func `a usage mistake ends with 64`(arguments: [String]) throws {
    #expect(try Programs.run("anomalyctl", arguments).status == 64)
  }
}
