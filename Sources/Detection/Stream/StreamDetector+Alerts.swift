import Events
import Glibc

/// Where in a batch something happened.
struct Moment {
  /// In the batch.
  var row: Int
  /// First row of the run of rows whose inputs lie in the buffers.
  var first: Int
  /// Columns per row of values.
  var width: Int
  var score: Float
  var logP: Float
  /// What was remembered of the figures before this row.
  var memory = FigureMemory()
}

extension StreamDetector {
  /// Does what the alert policy decided: changes the incident and drafts the statement.
  mutating func act(
    _ step: AlertPolicy.Step, _ moment: Moment, _ rows: [Float], _ time: Double,
    _ contents: StreamModel.Contents, _ trackers: inout [ThresholdTracker],
    _ workspace: inout DetectorWorkspace, isOfJump: Bool
  ) {
    switch step {
    case .nothing: return
    case .open:
      open(moment, rows, time, contents, trackers, &workspace)
      let jump = isOfJump ? loneJump(moment, contents, trackers, workspace) : nil
      policy.change { $0.jump = jump }
      // It may be chance: the thresholds go on learning, as far as their allowance goes, until it lasts too long for that.
      heldTrackers = trackers
      heldJumps = jumps
      following = isOfJump ? nil : (taught ?? trackers.first).map { IncidentThresholds($0) }
      say(.open, time, contents, moment.row, &workspace)
    case .update:
      let isLoud = Double(moment.score) >= settings.alerts.close
      if isLoud {
        let found = explain(moment, rows, time, contents, workspace)
        policy.change { $0.take(found) }
        watchLeading(policy.incident?.features ?? [])
      }
      say(.update, time, contents, moment.row, &workspace)
    case .look:
      let found = explain(moment, rows, time, contents, workspace)
      guard let incident = policy.incident, incident.isNews(found) else { return }
      policy.change { $0.take(found) }
      watchLeading(policy.incident?.features ?? [])
      say(.update, time, contents, moment.row, &workspace)
    case .resolve:
      say(.resolved, time, contents, moment.row, &workspace)
      let isOfJump = policy.incident?.jump != nil
      if let incident = policy.incident, incident.isFault, !heldTrackers.isEmpty {
        // Too strange, too often, to tell anything about what is usual.
        giveBack(&trackers, isOfJump: isOfJump)
      } else if policy.incident?.isConfirmed == false {
        if !isOfJump {
          for index in trackers.indices { trackers[index].replenish(step: settings.calibration.step) }
        }
        workspace.chanceIncidents += 1
      }
      keepSurprise(&trackers, wasFault: policy.incident?.isFault == true)
      keepForLateEvents(until: time)
      policy.end(at: time)
      heldTrackers = []
      heldJumps = nil
      following = nil
    case .accept:
      acceptedSince = policy.incident?.onset
      say(.resolved, time, contents, moment.row, &workspace, isAccepted: true)
      keepForLateEvents(until: time, isAccepted: true)
      policy.end()
      heldTrackers = []
      heldJumps = nil
      // What was learned while it lasted is what is usual now.
      if let following, !trackers.isEmpty {
        trackers[0] = following.tracker
        trackers[0].extend(step: settings.calibration.step)
        trackers[0].replenish(step: settings.calibration.step)
      }
      following = nil
      taught = nil
      held.accept()
      requestTraining(.newNormal)
    }
  }

  /// Whether it goes on growing is seen in the values of the fields that stand out.
  private mutating func watchLeading(_ features: [Alert.Feature]) {
    settling.watch(features.compactMap { feature in fields.firstIndex(of: feature.name) })
  }

  /// Of an incident that is over: what the thresholds keep of it because there were too many like it.
  ///
  /// What may have been chance tells what is usual. A certain fault tells it of what is published only: the next one opens an
  /// incident as if it were the first.
  private mutating func keepSurprise(_ trackers: inout [ThresholdTracker], wasFault: Bool) {
    guard let following, !trackers.isEmpty else { return }
    let shares = surprise.shares(scored: counters.scored)
    if SIMD16.zero.isBelow(shares).bits == 0 { return }
    let step = settings.calibration.step
    if wasFault {
      var kept = taught ?? trackers[0]
      kept.keep(shares, of: following.tracker, step: step)
      taught = kept
    } else {
      trackers[0].keep(shares, of: following.tracker, step: step)
      taught?.keep(shares, of: following.tracker, step: step)
    }
  }

