import Control
import Detection
import Events
import Foundation
import Testing

@testable import Pipeline

@Suite struct ArrivalTests {
  let second: UInt64 = 1_000_000_000

  @Test func `a pause is too long by the interval that was learned, or by the longest pause of late`() {
    let settings = DetectionSettings.Silence()
    var arrivals = Arrivals(now: 0)
    for tick in 1...10 { arrivals.note(UInt64(tick) * second, wasSilent: false) }
    #expect(arrivals.silence(now: 69 * second, interval: 1, settings) == nil)
    #expect(arrivals.silence(now: 70 * second, interval: 1, settings) == 60)
    // Sixty events once a minute: an event a second, but a minute is a usual pause.
    arrivals.note(70 * second, wasSilent: false)
    #expect(arrivals.silence(now: 200 * second, interval: 1, settings) == nil)
    #expect(arrivals.silence(now: 1300 * second, interval: 1, settings) == 1230)
    // An event that was taken before the stream was known is no pause.
    var early = Arrivals(now: 5)
    early.note(4, wasSilent: false)
    #expect(early.pause == 0)
    // The silence itself does not make it deaf.
    arrivals.note(2000 * second, wasSilent: true)
    #expect(arrivals.pause <= 60)
    var off = settings
    off.after = 0
    #expect(arrivals.silence(now: 9000 * second, interval: 1, off) == nil)
    #expect(arrivals.silence(now: 9000 * second, interval: 0, settings) == nil)
  }
}

@Suite(.serialized) struct SilenceTests {
  @Test
  func
    `a stream that falls silent is an incident of its own kind, over a restart, and resolved when it returns`()
    throws
  {
    let harness = try Harness()
    harness.configuration.detection.silence.least = 1
    harness.configuration.detection.silence.after = 2
    try harness.start()
    try harness.waitForScoring()
    // While it learned nothing was sent: that pause fades as events come steadily.
    for _ in 0..<60 {
      try harness.send(1)
      Thread.sleep(forTimeInterval: 0.02)
    }
    try harness.wait(for: "an incident of silence") { try harness.alerts(open: true).count == 1 }
    let said = try #require(try harness.alerts(open: true).first)
    #expect(said.kind == .silence && said.stream == "a" && said.state == .open)
    #expect(said.ts - said.onset >= 2 && said.pValue < 0.2 && said.text.contains("No event for"))
    #expect(try harness.stream("a").summary.incident == said.id)
    harness.stop()

    try harness.start()
    #expect(try harness.stream("a").summary.incident == said.id)
    try harness.send(1)
    try harness.wait(for: "its end") { try harness.status().alerts.openIncidents == 0 }
    let statements = try harness.alerts()
    #expect(statements.map(\.state) == [.open, .resolved] && Set(statements.map(\.id)) == [said.id])
    #expect(try harness.stream("a").summary.incident == nil)
  }
}
