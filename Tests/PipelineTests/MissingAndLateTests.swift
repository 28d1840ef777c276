import Control
import Detection
import Events
import Foundation
import Messaging
import Testing
import Wire

@testable import Pipeline

/// Values that do not come and events that come late, through real sockets.
@Suite(.serialized) struct MissingAndLateTests {
  /// An event of four metrics, some of which may not come.
  private static func event(_ stream: String, _ ts: Int, seq: Int? = nil, _ values: [Double?]) -> String {
    let fields = values.enumerated().map { "\"m\($0.offset)\":\($0.element.map { "\($0)" } ?? "null")" }
    let number = seq.map { ",\"seq\":\($0)" } ?? ""
    return
      "{\"stream\":\"\(stream)\",\"ts\":\(1_700_000_000 + ts)\(number),\"values\":{\(fields.joined(separator: ","))}}"
  }

  /// What the harness sends in its 464 events up to scoring ends at this second.
  private static let trained = 464

  private static func values(_ tick: Int, _ random: inout SplitMix) -> [Double] {
    (0..<4).map { sinus(tick) * Double($0 + 1) + random.gaussian() * 0.3 }
  }

  private static func sinus(_ tick: Int) -> Double { Double(tick % 188) / 30 < 3.14 ? 0.5 : -0.5 }

  @Test func `each policy treats missing values as it says, and all of them lower the confidence`() throws {
    let harness = try Harness()
    harness.configuration.detection.missing = .ignore
    // A new model would forget what is held, and how long a field has not come.
    harness.configuration.detection.retraining.growth = 0
    harness.configuration.exceptions = [
      StreamException(match: Globs(["held"]), models: [], missing: .previous),
      StreamException(match: Globs(["drawn"]), models: [], missing: .model),
    ]
    try harness.start()
    let streams = ["plain", "held", "drawn"]
    try harness.waitForScoring(streams)
    var random = SplitMix(state: 3)
    // The metrics stay where they were last, or one that is held would no longer go with the others. m3 never comes again, and m1
    // jumps at the end: the alert says how much of it was made up.
    let last = sin(Double(Self.trained) / 30)
    for tick in 1...22 {
      var values: [Double?] = (0..<4).map { last * Double($0 + 1) + random.gaussian() * 0.3 }
      values[3] = nil
      // Not the same twice: what stands still is another matter.
      if tick > 18 { values[1] = 60 + random.gaussian() }
      for stream in streams { try harness.send(raw: Self.event(stream, Self.trained + tick, values)) }
    }
    for (stream, imputed) in [("plain", 0.0), ("held", 0), ("drawn", 0.25)] {
      try harness.wait(for: "an alert of \(stream)") { try harness.alerts().contains { $0.stream == stream } }
      try harness.wait(for: "all events") { try harness.stream(stream).summary.missingValues == 22 }
      let alert = try #require(try harness.alerts().first { $0.stream == stream })
      // By then the last value is older than 16 events, and no longer stands in.
      #expect(alert.imputed == imputed, "\(stream)")
      let confidence = try #require(alert.confidence)
      #expect(confidence > 0.05 && confidence < 0.75, "\(stream): \(confidence)")
      #expect(alert.features.first?.name == "m1")
      let summary = try harness.stream(stream).summary
      #expect(summary.imputedValues == ["plain": 0, "held": 16, "drawn": 22][stream])
    }
    let scoring = try harness.status().scoring
    #expect(scoring.missingValues == 66 && scoring.imputedValues == 38)
  }

  @Test
  func `late events are scored in their place or counted by reason, and amend the incident of their time`()
    throws
  {
    let harness = try Harness()
    harness.configuration.detection.lateness = 100
    harness.configuration.detection.retraining.growth = 0
    try harness.start()
    try harness.waitForScoring(["a"])
    var random = SplitMix(state: 4)
    func send(_ ticks: some Sequence<Int>, jump: Set<Int> = [], huge: Set<Int> = []) throws {
      for tick in ticks {
        var values = Self.values(tick, &random)
        if jump.contains(tick) { values[1] += 9 }
        if huge.contains(tick) { values[2] += 900 }
        try harness.send(raw: Self.event("a", Self.trained + tick, values))
      }
    }
    // Reordered, then some too late by time, and one too old for the rows that are held.
    try send([1, 2, 3, 5, 4, 6, 8, 9, 7, 10])
    try send(Array(11...60) + [20, -50])
    try harness.wait(for: "late events") { try harness.stream("a").summary.lateOutcomes["too-late"] == 1 }
    var outcomes = try harness.stream("a").summary.lateOutcomes
    #expect(outcomes == ["scored": 2, "not-held": 1, "too-late": 1, "clock-set-back": 0])
    #expect(try harness.alerts().isEmpty)

    // An incident, and its first and oddest event ten events late.
    try send(61...80, jump: Set(71...80))
    try harness.wait(for: "an incident") { try harness.alerts(open: true).count == 1 }
    let opening = try #require(try harness.alerts(open: true).first)
    try send([70], huge: [70])
    try harness.wait(for: "its amendment") { try harness.alerts(open: true).first?.amended == true }
    let amended = try #require(try harness.alerts(open: true).first)
    #expect(amended.id == opening.id && amended.state == .update)
    #expect(amended.onset == Double(1_700_000_000 + Self.trained + 70) || amended.onset <= opening.onset)
    #expect(amended.features.first?.name == "m2")
    #expect(amended.pValue <= opening.pValue)
    guard case .rerun(let rerun) = try harness.ask(.rerun(id: amended.id)) else { throw Harness.Unexpected() }
    #expect(rerun.isSame, "\(rerun)")
    #expect(rerun.ts == Double(1_700_000_000 + Self.trained + 70))
    #expect(rerun.figures.contains { $0.name == "confidence" })
    outcomes = try harness.status().scoring.lateOutcomes
    #expect(outcomes["scored"] == 3)
    // None is lost silently: every event sent is one that ingest counted.
    let summary = try harness.stream("a").summary
    #expect(summary.events == UInt64(464 + 10 + 52 + 20 + 1))
    // Counts of ingest are up to a second old.
    try harness.wait(for: "late events of ingest") { try harness.stream("a").summary.late == 5 }
  }

