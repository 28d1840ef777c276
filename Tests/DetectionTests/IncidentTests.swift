import Events
import Testing

@testable import Detection

@Suite struct IncidentTests {
  @Test func `names are 26 characters, sort by time, and are never given twice`() {
    let first = IncidentID.make(time: 1_732_270_000.25, seed: 1, stream: 7, counter: 0)
    #expect(first.count == 26)
    #expect(first.allSatisfy { "0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains($0) })
    // 1732270000250 ms in Crockford's base 32.
    #expect(
      first.prefix(10) == "01JD9VAPWT" || first.prefix(10) == IncidentTests.reference(1_732_270_000_250))
    #expect(first < IncidentID.make(time: 1_732_270_000.26, seed: 1, stream: 7, counter: 1))
    var names: Set<String> = []
    for seed in 0..<8 {
      for stream in 0..<8 {
        for counter in 0..<64 {
          names.insert(
            IncidentID.make(
              time: 5, seed: UInt64(seed), stream: UInt64(stream), counter: UInt64(counter)))
        }
      }
    }
    #expect(names.count == 8 * 8 * 64)
    #expect(IncidentID.make(time: -5, seed: 1, stream: 1, counter: 1).hasPrefix("0000000000"))
  }

  /// The time part by repeated division.
  static func reference(_ milliseconds: Int) -> String {
    let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    var rest = milliseconds
    var text = ""
    for _ in 0..<10 {
      text = String(alphabet[rest % 32]) + text
      rest /= 32
    }
    return text
  }

  /// Runs scores through the policy; the steps that were not nothing, with their event.
  func steps(
    _ scores: [Float], settings: DetectionSettings = DetectionSettings(), policy: inout AlertPolicy
  ) -> [(Int, AlertPolicy.Step)] {
    var found: [(Int, AlertPolicy.Step)] = []
    for (event, score) in scores.enumerated() {
      let logP = 4 * Float(Double(max(1 - Double(score) / 100, 1e-12)).logarithm)
      let step = policy.step(
        score: score, logP: logP, time: Double(event), support: 1e6, mayOpen: true,
        opening: AlertPolicy.Opening(settings.alerts), hasSettled: true, settings: settings)
      if step == .nothing || step == .look { continue }
      found.append((event, step))
      if step == .open {
        var incident = Incident(
          id: "x", onset: policy.runStart, opened: Double(event), severity: .warning, score: Double(score),
          pValue: 1e-5, events: 1, features: [], detectors: [:], kind: .value, severityWhenSaid: .warning)
        incident.logP = logP
        incident.logPWhenSaid = logP
        policy.begin(incident)
      } else if step == .update {
        policy.change {
          $0.eventsWhenSaid = $0.events
          $0.severityWhenSaid = $0.severity
          $0.logPWhenSaid = logP
        }
      } else {
        policy.end()
      }
    }
    return found
  }

  @Test func `three of five high events open, two do not, one very high one does`() {
    var policy = AlertPolicy()
    #expect(steps([95, 10, 95, 10, 10, 10, 95, 10, 10], policy: &policy).isEmpty)
    policy = AlertPolicy()
    let found = steps([10, 80, 95, 10, 95, 95], policy: &policy)
    #expect(found.map(\.0) == [5])
    // It began with the first event above the closing score; one calm event does not end a run.
    #expect(policy.incident?.onset == 1)
    policy = AlertPolicy()
    #expect(steps([10, 98.5], policy: &policy).map(\.0) == [1])
  }

  @Test func `what is a little odd for long opens too`() {
    var policy = AlertPolicy()
    let found = steps(Array(repeating: 85, count: 40), policy: &policy)
    #expect(found.first?.0 == AlertPolicy.persistent - 1)
  }

  @Test func `an incident closes after thirty calm events, single ones only put it off`() {
    var policy = AlertPolicy()
    var scores: [Float] = Array(repeating: 99, count: 10) + Array(repeating: 20, count: 40)
    #expect(steps(scores, policy: &policy).last?.0 == 39)
    scores[25] = 75
    policy = AlertPolicy()
    #expect(steps(scores, policy: &policy).last?.0 == 42)
    // Every third event above the closing score: it never ends.
    policy = AlertPolicy()
    let half = (0..<300).map { $0 < 10 || $0 % 3 == 0 ? Float(92) : 20 }
    #expect(!steps(half, policy: &policy).contains { $0.1 == .resolve })
    #expect(policy.incident != nil)
  }

  @Test func `severity follows strangeness and persistence, and a rise is said`() {
    #expect(AlertPolicy.severity(score: 95, duration: 0, loud: 3) == .warning)
    #expect(AlertPolicy.severity(score: 99, duration: 0, loud: 3) == .minor)
    #expect(AlertPolicy.severity(score: 99.9, duration: 0, loud: 3) == .major)
    #expect(AlertPolicy.severity(score: 99.9, duration: 400, loud: 30) == .critical)
    #expect(AlertPolicy.severity(score: 95, duration: 400, loud: 30) == .minor)
    var policy = AlertPolicy()
    let found = steps(Array(repeating: 92, count: 20) + [99.9, 99.9, 99.9], policy: &policy)
    #expect(found.map(\.0) == [2, 20])
  }

  @Test func `an incident that only goes on is said now and then, one that lasts becomes normal`() {
    var settings = DetectionSettings()
    settings.alerts.updateEvery = 100
    settings.newNormal = 1000
    var policy = AlertPolicy()
    let found = steps(Array(repeating: 91, count: 1100), settings: settings, policy: &policy)
    #expect(found.count { $0.1 == .update } >= 9)
    let accepted = found.first { $0.1 == .accept }
    #expect(accepted?.0 == 1000)
  }

  @Test func `settings out of range are named`() {
    #expect(DetectionSettings().problems.isEmpty)
    var settings = DetectionSettings()
    settings.alerts.close = 95
    settings.window = 1
    settings.autoencoder.enabled = false
    settings.rbm.enabled = false
    settings.companions.names = []
    #expect(settings.problems.map(\.key) == ["detectors", "alerts.open", "window"])
  }
}
