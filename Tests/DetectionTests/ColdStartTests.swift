import Detection
import Events
import Glibc
import Testing

@testable import Detection

/// First scores from few rows, by a model that says so, and a fresh start when there are enough.
@Suite struct ColdStartTests {
  /// A detector that is trained whenever it asks, as beside the shards.
  struct Life {
    var detector: StreamDetector
    var workspace = DetectorWorkspace()
    var seen: TrainingRows
    var trainings: [(reason: TrainingReason, at: Int)] = []
    var logP: [Float] = []
    var phases: [Phase] = []
    var alerts: [Alert] = []

    init(_ fields: [String], _ settings: DetectionSettings) {
      detector = StreamDetector(stream: StreamKey("new"), settings: settings, seed: 1)
      for field in fields { detector.addField(field) }
      seen = TrainingRows(fields: fields)
    }

    mutating func live(_ rows: TrainingRows, batch: Int = 32) throws {
      for start in stride(from: 0, to: rows.count, by: batch) {
        let part = rows.rows(start..<min(start + batch, rows.count))
        detector.observe(
          rows: part.values, width: part.fields.count, timestamps: part.timestamps, count: part.count,
          workspace: &workspace)
        logP += (0..<part.count).map { workspace.logP[$0] }
        phases += Array(repeating: detector.phase, count: part.count)
        alerts += workspace.alerts
        seen = TrainingRows(
          fields: seen.fields, timestamps: seen.timestamps + part.timestamps,
          values: seen.values + part.values)
        guard let reason = detector.trainingRequest else { continue }
        trainings.append((reason, seen.count))
        detector.trainingStarted()
        detector.install(
          try ModelTrainer.train(
            seen, settings: detector.settings, seed: 1, snapshotName: "\(trainings.count)", trainedAt: 0,
            isProvisional: reason == .early))
      }
    }
  }

  static func rows(_ count: Int, seed: UInt64 = 14) -> TrainingRows {
    var signals = Signals(features: 3, noise: .autoregressive, seed: seed)
    return signals.rows(count)
  }

  @Test func `scores come after 64 events, alerts when the stream is known better, by a model of all rows`()
    throws
  {
    let rows = Self.rows(760)
    var life = Life(rows.fields, DetectionSettings())
    try life.live(rows)
    #expect(life.logP.prefix(64).allSatisfy { $0 == 0 })
    #expect(life.logP.dropFirst(64).allSatisfy { $0 < 0 })
    #expect(life.trainings.map(\.reason) == [.early, .first])
    #expect(life.trainings.map(\.at) == [64, 608])
    #expect(life.detector.model?.rows == 608 && life.detector.isSettled)
    #expect(life.phases[63] == .collecting && life.phases[64...606].allSatisfy { $0 == .calibrating })
    #expect(life.phases.firstIndex(of: .scoring) == 640, "64 events after the model: those of the last batch")
  }

