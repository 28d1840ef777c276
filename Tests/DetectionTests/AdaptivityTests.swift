import Detection
import Events
import Testing

@testable import Detection

/// A lasting change becomes normal by a test, sooner or later as the one knob says; what goes on growing does not.
@Suite struct AdaptivityTests {
  private static func settings(_ adaptivity: Adaptivity) -> DetectionSettings {
    var settings = DetectionSettings.quick
    settings.newNormal = 400
    return settings.adapted(to: adaptivity)
  }

  /// Rows of two fields, of which the first is shifted.
  private static func shifted(_ signals: inout Signals, _ count: Int, by shift: (Int) -> Float)
    -> TrainingRows
  {
    var rows = signals.rows(count)
    for row in 0..<count { rows.values[row * 2] += shift(row) }
    return rows
  }

  @Test func `a lasting shift is one incident, is accepted, then all is quiet; slow takes longer than fast`()
    throws
  {
    var took: [Adaptivity: Double] = [:]
    for adaptivity in [Adaptivity.fast, .slow] {
      var signals = Signals(features: 2, seed: 21)
      let settings = Self.settings(adaptivity)
      var detector = try trainedDetector(on: signals.rows(1000), settings: settings)
      _ = detector.observeAll(signals.rows(200))
      let rows = Self.shifted(&signals, 3000) { _ in 9 }
      let observed = detector.observeAll(rows)
      #expect(observed.alerts.count { $0.state == .open } == 1)
      let accepted = try #require(observed.alerts.last)
      #expect(accepted.state == .resolved && accepted.text.contains("new normal"))
      #expect(detector.trainingRequest == .newNormal)
      took[adaptivity] = accepted.ts - accepted.onset
      detector.trainingStarted()
      detector.install(
        try ModelTrainer.train(rows, settings: settings, seed: 1, snapshotName: "new", trainedAt: 0))
      #expect(detector.observeAll(Self.shifted(&signals, 500) { _ in 9 }).alerts.isEmpty)
    }
    let (fast, slow) = (try #require(took[.fast]), try #require(took[.slow]))
    #expect(fast >= 100 && fast < 400 && slow >= 1600 && slow < 2400, "\(fast), \(slow)")
  }

  @Test func `what goes on growing stays an incident, however far out`() throws {
    var signals = Signals(features: 2, seed: 22)
    var detector = try trainedDetector(on: signals.rows(1000), settings: Self.settings(.fast))
    // Examined from the hundredth row on.
    let observed = detector.observeAll(Self.shifted(&signals, 3000) { 5 + 0.1 * Float($0) })
    #expect(observed.alerts.count { $0.state == .open } == 1)
    let ended = observed.alerts.filter { $0.state == .resolved }.map { "\($0.ts): \($0.text)" }
    #expect(ended.isEmpty, "\(ended)")
    #expect(detector.openIncident != nil && detector.trainingRequest != .newNormal)
  }

  @Test func `the test tells a steady state from a climb and a step, also in figures that hang together`() {
    var signals = Signals(features: 1, seed: 23)
    var slow = Signals(features: 1, noise: .autoregressive, seed: 24)
    var (steady, hanging) = (0, 0)
    for _ in 0..<50 {
      if Settling.isSteady(signals.rows(128).values) { steady += 1 }
      if Settling.isSteady(slow.rows(128).values) { hanging += 1 }
    }
    #expect(steady >= 42 && hanging >= 20, "\(steady), \(hanging)")
    let noise = signals.rows(128).values
    #expect(!Settling.isSteady(noise.indices.map { noise[$0] + 0.05 * Float($0) }))
    #expect(!Settling.isSteady(noise.indices.map { noise[$0] + ($0 < 64 ? 0 : 3) }))
  }

  @Test func `each part of the knob moves the same way`() {
    let usual = DetectionSettings()
    let (slow, fast) = (usual.adapted(to: .slow), usual.adapted(to: .fast))
    #expect(usual.adapted(to: .normal) == usual)
    #expect(slow.newNormal > usual.newNormal && usual.newNormal > fast.newNormal)
    #expect(slow.calibration.step < usual.calibration.step && usual.calibration.step < fast.calibration.step)
    #expect(
      slow.retraining.every > fast.retraining.every && slow.retraining.driftAfter > fast.retraining.driftAfter
    )
    #expect(slow.problems.isEmpty && fast.problems.isEmpty)
  }
}
