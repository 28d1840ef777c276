import Control
import Detection
import Events
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
