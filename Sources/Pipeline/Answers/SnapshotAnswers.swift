import Archive
import Control
import Detection
import Events

extension AnomalyPipeline {
  func snapshotList(_ stream: String) throws -> SnapshotList {
    _ = try onShard(of: stream) { _, _ in true }
    return SnapshotList(
      stream: stream,
      snapshots: try snapshots.list(StreamKey(stream)).reversed().map { kept in
        var summary = Control.SnapshotSummary()
        summary.id = kept.name
        summary.trainedAt = kept.trainedAt
        summary.bytes = UInt64(kept.bytes)
        summary.current = kept.isCurrent
        summary.retained = kept.isRetained
        if let report = SnapshotCoding.report(kept.report) {
          summary.rows = report.rows
          summary.reason = report.reason
          summary.verdict = report.verdict
          summary.report = report
        }
        return summary
      })
  }

  /// Without a name: the newest before the current one that was in use.
  func revert(_ stream: String, to snapshot: String?) throws -> Done {
    _ = try onShard(of: stream) { _, _ in true }
    let kept = try snapshots.list(StreamKey(stream))
    let before = kept.prefix { !$0.isCurrent }.last {
      SnapshotCoding.report($0.report)?.accepted != false
    }
    guard let name = snapshot ?? before?.name else {
      throw Failure(
        .data, what: "stream \(stream)", why: "there is no snapshot before the current one",
        remedy: "see `anomalyctl snapshots \(stream)`")
    }
    try use(stream, name, "revert")
    return Done(
      "\(stream) scores with snapshot \(name) again", details: ["stream": stream, "snapshot": name])
  }

  func promote(_ stream: String, _ name: String) throws -> Done {
    _ = try onShard(of: stream) { _, _ in true }
    try use(stream, name, "promote")
    return Done("\(stream) scores with snapshot \(name)", details: ["stream": stream, "snapshot": name])
  }

  /// The snapshot is current on disk before it scores, and before this is answered.
  private func use(_ stream: String, _ name: String, _ command: String) throws {
    try find(stream, name)
    let key = StreamKey(stream)
    let model = try SnapshotCoding.model(of: try snapshots.load(key, name), pools: pools)
    try snapshots.revert(key, to: name)
    try alerts.log(command, arguments: "\(stream) \(name)", outcome: "done", at: Clocks.wall())
    try onShard(of: stream) { state, local in state.install(model, at: local) }
  }

  func retain(_ stream: String, _ name: String, release: Bool) throws -> Done {
    _ = try onShard(of: stream) { _, _ in true }
    try find(stream, name)
    try snapshots.retain(StreamKey(stream), name, !release)
    try alerts.log(
      "retain", arguments: "\(stream) \(name)\(release ? " released" : "")", outcome: "done",
      at: Clocks.wall())
    return Done(
      release ? "snapshot \(name) goes when its time comes" : "snapshot \(name) stays",
      details: ["stream": stream, "snapshot": name])
  }

  @discardableResult
  private func find(_ stream: String, _ name: String) throws -> Archive.SnapshotSummary {
    if let found = try snapshots.list(StreamKey(stream)).first(where: { $0.name == name }) { return found }
    throw Failure(
      .data, what: "snapshot \(name)", why: "stream \(stream) has none of this name",
      remedy: "see `anomalyctl snapshots \(stream)`")
  }

  func diff(_ stream: String, _ first: String, _ second: String) throws -> SnapshotDiff {
    _ = try onShard(of: stream) { _, _ in true }
    func load(_ name: String) throws -> (Archive.SnapshotSummary, StreamModel) {
      let found = try find(stream, name)
      return (
        found,
        try SnapshotCoding.model(of: try snapshots.load(StreamKey(stream), name), pools: pools)
      )
    }
    let ((oldFile, old), (newFile, new)) = (try load(first), try load(second))
    var changes: [SnapshotDiff.Change] = []
    func compare(_ what: String, _ first: String, _ second: String) {
      if first != second { changes.append(.init(what, first, second)) }
    }
    compare("rows", "\(old.rows)", "\(new.rows)")
    compare("bytes", "\(oldFile.bytes)", "\(newFile.bytes)")
    compare("weights", old.sharedWeightsName ?? "its own", new.sharedWeightsName ?? "its own")
    for name in Set(old.detectors).union(new.detectors).map(\.rawValue).sorted() {
      func has(_ model: StreamModel) -> String {
        model.detectors.contains { $0.rawValue == name } ? "scores" : "does not score"
      }
      compare("detector \(name)", has(old), has(new))
    }
    for name in Set(old.fields).union(new.fields).sorted() {
      func usual(_ model: StreamModel) -> String {
        model.ranges.first { $0.name == name }.map {
          "\(Readable.number($0.center)) ± \(Readable.number($0.scale))"
        } ?? "not used"
      }
      compare("field \(name)", usual(old), usual(new))
    }
    let figures = [oldFile, newFile].map { SnapshotCoding.report($0.report)?.figures }
    if let before = figures[0], let after = figures[1] {
      func row(_ what: String, _ value: (ModelFigures) -> Double) {
        compare(what, Readable.number(value(before)), Readable.number(value(after)))
      }
      row("false alarms") { $0.falseAlarms }
      row("planted faults found") { $0.meanRecall }
      row("calibration error") { $0.calibrationError }
      row("µs a row") { $0.microsecondsPerRow }
    }
    return SnapshotDiff(stream: stream, first: first, second: second, changes: changes)
  }

  /// Recomputes what was said of an incident's worst row: from the inputs and thresholds that were kept with it, by the
  /// weights of the snapshot that it names.
  func rerun(_ id: String) throws -> RerunReport {
    let statements = try alerts.history(of: id)
    guard let worst = statements.last else { throw Failure.unknownIncident(id) }
    var report = RerunReport()
    report.id = id
    report.snapshot = worst.model.snapshot
    report.ts = worst.ts
    guard let bytes = try alerts.evidence(of: id) else {
      report.missing.append("no row was kept with it")
      return report
    }
    let evidence = try Evidence(decoding: bytes)
    report.snapshot = evidence.snapshot
    report.ts = evidence.time
    let key = StreamKey(worst.stream)
    guard try snapshots.list(key).contains(where: { $0.name == evidence.snapshot }) else {
      report.missing.append(
        "snapshot \(evidence.snapshot) is no longer kept (`anomalyctl retain` keeps the ones that matter)")
      return report
    }
    let model = try SnapshotCoding.model(of: try snapshots.load(key, evidence.snapshot), pools: pools)
    let again = try evidence.rescored(by: model)
    report.figures = [
      .init("score", said: worst.score, again: again.score),
      .init("p_value", said: worst.pValue, again: again.pValue),
    ]
    if let said = worst.confidence, let again = again.confidence {
      report.figures.append(.init("confidence", said: said, again: again))
    }
    for (name, said) in worst.detectors.sorted(by: { $0.key < $1.key }) {
      guard let raw = again.raw[name] else { continue }
      report.figures.append(.init(name, said: said.raw, again: raw))
    }
    return report
  }
}
