import Control
import Detection
import Events
import Foundation
import Synchronization
import Testing

@testable import Pipeline

/// Questions about a running stream that take some work.
@Suite(.serialized) struct InquiryTests {
  @Test func `a running stream tells its power, its drift, and what would have been normal`() throws {
    let harness = try Harness()
    try harness.start()
    try harness.waitForScoring()
    let before = try harness.stream("a").summary

    guard case .power(let power) = try harness.ask(.power(stream: "a")) else {
      Issue.record("no power")
      return
    }
    #expect(power.curves.map(\.fault) == ShadowFault.allCases.map(\.rawValue))
    #expect(power.rounds >= 1 && power.rows >= 256)
    let step = try #require(power.curves.first { $0.fault == "step" }?.points.last)
    #expect(step.found * 2 >= step.planted)
    guard case .drift(let drift) = try harness.ask(.drift(stream: "a")) else {
      Issue.record("no drift")
      return
    }
    #expect(Set(drift.fields.map(\.name)) == ["m0", "m1", "m2", "m3"])
    #expect(drift.recent >= 32 && drift.reference > drift.recent)
    guard case .forecast(let forecast) = try harness.ask(.forecast(ForecastQuery(stream: "a", steps: 20)))
    else {
      Issue.record("no forecast")
      return
    }
    #expect(forecast.fields.map(\.name) == ["m0", "m1", "m2", "m3"] && forecast.interval == 1)
    for field in forecast.fields {
      #expect(field.points.count == 20 && field.points[0].ts == forecast.from + 1)
      #expect(field.points.allSatisfy { $0.low <= $0.value && $0.value <= $0.high })
      let best = try #require(field.errors[field.method])
      #expect(field.errors.values.allSatisfy { best <= 1.001 * $0 })
    }
    let toLimit = ForecastQuery(stream: "a", field: "m3", seconds: 30, limit: 100)
    guard case .forecast(let limited) = try harness.ask(.forecast(toLimit)) else { return }
    #expect(limited.fields.map(\.name) == ["m3"] && limited.fields[0].points.count == 30)
    // A wave of four does not reach a hundred.
    #expect(
      limited.fields[0].limit == ForecastReport.Limit(value: 100, expected: nil, earliest: nil, latest: nil))
    #expect(throws: Failure.self) { try harness.ask(.forecast(ForecastQuery(stream: "a", field: "m9"))) }
    #expect(throws: Failure.self) { try harness.ask(.forecast(ForecastQuery(stream: "a", steps: 5000))) }
    // Only looked at: nothing was counted, nothing opened.
    let after = try harness.stream("a").summary
    #expect(after.events == before.events && after.incident == nil)

    try harness.send(40, shift: 12)
    try harness.wait(for: "an incident") { try harness.status().alerts.openIncidents == 1 }
    let id = try #require(try harness.alerts(open: true).first).id
    guard case .explanation(let explanation) = try harness.ask(.explain(id: id)) else {
      Issue.record("no explanation")
      return
    }
    let normal = try #require(explanation.normal)
    #expect(normal.changes.first?.name == "m1")
    #expect(normal.verified == (normal.scoreAfter < 70 && !normal.changes.isEmpty))
    #expect(normal.scoreAfter < normal.scoreBefore)
    #expect(normal.text.contains("m1 were "))
  }

  @Test func `an incident that is like an earlier one names it, with what was said of it and why`() throws {
    let harness = try Harness()
    try harness.start()
    try harness.waitForScoring()
    func incident(shift: Double) throws -> String {
      try harness.send(12, shift: shift)
      try harness.wait(for: "an incident") { try harness.status().alerts.openIncidents == 1 }
      let id = try #require(try harness.alerts(open: true).first).id
      try harness.send(200)
      try harness.wait(for: "its end") { try harness.status().alerts.openIncidents == 0 }
      return id
    }
    func similar(to id: String) throws -> [SimilarIncident] {
      guard case .explanation(let explanation) = try harness.ask(.explain(id: id)) else { return [] }
      return try #require(explanation.similar)
    }
    let first = try incident(shift: 14)
    #expect(try similar(to: first) == [])
    let order = LabelOrder(id: first, verdict: .true, cause: "the pump of hall 3", by: "me")
    _ = try harness.ask(.label(order))
    let second = try incident(shift: 15)
    let found = try #require(try similar(to: second).first)
    #expect(found.id == first && found.label == "true" && found.cause == "the pump of hall 3")
    #expect(found.likeness >= 0.9 && found.likeness <= 1 && found.onset > 1_700_000_000)
    // Subscribers are told too, when it opens and when it ends.
    let told = try harness.alerts(open: false).filter { $0.id == second && $0.state != .update }
    #expect(told.map(\.state) == [.open, .resolved])
    for alert in told {
      #expect(alert.similar?.first?.id == first && alert.similar?.first?.cause == "the pump of hall 3")
    }
    // The other way is another thing.
    let third = try incident(shift: -15)
    #expect(try harness.alerts(open: false).filter { $0.id == third }.allSatisfy { $0.similar == nil })
    #expect(try similar(to: third) == [])
    _ = try harness.ask(.undo(by: "me"))
    let without = try #require(try similar(to: second).first)
    #expect(without.id == first && without.label == nil && without.cause == nil)
  }

  @Test func `status is answered while a forecast is being learned`() throws {
    let harness = try Harness()
    try harness.start()
    try harness.waitForScoring()
    try harness.send(600)
    try harness.wait(for: "the rows") { try harness.stream("a").summary.events >= 1064 }
    let isDone = Mutex(false)
    let endpoint = harness.configuration.control.endpoint
    Thread.detachNewThread {
      let client = ControlClient(endpoint: endpoint, timeout: 20)
      let reply = try? client.ask(.forecast(ForecastQuery(stream: "a", steps: 40)))
      if case .forecast = reply { isDone.withLock { $0 = true } }
    }
    // It is learned for up to four seconds; each of these answers comes before.
    var answered = 0
    while !isDone.withLock({ $0 }) && answered < 100_000 {
      _ = try harness.status()
      answered += 1
      if answered == 1 { #expect(!isDone.withLock { $0 }, "learned too fast to tell") }
    }
    #expect(isDone.withLock { $0 } && answered >= 5, "\(answered) answers")
  }

  @Test func `a stream that is not known or still collecting has no power, and the answer says why`() throws {
    let harness = try Harness()
    try harness.start()
    let unknown = #expect(throws: Failure.self) { try harness.ask(.power(stream: "b")) }
    #expect(unknown?.kind == .data)
    try harness.send(10)
    try harness.wait(for: "the stream") { try harness.stream("a").summary.events == 10 }
    for request in [ControlRequest.power(stream: "a"), .drift(stream: "a")] {
      let early = #expect(throws: Failure.self) { try harness.ask(request) }
      #expect(early?.kind == .temporary && early?.remedy.isEmpty == false)
    }
  }
}
