import Events
import Testing
import Wire

@testable import Pipeline

@Suite struct AlertGateTests {
  func alert(
    _ id: String = "A", _ state: Alert.State = .open, value: Double? = 30, expected: Double = 20,
    share: Double = 0.9,
    onset: Double = 0, ts: Double = 10
  ) -> Alert {
    Alert(
      id: id, state: state, stream: "host-1", ts: ts, onset: onset, severity: .major, score: 99, pValue: 1e-8,
      features: [
        Alert.Feature(name: "disk.used", value: value, expected: expected, low: 0, high: 25, share: share),
        Alert.Feature(name: "cpu", value: 1, expected: 0, low: 0, high: 1, share: 1 - share),
      ], detectors: [:], model: Alert.Model(snapshot: "s", trainedAt: 0), kind: .value, text: "")
  }

  func passes(_ alert: Alert, _ change: (inout AlertGate) -> Void) -> Bool {
    var gate = AlertGate()
    gate.fields = Globs(["disk.*", "cpu"])
    change(&gate)
    return [gate].pass(alert)
  }

  @Test func `each condition of a gate lets pass what it should and no other`() {
    #expect(passes(alert()) { _ in })
    #expect(passes(alert()) { $0.direction = .up } && !passes(alert()) { $0.direction = .down })
    #expect(
      passes(alert(value: 10)) { $0.direction = .down } && !passes(alert(value: 10)) { $0.direction = .up })
    #expect(passes(alert()) { $0.leastDeviation = 10 } && !passes(alert()) { $0.leastDeviation = 10.1 })
    #expect(passes(alert()) { $0.leastRelative = 0.5 } && !passes(alert()) { $0.leastRelative = 0.51 })
    #expect(passes(alert()) { $0.validHigh = 29 } && !passes(alert()) { $0.validHigh = 80 })
    #expect(!passes(alert()) { $0.validLow = 0 } && passes(alert()) { $0.validLow = 31 })
    #expect(passes(alert()) { $0.leastDuration = 10 } && !passes(alert()) { $0.leastDuration = 11 })
    #expect(passes(alert(value: nil)) { $0.leastDeviation = 1e9 })
  }

  @Test func `a gate is about its streams and fields only, and the first that matches counts`() {
    var strict = AlertGate()
    strict.leastDeviation = 1e9
    strict.fields = Globs(["disk.*"])
    #expect(![strict].pass(alert()))
    var elsewhere = strict
    elsewhere.streams = Globs(["db-*"])
    #expect([elsewhere].pass(alert()))
    var open = AlertGate()
    open.fields = Globs(["disk.used"])
    #expect([open, strict].pass(alert()) && ![strict, open].pass(alert()))
    // Another field that has its part in it and no gate lets it pass; one with hardly a part does not.
    #expect([strict].pass(alert(share: 0.6)))
    #expect([AlertGate]().pass(alert()))
  }

  @Test func `incidents that begin together are one group until they end`() {
    var groups = IncidentGroups(within: 10)
    #expect(groups.group(of: alert("A", onset: 100)) == "A")
    #expect(groups.group(of: alert("B", onset: 108)) == "A")
    // Close to the latest, not to the first.
    #expect(groups.group(of: alert("C", onset: 117)) == "A")
    #expect(groups.group(of: alert("D", onset: 128)) == "D")
    #expect(groups.group(of: alert("B", .update, onset: 108)) == "A")
    #expect(groups.group(of: alert("B", .resolved, onset: 108)) == "A")
    #expect(groups.group(of: alert("B", .update, onset: 108)) == nil)
    var alone = IncidentGroups(within: 0)
    #expect(alone.group(of: alert("A", onset: 100)) == nil)
  }
}
