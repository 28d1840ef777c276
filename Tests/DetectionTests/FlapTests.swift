import Events
import Testing

@testable import Detection

/// When incidents may open and end besides by their scores.
@Suite struct FlapTests {
  /// A fault of twelve events, a second each, at each of `begins`; the incidents' steps by time.
  func steps(
    begins: [Int], until end: Int, score: Float = 99, _ change: (inout DetectionSettings.Alerts) -> Void
  ) -> (steps: [(Int, AlertPolicy.Step)], flaps: Int) {
    var settings = DetectionSettings()
    change(&settings.alerts)
    var policy = AlertPolicy()
    var found: [(Int, AlertPolicy.Step)] = []
    var flaps = 0
    for event in 0..<end {
      let isOdd = begins.contains { (0..<12).contains(event - $0) }
      let step = policy.step(
        score: isOdd ? score : 20, logP: isOdd ? -20 : -1, time: Double(event), support: 1e6, mayOpen: true,
        opening: AlertPolicy.Opening(settings.alerts), settings: settings)
      switch step {
      case .open:
        var incident = Incident(
          id: "x", onset: policy.runStart, opened: Double(event), severity: .minor, score: Double(score),
          pValue: 1e-5, events: 1, features: [], detectors: [:], kind: .value, severityWhenSaid: .minor)
        incident.logP = -20
        incident.logPWhenSaid = -20
        incident.flaps = policy.flaps(at: Double(event), settings.alerts)
        policy.begin(incident)
        found.append((event, step))
      case .resolve:
        policy.end(at: Double(event))
        found.append((event, step))
      case .update:
        policy.change { $0.eventsWhenSaid = $0.events }
        found.append((event, step))
      default: break
      }
      flaps = max(flaps, policy.incident?.flaps ?? 0)
    }
    return (found, flaps)
  }

  @Test func `an incident that comes and goes becomes one with a count, and ends when it stays calm`() {
    let begins = [100, 200, 300, 400, 500]
    let usual = steps(begins: begins, until: 1200) { _ in }
    #expect(usual.steps.count { $0.1 == .open } == 5 && usual.flaps == 0)
    let flapping = steps(begins: begins, until: 1200) {
      $0.flapAfter = 3
      $0.flapWithin = 300
    }
    // The third is one with the two before, and stays open over the fourth and fifth.
    #expect(flapping.steps.count { $0.1 == .open } == 3)
    #expect(flapping.flaps == 4)
    let ends = flapping.steps.filter { $0.1 == .resolve }.map(\.0)
    #expect(ends.count == 3 && (ends.last ?? 0) == 511 + 300, "\(ends)")
    #expect(flapping.steps.contains { $0.0 >= 400 && $0.0 < 500 && $0.1 == .update })
    // Further apart than that they are incidents of their own.
    #expect(
      steps(begins: [100, 600, 1100], until: 1200) {
        $0.flapAfter = 3
        $0.flapWithin = 300
      }.flaps == 0)
  }

  @Test func `an incident goes on as long as it is to keep firing`() {
    func end(_ seconds: Double) -> Int? {
      steps(begins: [100], until: 600) { $0.keepFiring = seconds }.steps.last { $0.1 == .resolve }?.0
    }
    #expect(end(0) == 111 + 30)
    #expect(end(200) == 111 + 200)
  }

  @Test func `in the cooldown only what opens at once opens, and what is to last must`() {
    func opened(_ score: Float, _ change: (inout DetectionSettings.Alerts) -> Void) -> [Int] {
      steps(begins: [100, 200], until: 400, score: score, change).steps.filter { $0.1 == .open }.map(\.0)
    }
    #expect(opened(95) { _ in } == [102, 202])
    #expect(opened(95) { $0.cooldown = 120 } == [102])
    #expect(opened(99) { $0.cooldown = 120 } == [100, 200])
    #expect(opened(99) { $0.lasting = 5 } == [105, 205])
    #expect(opened(99) { $0.lasting = 30 }.isEmpty)
  }
}
