import Events
import Testing

@testable import Detection

/// When a detector asks for a training.
@Suite struct TrainingNeedsTests {
  func detector(
    _ signals: inout Signals, rows: Int = 600, _ change: (inout DetectionSettings) -> Void
  ) throws -> StreamDetector {
    var settings = DetectionSettings.quick
    settings.collecting.rows = 200
    settings.retraining.growth = 0
    settings.retraining.every = 0
    settings.retraining.drift = 0
    settings.retraining.spacing = 256
    settings.retraining.driftAfter = 128
    change(&settings)
    return try trainedDetector(on: signals.rows(rows), settings: settings)
  }

  @Test func `nothing is asked for as long as nothing changes`() throws {
    var signals = Signals(features: 2, seed: 61)
    var detector = try detector(&signals) { $0.retraining.drift = 0.6 }
    _ = detector.observeAll(signals.rows(4000))
    #expect(detector.trainingRequest == nil)
    detector.requestTraining()
    #expect(detector.trainingRequest == .requested)
  }

  @Test func `a schedule in event time asks`() throws {
    var signals = Signals(features: 2, seed: 62)
    var detector = try detector(&signals) { $0.retraining.every = 1000 }
    _ = detector.observeAll(signals.rows(960))
    #expect(detector.trainingRequest == nil)
    _ = detector.observeAll(signals.rows(128))
    #expect(detector.trainingRequest == .schedule)
    detector.trainingStarted()
    detector.trainingEnded()
    _ = detector.observeAll(signals.rows(500))
    #expect(detector.trainingRequest == nil)
  }

  @Test func `a history that has grown asks`() throws {
    var signals = Signals(features: 2, seed: 63)
    var detector = try detector(&signals, rows: 300) { $0.retraining.growth = 3 }
    _ = detector.observeAll(signals.rows(576))
    #expect(detector.trainingRequest == nil)
    _ = detector.observeAll(signals.rows(64))
    #expect(detector.trainingRequest == .schedule)
  }

  @Test func `scores that become other scores ask, without an incident`() throws {
    var signals = Signals(features: 4, seed: 64)
    var detector = try detector(&signals) {
      $0.retraining.drift = 0.6
      $0.alerts.open = 99.9999
      $0.alerts.openAtOnce = 99.9999
    }
    var rows = signals.rows(3000)
    for index in rows.values.indices { rows.values[index] *= 1.4 }
    _ = detector.observeAll(rows)
    #expect(detector.status.drift > 0.6)
    #expect(detector.trainingRequest == .drift)
  }

  @Test func `new fields ask once there are enough rows of them, and are scored after it`() throws {
    var signals = Signals(features: 3, seed: 65)
    var two = Signals(features: 2, seed: 66)
    var detector = try detector(&two) { _ in }
    #expect(detector.addField("f2") == 2)
    _ = detector.observeAll(signals.rows(192))
    #expect(detector.trainingRequest == nil)
    _ = detector.observeAll(signals.rows(64))
    #expect(detector.trainingRequest == .newFields)
    detector.trainingStarted()
    detector.install(
      try ModelTrainer.train(
        signals.rows(400), settings: detector.settings, seed: 1, snapshotName: "wide", trainedAt: 0))
    #expect(detector.model?.fields == ["f0", "f1", "f2"])
    _ = detector.observeAll(signals.rows(512))
    #expect(detector.trainingRequest == nil)
  }

  @Test func `a field that stays away asks once, and is left out after it`() throws {
    var signals = Signals(features: 3, seed: 67)
    var detector = try detector(&signals) { _ in }
    var rows = signals.rows(600)
    for row in 0..<600 { rows.values[row * 3 + 1] = .nan }
    _ = detector.observeAll(rows)
    #expect(detector.trainingRequest == .newFields)
    detector.trainingStarted()
    let model = try ModelTrainer.train(
      rows, settings: detector.settings, seed: 1, snapshotName: "narrow", trainedAt: 0)
    #expect(model.fields == ["f0", "f2"])
    detector.install(model)
    _ = detector.observeAll(rows)
    #expect(detector.trainingRequest == nil)
  }

  @Test func `an incident that lasts becomes the new normal and is learned`() throws {
    var signals = Signals(features: 2, seed: 68)
    var detector = try detector(&signals) { $0.newNormal = 500 }
    var rows = signals.rows(900)
    for index in rows.values.indices { rows.values[index] += 20 }
    let observed = detector.observeAll(rows)
    let accepted = try #require(observed.alerts.last)
    #expect(accepted.state == .resolved && accepted.text.contains("new normal"))
    #expect(detector.openIncident == nil)
    #expect(detector.trainingRequest == .newNormal)
    #expect(try #require(detector.acceptedSince) <= rows.timestamps[5])
    // Nothing more is said about it until the model has learned it.
    #expect(observed.alerts.count { $0.state == .open } == 1)
    #expect(observed.quarantined.last == false)
    detector.trainingStarted()
    let model = try ModelTrainer.train(
      rows, settings: detector.settings, seed: 1, snapshotName: "new", trainedAt: 0)
    detector.install(model)
    #expect(detector.acceptedSince == nil)
    var next = signals.rows(500)
    for index in next.values.indices { next.values[index] += 20 }
    #expect(detector.observeAll(next).alerts.isEmpty)
  }
}
