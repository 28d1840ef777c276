import Testing

@testable import Detection

@Suite struct FieldDriftTests {
  @Test func `a field that moved is named, with where it was and is, and the others are not`() {
    var signals = Signals(features: 4, seed: 71)
    let before = signals.rows(1000)
    var now = signals.rows(300)
    for row in 0..<300 { now.values[row * 4 + 2] += 1.5 }
    let drifts = FieldDrift.drifts(from: before, to: now)
    #expect(drifts.count == 4 && drifts[0].name == "f2")
    #expect(drifts[0].pValue < 1e-6 && abs(drifts[0].now - drifts[0].before - 1.5) < 0.3)
    #expect(drifts.dropFirst().allSatisfy { $0.pValue > 0.01 })
  }

  @Test func `a change of spread alone is drift too`() {
    var signals = Signals(features: 1, seed: 72)
    let before = signals.rows(1000)
    var now = signals.rows(400)
    for row in 0..<400 { now.values[row] *= 2.5 }
    #expect(FieldDrift.drifts(from: before, to: now)[0].pValue < 1e-4)
  }

  @Test(arguments: [Signals.Noise.white, .autoregressive])
  func `where nothing changed, drift is told no more often than promised`(noise: Signals.Noise) {
    var signals = Signals(features: 3, noise: noise, seed: 73)
    var told = 0
    for _ in 0..<200 {
      let drifts = FieldDrift.drifts(from: signals.rows(600), to: signals.rows(200))
      if drifts[0].pValue <= 0.05 { told += 1 }
      _ = signals.rows(100)
    }
    // Ten are promised; values that depend on each other are counted only roughly.
    #expect(told <= 20, "\(told) of 200")
  }

  // Python: l = (n + 0.12 + 0.11 / n) * d with n = math.sqrt(100 * 200 / 300), and
  // 2 * sum((-1) ** (k - 1) * math.exp(-2 * k * k * l * l) for k in range(1, 101))
  @Test(arguments: [(0.1, 0.496436), (0.2, 0.0080993), (0.3, 8.27405e-6)])
  func `the p-value is Kolmogorov's`(distance: Double, p: Double) {
    let found = FieldDrift.pValue(distance, 100, 200)
    #expect(abs(found - p) < 1e-4 * p, "\(found)")
  }

  @Test func `equal values are stepped over together`() {
    #expect(FieldDrift.distance([1, 1, 1, 2], [1, 1, 2, 2]) == 0.25)
    #expect(FieldDrift.distance([1, 2], [3, 4]) == 1)
  }
}
