import Detection
import Testing

@testable import Detection

/// Faults among the rows that are learned from cost little of what is found later.
@Suite struct ContaminationTests {
  /// Rows of an ordinary stream, of which faults of several kinds take about this share, and which rows are faulty.
  private static func rows(_ signals: inout Signals, _ count: Int, share: Double, seed: UInt64) -> (
    TrainingRows, [Bool]
  ) {
    var rows = signals.rows(count)
    let scales = (0..<signals.features).map { _ in RobustScale(centre: 0, spread: 1) }
    var labels = [Bool](repeating: false, count: count)
    var random = SplitMix64(seed: seed)
    let kinds: [PlantedFault] = [.step, .ramp, .variance, .correlation]
    // A planted fault takes 32 rows of a piece of 96.
    while Double(labels.count { $0 }) < share * Double(count) - 16 {
      let start = Int(random.next() % UInt64(count - 96))
      if labels[start..<start + 96].contains(true) { continue }
      var piece = rows.rows(start..<start + 96)
      let kind = kinds[Int(random.next() % UInt64(kinds.count))]
      let faulty = kind.plant(
        into: &piece, fields: Array(0..<signals.features), scales: scales, seed: random.next())
      rows.values.replaceSubrange(
        start * signals.features..<(start + 96) * signals.features, with: piece.values)
      for (index, isFaulty) in faulty.enumerated() where isFaulty { labels[start + index] = true }
    }
    return (rows, labels)
  }

  private static func volume(trainedOn training: TrainingRows, _ test: (TrainingRows, [Bool])) throws
    -> Double
  {
    let model = try ModelTrainer.train(
      training, settings: .quick, seed: 1, snapshotName: "m", trainedAt: 0)
    let scores = ModelTrainer.logP(of: test.0, by: model).map { Double(-$0) }
    return VolumeUnderSurface.precisionRecall(labels: test.1, scores: scores, window: 16)
  }

  @Test func `a twentieth of faults among the training rows costs at most a tenth of what is found`() throws {
    var (clean, dirty) = (0.0, 0.0)
    for seed in 0..<3 {
      var signals = Signals(features: 4, noise: .autoregressive, common: 0.8, seed: UInt64(80 + seed))
      let test = Self.rows(&signals, 4000, share: 0.05, seed: 5)
      let base = Self.rows(&signals, 2000, share: 0, seed: 6).0
      var same = signals
      let contaminated = Self.rows(&same, 2000, share: 0.05, seed: 7)
      let share = Double(contaminated.1.count { $0 }) / 2000
      #expect((0.04...0.06).contains(share))
      clean += try Self.volume(trainedOn: base, test) / 3
      dirty += try Self.volume(trainedOn: contaminated.0, test) / 3
    }
    #expect(clean > 0.3)
    #expect(dirty >= 0.9 * clean, "\(dirty) of \(clean)")
  }
}
