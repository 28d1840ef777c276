import Archive
import Control
import Detection
import Events

/// Questions that take some work: a shard only lends copies, the work is done on the asker's thread.
extension AnomalyPipeline {
  /// Rows that faults are planted into.
  private static let powerRows = 2048
  /// Nanoseconds after which no further round of faults is begun.
  private static let powerTime: UInt64 = 4_000_000_000

  func power(of stream: String) throws -> PowerReport {
    let (detector, rows) = try shadow(of: stream, last: Self.powerRows)
    guard let model = detector.model else {
      throw Failure(
        .temporary, what: "stream \(stream)", why: "it has no model yet",
        remedy: "see `anomalyctl stream \(stream)`")
    }
    guard rows.count >= DetectionPower.leastRows else {
      throw Failure(
        .temporary, what: "stream \(stream)",
        why: "\(rows.count) of its rows are kept, \(DetectionPower.leastRows) are needed",
        remedy: "wait for more")
    }
    let end = Clocks.monotonic() + Self.powerTime
    let power = DetectionPower(of: detector, rows: rows) { Clocks.monotonic() >= end }
    var report = PowerReport()
    report.stream = stream
    report.snapshot = model.snapshotName
    report.rows = power.rows
    report.rounds = power.rounds
    report.alarmed = power.alarmed
    report.curves = power.curves.map { curve in
      PowerReport.Curve(
        fault: curve.fault.rawValue, unit: curve.fault.unit, smallest: curve.smallest,
        points: curve.points.map {
          PowerReport.Point(
            size: $0.size, planted: $0.planted, found: $0.found, named: $0.named, medianDelay: $0.medianDelay)
        })
    }
    return report
  }

  func drift(of stream: String) throws -> FieldDriftReport {
    let (detector, rows) = try shadow(of: stream, last: detectorRows)
    // A quarter of what is kept, but no more than is recent.
    let recent = min(512, rows.count / 4)
    guard recent >= FieldDrift.least else {
      throw Failure(
        .temporary, what: "stream \(stream)", why: "only \(rows.count) of its rows are kept",
        remedy: "wait for \(4 * FieldDrift.least)")
    }
    let now = rows.rows(rows.count - recent..<rows.count)
    var report = FieldDriftReport()
    report.stream = stream
    report.recent = recent
    report.reference = rows.count - recent
    report.since = now.timestamps[0]
    report.scores = detector.status.drift
    if let tests = StreamDrift(from: rows.rows(0..<rows.count - recent), to: now) {
      report.discrepancy = .init(
        statistic: tests.discrepancy.statistic, pValue: tests.discrepancy.pValue)
      report.classifier = .init(statistic: tests.classifier.statistic, pValue: tests.classifier.pValue)
    }
    report.runRows = recent * 100
    report.runSeconds = Double(report.runRows) * (detector.model?.interval ?? 0)
    report.fields = FieldDrift.drifts(from: rows.rows(0..<rows.count - recent), to: now).map {
      FieldDriftReport.Field(
        name: $0.name, distance: $0.distance, pValue: $0.pValue, before: $0.before, now: $0.now,
        spreadBefore: $0.spreadBefore, spreadNow: $0.spreadNow)
    }
    return report
  }

  /// nil when the rows of the incident are no longer kept, or its stream has no model.
  func nearestNormal(of statements: [Alert]) -> NormalReport? {
    // What was said after its end stands at an event that was no part of it.
    let said = statements.filter { !$0.isOver }
    guard let worst = said.max(by: { $0.score < $1.score }),
      let (detector, rows) = try? shadow(
        of: worst.stream, last: Self.powerRows, skipping: [.forgotten, .maintenance]),
      let event = rows.timestamps.lastIndex(of: worst.ts)
    else { return nil }
    // Enough before the onset for the windows to be full of what is normal.
    let onset = rows.timestamps.firstIndex { $0 >= worst.onset } ?? event
    let first = max(0, min(onset, event) - 2 * DetectorWorkspace.batchRows)
    guard
      let normal = NearestNormal(
        of: detector, rows: rows.rows(first..<event + 1), onset: worst.onset,
        features: worst.features.map(\.name))
    else { return nil }
    return NormalReport(
      text: normal.text, verified: normal.isNormal && !normal.changes.isEmpty,
      changes: normal.changes.map {
        NormalReport.Change(
          name: $0.name, value: $0.value, expected: $0.expected, deviation: $0.deviation)
      }, from: normal.from, scoreBefore: normal.scoreBefore, scoreAfter: normal.scoreAfter)
  }

  /// Rows that drift is looked for in.
  private var detectorRows: Int { 20_000 }

  /// A copy of a stream's detector, and its latest rows in the detector's order of fields.
  func shadow(
    of stream: String, last: Int, skipping: RowFlags = [.quarantined, .forgotten, .maintenance]
  ) throws -> (detector: StreamDetector, rows: TrainingRows) {
    let (detector, histories) = try onShard(of: stream) { state, local in
      state.flush(local)
      return (state.streams[local].detector, state.around.histories)
    }
    guard let history = try histories.read(StreamKey(stream), last: last, skipping: skipping) else {
      return (detector, TrainingRows(fields: detector.fields))
    }
    let columns = detector.fields.map { history.fields.firstIndex(of: $0) }
    var values: [Float] = []
    values.reserveCapacity(history.count * columns.count)
    for row in 0..<history.count {
      for column in columns {
        values.append(column.map { history.values[row * history.fields.count + $0] } ?? .nan)
      }
    }
    return (
      detector,
      TrainingRows(
        fields: detector.fields, timestamps: history.timestamps, values: values,
        segmentStarts: history.segments.map(\.lowerBound))
    )
  }
}