  /// Keeps the worst event of an open incident, and gives the thresholds back what chance did not cause.
  mutating func follow(
    _ moment: Moment, _ time: Double, _ contents: StreamModel.Contents,
    _ trackers: inout [ThresholdTracker],
    _ workspace: DetectorWorkspace
  ) {
    guard let incident = policy.incident else { return }
    // With the thresholds that scored it, before they are given back.
    let scoring = trackers
    if incident.isConfirmed && !heldTrackers.isEmpty {
      giveBack(&trackers, isOfJump: incident.jump != nil)
      heldTrackers = []
      heldJumps = nil
    }
    if moment.logP < incident.logP {
      let worst = worst(moment, time, contents, scoring, workspace)
      policy.change { $0.take(worst) }
    }
  }

  /// What an incident keeps of an event that is odder than all before it.
  func worst(
    _ moment: Moment, _ time: Double, _ contents: StreamModel.Contents, _ trackers: [ThresholdTracker],
    _ workspace: DetectorWorkspace
  ) -> WorstEvent {
    WorstEvent(
      logP: moment.logP, detectors: detectorScores(moment.row, contents, workspace),
      evidence: evidence(of: moment, time, contents, trackers, workspace),
      confidence: Double(workspace.confidence[moment.row]), imputed: Double(workspace.imputed[moment.row]))
  }

  private mutating func open(
    _ moment: Moment, _ rows: [Float], _ time: Double, _ contents: StreamModel.Contents,
    _ trackers: [ThresholdTracker], _ workspace: inout DetectorWorkspace
  ) {
    let found = explain(moment, rows, time, contents, workspace)
    let severity = AlertPolicy.severity(
      score: moment.score, duration: time - policy.runStart, loud: policy.run)
    let still = workspace.still.rows[moment.row]
    let onset = still.isReason ? still.since : policy.run > 0 ? min(policy.runStart, time) : time
    let before = still.isReason ? max(policy.run, Int(still.length)) : policy.run
    var incident = Incident(
      id: IncidentID.make(
        time: time, seed: seed, stream: IncidentID.hash(stream.name), counter: counters.incidents),
      onset: onset, opened: time, severity: severity,
      score: 100 * (1 - exp(Double(moment.logP) / 4)), pValue: exp(Double(moment.logP)), events: 1,
      features: found.features, detectors: detectorScores(moment.row, contents, workspace),
      kind: found.kind, severityWhenSaid: severity)
    incident.explained = found.figure
    incident.logP = moment.logP
    incident.loud = policy.run
    incident.lastHigh = time
    incident.flaps = policy.flaps(at: time, settings.alerts)
    incident.evidence = evidence(of: moment, time, contents, trackers, workspace)
    incident.confidence = Double(workspace.confidence[moment.row])
    incident.imputed = Double(workspace.imputed[moment.row])
    policy.begin(incident)
    settling.reset()
    watchLeading(found.features)
    counters.incidents += 1
    // What began before it was noticed is not learned from either, as far as it lies in this batch.
    for row in max(0, moment.row - max(before, 1) + 1)..<moment.row where !workspace.quarantined[row] {
      workspace.quarantined[row] = true
      counters.quarantined += 1
    }
  }

  func explain(
    _ moment: Moment, _ rows: [Float], _ time: Double, _ contents: StreamModel.Contents,
    _ workspace: DetectorWorkspace
  ) -> Explanation {
    let still = workspace.still.rows[moment.row]
    if still.isReason {
      let column = Int(columns[still.field])
      let value = rows[moment.row * moment.width + column]
      if let found = workspace.still.explanation(moment.row, value: value, contents) { return found }
    }
    let width = contents.plan.width
    let first = (moment.row - moment.first) * width
    let row = columns.map { column in
      column >= 0 && Int(column) < moment.width ? rows[moment.row * moment.width + Int(column)] : .nan
    }
    var inputs = Array(workspace.inputs.inputs[first..<first + width])
    var mask = workspace.inputs.hasMissing ? Array(workspace.inputs.mask[first..<first + width]) : nil
    if workspace.imputed[moment.row] > 0 {
      // What was filled in is nobody's fault.
      for (field, value) in row.enumerated() where !value.isFinite {
        for input in stride(from: field, to: width, by: contents.plan.fields) {
          inputs[input] = 0
          mask?[input] = 0
        }
      }
    }
    return Explanation(
      of: contents, inputs: inputs,
      windows: workspace.inputs.window(moment.row - moment.first, plan: contents.plan), mask: mask,
      time: time, row: row, keep: settings.alerts.features)
  }

