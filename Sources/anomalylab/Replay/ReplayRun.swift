import Control
import Detection
import Events

/// The daemon's own detection over a recorded file; models are learned in between instead of beside.
struct ReplayRun {
  /// Which rows of a file with a column `split` are scored.
  enum Rows: String, CaseIterable { case test, all }

  /// What became of one row.
  struct Result {
    var index: Int
    var timestamp: Double
    var score: Double
    var pValue: Double
    /// An incident is open.
    var isAlert: Bool
    /// Per detector; NaN without a model.
    var raw: [Float]
  }

  let detectors: [DetectorName]
  private let table: ReplayTable
  private let settings: DetectionSettings
  private let seed: UInt64
  private var detector: StreamDetector
  private var workspace = DetectorWorkspace()
  private var isOpen = false
  private var trainings: UInt64 = 0
  private var quarantined: [Bool]
  /// What was said, in order.
  private(set) var alerts: [Alert] = []

  init(_ table: ReplayTable, stream: String, settings: DetectionSettings, seed: UInt64) {
    var settings = settings
    // What was learned from rows set apart for it needs no fresh ones before it may speak.
    if table.isTraining != nil { settings.calibration.freshRows = 0 }
    self.table = table
    self.settings = settings
    self.seed = seed
    detectors = settings.detectors
    quarantined = Array(repeating: false, count: table.count)
    detector = StreamDetector(stream: StreamKey(stream), settings: settings, seed: seed)
    for field in table.fields { detector.addField(field) }
  }

  /// Runs over the file.
  ///
  /// - Parameters:
  ///   - progress: told rows done and rows in all, now and then.
  ///   - each: given the results in the order in which they come about.
  /// - Throws: ``Failure`` when there is too little to learn from, and what `each` throws.
  mutating func run(
    rows: Rows, progress: (Int, Int) -> Void = { _, _ in }, each: (Result) throws -> Void
  ) throws {
    var order = Array(0..<table.count)
    if let isTraining = table.isTraining {
      let train = order.filter { isTraining[$0] }
      order = (rows == .all ? train : []) + order.filter { !isTraining[$0] }
      do {
        detector.install(try learn(table.rows(train)))
      } catch {
        throw Failure(
          .data, what: "\(detector.stream): training", why: "\(error)",
          remedy: "mark more rows as train, or leave the column split out to learn as it goes")
      }
    }
    var start = 0
    while start < order.count {
      let batch = order[start..<min(start + DetectorWorkspace.batchRows, order.count)]
      try observe(batch, each)
      if table.isTraining == nil {
        learnWhenAsked(upTo: start + batch.count)
      } else if detector.trainingRequest != nil {
        // Rows apart were set for learning: it stays with what these taught.
        detector.trainingStarted()
        detector.trainingEnded()
      }
      start += batch.count
      progress(start, order.count)
    }
  }

  private mutating func observe(_ batch: ArraySlice<Int>, _ each: (Result) throws -> Void) throws {
    let rows = table.rows(Array(batch))
    detector.observe(
      rows: rows.values, width: rows.fields.count, timestamps: rows.timestamps, count: rows.count,
      workspace: &workspace)
    var said = 0
    for (row, index) in batch.enumerated() {
      // Open from the statement that opens it on, up to the one that ends it: what could be known at this row.
      var isAlert = isOpen
      while said < workspace.alerts.count, workspace.alertRows[said] == row {
        isOpen = !workspace.alerts[said].isOver || (isOpen && workspace.alerts[said].resolvedAt != nil)
        isAlert = isAlert || isOpen
        said += 1
      }
      quarantined[index] = workspace.quarantined[row]
      try each(
        Result(
          index: index, timestamp: rows.timestamps[row],
          score: workspace.oddness[row], pValue: workspace.pValue(row),
          isAlert: isAlert, raw: detectors.indices.map { workspace.raw[$0][row] }))
    }
    for alert in workspace.alerts {
      var numbered = alert
      numbered.seq = UInt64(alerts.count + 1)
      numbered.epoch = "replay"
      alerts.append(numbered)
    }
  }

  /// Learns from what has come so far when the detector asks for it, as the daemon does in the background.
  private mutating func learnWhenAsked(upTo end: Int) {
    guard let reason = detector.trainingRequest else { return }
    if reason == .newNormal, let since = detector.acceptedSince {
      for row in 0..<end where table.timestamps[row] >= since { quarantined[row] = false }
    }
    let first = max(0, end - settings.collecting.maximumRows)
    var history = table.rows(Array(first..<end))
    history.quarantined = Array(quarantined[first..<end])
    if detector.isSettled { history = history.settled }
    detector.trainingStarted()
    guard let candidate = try? learn(history, isProvisional: reason == .early) else {
      detector.trainingEnded()
      return
    }
    let champion = detector.isSettled ? detector.model : nil
    let verdict = champion.map {
      ModelTrainer.compare(
        candidate: candidate, champion: $0, rows: history, settings: settings,
        heldOut: settings.calibration.heldOutShare)
    }
    if verdict?.accepted ?? true {
      detector.install(candidate)
    } else {
      detector.trainingEnded()
    }
  }

  private mutating func learn(
    _ rows: TrainingRows, isProvisional: Bool = false
  ) throws(ModelTrainer.Failure) -> StreamModel {
    if !isProvisional { trainings += 1 }
    return try ModelTrainer.train(
      rows, settings: settings, seed: seed &+ 1000 &* trainings,
      snapshotName: isProvisional ? "provisional" : "replay-\(trainings)",
      trainedAt: rows.timestamps.last ?? 0, isProvisional: isProvisional)
  }
}
