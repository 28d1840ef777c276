import Tensors
import Testing

@testable import Detection

@Suite struct ThresholdTests {
  @Test func `the levels hold 1 %, 1 per mille and 1e-4 exactly, with their logarithms`() {
    #expect(Levels.alphas[9] == 0.01)
    #expect(Levels.alphas[12] == 0.001)
    #expect(Levels.alphas[15] == 1e-4)
    for level in 0..<ThresholdTracker.levels {
      #expect(abs(Double(Levels.logs[level]) - Double(Levels.alphas[level]).logarithm) < 1e-6)
      let factor = 1 + 0.5 * max(0, Double(0.1 / Levels.alphas[level]).logarithm / 2.0.logarithm)
      #expect(abs(Double(Levels.factors[level]) - factor) < 1e-5)
    }
  }

  /// Scores whose tail probabilities are known: exponential ones.
  func exponential(_ count: Int, seed: UInt64) -> [Float] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { _ in Float(-max(random.uniform(), 1e-12).logarithm) }
  }

  @Test func `p-values of scores from a known distribution are right, far beyond the rows seen`() {
    let calibration = ScoreCalibration(scores: exponential(20_000, seed: 1), leastUnit: 1e-6)
    for x: Float in [0.1, 0.7, 2, 4, 6, 8, 10] {
      let truth = -x
      #expect(abs(calibration.logP(x) - truth) < 0.1 + 0.1 * abs(truth), "at \(x): \(calibration.logP(x))")
    }
  }

  @Test func `p-values fall as scores rise, from 1 to beyond everything, and never to 0`() {
    for scores in [exponential(500, seed: 2), exponential(20, seed: 3), [1, 1, 1, 1], [2], []] {
      let calibration = ScoreCalibration(scores: scores, leastUnit: 0.01)
      let tracker = ThresholdTracker(calibration)
      var last: Float = 0.1
      for step in -400...4000 {
        let logP = tracker.logP(Float(step) * 0.05)
        #expect(logP <= 0 && logP <= last && logP.isFinite)
        last = logP
      }
      #expect(tracker.logP(1e9) < tracker.logP(1e8))
      #expect(tracker.logP(1e9) > -1000)
    }
  }

  @Test func `the promised rate comes out although the calibration was wrong`() {
    // Thresholds learned from scores of three quarters of the size.
    let calibration = ScoreCalibration(scores: exponential(300, seed: 4).map { $0 * 0.75 }, leastUnit: 0.01)
    var tracker = ThresholdTracker(calibration)
    let scores = exponential(200_000, seed: 5)
    var below = [0, 0, 0]
    for score in scores {
      let u = calibration.standardized(score)
      let logP = tracker.logP(u)
      for (index, level) in [5, 9, 12].enumerated() where logP <= Levels.logs[level] { below[index] += 1 }
      tracker.update(u, step: 0.01, refill: true)
    }
    #expect((0.98...1.05).contains(Double(below[0]) / 20_000))
    #expect((0.95...1.1).contains(Double(below[1]) / 2_000))
    #expect((0.8...1.25).contains(Double(below[2]) / 200))
  }

  @Test func `a run of high scores cannot drag the thresholds along`() {
    let calibration = ScoreCalibration(scores: exponential(2_000, seed: 6), leastUnit: 0.01)
    var tracker = ThresholdTracker(calibration)
    for score in exponential(20_000, seed: 7) {
      tracker.update(calibration.standardized(score), step: 0.01, refill: true)
    }
    var frozen = tracker
    let before = tracker.thresholds[12]
    for _ in 0..<2_000 {
      tracker.update(30, step: 0.01, refill: true)
      frozen.update(30, step: 0.01, refill: false)
    }
    #expect(tracker.thresholds[12] - before < 4)
    #expect(frozen.thresholds[12] - before < 1.5)
    #expect(tracker.logP(30) < Levels.logs[15])
  }

  @Test func `a score that never varies does not alarm by its last digit`() {
    let calibration = ScoreCalibration(scores: Array(repeating: 0.5, count: 200), leastUnit: 1e-3)
    var tracker = ThresholdTracker(calibration)
    for index in 0..<100_000 {
      let u = calibration.standardized(0.5 + (index % 2 == 0 ? 1e-7 : 0))
      if index > 1_000 { #expect(tracker.logP(u) > Levels.logs[12]) }
      tracker.update(u, step: 0.01, refill: true)
    }
    #expect(tracker.logP(calibration.standardized(0.6)) < Levels.logs[15])
  }

  @Test func `the drift gauge tells a shift of the scores and not their noise`() {
    let calibration = ScoreCalibration(scores: exponential(4_000, seed: 8), leastUnit: 0.01)
    var common = SIMD8<Float>()
    for level in 0..<8 {
      common[level] = calibration.thresholds[level]
      #expect(DriftGauge.alphas[level] == Levels.alphas[level])
    }
    var same = DriftGauge(detectors: 1)
    var shifted = same
    for score in exponential(6_000, seed: 9) {
      same.add(calibration.standardized(score), detector: 0, thresholds: common)
      shifted.add(calibration.standardized(score + 1), detector: 0, thresholds: common)
    }
    #expect(same.measure < 0.2)
    // By hand: α' = min(1, e α), the largest difference over the levels is that at α = 0.3.
    #expect(abs(shifted.measure - (0.3 * 2.71828 - 0.3) / Float(0.21).squareRoot()) < 0.15)
  }

  @Test func `thresholds read back are the thresholds written, and damaged ones are refused`() throws {
    let calibration = ScoreCalibration(scores: exponential(500, seed: 10), leastUnit: 0.01)
    var tracker = ThresholdTracker(calibration)
    for score in exponential(777, seed: 11) {
      tracker.update(calibration.standardized(score), step: 0.01, refill: true)
    }
    var writer = ByteWriter()
    tracker.encode(to: &writer)
    var again = ThresholdTracker(calibration)
    var reader = ByteReader(writer.bytes, section: "t")
    try again.decode(from: &reader)
    for score in exponential(777, seed: 12) {
      let u = calibration.standardized(score)
      #expect(tracker.logP(u) == again.logP(u))
      tracker.update(u, step: 0.01, refill: true)
      again.update(u, step: 0.01, refill: true)
    }
    var short = ByteReader(Array(writer.bytes.dropLast(3)), section: "t")
    #expect(throws: DetectionDecodingError.self) { try again.decode(from: &short) }
    again = tracker
    var wild = writer.bytes
    wild[3] = 0x7f
    wild[2] = 0xc0
    var damaged = ByteReader(wild, section: "t")
    #expect(throws: DetectionDecodingError.self) { try again.decode(from: &damaged) }
  }
}
