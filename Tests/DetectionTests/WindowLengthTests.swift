import Events
import Testing

@testable import Detection

/// How long windows are, chosen from the rows.
struct WindowLengthTests {
  private static func chosen(_ rows: TrainingRows) -> Int {
    WindowLength.chosen(
      rows.values, fields: rows.fields.count, use: Array(repeating: true, count: rows.count),
      fittedShare: 0.75, usual: InputPlan.usualSpan(fields: rows.fields.count, ordered: true))
  }

  /// A slow wave under noise.
  private static func slow(_ count: Int, features: Int = 2) -> TrainingRows {
    var signals = Signals(features: features, seed: 420)
    var rows = signals.rows(count)
    for row in 0..<count {
      for field in 0..<features { rows.values[row * features + field] += 3 * Float(row / 50 % 2) }
    }
    return rows
  }

  @Test func `rows that have nothing to do with each other keep the usual window, slow ones get a long one`()
  {
    var signals = Signals(features: 2, seed: 421)
    #expect(Self.chosen(signals.rows(2000)) == 16)
    #expect(Self.chosen(Self.slow(2000)) == 32)
  }

  @Test func `few rows, many fields and what never changes keep the usual window`() {
    #expect(Self.chosen(Self.slow(300)) == 16)
    #expect(Self.chosen(Self.slow(1000, features: 13)) == 16)
    var still = Self.slow(1000)
    still.values = still.values.map { _ in 5 }
    #expect(Self.chosen(still) == 16)
  }

  @Test func `the strength of white noise is about 1, and missing values do not make it another`() throws {
    var random = Signals(features: 1, seed: 422)
    var column = random.rows(4000).values.map { Double($0) }
    #expect(abs(try #require(WindowLength.strength(column, lags: 17...32)) - 1) < 0.8)
    for row in stride(from: 0, to: column.count, by: 3) { column[row] = .nan }
    #expect(abs(try #require(WindowLength.strength(column, lags: 17...32)) - 1) < 0.8)
    #expect(WindowLength.strength([1, 2, 3], lags: 17...32) == nil)
  }

  @Test func `a stream of slow rows is scored by long windows, and comes back from its file`() throws {
    var settings = DetectionSettings.quick
    settings.autoencoder.enabled = false
    settings.rbm.enabled = false
    let rows = Self.slow(900)
    let model = try ModelTrainer.train(
      rows.rows(0..<800), settings: settings, seed: 1, snapshotName: "m", trainedAt: 0)
    #expect(model.contents.plan.span == 32)
    let again = try StreamModel(decoding: model.encode())
    #expect(again.contents.plan == model.contents.plan)
    func scores(_ model: StreamModel) -> [Float] {
      var detector = StreamDetector(stream: StreamKey("s"), settings: settings, seed: 1)
      for field in rows.fields { detector.addField(field) }
      detector.install(model)
      return detector.observeAll(rows.rows(800..<900)).score
    }
    #expect(scores(again) == scores(model) && Set(scores(model)).count > 50)
  }

  @Test func `a model's file of before there was a choice is still read`() throws {
    var signals = Signals(features: 2, seed: 423)
    let model = try ModelTrainer.train(
      signals.rows(600), settings: .quick, seed: 1, snapshotName: "m", trainedAt: 0)
    var sections = model.encode()
    let index = try #require(sections.firstIndex { $0.name == "model" })
    var writer = ByteWriter()
    model.contents.plan.encode(to: &writer)
    let plan = writer.bytes
    var bytes = sections[index].bytes
    let place = try #require(
      (0...bytes.count - plan.count).first { Array(bytes[$0..<$0 + plan.count]) == plan })
    bytes.removeSubrange(place + plan.count - 4..<place + plan.count)
    bytes[0] = 2
    sections[index].bytes = bytes
    #expect(try StreamModel(decoding: sections).contents.plan == model.contents.plan)
    bytes[0] = 9
    sections[index].bytes = bytes
    #expect(throws: DetectionDecodingError.self) { try StreamModel(decoding: sections) }
  }
}
