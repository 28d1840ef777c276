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
    workspace.opening = AlertPolicy.Opening(settings.alerts, strictness: workspace.strictness)
    guard count > 0 else { return }
    if let contents = model?.contents {
      var from = 0
      while from < count {
        if isLate(timestamps[from], contents),
          observeLate(rows, width, timestamps, row: from, contents, &workspace)
        {
          from += 1
          continue
        }
        let to = endOfRun(timestamps, from: from, count: count, contents)
        score(rows, width, timestamps, from..<to, contents, &workspace)
        from = to
      }
    } else {
      for row in 0..<count where !(timestamps[row] < counters.lastEvent) {
        counters.lastEvent = timestamps[row]
      }
    }
    counters.events += UInt64(count)
    let last = (count - 1) * width
    let hasNewFields = newColumns.contains { Int($0) < width && rows[last + Int($0)].isFinite }
    considerTraining(
      events: count, hasNewFields: hasNewFields, longestAbsence: absences.max().map { Int($0) } ?? 0)
  }

  /// Rows up to the next long gap in time, or to one that came late, belong together; beyond a gap the context begins anew.
  private mutating func endOfRun(
    _ timestamps: [Double], from: Int, count: Int, _ contents: StreamModel.Contents
  ) -> Int {
    let gap = contents.longestGap
    let most = contents.plan.ordered ? 0 : Double.infinity
    tooLateInARow = 0
    // The comparisons are false for the first event of all, whose predecessor is NaN.
    if timestamps[from] - counters.lastEvent > gap || counters.lastEvent - timestamps[from] > most {
      for index in context.indices { context[index] = .nan }
      memory.reset()
      recent.reset(memory)
      past = []
      held.reset()
    }
    var to = from + 1
    while to < count && !(timestamps[to] - timestamps[to - 1] > gap)
      && !(timestamps[to - 1] - timestamps[to] > most)
    {
      to += 1
    }
    return to
  }

  /// What each detector makes of a run of rows; moves the context on.
  ///
  /// - Returns: whether anything is missing.
  @discardableResult
  mutating func scoreRaw(
    _ rows: [Float], _ width: Int, _ timestamps: [Double], _ range: Range<Int>,
    _ contents: StreamModel.Contents, _ workspace: inout DetectorWorkspace
  ) -> Bool {
    workspace.inputs.wantsWindows = contents.readsWindows
    workspace.inputs.imputation.filling = Filling(settings, rbm: contents.rbm)
    workspace.inputs.imputation.begin(ages: absences)
    let hasMissing = workspace.inputs.build(
      plan: contents.plan, levelLimit: contents.plan.limit, rows: rows, from: range.lowerBound, width: width,
      columns: columns, count: range.count, context: &context)
    for detector in contents.members.indices {
      contents.members[detector].score(
        workspace.inputs.inputs, windows: workspace.inputs.windows, times: timestamps,
        from: range.lowerBound,
        mask: hasMissing ? workspace.inputs.mask : nil, rows: range.count,
        into: &workspace.run, scratch: &workspace.scratch, space: &workspace.space)
      workspace.keepRun(of: detector, range, contents)
    }
    let confidence = Confidence.of(missing: 0, rows: contents.heldOutWorth)
    for row in range { workspace.confidence[row] = confidence }
    if hasMissing {
      noteAbsences(rows, width, range, contents, &workspace)
    } else if !absences.isEmpty {
      for field in absences.indices { absences[field] = 0 }
    }
    return hasMissing
  }

  private mutating func score(
    _ rows: [Float], _ width: Int, _ timestamps: [Double], _ range: Range<Int>,
    _ contents: StreamModel.Contents, _ workspace: inout DetectorWorkspace
  ) {
    let remembered = memory
    let hasMissing = scoreRaw(rows, width, timestamps, range, contents, &workspace)
    noteSuspects(range.count, contents, &workspace)
    let mayOpen = phase == .scoring && acceptedSince == nil
    let isOverdrawn = surprise.isOverdrawn(scored: counters.scored)
    if !isOverdrawn { taught = nil }
    let isStill = held.follow(
      rows, width: width, columns: columns, timestamps: timestamps, range, contents, learning: isOverdrawn,
      into: &workspace.still)
    if hasMissing || isStill || taught != nil
      || !scoreCalmly(range, timestamps, contents, mayOpen: mayOpen, &workspace)
    {
      scoreOneByOne(rows, width, timestamps, range, contents, mayOpen: mayOpen, &workspace)
    }
    if !past.isEmpty { forgetPast() }
    recent.holdsMore = policy.isOpen || !past.isEmpty
    recent.append(
      workspace.inputs.levels, at: contents.plan.contextRows * contents.plan.fields, figures: workspace.own,
      times: timestamps, range, memory: remembered)
    counters.scored += UInt64(range.count)
    counters.lastEvent = timestamps[range.upperBound - 1]
    if phase == .calibrating && !contents.isProvisional
      && counters.scored &- calibratedFrom >= UInt64(settings.calibration.freshRows)
    {
      phase = .scoring
    }
  }

  /// The usual case: nothing is missing and there is no incident. Then each threshold takes all rows in one go.
  ///
  /// - Returns: false when one of the rows opens an incident: everything is then as before, and the rows have to be
  ///   taken one by one.
  private mutating func scoreCalmly(
    _ range: Range<Int>, _ timestamps: [Double], _ contents: StreamModel.Contents, mayOpen: Bool,
    _ workspace: inout DetectorWorkspace
  ) -> Bool {
    // For a few rows it is not worth the copies.
    if policy.isOpen || range.count < 4 { return false }
    let before = (memory: memory, policy: policy, ofMean: ofMean, tails: counters.tails, surprise: surprise)
    workspace.trackers.removeAll(keepingCapacity: true)
    workspace.trackers.append(contentsOf: trackers)
    followRun(range, timestamps, contents, &workspace)
    jumpRun(range, contents, &workspace)
    let unseen = unseenRows
    for row in range {
      var logP = workspace.logP[row]
      if contents.isProvisional { logP = cautious(logP) }
      let ofModels = logP
      logP = max(min(logP, workspace.jump[row]), lowestLogP)
      let published = claimed(ofModels, of: unseen, behind: range.upperBound - row)
      if contents.isProvisional { logP = published }
      let score = 100 * (1 - expf(logP / 4))
      workspace.score[row] = score
      workspace.logP[row] = published
      count(ofModels, published)
      part(isJump: workspace.jump[row] < ofModels)
      let opensTogether = opensTogether(ofModels, timestamps[row], mayOpen: mayOpen, workspace.opening)
      let next = policy.step(
        score: score, logP: logP, time: timestamps[row], support: 0, mayOpen: mayOpen,
        opening: workspace.opening, settings: settings)
      meet()
      if next != .nothing || opensTogether {
        trackers = Array(workspace.trackers)
        if workspace.suspects != 0 { jumps.copy(workspace.jumps) }
        (memory, policy, ofMean, counters.tails, surprise) = before
        return false
      }
    }
    for row in range {
      for detector in contents.common.indices where contents.shares[detector] > 0 {
        drift.add(
          workspace.standard[detector][row], detector: detector, thresholds: contents.common[detector])
      }
    }
    return true
  }

  /// What ``combine(_:_:_:_:_:)`` and ``learn(_:_:_:_:)`` do row by row, for all rows of a run.
  private mutating func followRun(
    _ range: Range<Int>, _ timestamps: [Double], _ contents: StreamModel.Contents,
    _ workspace: inout DetectorWorkspace
  ) {
    let step = settings.calibration.step
    let detectors = contents.members.count
    for row in range {
      workspace.figure[row] = 0
      workspace.bounded[row] = 0
    }
    for detector in 0..<detectors {
      // What follows the stream comes last: until then its place is free.
      contents.readings[detector].logP(workspace.standard[detector], range, into: &workspace.logP)
      add(
        workspace.logP, contents.shares[detector], contents.partBound, to: &workspace.figure,
        &workspace.bounded, range)
    }
    if contents.plan.ordered {
      for row in range {
        workspace.own[row] = workspace.figure[row]
        workspace.figure[row] = memory.add(workspace.figure[row])
      }
    }
    contents.standardize(workspace.figure, from: 0, range, detectors, into: &workspace.combined)
    if workspace.wantsOddness {
      for row in range {
        workspace.oddness[row] = contents.oddness(
          workspace.combined[row],
          beginning: begun(workspace.bounded[row], at: timestamps[row], contents))
      }
    }
    trackers[0].follow(workspace.combined, range, step: step, into: &workspace.logP)
    for row in range { workspace.logP[row] = max(workspace.logP[row], lowestLogP) }
  }

  private mutating func scoreOneByOne(
    _ rows: [Float], _ width: Int, _ timestamps: [Double], _ range: Range<Int>,
    _ contents: StreamModel.Contents, mayOpen: Bool, _ workspace: inout DetectorWorkspace
  ) {
    let hasMissing = workspace.inputs.hasMissing
    let opening = 4 * logf(1 - workspace.opening.open / 100)
    // Taken out of the struct for the loop, so that nothing is checked or copied per event.
    var trackers = self.trackers
    let heldOut = unseenRows - Int(trackers[0].counted)
    self.trackers = []
    for row in range {
      let hasNothing = hasMissing && workspace.inputs.isEmptyRow(row - range.lowerBound, plan: contents.plan)
      let remembered = memory
      if hasNothing { workspace.own[row] = .nan }
      let ofModels = hasNothing ? 0 : combine(row, timestamps[row], contents, trackers.span, &workspace)
      let jumped =
        hasNothing ? 0 : jump(row, first: range.lowerBound, contents, trackers[0].counted, &workspace)
      var known = max(workspace.still.combined(ofModels, row: row, opening: opening), lowestLogP)
      let unseen = heldOut + Int(trackers[0].counted)
      if contents.isProvisional { known = claimed(cautious(known), of: unseen, behind: 0) }
      let logP = min(known, jumped)
      let score = 100 * (1 - expf(logP / 4))
      let (wasOpen, wasOpenTogether) = (policy.isOpen, isOpenTogether)
      workspace.score[row] = score
      // Of the next event after all that came before it, an open incident included, whose end is judged by the score. That a
      // field stands still for one more event is a surprise only until it is told.
      let usual = following?.tracker ?? taught
      let published = hasNothing ? 0 : usual.map { max($0.logP(workspace.ofRow), lowestLogP) } ?? ofModels
      let isSurprise = !wasOpenTogether && acceptedSince == nil && taught == nil && known <= opening
      let said = contents.isProvisional ? known : isSurprise ? min(known, published) : published
      workspace.logP[row] = claimed(said, of: unseen, behind: 0)
      count(said, workspace.logP[row])
      let hasSettled =
        wasOpen
        && settles(
          hasNothing ? nil : workspace.ofRow, rows.span.extracting(row * width..<(row + 1) * width),
          timestamps[row], contents)
      let mayOpen = mayOpen && acceptedSince == nil
      part(isJump: jumped < known)
      let opensTogether = opensTogether(known, timestamps[row], mayOpen: mayOpen, workspace.opening)
      if opensTogether && wasOpen { join(trackers) }
      var next = policy.step(
        score: score, logP: logP, time: timestamps[row], support: trackers[0].support,
        mayOpen: mayOpen, opening: workspace.opening, hasSettled: hasSettled, settings: settings)
      if opensTogether && !wasOpen { next = .open }
      let isOfJump = ofMean != nil && !opensTogether
      if wasOpen || next != .nothing {
        let moment = Moment(
          row: row, first: range.lowerBound, width: width, score: score, logP: logP, memory: remembered)
        if wasOpen { follow(moment, timestamps[row], contents, &trackers, workspace) }
        act(next, moment, rows, timestamps[row], contents, &trackers, &workspace, isOfJump: isOfJump)
        if wasOpen || policy.isOpen {
          workspace.quarantined[row] = true
          counters.quarantined += 1
        }
      }
      meet()
      if !hasNothing { learn(row, first: range.lowerBound, contents, &trackers, workspace) }
    }
    self.trackers = trackers
  }

  /// ln p of one row from its raw scores. Leaves in the workspace what the trackers learn from.
  mutating func combine(
    _ row: Int, _ time: Double, _ contents: StreamModel.Contents, _ trackers: Span<ThresholdTracker>,
    _ workspace: inout DetectorWorkspace
  ) -> Float {
    let detectors = contents.members.count
    var bounded: Float = 0
    var figure = contents.figure {
      let logP = contents.readings[$0].logP(workspace.standard[$0][row])
      bounded += contents.shares[$0] * min(-logP, contents.partBound)
      return logP
    }
    workspace.own[row] = figure
    if contents.plan.ordered { figure = memory.add(figure) }
    let u = contents.standardized(figure, detectors)
    workspace.ofRow = u
    if workspace.wantsOddness {
      workspace.oddness[row] = contents.oddness(u, beginning: begun(bounded, at: time, contents))
    }
    return max(trackers[0].logP(u), lowestLogP)
  }

  /// The thresholds and the gauge of drift take one row into account.
  @inline(__always)
  mutating func learn(
    _ row: Int, first: Int, _ contents: StreamModel.Contents,
    _ trackers: inout [ThresholdTracker], _ workspace: DetectorWorkspace
  ) {
    let step = settings.calibration.step
    let (refill, isConfirmed) = (!isOpenTogether, policy.incident?.isConfirmed == true)
    if !refill { following?.update(workspace.ofRow, step: step) }
    if isConfirmed && !refill { return }
    let detectors = contents.members.count
    for detector in 0..<detectors where contents.shares[detector] > 0 {
      let u = workspace.standard[detector][row]
      drift.add(u, detector: detector, thresholds: contents.common[detector])
    }
    trackers[0].update(workspace.ofRow, step: step, refill: refill)
    taught?.update(workspace.ofRow, step: step, refill: refill)
    if !isConfirmed { learnJumps(row, first: first, contents, workspace) }
  }

  /// Counts what did not come, by field and by event.
  private mutating func noteAbsences(
    _ rows: [Float], _ width: Int, _ range: Range<Int>, _ contents: StreamModel.Contents,
    _ workspace: inout DetectorWorkspace
  ) {
    if absences.count != columns.count { absences = Array(repeating: 0, count: columns.count) }
    let fields = Float(columns.count)
    for row in range {
      var missing: Float = 0
      for (field, column) in columns.enumerated() {
        if column >= 0 && Int(column) < width && rows[row * width + Int(column)].isFinite {
          absences[field] = 0
        } else {
          absences[field] &+= 1
          missing += 1
        }
      }
      if missing == 0 { continue }
      counters.missingValues += UInt64(missing)
      let filled = workspace.inputs.imputation.filled[row - range.lowerBound]
      counters.imputedValues += UInt64(filled)
      workspace.imputed[row] = Float(filled) / fields
      workspace.missing[row] = missing / fields
      workspace.confidence[row] = Confidence.of(missing: missing / fields, rows: contents.heldOutWorth)
    }
  }
}

private func add(
  _ logP: [Float], _ share: Float, _ bound: Float, to figures: inout [Float], _ bounded: inout [Float],
  _ range: Range<Int>
) {
  var figures = figures.mutableSpan
  var bounded = bounded.mutableSpan
  let logP = logP.span
  for row in range {
    let part = -logP[row]
    figures[row] += share * part
    bounded[row] += share * min(part, bound)
  }
}

/// ln 10⁻⁶⁰: what is rarer is not told apart in a p-value; a score that never saturates orders even these.
let lowestLogP: Float = -138.15511

extension StreamModel.Contents {
  /// Standardises the scores of a run of rows; they begin at `first` of what they are written to.
  func standardize(
    _ scores: [Float], from first: Int, _ range: Range<Int>, _ index: Int, into standard: inout [Float]
  ) {
    var standard = standard.mutableSpan
    for row in range { standard[row] = standardized(scores[row - first], index) }
  }

  /// A raw score in tail lengths above its usual median; absurd ones stay finite.
  @inline(__always)
  func standardized(_ score: Float, _ index: Int) -> Float {
    let u = Float((Double(score) - references[index]) * inverseUnits[index])
    return u.isNaN ? 0 : min(max(u, -1e9), 1e9)
  }
}
