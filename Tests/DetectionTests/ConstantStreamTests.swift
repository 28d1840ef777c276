import Detection
import Events
import Testing

/// Streams on which nothing happens, as those of a process that sleeps.
@Suite struct ConstantStreamTests {
  /// Learns from `learned` rows, then scores `scored` more, with a pause before row `pauseBefore`.
  func alerts(
    learned: Int, scored: Int, pauseBefore: Int = -1, row: (Int) -> [Float]
  ) throws -> (alerts: [Alert], highest: Float) {
    var settings = DetectionSettings()
    settings.collecting.rows = learned
    settings.calibration.freshRows = 0
    let fields = row(0).indices.map { "f\($0)" }
    func time(_ index: Int) -> Double {
      1.7e9 + Double(index) + (index >= pauseBefore && pauseBefore > 0 ? 1000 : 0)
    }
    let rows = TrainingRows(
      fields: fields, timestamps: (0..<learned).map(time), values: (0..<learned).flatMap(row))
    var detector = StreamDetector(stream: StreamKey("still"), settings: settings, seed: 1)
    for field in fields { detector.addField(field) }
    detector.install(
      try ModelTrainer.train(rows, settings: settings, seed: 7, snapshotName: "s", trainedAt: 1.7e9))
    var workspace = DetectorWorkspace()
    var alerts: [Alert] = []
    var highest: Float = 0
    for index in learned..<learned + scored {
      detector.observe(
        rows: row(index), width: fields.count, timestamps: [time(index)], count: 1, workspace: &workspace)
      alerts += workspace.alerts
      highest = max(highest, workspace.score[0])
    }
    return (alerts, highest)
  }

  @Test(arguments: [60, 600])
  func `what never changes raises nothing, also after a pause`(learned: Int) throws {
    let (alerts, highest) = try alerts(learned: learned, scored: 3000, pauseBefore: learned + 1500) { _ in
      [0, 0.006]
    }
    #expect(alerts.isEmpty)
    #expect(highest < 90)
  }

  @Test func `what never changed and does is an incident that names it`() throws {
    let (alerts, _) = try alerts(learned: 60, scored: 300) { $0 < 200 ? [0, 0.006] : [25, 0.006] }
    let first = try #require(alerts.first)
    #expect(first.ts == 1.7e9 + 200 && first.features.first?.name == "f0")
  }
}
