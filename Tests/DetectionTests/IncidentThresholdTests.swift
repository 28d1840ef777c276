import Events
import Tensors
import Testing

@testable import Detection

@Suite struct IncidentThresholdTests {
  func exponential(_ count: Int, seed: UInt64) -> [Float] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { _ in Float(-max(random.uniform(), 1e-12).logarithm) }
  }

  @Test(arguments: [(20, 1), (1000, 50), (300, 0.2)] as [(Float, Float)])
  func `a change that lasts costs each level a few events, however large it is`(
    distance: Float, spread: Float
  ) {
    let calibration = ScoreCalibration(scores: exponential(2_000, seed: 1), leastUnit: 0.01)
    let before = ThresholdTracker(calibration)
    var following = IncidentThresholds(before)
    var below = [0, 0]
    var late = 0
    let count = 20_000
    for (index, score) in exponential(count, seed: 2).enumerated() {
      let u = distance + spread * score
      #expect(before.logP(u) < Levels.logs[12])
      let logP = following.logP(u)
      if logP <= Levels.logs[9] {
        below[0] += 1
        if index >= count / 2 { late += 1 }
      }
      if logP <= Levels.logs[12] { below[1] += 1 }
      following.update(u, step: 0.001)
    }
    // Promised are 200 and 20.
    #expect(below[0] < 300, "\(below[0])")
    #expect(below[1] < 60, "\(below[1])")
    #expect(late < 150, "\(late)")
  }

  @Test func `a few strange events in a row are not followed`() {
    let calibration = ScoreCalibration(scores: exponential(2_000, seed: 3), leastUnit: 0.01)
    var following = IncidentThresholds(ThresholdTracker(calibration))
    for _ in 0..<2 {
      #expect(following.logP(40) < Levels.logs[15])
      following.update(40, step: 0.001)
    }
    #expect(following.logP(40) < Levels.logs[15])
  }

  @Test func `an account of surprise is overdrawn by bursts that come again, not by chance`() {
    var random = SplitMix64(seed: 4)
    var chance = SurpriseAccount()
    var bursts = SurpriseAccount()
    for event in 0..<100_000 as Range<UInt64> {
      let logP = Float(max(random.uniform(), 1e-12).logarithm)
      if logP <= Levels.logs[9] { chance.add(logP, scored: event) }
      if event % 2_000 < 10 { bursts.add(-12, scored: event) }
    }
    let (none, all) = (chance.shares(scored: 100_000), bursts.shares(scored: 100_000))
    for level in 9..<16 { #expect(none[level] == 0) }
    // Ten of 2,000 are five in a thousand, but not one in a hundred.
    #expect(all[12] == 1 && all[15] == 1 && all[9] == 0)
    #expect(!chance.isOverdrawn(scored: 100_000) && bursts.isOverdrawn(scored: 100_000))
    #expect(!bursts.isOverdrawn(scored: 2_000_000))
  }

  @Test
  func `while an incident lasts its p-values become usual, it stays open, and ends when life is as before`()
    throws
  {
    var signals = Signals(features: 4, noise: .autoregressive, common: 0.6, seed: 61)
    var detector = try trainedDetector(on: signals.rows(1200))
    var rows = signals.rows(1400)
    for row in 100..<1100 { rows.values[row * 4 + 1] += 12 }
    var workspace = DetectorWorkspace()
    var rare = [Bool]()
    var open = [Bool]()
    for row in 0..<1400 {
      let one = rows.rows(row..<row + 1)
      detector.observe(
        rows: one.values, width: 4, timestamps: one.timestamps, count: 1, workspace: &workspace)
      // By the thresholds: there are not enough rows yet to claim it.
      rare.append(detector.counters.lastLogP <= Levels.logs[12])
      open.append(detector.openIncident != nil)
    }
    #expect(rare[100..<110].contains(true))
    #expect(rare[200..<1100].count { $0 } <= 18)
    #expect(open[110..<1100].allSatisfy { $0 })
    #expect(!open[1300])
  }

  @Test func `what is learned in an incident and the account survive a restart`() throws {
    var signals = Signals(features: 3, seed: 62)
    var detector = try trainedDetector(on: signals.rows(600))
    var rows = signals.rows(400)
    for row in 40..<400 { rows.values[row * 3] += 15 }
    _ = detector.observeAll(rows.rows(0..<200))
    #expect(detector.following != nil)
    var again = try StreamDetector(
      restoring: detector.encodeState(), stream: detector.stream, model: detector.model,
      settings: detector.settings, seed: detector.seed)
    #expect(again.surprise == detector.surprise)
    var (one, other) = (DetectorWorkspace(), DetectorWorkspace())
    for row in 200..<400 {
      let next = rows.rows(row..<row + 1)
      detector.observe(rows: next.values, width: 3, timestamps: next.timestamps, count: 1, workspace: &one)
      again.observe(rows: next.values, width: 3, timestamps: next.timestamps, count: 1, workspace: &other)
      #expect(one.logP[0] == other.logP[0])
    }
  }
}
