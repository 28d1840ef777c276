import Events
import Generative
import Glibc

extension StreamDetector {
  /// Scores up to 64 consecutive events of this stream.
  ///
  /// - Parameters:
  ///   - rows: `count × width` values, row-major, columns as in ``fields``; missing is NaN.
  ///   - width: columns per row, at most `fields.count`; fields beyond are missing.
  ///   - timestamps: event times, seconds since 1970, at least `count`.
  ///   - workspace: receives the results; no allocation once it has grown.
  public mutating func observe(
    rows: [Float], width: Int, timestamps: [Double], count: Int, workspace: inout DetectorWorkspace
  ) {
    precondition(
      count <= DetectorWorkspace.batchRows, "\(count) rows at once, at most \(DetectorWorkspace.batchRows)")
    precondition(
      rows.count >= count * width && timestamps.count >= count,
      "\(rows.count) values and \(timestamps.count) times for \(count) × \(width)")
    workspace.begin(count)
    guard count > 0 else { return }
    if let contents = model?.contents {
      var from = 0
      while from < count {
        let to = endOfRun(timestamps, from: from, count: count, gap: contents.longestGap)
        score(rows, width, timestamps, from..<to, contents, &workspace)
        from = to
      }
    } else {
      counters.lastEvent = timestamps[count - 1]
    }
    counters.events += UInt64(count)
    let last = (count - 1) * width
    let hasNewFields = newColumns.contains { Int($0) < width && rows[last + Int($0)].isFinite }
    considerTraining(
      events: count, hasNewFields: hasNewFields, longestAbsence: absences.max().map { Int($0) } ?? 0)
  }

  /// Rows up to the next long gap in time belong together; beyond one the context begins anew.
  private mutating func endOfRun(_ timestamps: [Double], from: Int, count: Int, gap: Double) -> Int {
    // The comparison is false for the first event of all, whose predecessor is NaN.
    if timestamps[from] - counters.lastEvent > gap {
      for index in context.indices { context[index] = .nan }
      sustained.reset()
    }
    var to = from + 1
    while to < count && !(timestamps[to] - timestamps[to - 1] > gap) { to += 1 }
    return to
  }

  private mutating func score(
    _ rows: [Float], _ width: Int, _ timestamps: [Double], _ range: Range<Int>,
    _ contents: StreamModel.Contents, _ workspace: inout DetectorWorkspace
  ) {
    let hasMissing = workspace.inputs.build(
      plan: contents.plan, levelLimit: contents.plan.limit, rows: rows, from: range.lowerBound, width: width,
      columns: columns, count: range.count, context: &context)
    for detector in contents.models.indices {
      contents.models[detector].score(
        workspace.inputs.inputs, mask: hasMissing ? workspace.inputs.mask : nil, rows: range.count,
        into: &workspace.run, scratch: &workspace.scratch)
      for row in range { workspace.raw[detector][row] = workspace.run[row - range.lowerBound] }
    }
    if hasMissing {
      noteAbsences(rows, width, range)
    } else if !absences.isEmpty {
      for field in absences.indices { absences[field] = 0 }
    }

    // Taken out of the struct for the loop, so that nothing is checked or copied per event.
    var trackers = self.trackers
    self.trackers = []
    let step = settings.calibration.step
    for row in range {
      let hasNothing = hasMissing && workspace.inputs.isEmptyRow(row - range.lowerBound, plan: contents.plan)
      let logP = hasNothing ? 0 : combine(row, contents, trackers, workspace.raw, &workspace.standard)
      let score = 100 * (1 - expf(logP / 4))
      workspace.score[row] = score
      workspace.p[row] = exp(Double(logP))
      count(logP, at: timestamps[row])
      let wasOpen = policy.incident != nil
      let next = policy.step(
        score: score, logP: logP, time: timestamps[row], support: trackers[trackers.count - 1].support,
        mayOpen: phase == .scoring && acceptedSince == nil, settings: settings)
      if wasOpen || next != .nothing {
        let moment = Moment(row: row, first: range.lowerBound, width: width, score: score, logP: logP)
        if wasOpen { follow(moment, contents, &trackers, workspace) }
        act(next, moment, rows, timestamps[row], contents, &trackers, &workspace)
      }
      let isOpen = policy.incident != nil
      if wasOpen || isOpen {
        workspace.quarantined[row] = true
        counters.quarantined += 1
      }
      if hasNothing || policy.incident?.isConfirmed == true { continue }
      for index in trackers.indices {
        trackers[index].update(workspace.standard[index], step: step, refill: !isOpen)
      }
      for detector in contents.common.indices {
        drift.add(workspace.standard[detector], detector: detector, thresholds: contents.common[detector])
      }
    }
    self.trackers = trackers
    if phase == .calibrating && counters.scored >= UInt64(settings.calibration.freshRows) { phase = .scoring }
  }

  /// ln p of one row from its raw scores. Leaves in `standard` what the trackers learn from.
  private mutating func combine(
    _ row: Int, _ contents: StreamModel.Contents, _ trackers: [ThresholdTracker], _ raw: [[Float]],
    _ standard: inout [Float]
  ) -> Float {
    let detectors = contents.models.count
    var sum: Float = 0
    for detector in 0..<detectors {
      let u = contents.standardized(raw[detector][row], detector)
      standard[detector] = u
      sum -= trackers[detector].logP(u)
    }
    var figure = sum / Float(detectors)
    var last = detectors
    if contents.plan.ordered {
      let mean = sustained.add(figure)
      // Too few events yet to say: as if it were the usual.
      let u = mean.map { contents.standardized($0, last) } ?? 0
      standard[last] = u
      if mean != nil { figure = Combination.figure(now: figure, sustainedLogP: trackers[last].logP(u)) }
      last += 1
    }
    let u = contents.standardized(figure, last)
    standard[last] = u
    return max(trackers[last].logP(u), lowestLogP)
  }

  private mutating func count(_ logP: Float, at time: Double) {
    counters.scored += 1
    counters.lastEvent = time
    counters.lastLogP = logP
    if logP <= Levels.logs[5] {
      counters.tails[0] += 1
      if logP <= Levels.logs[9] { counters.tails[1] += 1 }
      if logP <= Levels.logs[12] { counters.tails[2] += 1 }
      if logP <= Levels.logs[15] { counters.tails[3] += 1 }
    }
  }

  private mutating func noteAbsences(_ rows: [Float], _ width: Int, _ range: Range<Int>) {
    if absences.count != columns.count { absences = Array(repeating: 0, count: columns.count) }
    for (field, column) in columns.enumerated() {
      for row in range {
        if column >= 0 && Int(column) < width && rows[row * width + Int(column)].isFinite {
          absences[field] = 0
        } else {
          absences[field] &+= 1
          counters.missingValues += 1
        }
      }
    }
  }
}

/// ln 10⁻⁶⁰: what is rarer is not told apart in a p-value; a score that never saturates orders even these.
private let lowestLogP: Float = -138.15511

extension StreamModel.Contents {
  /// A raw score in tail lengths above its usual median; absurd ones stay finite.
  @inline(__always)
  func standardized(_ score: Float, _ index: Int) -> Float {
    let u = Float((Double(score) - references[index]) * inverseUnits[index])
    return u.isNaN ? 0 : min(max(u, -1e9), 1e9)
  }
}
