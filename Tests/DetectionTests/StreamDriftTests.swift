import Detection
import Tensors
import Testing

@testable import Detection

/// The tests of drift on all fields together: their false alarms come as seldom as they say, and changes are seen.
@Suite struct StreamDriftTests {
  @Test func `without a change the tests cry drift about as seldom as they promise`() throws {
    for noise in [Signals.Noise.white, .autoregressive] {
      var (mean, classified) = (0, 0)
      let rounds = 30
      for seed in 0..<rounds {
        var signals = Signals(features: 3, noise: noise, common: 0.5, seed: UInt64(100 + seed))
        let rows = signals.rows(1600)
        let tests = try #require(StreamDrift(from: rows.rows(0..<1200), to: rows.rows(1200..<1600)))
        if tests.discrepancy.pValue <= 0.05 { mean += 1 }
        if tests.classifier.pValue <= 0.05 { classified += 1 }
      }
      // One or two are expected of each; rows that depend on each other are harder.
      #expect(mean <= 6 && classified <= 6, "\(noise): \(mean), \(classified)")
    }
  }

  @Test func `a shift, a wider spread and a broken relation are seen`() throws {
    var signals = Signals(features: 3, common: 0.9, seed: 41)
    let reference = signals.rows(1200)
    func tests(_ change: (inout [Float], Int) -> Void) throws -> StreamDrift {
      var rows = signals.rows(400)
      change(&rows.values, rows.count)
      return try #require(StreamDrift(from: reference, to: rows))
    }
    let shift = try tests { values, count in for row in 0..<count { values[3 * row] += 1.5 } }
    let spread = try tests { values, _ in for i in values.indices { values[i] *= 2.5 } }
    let broken = try tests { values, count in for row in 0..<count { values[3 * row] *= -1 } }
    for test in [shift, spread, broken] { #expect(test.discrepancy.pValue <= 0.01) }
    for test in [shift, spread] {
      #expect(test.classifier.pValue <= 0.01 && test.classifier.statistic > 0.6)
    }
    #expect(StreamDrift(from: reference.rows(0..<20), to: reference.rows(20..<40)) == nil)
  }
}
