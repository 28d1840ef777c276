import Events
import Generative
import Testing

@testable import Detection

@Suite struct TrainerTests {
  let settings = DetectionSettings.quick

  func train(
    _ rows: TrainingRows, seed: UInt64 = 1, shared: SharedWeights? = nil,
    settings: DetectionSettings = .quick
  ) throws(ModelTrainer.Failure) -> StreamModel {
    try ModelTrainer.train(
      rows, settings: settings, seed: seed, snapshotName: "m", trainedAt: 5, sharedWeights: shared)
  }

  @Test func `the same rows, settings and seed give the same bytes`() throws {
    var signals = Signals(features: 4, seed: 71)
    let rows = signals.rows(400)
    let first = try train(rows).encode()
    let second = try train(rows).encode()
    #expect(
      first.map(\.name) == ["model", "runs", "weights", "jumps"] + settings.detectors.map(\.rawValue)
    )
    #expect(first.map(\.bytes) == second.map(\.bytes))
    #expect(first.map(\.bytes) != (try train(rows, seed: 2)).encode().map(\.bytes))
  }

  @Test func `what cannot be learned from is refused with a reason`() throws {
    var signals = Signals(features: 2, seed: 72)
    #expect(throws: ModelTrainer.Failure.notEnoughRows(have: 20, need: 32)) { try train(signals.rows(20)) }
    var quarantined = signals.rows(100)
    for row in 0..<90 { quarantined.quarantined[row] = true }
    #expect(throws: ModelTrainer.Failure.self) { try train(quarantined) }
    var empty = signals.rows(100)
    for index in empty.values.indices { empty.values[index] = .nan }
    #expect(throws: ModelTrainer.Failure.noUsableField) { try train(empty) }
    #expect(throws: ModelTrainer.Failure.stopped) {
      try ModelTrainer.train(
        signals.rows(2000), settings: settings, seed: 1, snapshotName: "m", trainedAt: 0, shouldStop: { true }
      )
    }
  }

  @Test func `quarantined rows and what their window touches are not learned from`() throws {
    var signals = Signals(features: 2, seed: 73)
    var rows = signals.rows(600)
    for row in 100..<300 {
      rows.quarantined[row] = true
      rows.values[row * 2] += 100
    }
    let model = try train(rows)
    #expect(model.rows == 600 - 200 - 15)
    let range = try #require(model.ranges.first)
    #expect(abs(range.center) < 0.3 && abs(range.scale - 1) < 0.25)
  }

  @Test func `one detector can be left out`() throws {
    var signals = Signals(features: 2, seed: 74)
    var only = settings
    only.rbm.enabled = false
    let model = try train(signals.rows(300), settings: only)
    #expect(model.detectors == only.detectors && !model.detectors.contains(.rbm))
    #expect(model.detector(.rbm) == nil && model.detector(.autoencoder) != nil)
    var detector = StreamDetector(stream: StreamKey("s"), settings: only, seed: 1)
    for field in ["f0", "f1"] { detector.addField(field) }
    detector.install(model)
    #expect(detector.observeAll(signals.rows(100)).p.allSatisfy { $0 > 0 && $0 <= 1 })
  }

  @Test
  func `another member of the suite scores beside the two, is written down with them and can be sampled`()
    throws
  {
    var signals = Signals(features: 2, seed: 77)
    var settings = DetectionSettings()
    let made = try #require(DetectorName(rawValue: "made"))
    settings.models.names = [made]
    settings.models.epochs = 20
    let model = try train(signals.rows(400), settings: settings)
    #expect(model.detectors.prefix(3) == [.autoencoder, .rbm, made])
    let copy = try StreamModel(decoding: model.encode())
    #expect(copy.detector(made)?.encode() == model.detector(made)?.encode())
    #expect(model.detector(made)?.sample(count: 3, seed: 1).count == 3 * 6)
    var detector = StreamDetector(stream: StreamKey("s"), settings: settings, seed: 1)
    for field in model.fields { detector.addField(field) }
    detector.install(copy)
    var workspace = DetectorWorkspace()
    let rows = signals.rows(64)
    detector.observe(
      rows: rows.values, width: 2, timestamps: rows.timestamps, count: 64, workspace: &workspace)
    #expect(workspace.raw[2].allSatisfy { $0.isFinite })
    #expect(Set(workspace.raw[2]).count > 1)
    #expect(DetectorName(rawValue: "gaussian-rbm") == .rbm && DetectorName(rawValue: "nothing") == nil)
  }

  @Test func `rows without order learn levels only`() throws {
    var signals = Signals(features: 3, seed: 75)
    var unordered = settings
    unordered.ordered = false
    let model = try train(signals.rows(300), settings: unordered)
    #expect(model.detector(.autoencoder)?.width == 3)
    var detector = StreamDetector(stream: StreamKey("s"), settings: unordered, seed: 1)
    for field in ["f0", "f1", "f2"] { detector.addField(field) }
    detector.install(model)
    var rows = signals.rows(2)
    rows.values = [0, 0, 0, 9, -9, 9]
    let observed = detector.observeAll(rows)
    #expect(observed.p[1] < 0.02 && observed.p[1] < observed.p[0])
    #expect(detector.counters.lastLogP < Levels.logs[12])
  }

  @Test func `samples of a detector come back in the fields' own units`() throws {
    var signals = Signals(features: 2, seed: 76)
    var rows = signals.rows(1000)
    for row in 0..<1000 {
      rows.values[row * 2] = 500 + 20 * rows.values[row * 2]
      rows.values[row * 2 + 1] = 0.1 + 0.01 * rows.values[row * 2 + 1]
    }
    let model = try train(rows)
    for name in [DetectorName.autoencoder, .rbm] {
      let member = try #require(model.detector(name))
      let samples = member.sample(count: 200, seed: 3)
      var sums = [0.0, 0.0]
      for index in 0..<200 {
        let row = model.row(fromInputs: samples[index * member.width..<(index + 1) * member.width])
        for field in 0..<2 { sums[field] += Double(row[field]) / 200 }
      }
      #expect(abs(sums[0] - 500) < 12, "\(name) \(sums)")
      #expect(abs(sums[1] - 0.1) < 0.006, "\(name) \(sums)")
    }
  }

  @Test func `a pooled model serves streams of the same fields in their own scales`() throws {
    var streams: [TrainingRows] = []
    var later: [TrainingRows] = []
    for index in 0..<4 {
      var signals = Signals(features: 3, common: 0.8, seed: UInt64(80 + index))
      let scale = Float(index + 1) * 10
      func own(_ rows: TrainingRows) -> TrainingRows {
        var rows = rows
        rows.values = rows.values.map { $0 * scale + 100 * scale }
        return rows
      }
      streams.append(own(signals.rows(400)))
      later.append(own(signals.rows(400)))
    }
    let weights = try ModelTrainer.trainPooled(streams, settings: settings, seed: 1)
    #expect(weights.fields == ["f0", "f1", "f2"])
    let read = try SharedWeights(decoding: weights.encode())
    #expect(read.encode() == weights.encode() && read.name == weights.name)
    for (index, rows) in streams.enumerated() {
      let model = try train(rows, shared: index % 2 == 0 ? weights : read)
      #expect(model.sharedWeightsName == weights.name)
      #expect(model.encode().map(\.name) == ["model", "runs", "weights", "jumps"])
      let again = try StreamModel(decoding: model.encode(), sharedWeights: weights)
      #expect(again.encode().map(\.bytes) == model.encode().map(\.bytes))
      #expect(throws: DetectionDecodingError.sharedWeights(needed: weights.name, given: nil)) {
        try StreamModel(decoding: model.encode())
      }
      var spoken = settings
      spoken.calibration.freshRows = 64
      var detector = StreamDetector(stream: StreamKey("s"), settings: spoken, seed: 1)
      for field in rows.fields { detector.addField(field) }
      detector.install(model)
      let calm = detector.observeAll(later[index])
      #expect(Double(calm.p.count { $0 <= 0.1 }) / 400 < 0.3)
      var wild = later[index].rows(0..<30)
      for row in 0..<30 { wild.values[row * 3 + 1] += 10 * Float(index + 1) * 10 }
      #expect(detector.observeAll(wild).alerts.first?.features.first?.name == "f1")
    }
    var other = streams[0]
    other.fields = ["a", "b", "c"]
    #expect(throws: ModelTrainer.Failure.lacksField("f0")) { try train(other, shared: weights) }
  }

  @Test func `a better or equal model is accepted, a worse one is not, each with figures and a reason`()
    throws
  {
    var signals = Signals(features: 6, common: 0.7, seed: 90)
    let old = signals.rows(800)
    let recent = signals.rows(1200)
    let champion = try train(old)
    let candidate = try train(recent, seed: 2)
    let fair = ModelTrainer.compare(candidate: candidate, champion: champion, rows: recent)
    #expect(fair.accepted, "\(fair.reason)")
    #expect(fair.candidate.recall.count == PlantedFault.allCases.count)
    #expect(fair.champion.meanRecall > 0.3)
    #expect(try #require(fair.champion.recall[.spike]) > 0.5)
    #expect((0...0.05).contains(fair.champion.falseAlarms))

    // Learned from rows ten times as wide: hardly anything is strange to it.
    var wide = old
    wide.values = wide.values.map { $0 * 10 }
    let blind = ModelTrainer.compare(candidate: try train(wide), champion: champion, rows: recent)
    #expect(!blind.accepted)
    #expect(blind.reason.contains("finds"))
    // Learned from rows a third as wide: everything is strange to it.
    var narrow = old
    narrow.values = narrow.values.map { $0 / 3 }
    let nervous = ModelTrainer.compare(candidate: try train(narrow), champion: champion, rows: recent)
    #expect(!nervous.accepted)
    #expect(nervous.reason.contains("false alarms"))
    // After a lasting change the new model takes over although the old one was good once.
    var moved = recent
    moved.values = moved.values.map { $0 * 2 + 30 }
    let change = ModelTrainer.compare(candidate: try train(moved), champion: champion, rows: moved)
    #expect(change.accepted, "\(change.reason)")
  }

  @Test(arguments: [true, false])
  func `models that see no windows are compared too`(ordered: Bool) throws {
    var settings = DetectionSettings()
    settings.ordered = ordered
    settings.autoencoder.enabled = false
    settings.companions.names = [try #require(DetectorName(rawValue: "robust-z"))]
    var signals = Signals(features: 3, common: 0.7, seed: 91)
    let rows = signals.rows(600)
    let model = try ModelTrainer.train(rows, settings: settings, seed: 1, snapshotName: "s", trainedAt: 0)
    let itself = ModelTrainer.compare(candidate: model, champion: model, rows: rows, settings: settings)
    #expect(itself.accepted)
    #expect(itself.candidate.meanRecall > 0 && itself.candidate == itself.champion)
  }

  @Test func `a damaged model is refused with a reason`() throws {
    var signals = Signals(features: 2, seed: 95)
    let sections = try train(signals.rows(200)).encode()
    #expect(throws: DetectionDecodingError.missingSection("model")) { try StreamModel(decoding: []) }
    #expect(throws: DetectionDecodingError.missingSection("rbm")) {
      try StreamModel(decoding: sections.filter { $0.name != "rbm" })
    }
    let header = try #require(sections.first).bytes
    for length in stride(from: 0, to: header.count, by: 7) {
      var cut = sections
      cut[0].bytes = Array(header[..<length])
      #expect(throws: DetectionDecodingError.self) { try StreamModel(decoding: cut) }
    }
    for index in header.indices {
      var broken = sections
      broken[0].bytes[index] ^= 0xff
      _ = try? StreamModel(decoding: broken)
    }
    var swapped = sections
    swapped[1].bytes = sections[2].bytes
    #expect(throws: DetectionDecodingError.self) { try StreamModel(decoding: swapped) }
  }
}
