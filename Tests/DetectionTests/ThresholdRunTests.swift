import Tensors
import Testing

@testable import Detection

@Suite struct ThresholdRunTests {
  /// Mostly usual, sometimes far out, with steps, repetitions and a slow rise.
  func scores(_ count: Int, seed: UInt64) -> [Float] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { index in
      let usual = Float(-max(random.uniform(), 1e-12).logarithm) - 0.7
      switch random.uniform() {
      case ..<0.01: return usual * 40
      case ..<0.02: return 0
      default: return usual + (index % 900 > 600 ? 3 : 0) + Float(index) * 1e-4
      }
    }
  }

  func bits(_ tracker: ThresholdTracker) -> [UInt8] {
    var writer = ByteWriter()
    tracker.encode(to: &writer)
    return writer.bytes
  }

  @Test(arguments: [1, 5, 16, 23, 64])
  func `a run of scores gives the same bits as its scores one after the other`(length: Int) {
    for (seed, constant) in [(1 as UInt64, false), (2, false), (3, true)] {
      let scores = constant ? Array(repeating: 0, count: 3000) : scores(6000, seed: seed)
      let start = ScoreCalibration(
        scores: constant ? Array(repeating: 1, count: 50) : Array(scores[..<(seed == 1 ? 40 : 500)]),
        leastUnit: 1e-6, tail: seed == 2 ? .combined : .fitted)
      var alone = ThresholdTracker(start)
      if seed == 2 { alone.extend(step: 0.001) }
      var together = alone
      var logP = [Float](repeating: 0, count: scores.count)
      for from in stride(from: 0, to: scores.count, by: length) {
        let range = from..<min(from + length, scores.count)
        together.follow(scores, range, step: 0.001, into: &logP)
        for index in range {
          let expected = alone.logP(scores[index])
          #expect(logP[index].bitPattern == expected.bitPattern, "\(scores[index]) at \(index)")
          alone.update(scores[index], step: 0.001, refill: true)
        }
        #expect(bits(together) == bits(alone), "after \(range)")
      }
    }
  }

  @Test(arguments: [1, 15, 16, 64])
  func `thresholds that stay read many scores to the same bits as one`(length: Int) {
    for (seed, constant) in [(4 as UInt64, false), (5, true)] {
      var scores = constant ? Array(repeating: 0, count: 640) : scores(2048, seed: seed)
      let reading = ThresholdTracker(
        ScoreCalibration(
          scores: constant ? Array(repeating: 1, count: 50) : Array(scores[..<500]), leastUnit: 1e-6))
      for level in 0..<ThresholdTracker.levels { scores[40 * level] = reading.thresholds[level] }
      (scores[7], scores[8], scores[9]) = (1e9, -1e9, -0.0)
      var logP = [Float](repeating: .nan, count: scores.count)
      for from in stride(from: 0, to: scores.count, by: length) {
        reading.logP(scores, from..<min(from + length, scores.count), into: &logP)
      }
      for (index, score) in scores.enumerated() {
        #expect(logP[index].bitPattern == reading.logP(score).bitPattern, "\(score) at \(index)")
      }
    }
  }
}