  @Test func `a late event of a resolved incident amends it once, in the history too, and it stays resolved`()
    throws
  {
    let harness = try Harness()
    harness.configuration.detection.alerts.closeAfter = 5
    harness.configuration.detection.retraining.growth = 0
    try harness.start()
    try harness.waitForScoring(["a"])
    let context = try MessagingContext()
    let subscriber = try Socket(.sub, in: context)
    try subscriber.subscribe("alert/")
    for endpoint in harness.pipeline?.publishEndpoints ?? [] { try subscriber.connect(endpoint) }
    Thread.sleep(forTimeInterval: 0.3)
    var random = SplitMix(state: 5)
    func send(_ tick: Int, jump: Double = 0, huge: Double = 0) throws {
      var values = Self.values(tick, &random)
      values[1] += jump
      values[2] += huge
      try harness.send(raw: Self.event("a", Self.trained + tick, values))
    }
    for tick in 1...30 { try send(tick) }
    for tick in 31...50 where tick != 40 { try send(tick, jump: 9) }
    try harness.wait(for: "an incident") { try harness.alerts(open: true).count == 1 }
    let opening = try #require(try harness.alerts(open: true).first)
    var tick = 50
    while tick < 250, try !harness.alerts(open: true).isEmpty {
      for _ in 0..<4 {
        tick += 1
        try send(tick)
      }
      let sent = UInt64(464 + tick - 1)
      try harness.wait(for: "what was sent") { try harness.stream("a").summary.events == sent }
      Thread.sleep(forTimeInterval: 0.05)
    }
    let resolved = try #require(try harness.alerts().last)
    #expect(resolved.id == opening.id && resolved.state == .resolved)

    try send(40, jump: 9, huge: 900)
    try harness.wait(for: "its amendment") { try harness.alerts().last?.amended == true }
    func check() throws {
      let said = try harness.alerts()
      #expect(said.map(\.seq) == (1...UInt64(said.count)).map { $0 })
      let amended = try #require(said.last)
      #expect(said.count { $0.amended == true } == 1)
      #expect(amended.id == opening.id && amended.state == .update && amended.resolvedAt == resolved.ts)
      #expect(amended.pValue < resolved.pValue && amended.onset == resolved.onset)
      #expect(amended.events == resolved.events.map { $0 + 1 })
      #expect(amended.features.first?.name == "m2")
      #expect(try harness.alerts(open: true).isEmpty)
      #expect(try harness.status().alerts.openIncidents == 0)
      guard case .explanation(let explanation) = try harness.ask(.explain(id: opening.id)) else {
        throw Harness.Unexpected()
      }
      #expect(explanation.statements.last == amended)
    }
    try check()
    // A subscriber has heard the same, each once.
    var heard: [Alert] = []
    while let frames = try subscriber.receive(timeout: 500) {
      heard.append(try AlertMessage.decode(try #require(frames.last)))
    }
    #expect(heard.map(\.seq) == (1...UInt64(heard.count)).map { $0 })
    #expect(heard.last?.amended == true && heard.last?.resolvedAt == resolved.ts)
    #expect(heard.last?.seq == (try harness.status().alerts.lastSeq))
    #expect(try harness.stream("a").summary.lateOutcomes["scored"] == 1)
    guard case .rerun(let rerun) = try harness.ask(.rerun(id: opening.id)) else { throw Harness.Unexpected() }
    #expect(rerun.isSame && rerun.ts == Double(1_700_000_000 + Self.trained + 40), "\(rerun)")
    // Its rows end where it ended, not where it was amended.
    let order = LabelOrder(id: opening.id, verdict: .true, preview: true)
    guard case .verdict(let verdict) = try harness.ask(.label(order)) else { throw Harness.Unexpected() }
    #expect(verdict.to == resolved.ts)
    let run = try #require(try harness.status().alerts.falseAlarmRun)
    #expect(run.openings == 1 && run.events == UInt64(464 + tick) && run.measured == Double(run.events))
    #expect(abs(run.promised - 4992) < 1)

    // A later life says nothing of it again.
    harness.stop()
    try harness.start()
    try check()
    for next in tick + 1...tick + 3 { try send(next) }
    try harness.wait(for: "more events") { try harness.stream("a").summary.events == UInt64(464 + tick + 3) }
    try check()
    #expect(try harness.status().alerts.falseAlarmRun?.openings == 0)
  }

  @Test func `what was sent before the first event that came is taken, and no repeat`() throws {
    let harness = try Harness()
    try harness.start()
    for seq in [10, 8, 9, 11, 9] {
      try harness.send(raw: Self.event("b", seq, seq: seq, [1, 2, 3, Double(seq)]))
    }
    try harness.send(raw: Self.event("end", 1, [1]))
    try harness.wait(for: "the last event") {
      guard case .streams(let list) = try harness.ask(.streams(StreamQuery())) else { return false }
      return list.rows.contains { $0.name == "end" && $0.events == 1 }
    }
    #expect(try harness.stream("b").summary.events == 4)
    try harness.wait(for: "its repeat and its late events") {
      let summary = try harness.stream("b").summary
      return summary.repeats == 1 && summary.late == 2 && summary.gaps == 0
    }
  }
}
