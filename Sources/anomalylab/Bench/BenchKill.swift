import Control
import Events
import Foundation

extension Benchmarks {
  static let kill = Benchmark(
    name: "kill",
    summary:
      "kill -9 under load, ten times: back to scoring, no incident twice or lost, no acknowledged command lost"
  ) { run in
    let rounds = run.setting("rounds", 10)
    let streams = run.setting("streams", 32)
    var ledger = KillLedger()
    var daemon = try LabDaemon(overrides: StreamLoad.overrides)
    defer {
      daemon.stop()
      daemon.removeFolder()
    }
    try daemon.waitUntilReady()
    var load = try StreamLoad(streams: streams, features: 16, daemon: daemon)
    try load.send(rounds: 700)
    try waitFor("every stream to score", daemon, seconds: 300) {
      try daemon.status().streams.scoring == streams
    } and: {
      try load.send(rounds: 20)
    }
    for round in 0..<rounds {
      let odd = Set([round % streams, (round * 7 + 3) % streams])
      try load.send(rounds: 12, odd: odd)
      try waitFor("an incident", daemon, seconds: 30) {
        try openIncidents(daemon).count >= 1
      } and: {
        try load.send(rounds: 1, odd: odd)
      }
      // What is acknowledged before the end must hold after it.
      let open = try openIncidents(daemon)
      if let first = open.first {
        _ = try daemon.client.ask(.acknowledge(id: first.id, by: "bench", note: "round \(round)"))
        ledger.acknowledged.insert(first.id)
      }
      _ = try daemon.client.ask(.silence(stream: "quiet-\(round)", seconds: 86_400))
      ledger.silenced += 1
      ledger.openBefore = Set(try openIncidents(daemon).map(\.id))
      // Under load: more is on its way than can have been scored.
      try load.send(rounds: 50)
      daemon.kill()

      let began = DispatchTime.now().uptimeNanoseconds
      daemon = try LabDaemon(overrides: StreamLoad.overrides, folder: daemon.folder)
      let status = try daemon.waitUntilReady(seconds: 60)
      try ledger.check(daemon, status)
      if status.streams.scoring != streams { ledger.notScoring += 1 }
      load = try StreamLoad(continuing: load, daemon: daemon)
      try waitFor("every stream to score again", daemon, seconds: 60) {
        try daemon.status().streams.scoring == streams
      } and: {
        try load.send(rounds: 5)
      }
      ledger.slowest = max(ledger.slowest, Double(DispatchTime.now().uptimeNanoseconds - began) * 1e-9)
      try load.send(rounds: 60)
      try waitFor("all incidents to resolve", daemon, seconds: 60) {
        try openIncidents(daemon).isEmpty
      } and: {
        try load.send(rounds: 5)
      }
    }
    ledger.report(run, rounds: rounds)
  }

  private static func openIncidents(_ daemon: LabDaemon) throws -> [Alert] {
    guard case .alerts(let list) = try daemon.client.ask(.alerts(AlertQuery(openOnly: true))) else {
      return []
    }
    return list.alerts
  }

  private static func waitFor(
    _ what: String, _ daemon: LabDaemon, seconds: Double, until isTrue: () throws -> Bool,
    and act: () throws -> Void
  ) throws {
    let end = Deadline(after: seconds)
    while try !isTrue() {
      if end.isOver || !daemon.isRunning {
        throw Failure(
          .temporary, what: "kill", why: "waited \(seconds) s in vain for \(what)", remedy: daemon.log())
      }
      try act()
      _ = Deadline(after: 0.1).sleep(atMost: 0.1)
    }
  }
}

/// What was promised before each end, and whether it held after it.
private struct KillLedger {
  var acknowledged: Set<String> = []
  var silenced = 0
  var openBefore: Set<String> = []
  var slowest = 0.0
  var notScoring = 0
  var lostIncidents = 0
  var lostCommands = 0
  var doubledIncidents = 0
  var holes = 0

  mutating func check(_ daemon: LabDaemon, _ status: StatusReport) throws {
    guard case .alerts(let list) = try daemon.client.ask(.alerts(AlertQuery(limit: 1_000_000))) else {
      return
    }
    let known = Set(list.alerts.map(\.id))
    lostIncidents += openBefore.subtracting(known).count
    lostCommands += acknowledged.subtracting(list.acknowledged.keys).count
    lostCommands += max(0, silenced - status.alerts.silencedStreams)
    // An id is opened once, on one stream; and every number from the first to the last is there.
    let openings = Dictionary(grouping: list.alerts.filter { $0.state == .open }, by: \.id)
    doubledIncidents += openings.values.count { $0.count > 1 }
    doubledIncidents += Dictionary(grouping: list.alerts, by: \.id).values.count {
      Set($0.map(\.stream)).count > 1
    }
    let numbers = list.alerts.map(\.seq)
    if numbers != Array(1...UInt64(max(1, numbers.count))) && !numbers.isEmpty { holes += 1 }
  }

  func report(_ run: BenchRun, rounds: Int) {
    run.report("kill -9 under load", Double(rounds), "times")
    run.report("slowest return to scoring", slowest, "s")
    run.report("returns with streams that had to be calibrated first", Double(notScoring), "times")
    run.report("open incidents lost", Double(lostIncidents), "incidents")
    run.report("incident ids used twice", Double(doubledIncidents), "incidents")
    run.report("holes in the sequence of alerts", Double(holes), "times")
    run.report("acknowledged commands lost", Double(lostCommands), "commands")
  }
}
