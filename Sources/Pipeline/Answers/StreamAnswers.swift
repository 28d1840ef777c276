import Archive
import Control
import Detection
import Events
import Foundation
import Generative
import Wire

extension AnomalyPipeline {
  func streamList(_ query: StreamQuery) -> StreamList {
    var rows: [StreamSummary] = []
    for part in onEveryShard({ state in
      state.streams.indices.filter { local in
        (query.phase == nil || state.streams[local].detector.phase == query.phase)
          && (query.matching.map { Globs([$0]).matches(state.streams[local].key.name) } ?? true)
      }.map { state.summary(of: $0) }
    }) { rows.append(contentsOf: part) }
    let total = rows.count
    switch query.order {
    case .name: rows.sort { $0.name < $1.name }
    case .score: rows.sort { ($0.lastScore ?? -1, $1.name) > ($1.lastScore ?? -1, $0.name) }
    case .rate: rows.sort { ($0.rate, $1.name) > ($1.rate, $0.name) }
    case .recent: rows.sort { ($0.lastEvent ?? 0, $1.name) > ($1.lastEvent ?? 0, $0.name) }
    }
    if let limit = query.limit { rows = Array(rows.prefix(limit)) }
    return StreamList(rows: rows.map(completed), total: total)
  }

  func streamDetail(_ name: String) throws -> StreamDetail {
    var detail = try onShard(of: name) { state, local in state.detail(of: local) }
    detail.summary = completed(detail.summary)
    if let id = detail.summary.incident { detail.incident = try alerts.history(of: id).last }
    return detail
  }

  /// Adds what ingest and the publisher know of a stream.
  private func completed(_ summary: StreamSummary) -> StreamSummary {
    var summary = summary
    summary.silencedUntil = publisher.silencedUntil(summary.name)
    if let counts = ingest.streamCounters(summary.name) {
      summary.gaps = counts.gaps
      summary.repeats = counts.repeats
      summary.restarts = counts.restarts
      summary.late = counts.late
      summary.dropped = counts.dropped
    }
    return summary
  }
}

extension ShardState {
  mutating func summary(of local: Int) -> StreamSummary {
    let rate = streams[local].rate(now: Clocks.monotonic())
    let entry = streams[local]
    let status = entry.detector.status
    var row = StreamSummary()
    row.name = entry.key.name
    row.phase = status.phase
    row.events = status.events
    row.rate = rate
    row.lastEvent = status.lastEvent
    if status.scored > 0 {
      row.lastScore = status.lastScore
      row.maxScore = entry.maxScore
    }
    row.incident = status.openIncident?.id ?? entry.silence?.id
    row.fields = status.fields
    row.lateOutcomes = status.late.byOutcome
    row.missingValues = status.missingValues
    row.imputedValues = status.imputedValues
    row.snapshot = status.snapshot
    row.pooled = entry.isPooled
    if !entry.detector.isReady {
      let rows = max(Int(clamping: status.events), entry.detector.collectedRows)
      row.rowsWanted = max(0, around.detection.usual.collecting.rows - rows)
    }
    return row
  }

  mutating func detail(of local: Int) -> StreamDetail {
    let entry = streams[local]
    let status = entry.detector.status
    var detail = StreamDetail()
    detail.summary = summary(of: local)
    let ranges = entry.detector.model?.ranges ?? []
    detail.fields = entry.detector.fields.map { name in
      var field = FieldReport()
      field.name = name
      if let range = ranges.first(where: { $0.name == name }) {
        field.center = range.center
        field.scale = range.scale
        field.expected = range.center
        field.low = range.low
        field.high = range.high
      } else {
        field.used = entry.detector.model == nil
        if !field.used { field.note = "not yet learned: it came after the last training, or too seldom" }
      }
      return field
    }
    if status.scored > 0 {
      detail.calibration = zip([0.1, 0.01, 0.001, 0.0001], status.tails).map {
        CalibrationPoint(nominal: $0, measured: Double($1) / Double(status.scored), events: status.scored)
      }
    }
    detail.models = modelSummaries(of: local)
    flush(local)
    if let rows = try? around.histories.read(entry.key, skipping: []) {
      detail.history.rows = rows.count
      detail.history.quarantined = rows.flags.count { $0.contains(.quarantined) }
      detail.history.from = rows.timestamps.first
      detail.history.to = rows.timestamps.last
    }
    detail.history.capacity = around.pipeline.retrain.historyRows
    var drift = DriftReport()
    drift.statistic = status.drift
    drift.threshold = around.detection.usual.retraining.drift
    drift.drifting = drift.threshold > 0 && status.drift > drift.threshold
    detail.drift = drift
    return detail
  }

  func modelSummaries(of local: Int) -> [ModelSummary] {
    guard let model = streams[local].detector.model else { return [] }
    return model.detectors.map { detector in
      var summary = ModelSummary()
      summary.stream = streams[local].key.name
      summary.detector = detector.rawValue
      summary.snapshot = model.snapshotName
      summary.trainedAt = model.trainedAt
      summary.rows = model.rows
      if let trained = model.detector(detector) {
        summary.inputs = trained.width
        summary.unit = trained.scoreUnit.rawValue
        summary.curve = ((trained as? any TrainingCurveKeeping)?.curve ?? []).map {
          CurveReport(step: $0.step, loss: Double($0.loss), heldOutLoss: $0.heldOutLoss.map(Double.init))
        }
      }
      return summary
    }
  }
}
