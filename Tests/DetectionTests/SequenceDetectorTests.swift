import Events
import Generative
import Tensors
import Testing

@testable import Detection

/// Detectors whose score is how wrong a forecast of the newest row was.
@Suite struct SequenceDetectorTests {
  /// Two waves of 23 and 37 rows with a little noise.
  private static func rows(_ count: Int, from start: Int, seed: UInt64) -> TrainingRows {
    var random = RandomStream(seed: seed, stream: 7)
    var rows = TrainingRows(fields: ["a", "b"])
    for row in start..<start + count {
      let noise = random.normals(2)
      for (field, period) in [(0, Float(23)), (1, 37)] {
        // A triangle: all values come about as often.
        let turn = (Float(row) / period).truncatingRemainder(dividingBy: 1)
        rows.values.append((turn < 0.5 ? 4 * turn - 1 : 3 - 4 * turn) + 0.05 * noise[field])
      }
      rows.timestamps.append(Double(row))
      rows.quarantined.append(false)
    }
    return rows
  }

  /// How often a row of a fault in the order of rows scores above any but a hundredth of usual rows, by detector: values and what
  /// they say of each other are as ever, only what follows what is not.
  private static func found(_ names: [String]) throws -> [String: Double] {
    var settings = DetectionSettings.quick
    settings.autoencoder.enabled = false
    settings.rbm.enabled = false
    settings.models.epochs = 12
    settings.models.names = try names.map { try #require(DetectorName(rawValue: $0)) }
    settings.companions.names = []
    let model = try ModelTrainer.train(
      rows(1600, from: 0, seed: 1), settings: settings, seed: 1, snapshotName: "s", trainedAt: 0)
    var detector = StreamDetector(stream: StreamKey("waves"), settings: settings, seed: 1)
    for field in ["a", "b"] { detector.addField(field) }
    detector.install(model)
    var test = rows(3000, from: 1600, seed: 2)
    var isFaulty = [Bool](repeating: false, count: 3000)
    var random = RandomStream(seed: 3, stream: 3)
    for start in stride(from: 200, to: 2900, by: 150) {
      let original = test.values
      for (step, from) in random.permutation(24).enumerated() {
        for field in 0..<2 { test.values[(start + step) * 2 + field] = original[(start + from) * 2 + field] }
        isFaulty[start + step] = true
      }
    }
    var workspace = DetectorWorkspace()
    var raw = names.map { _ in [Float]() }
    for start in stride(from: 0, to: 3000, by: 50) {
      let part = test.rows(start..<start + 50)
      detector.observe(
        rows: part.values, width: 2, timestamps: part.timestamps, count: 50, workspace: &workspace)
      for (index, name) in model.detectors.enumerated() {
        if let at = names.firstIndex(of: name.rawValue) { raw[at] += workspace.raw[index][..<50] }
      }
    }
    // What follows a fault still sees it.
    let isUsual = (0..<3000).map { row in !(max(0, row - 20)...row).contains { isFaulty[$0] } }
    return Dictionary(
      uniqueKeysWithValues: zip(names, raw).map { name, scores in
        let limit = zip(scores, isUsual).filter(\.1).map(\.0).sorted().quantile(0.99)
        let faulty = zip(scores, isFaulty).filter(\.1)
        return (name, Double(faulty.count { $0.0 > limit }) / Double(faulty.count))
      })
  }

  @Test func `what foretells finds rows in the wrong order, which robust z cannot`() throws {
    let found = try Self.found(["gru", "autoregression", "robust-z"])
    let dull = try #require(found["robust-z"])
    #expect(dull < 0.1, "\(found)")
    for name in ["gru", "autoregression"] {
      let share = try #require(found[name])
      #expect(share > 0.5 && share > 5 * dull, "\(found)")
    }
  }

  @Test(arguments: ["gru", "lstm", "autoregression"])
  func `a detector that foretells is kept in a snapshot and gives the same bits`(name: String) throws {
    var settings = DetectionSettings.quick
    settings.autoencoder.enabled = false
    settings.rbm.enabled = false
    settings.models.epochs = 2
    settings.models.names = [try #require(DetectorName(rawValue: name))]
    settings.companions.names = [try #require(DetectorName(rawValue: "robust-z"))]
    #expect(settings.models.names[0].foretells == (name != "autoregression"))
    #expect(!DetectionSettings().detectors.contains(settings.models.names[0]))
    let model = try ModelTrainer.train(
      Self.rows(400, from: 0, seed: 1), settings: settings, seed: 1, snapshotName: "s", trainedAt: 0)
    let again = try StreamModel(decoding: model.encode())
    let rows = Self.rows(64, from: 400, seed: 4)
    func scores(_ model: StreamModel) -> [[Float]] {
      var detector = StreamDetector(stream: StreamKey("waves"), settings: settings, seed: 1)
      for field in ["a", "b"] { detector.addField(field) }
      detector.install(model)
      var workspace = DetectorWorkspace()
      detector.observe(
        rows: rows.values, width: 2, timestamps: rows.timestamps, count: 64, workspace: &workspace)
      return Array(workspace.raw[..<model.detectors.count])
    }
    let first = scores(model)
    #expect(first == scores(again))
    #expect(first[0].allSatisfy(\.isFinite) && Set(first[0]).count > 32)
  }

  @Test func `the score of the last step is its part of the likelihood of the whole`() throws {
    let rows = Self.rows(400, from: 0, seed: 6)
    let windows = (0..<300).flatMap { Array(rows.values[$0 * 2..<($0 + 16) * 2]) }
    let entry = try #require(Catalogue.entry(named: "gru"))
    let records = Records(
      DataMatrix(rows: 300, columns: 32, values: windows), form: RowForm(shape: [16, 2], support: .real))
    let fitted = try entry.fit(records, FitOptions(seed: 1, epochs: 3))
    let model = try #require(fitted as? any SequenceModel & AutoregressiveModel)
    #expect(model.steps == 16 && model.features == 2)
    let parts = model.conditionals(of: records)
    var raw = [Float](repeating: 0, count: 300)
    var scratch = Scratch()
    for start in stride(from: 0, to: 300, by: 60) {
      var part = [Float](repeating: 0, count: 60)
      model.scoreLastStep(
        Array(windows[start * 32..<(start + 60) * 32]), count: 60, into: &part, scratch: &scratch)
      raw.replaceSubrange(start..<start + 60, with: part)
    }
    for row in 0..<300 {
      let expected = -(parts[row * 32 + 30] + parts[row * 32 + 31]) / 2
      #expect(abs(raw[row] - expected) < 1e-3 * max(1, abs(expected)), "\(row): \(raw[row]), \(expected)")
    }
  }

  @Test func `an autoregression finds the factors that made a series, and bytes that are none are refused`()
    throws
  {
    // x_t = 0.6 x_{t−1} − 0.3 x_{t−2} + e
    var random = RandomStream(seed: 5, stream: 5)
    var series: [Float] = [0, 0]
    for value in random.normals(6000) {
      series.append(0.6 * series[series.count - 1] - 0.3 * series[series.count - 2] + 0.5 * value)
    }
    let windows = (0..<5000).flatMap { Array(series[$0..<$0 + 5]) }
    let model = Autoregression(fitting: DataMatrix(rows: 5000, columns: 5, values: windows), fields: 1)
    var space = CompanionSpace()
    var raw: [Float] = [0, 0, 0]
    // As foretold, then one and two usual errors away: 0.6 · 2 − 0.3 · 1 = 0.9.
    model.score([0, 0, 1, 2, 0.9, 0, 0, 1, 2, 1.4, 0, 0, 1, 2, -0.1], rows: 3, into: &raw, space: &space)
    #expect(raw[0] < 0.02 && abs(raw[1] - 1) < 0.25 && abs(raw[2] - 4) < 0.6, "\(raw)")
    var writer = ByteWriter()
    model.encode(to: &writer)
    var reader = ByteReader(writer.bytes, section: "autoregression")
    let again = try Autoregression(decoding: &reader)
    var same: [Float] = [0, 0, 0]
    again.score([0, 0, 1, 2, 0.9, 0, 0, 1, 2, 1.4, 0, 0, 1, 2, -0.1], rows: 3, into: &same, space: &space)
    #expect(same == raw)
    var short = ByteReader(Array(writer.bytes.dropLast(3)), section: "autoregression")
    #expect(throws: DetectionDecodingError.self) { try Autoregression(decoding: &short) }
  }
}
