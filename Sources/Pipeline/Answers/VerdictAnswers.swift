import Archive
import Control
import Detection
import Events

extension AnomalyPipeline {
  /// Says what an incident was. Rows are marked first and the verdict is kept then: after a crash in between the same order
  /// does the same again.
  func label(_ order: LabelOrder) throws -> VerdictReport {
    guard let incident = try alerts.incident(order.id), let last = try alerts.history(of: order.id).last
    else {
      throw Failure.unknownIncident(order.id)
    }
    let end = incident.state == .resolved ? last.resolvedAt ?? last.ts : .infinity
    // True and expected: not learned from. False alarms and new normals: learned from.
    let change: FlagChange =
      switch order.verdict {
      case .true, .expected: FlagChange(set: .quarantined)
      case .falseAlarm, .newNormal: FlagChange(clear: .quarantined)
      }
    let window = min(last.onset, end)...end
    let times = try rows(of: incident.stream, window, change, isPreview: order.preview)
    var report = VerdictReport()
    report.incident = order.id
    report.verdict = order.verdict
    report.previous = incident.label
    report.from = window.lowerBound
    report.to = end.isFinite ? end : last.ts
    report.rows = times.all
    report.changed = times.changed.count
    report.preview = order.preview
    report.retrains = order.verdict == .newNormal
    let effect =
      switch order.verdict {
      case .true, .expected: "kept out of what is learned"
      case .falseAlarm: "learned from with the next model"
      case .newNormal: "learned from now"
      }
    report.what =
      "incident \(order.id) \(order.preview ? "would be" : "is") \(order.verdict.rawValue): "
      + "\(report.changed) of its \(report.rows) rows \(order.preview ? "would be" : "are") newly \(effect)"
    if order.preview { return report }
    let record = AlertStore.VerdictRecord(
      stream: incident.stream, incident: order.id, verdict: order.verdict.rawValue, by: order.by,
      cause: order.cause, changed: times.changed, set: change.set.rawValue, cleared: change.clear.rawValue)
    guard try alerts.record(record, at: Clocks.wall()) else { throw Failure.unknownIncident(order.id) }
    if order.verdict == .falseAlarm, report.previous != Verdict.falseAlarm.rawValue { budget.countIncident() }
    if report.retrains { _ = try? retrain(incident.stream.name) }
    return report
  }

  /// Takes a window out of everything that is learned later, at once and for good unless it is undone.
  func forget(_ order: ForgetOrder) throws -> VerdictReport {
    guard order.from <= order.to else {
      throw Failure(
        .usage, what: "forget", why: "the window ends before it begins", remedy: "give --from before --to")
    }
    let stream = StreamKey(order.stream)
    let change = FlagChange(set: .forgotten)
    let times = try rows(of: stream, order.from...order.to, change, isPreview: order.preview)
    var report = VerdictReport()
    report.from = order.from
    report.to = order.to
    report.rows = times.all
    report.changed = times.changed.count
    report.preview = order.preview
    report.retrains = !order.preview && !times.changed.isEmpty
    report.what =
      "\(report.changed) rows of \(order.stream) \(order.preview ? "would be" : "are") forgotten"
    if order.preview { return report }
    _ = try alerts.record(
      AlertStore.VerdictRecord(
        stream: stream, incident: nil, verdict: "forget", by: order.by, cause: "", changed: times.changed,
        set: change.set.rawValue, cleared: 0), at: Clocks.wall())
    // What has been learned from it is replaced as soon as the budget allows.
    if report.retrains { _ = try? retrain(order.stream) }
    return report
  }

  func undo(by: String) throws -> VerdictReport {
    guard let verdict = try alerts.lastVerdict() else {
      throw Failure(
        .data, what: "undo", why: "there is no verdict to take back", remedy: "see `anomalyctl audit`")
    }
    let back = FlagChange(
      set: RowFlags(rawValue: verdict.cleared), clear: RowFlags(rawValue: verdict.set))
    if let first = verdict.changed.min(), let last = verdict.changed.max() {
      _ = try rows(of: verdict.stream, first...last, back, only: Set(verdict.changed), isPreview: false)
    }
    try alerts.takeBack(verdict, by: by, at: Clocks.wall())
    var report = VerdictReport()
    report.incident = verdict.incident
    report.verdict = verdict.previous.flatMap(Control.Verdict.init(rawValue:))
    report.previous = verdict.verdict
    report.from = verdict.changed.min() ?? 0
    report.to = verdict.changed.max() ?? 0
    report.rows = verdict.changed.count
    report.changed = verdict.changed.count
    report.what =
      "\(verdict.verdict) of \(verdict.incident ?? verdict.stream.name) is taken back: "
      + "\(report.changed) rows are as they were"
    return report
  }

  private func rows(
    of stream: StreamKey, _ window: ClosedRange<Double>, _ change: FlagChange, only: Set<Double>? = nil,
    isPreview: Bool
  ) throws -> (all: Int, changed: [Double]) {
    let outcome = try onShard(of: stream.name) { state, local in
      state.change(local, window, change, only: only, isPreview: isPreview)
    }
    return try outcome.get()
  }
}

/// Which flags of rows are set and which are cleared.
struct FlagChange: Sendable {
  var set: RowFlags = []
  var clear: RowFlags = []

  func apply(to flags: RowFlags) -> RowFlags { flags.subtracting(clear).union(set) }
}

extension ShardState {
  /// How many rows of a window there are, and the times of those whose flags change, or would.
  ///
  /// - Parameter only: the times of the rows that are meant; nil for all of the window.
  mutating func change(
    _ local: Int, _ window: ClosedRange<Double>, _ change: FlagChange, only: Set<Double>?, isPreview: Bool
  ) -> Result<(all: Int, changed: [Double]), any Error> {
    flush(local)
    do {
      guard let history = try around.histories.read(streams[local].key, skipping: []) else {
        return .success((0, []))
      }
      var all = 0
      var changed: [Double] = []
      // Stretches of consecutive rows that change: each is one pass over the file.
      var stretches: [ClosedRange<Double>] = []
      var isOpen = false
      for row in 0..<history.count where window.contains(history.timestamps[row]) {
        all += 1
        let time = history.timestamps[row]
        let flags = history.flags[row]
        guard change.apply(to: flags) != flags, only?.contains(time) ?? true else {
          isOpen = false
          continue
        }
        changed.append(time)
        if isOpen, let last = stretches.last, last.upperBound <= time {
          stretches[stretches.count - 1] = last.lowerBound...time
        } else {
          stretches.append(time...time)
        }
        isOpen = true
      }
      if !isPreview { for stretch in stretches { try mark(local, stretch, change) } }
      return .success((all, changed))
    } catch {
      return .failure(error)
    }
  }
}
