import Archive
import Control
import Detection
import Events

extension AnomalyPipeline {
  func trace(_ stream: String, count: Int) throws -> TraceReport {
    try onShard(of: stream) { state, local in state.trace(of: local, count: count) }
  }

  func audit(limit: Int) throws -> AuditList {
    AuditList(
      entries: try alerts.commands(limit: limit).map { command in
        var entry = AuditList.Entry()
        entry.number = command.number
        entry.at = command.at
        entry.command = command.name
        entry.arguments = command.arguments
        entry.outcome = command.outcome
        return entry
      })
  }
}

extension ShardState {
  /// The latest rows as they are kept, scored once more by a copy of the detector: looking changes nothing.
  mutating func trace(of local: Int, count: Int) -> TraceReport {
    flush(local)
    var report = TraceReport()
    let entry = streams[local]
    report.stream = entry.key.name
    report.snapshot = entry.detector.status.snapshot
    report.fields = entry.detector.fields
    let ranges = Dictionary(
      (entry.detector.model?.ranges ?? []).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    report.low = report.fields.map { ranges[$0].map { Double($0.low) } }
    report.high = report.fields.map { ranges[$0].map { Double($0.high) } }
    guard let history = try? around.histories.read(entry.key, last: count, skipping: .forgotten) else {
      return report
    }
    let columns = report.fields.map { history.fields.firstIndex(of: $0) }
    let width = report.fields.count
    var rows = [Float](repeating: .nan, count: history.count * width)
    for row in 0..<history.count {
      for (field, column) in columns.enumerated() {
        if let column { rows[row * width + field] = history.values[row * history.fields.count + column] }
      }
    }
    report.ts = history.timestamps
    report.values = (0..<history.count).map { row in
      rows[row * width..<(row + 1) * width].map { $0.isFinite ? Double($0) : nil }
    }
    report.scores = scores(of: entry.detector, rows, width: width, history.timestamps)
    return report
  }

  private func scores(
    of detector: StreamDetector, _ rows: [Float], width: Int, _ timestamps: [Double]
  ) -> [Double?] {
    guard detector.model != nil else { return timestamps.map { _ in nil } }
    var copy = detector
    copy.rewind()
    var scratch = DetectorWorkspace()
    var scores: [Double?] = []
    while scores.count < timestamps.count {
      let from = scores.count
      let to = min(from + DetectorWorkspace.batchRows, timestamps.count)
      copy.observe(
        rows: Array(rows[from * width..<to * width]), width: width, timestamps: Array(timestamps[from..<to]),
        count: to - from, workspace: &scratch)
      scores.append(contentsOf: scratch.score[..<(to - from)].map { $0.isFinite ? Double($0) : nil })
    }
    // The first rows were seen without those before them.
    for row in scores.indices.prefix(detector.settings.window) { scores[row] = nil }
    return scores
  }
}
