import Control
import Events
import Foundation

/// The day as it runs: events out, alerts in, the daemon ended and started again.
struct SoakDay {
  private let plan: SoakPlan
  private let config: String?
  private var world: SoakWorld
  private var daemon: LabDaemon
  private var ledger = SoakLedger()
  private var tick = 0
  /// Resident bytes by hour, of each life of the daemon.
  private(set) var memory: [[Double]] = [[]]

  private static let usualOverrides = [
    "ANOMALYD_SOURCES_0_BIND": "tcp://127.0.0.1:*", "ANOMALYD_SOURCES_0_SOCKET": "pull",
    "ANOMALYD_SOURCES_0_OVERFLOW": "block", "ANOMALYD_RETRAIN_BUDGET": "100%",
  ]

  private let overrides: [String: String]

  init(_ plan: SoakPlan, seed: UInt64, config: String?, budget: Double?) throws {
    self.plan = plan
    overrides = Self.usualOverrides.merging(
      budget.map { ["ANOMALYD_DETECTION_ALERTS_BUDGET": "\($0)"] } ?? [:]
    ) { $1 }
    self.config = config
    world = SoakWorld(plan, seed: seed)
    daemon = try LabDaemon(config: config, overrides: overrides)
    try daemon.waitUntilReady()
  }

  func end(keep: Bool) {
    daemon.stop()
    if keep { note("kept: \(daemon.folder.path)") } else { daemon.removeFolder() }
  }

  private func note(_ text: String) { FileHandle.standardError.write(Data("soak: \(text)\n".utf8)) }

  /// Until every stream scores.
  mutating func learn() throws {
    let publisher = try SoakPublisher(plan, daemon)
    let deadline = Deadline(after: 3600)
    while tick < plan.learning, !Interruption.isWanted {
      let status = try daemon.status()
      // Nothing is sent while models are made, so that the day begins with what it takes to score.
      let isWaiting = status.streams.training > 0 || status.trainer.backlog > 0
      if !isWaiting {
        for _ in 0..<min(50, plan.learning - tick) { try step(publisher) }
        try settle()
      } else {
        if deadline.sleep(atMost: 0.2) { throw late("to learn") }
      }
    }
    try settle()
    let status = try daemon.status()
    note(
      "learned from \(plan.learning) events of each stream: \(status.streams.scoring) of \(plan.streams) score, "
        + "\(Readable.number(status.trainer.processorSeconds)) s of training")
  }

  /// The day.
  mutating func live() throws {
    let last = plan.learning + plan.day
    var restarts = plan.restarts[...]
    while tick < last, !Interruption.isWanted {
      let until = min(last, restarts.first?.tick ?? last)
      try play(until: until)
      guard let restart = restarts.first, restart.tick <= tick, tick < last else { continue }
      restarts.removeFirst()
      try startAgain(kill: restart.isKill)
    }
  }

  private mutating func play(until end: Int) throws {
    let publisher = try SoakPublisher(plan, daemon)
    var feed = try AlertFeed(endpoints: try daemon.status().endpoints.alerts)
    // A subscription takes a moment; what was said before it is asked for.
    _ = try feed.next(within: 0.2)
    try catchUp()
    let hour = max(1, Int(3600 / plan.interval))
    while tick < end, !Interruption.isWanted {
      try step(publisher)
      while let alert = try feed.next(within: 0) { ledger.hear(alert) }
      guard (tick - plan.learning) % hour == 0 else { continue }
      try settle()
      while let alert = try feed.next(within: 0.05) { ledger.hear(alert) }
      let status = try daemon.status()
      memory[memory.count - 1].append(Double(status.memory.resident))
      let megabytes = Readable.number(Double(status.memory.resident) / 1_048_576)
      note(
        "hour \((tick - plan.learning) / hour): \(megabytes) MiB, \(status.alerts.openIncidents) incidents open"
      )
    }
    try settle()
    while let alert = try feed.next(within: 0.3) { ledger.hear(alert) }
  }

  private mutating func step(_ publisher: borrowing SoakPublisher) throws {
    try publisher.send(world.next(tick), tick: tick)
    tick += 1
  }

  /// Waits until all that was sent was scored.
  private func settle() throws {
    let deadline = Deadline(after: 120)
    let last = SoakPublisher.name(plan.streams - 1)
    let time = SoakPublisher.time(tick - 1, plan)
    while true {
      let isThere = try daemon.stream(last).map { ($0.lastEvent ?? 0) >= time } ?? false
      let isIdle = try daemon.status().queues.allSatisfy { $0.depth == 0 }
      if isThere && isIdle { return }
      if deadline.sleep(atMost: 0.01) { throw late("to score what was sent") }
    }
  }

  private mutating func startAgain(kill: Bool) throws {
    if kill { daemon.kill() } else { daemon.stop(seconds: 120) }
    note(kill ? "kill -9" : "a restart in order")
    daemon = try LabDaemon(config: config, overrides: overrides, folder: daemon.folder)
    try daemon.waitUntilReady(seconds: 120)
    memory.append([])
    try catchUp()
  }

  /// As a subscriber that was away does.
  private mutating func catchUp() throws {
    ledger.catchUp(try statements(after: ledger.heard.max() ?? 0))
  }

  private func statements(after seq: UInt64) throws -> [Alert] {
    let query = AlertQuery(afterSeq: seq == 0 ? nil : seq, limit: 1_000_000)
    guard case .alerts(let list) = try daemon.client.ask(.alerts(query)) else { return [] }
    return list.alerts
  }

  mutating func judge() throws -> SoakLedger {
    try catchUp()
    ledger.judge(try statements(after: 0), plan)
    return ledger
  }

  private func late(_ what: String) -> Failure {
    Failure(.temporary, what: "soak", why: "the daemon does not come \(what)", remedy: daemon.log())
  }
}