  @Test func `a provisional model claims no more than its few rows allow, and says nothing`() throws {
    var rows = Self.rows(590)
    // As strange as can be, for a while.
    for row in 200..<260 { for field in 0..<3 { rows.values[3 * row + field] += 1000 } }
    var life = Life(rows.fields, DetectionSettings())
    try life.live(rows)
    // 16 of the 64 rows were held out; each that was scored since is one more.
    for row in 64..<590 { #expect(life.logP[row] >= -log1pf(Float(16 + row - 64)), "p of row \(row)") }
    #expect(life.logP[200] == -log1pf(Float(16 + 200 - 64)), "and no more, when it is certain")
    #expect(life.alerts.isEmpty)
    #expect(life.detector.unseenRows == 16 + 590 - 64)
  }

  @Test func `p-values claim no more than there are unseen rows, scores and incidents do`() throws {
    var signals = Signals(features: 2, seed: 16)
    var detector = try trainedDetector(on: signals.rows(400))
    #expect(detector.unseenRows == 100)
    var wild = signals.rows(128)
    for index in 200..<256 { wild.values[index] += 50 }
    let observed = detector.observeAll(wild)
    #expect(observed.p.allSatisfy { $0 >= 1.0 / 229 })
    #expect(abs(observed.p[100] * 201 - 1) < 1e-4, "100 held out, 100 scored: the next is one of 201")
    #expect(observed.score[100] > 98 && observed.alerts.contains { $0.state == .open })
  }

  @Test func `p-values of a provisional model do not depend on how events are bundled`() throws {
    let rows = Self.rows(500, seed: 15)
    var (bundled, single) = (
      Life(rows.fields, DetectionSettings()), Life(rows.fields, DetectionSettings())
    )
    try bundled.live(rows, batch: 64)
    try single.live(rows.rows(0..<64), batch: 64)
    try single.live(rows.rows(64..<500), batch: 1)
    #expect(bundled.logP == single.logP)
  }

  @Test func `its p-values hold what they promise`() throws {
    var (scored, tenth, twentieth) = (0, 0, 0)
    for seed in 1...20 {
      var signals = Signals(features: 3, seed: UInt64(100 + seed))
      let rows = signals.rows(600)
      var life = Life(rows.fields, DetectionSettings())
      try life.live(rows)
      let found = life.logP[64..<600]
      scored += found.count
      tenth += found.count { $0 <= logf(0.1) }
      twentieth += found.count { $0 <= logf(0.05) }
    }
    #expect((0.06...0.14).contains(Double(tenth) / Double(scored)), "\(Double(tenth) / Double(scored))")
    #expect(
      (0.025...0.08).contains(Double(twentieth) / Double(scored)), "\(Double(twentieth) / Double(scored))")
  }

  @Test func `a provisional training that fails is tried again at twice the events, the first on time`() {
    let rows = Self.rows(640)
    var detector = StreamDetector(stream: StreamKey("new"), settings: DetectionSettings(), seed: 1)
    for field in rows.fields { detector.addField(field) }
    var workspace = DetectorWorkspace()
    var asked: [(TrainingReason, Int)] = []
    for start in stride(from: 0, to: 640, by: 32) {
      let part = rows.rows(start..<start + 32)
      detector.observe(
        rows: part.values, width: 3, timestamps: part.timestamps, count: 32, workspace: &workspace)
      guard let reason = detector.trainingRequest else { continue }
      asked.append((reason, start + 32))
      detector.trainingStarted()
      #expect(detector.phase == .training)
      detector.trainingEnded()
      #expect(detector.phase == .collecting)
    }
    #expect(asked.map(\.0) == [.early, .early, .early, .early, .first])
    #expect(asked.map(\.1) == [64, 128, 256, 512, 608])
  }

  @Test func `a restart before the first model begins with a provisional one again, and keeps count`() throws
  {
    let rows = Self.rows(700)
    var life = Life(rows.fields, DetectionSettings())
    try life.live(rows.rows(0..<320))
    var restored = try StreamDetector(
      restoring: life.detector.encodeState(), stream: StreamKey("new"), model: nil,
      settings: DetectionSettings(), seed: 2)
    #expect(restored.phase == .collecting && restored.model == nil)
    restored.observeOnce(rows.rows(320..<352))
    #expect(restored.trainingRequest == .early)
    restored.trainingStarted()
    restored.trainingEnded()
    restored.observeOnce(rows.rows(352..<384))
    #expect(restored.trainingRequest == nil)
    for start in stride(from: 384, to: 608, by: 32) { restored.observeOnce(rows.rows(start..<start + 32)) }
    #expect(restored.trainingRequest == .first)
  }

  @Test func `past events ask for a model before the first event`() {
    for (events, reason) in [(40, nil), (100, TrainingReason.early), (600, .first)] {
      var detector = StreamDetector(stream: StreamKey("new"), settings: DetectionSettings(), seed: 1)
      detector.addField("f0")
      detector.adopt(pastEvents: events)
      #expect(detector.trainingRequest == reason)
    }
  }
}

extension StreamDetector {
  fileprivate mutating func observeOnce(_ rows: TrainingRows) {
    var workspace = DetectorWorkspace()
    observe(
      rows: rows.values, width: rows.fields.count, timestamps: rows.timestamps, count: rows.count,
      workspace: &workspace)
  }
}
