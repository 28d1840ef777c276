import Testing

@testable import Detection

/// How much each detector counts, learned from planted faults and from steadiness.
struct LearnedWeightTests {
  private static func settings(_ companions: [String]) throws -> DetectionSettings {
    var settings = DetectionSettings.quick
    settings.autoencoder.enabled = false
    settings.rbm.enabled = false
    settings.companions.names = try companions.map { try #require(DetectorName(rawValue: $0)) }
    return settings
  }

  private static func train(
    _ rows: TrainingRows, _ settings: DetectionSettings, seed: UInt64 = 1
  ) throws -> StreamModel {
    try ModelTrainer.train(rows, settings: settings, seed: seed, snapshotName: "m", trainedAt: 0)
  }

  @Test func `weights are learned, the same for the same seed, within bounds, and they add up to 1`() throws {
    var signals = Signals(features: 4, common: 0.8, seed: 400)
    let rows = signals.rows(800)
    let settings = try Self.settings(["robust-z", "robust-change", "sub-pca", "covariance", "neighbours"])
    let model = try Self.train(rows, settings)
    #expect(model.contents.factors.count == 5)
    #expect(model.contents.factors.allSatisfy { (0.75...1.5).contains($0) })
    #expect(Set(model.contents.factors).count > 1, "all alike: nothing was learned")
    #expect(abs(model.contents.shares.reduce(0, +) - 1) < 1e-5)
    #expect(try Self.train(rows, settings).contents.factors == model.contents.factors)
  }

  @Test func `who finds broken relations counts more than who sees each field by itself`() throws {
    // All fields are nearly one signal: most of what can go wrong in one field alone is within its usual range.
    var signals = Signals(features: 5, common: 0.95, seed: 401)
    let settings = try Self.settings(["robust-z", "covariance"])
    let factors = try Self.train(signals.rows(900), settings).contents.factors
    #expect(factors[1] > 1.2 && factors[0] < 0.9, "\(factors)")
  }

  @Test func `who drifts among rows held out counts less`() throws {
    // Levels move slowly in the newer half of the rows held out, changes do not.
    var signals = Signals(features: 3, seed: 402)
    let calm = signals.rows(1600)
    var drifting = calm
    for row in 1400..<1600 {
      for field in 0..<3 { drifting.values[row * 3 + field] += 2 * Float(row - 1400) / 200 }
    }
    let settings = try Self.settings(["robust-z", "robust-change"])
    let before = try Self.train(calm, settings).contents.factors
    let after = try Self.train(drifting, settings).contents.factors
    #expect(after[0] / after[1] < 0.9 * before[0] / before[1], "\(before) became \(after)")
  }

  @Test func `few rows and rows without an order leave all weights as they are`() throws {
    var signals = Signals(features: 3, seed: 403)
    let rows = signals.rows(800)
    var settings = try Self.settings(["robust-z", "histogram", "forest", "covariance"])
    #expect(try Self.train(rows.rows(0..<200), settings).contents.factors.isEmpty)
    settings.ordered = false
    let model = try Self.train(rows, settings)
    #expect(model.contents.factors.isEmpty)
    #expect(Set(model.contents.shares).count == 1)
  }

  @Test
  func
    `weights survive in the file of a model, one without them counts all alike, impossible ones are refused`()
    throws
  {
    var signals = Signals(features: 4, common: 0.9, seed: 404)
    let model = try Self.train(signals.rows(800), try Self.settings(["robust-z", "covariance"]))
    let sections = model.encode()
    let again = try StreamModel(decoding: sections)
    #expect(
      again.contents.factors == model.contents.factors && again.contents.shares == model.contents.shares)
    let older = try StreamModel(decoding: sections.filter { $0.name != "weights" })
    #expect(older.contents.factors.isEmpty && older.contents.shares == [0.5, 0.5])
    var writer = ByteWriter()
    writer.append(UInt32(1))
    writer.append([Float(1), -3])
    let damaged = sections.map { $0.name == "weights" ? (name: "weights", bytes: writer.bytes) : $0 }
    #expect(throws: DetectionDecodingError.self) { try StreamModel(decoding: damaged) }
  }

  @Test func `rows under quarantine are neither planted into nor taken for normal ones`() throws {
    var signals = Signals(features: 3, common: 0.8, seed: 405)
    let rows = signals.rows(1000)
    let settings = try Self.settings(["robust-z", "covariance"])
    var faulty = rows
    for row in 900..<940 {
      faulty.quarantined[row] = true
      faulty.values[row * 3] += 30
    }
    var blank = faulty
    for row in 900..<940 { blank.values[row * 3] -= 29 }
    // What stands in rows that do not count changes nothing.
    #expect(
      try Self.train(faulty, settings).contents.factors == Self.train(blank, settings).contents.factors)
  }
}