  private func evidence(
    of moment: Moment, _ time: Double, _ contents: StreamModel.Contents, _ trackers: [ThresholdTracker],
    _ workspace: DetectorWorkspace
  ) -> [UInt8] {
    let width = contents.plan.width
    let first = (moment.row - moment.first) * width
    let part = first..<first + width
    let still = workspace.still.rows[moment.row]
    return Evidence(
      snapshot: contents.snapshotName, time: time, inputs: Array(workspace.inputs.inputs[part]),
      windows: workspace.inputs.window(moment.row - moment.first, plan: contents.plan),
      mask: workspace.inputs.hasMissing ? Array(workspace.inputs.mask[part]) : [],
      missing: workspace.missing[moment.row], imputed: workspace.imputed[moment.row],
      still: still.field < 0 ? nil : (still.field, still.length), memory: moment.memory,
      tracker: trackers[0], jump: workspace.jump[moment.row]
    ).encode()
  }

  private func detectorScores(
    _ row: Int, _ contents: StreamModel.Contents, _ workspace: DetectorWorkspace
  ) -> [String: Alert.DetectorScore] {
    var scores: [String: Alert.DetectorScore] = [:]
    for (index, name) in contents.detectors.enumerated() where contents.shares[index] > 0 {
      let raw = workspace.raw[index][row]
      let logP = contents.readings[index].logP(contents.standardized(raw, index))
      scores[name.rawValue] = Alert.DetectorScore(raw: Double(raw), pValue: exp(max(Double(logP), -138.2)))
    }
    return scores
  }

  mutating func say(
    _ state: Alert.State, _ time: Double, _ contents: StreamModel.Contents, _ row: Int,
    _ workspace: inout DetectorWorkspace, isAccepted: Bool = false, isAmended: Bool = false
  ) {
    policy.change {
      $0.eventsWhenSaid = $0.events
      $0.logPWhenSaid = $0.logP
      $0.severityWhenSaid = $0.severity
    }
    guard let incident = policy.incident else { return }
    let lasted = time - incident.onset
    var text: String
    switch state {
    case .open, .update:
      text =
        workspace.still.text(row, incident.features.first, now: time, contents)
        ?? AlertText.what(incident.features, kind: incident.kind, onset: incident.onset, now: time)
      if let jump = incident.jump { text += AlertText.jumped(jump) }
      if state == .update { text += isAmended ? AlertText.amended : AlertText.goesOn(for: lasted) }
    case .resolved:
      text =
        isAccepted
        ? AlertText.accepted(after: lasted)
        : AlertText.resolved(after: lasted, features: incident.features, now: time)
    }
    workspace.alerts.append(statement(of: incident, state, time, contents, text, isAmended: isAmended))
    workspace.alertRows.append(row)
  }

  func statement(
    of incident: Incident, _ state: Alert.State, _ time: Double, _ contents: StreamModel.Contents,
    _ text: String, isAmended: Bool = false
  ) -> Alert {
    var alert = Alert(
      id: incident.id, state: state, stream: stream.name, ts: time, onset: incident.onset,
      severity: incident.severity, score: incident.score, pValue: incident.pValue,
      features: incident.features, detectors: incident.detectors,
      model: Alert.Model(snapshot: contents.snapshotName, trainedAt: contents.trainedAt),
      kind: incident.kind, text: text)
    alert.evidence = incident.evidence
    alert.confidence = incident.confidence
    alert.imputed = incident.imputed
    alert.events = incident.events
    if isAmended { alert.amended = true }
    if incident.flaps > 0 {
      alert.flaps = incident.flaps
      alert.text += " It has come and gone \(incident.flaps) times."
    }
    return alert
  }
}
