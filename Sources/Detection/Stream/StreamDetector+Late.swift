import Events
import Glibc

/// What became of events whose time lies before that of their stream's newest one.
public struct LateCounters: Sendable, Equatable {
  /// Scored at their place among the newest rows.
  public var placed: UInt64 = 0
  /// Not scored: later than ``DetectionSettings/lateness``.
  public var tooLate: UInt64 = 0
  /// Not scored: older than the rows that are held (32, those of an incident up to 256, fewer after a restart or a new model).
  public var notHeld: UInt64 = 0
  /// Times that so many came too late one after the other that the clock must have been set back: time goes on from there.
  public var setBack: UInt64 = 0
  public init() {}

  public static func += (sum: inout LateCounters, more: LateCounters) {
    sum.placed += more.placed
    sum.tooLate += more.tooLate
    sum.notHeld += more.notHeld
    sum.setBack += more.setBack
  }

  /// By the names that metrics and status give them.
  public var byOutcome: [String: UInt64] {
    ["scored": placed, "too-late": tooLate, "not-held": notHeld, "clock-set-back": setBack]
  }
}

extension StreamDetector {
  /// Events in a row that are too late to be placed, after which their clock is the one that counts.
  static let setBackAfter = 16

  /// Makes a copy ready for rows of the past: it must not take them for late ones.
  public mutating func rewind() {
    counters.lastEvent = .nan
    tooLateInARow = 0
    recent.reset(memory)
    past = []
  }

  func isLate(_ time: Double, _ contents: StreamModel.Contents) -> Bool {
    contents.plan.ordered && time < counters.lastEvent
  }

  /// Scores an event at its place among the newest rows, with the rows before it as they are known by now.
  ///
  /// From then on it is one of the rows before those that come; the scores of rows after it stay as they were published. The
  /// thresholds learn from it as from any other. If there is an incident that spans its time, or that it proves to have begun
  /// earlier, the incident is amended, and stays resolved if it is; by itself or with its neighbours it may open one.
  ///
  /// - Returns: false when the event has to be taken as the first after a gap, because the clock was set back.
  mutating func observeLate(
    _ rows: [Float], _ width: Int, _ timestamps: [Double], row: Int, _ contents: StreamModel.Contents,
    _ workspace: inout DetectorWorkspace
  ) -> Bool {
    let time = timestamps[row]
    if !past.isEmpty {
      forgetPast()
      recent.holdsMore = policy.isOpen || !past.isEmpty
    }
    let place = recent.place(of: time)
    let behind = recent.count - place
    // Beyond the newest rows only incidents are worth it: what else lies there has been learned from by now, in its order.
    let isHeld = recent.holds(place) && (behind <= RecentRows.mostBehind || isOfIncident(time, place))
    guard isHeld, counters.lastEvent - time <= settings.lateness else {
      tooLateInARow += 1
      if tooLateInARow > Self.setBackAfter {
        tooLateInARow = 0
        counters.late.setBack += 1
        return false
      }
      if isHeld || counters.lastEvent - time > settings.lateness {
        counters.late.tooLate += 1
      } else {
        counters.late.notHeld += 1
      }
      workspace.unscored[row] = true
      workspace.hasUnscored = true
      return true
    }
    tooLateInARow = 0
    counters.late.placed += 1
    scoreLate(rows, width, timestamps, row: row, place: place, behind: behind, contents, &workspace)
    return true
  }

  private mutating func scoreLate(
    _ rows: [Float], _ width: Int, _ timestamps: [Double], row: Int, place: Int, behind: Int,
    _ contents: StreamModel.Contents, _ workspace: inout DetectorWorkspace
  ) {
    let range = row..<row + 1
    let remembered = recent.memory(before: place)
    recent.context(before: place, rows: contents.plan.contextRows, into: &workspace.lateContext)
    // For how long a field did not come is told by the newest event.
    let ages = absences
    absences = []
    swap(&context, &workspace.lateContext)
    scoreRaw(rows, width, timestamps, range, contents, &workspace)
    swap(&context, &workspace.lateContext)
    absences = ages
    let hasNothing = workspace.inputs.hasMissing && workspace.inputs.isEmptyRow(0, plan: contents.plan)
    let unseen = unseenRows
    var trackers = self.trackers
    self.trackers = []
    let newest = memory
    memory = remembered
    let ofModels = hasNothing ? 0 : combine(row, timestamps[row], contents, trackers.span, &workspace)
    memory = newest
    noteSuspects(1, contents, &workspace)
    let jumped = hasNothing ? 0 : jump(row, first: row, contents, trackers[0].counted, &workspace)
    var known = ofModels
    if contents.isProvisional { known = claimed(cautious(known), of: unseen, behind: 0) }
    let logP = min(known, jumped)
    let score = 100 * (1 - expf(logP / 4))
    workspace.score[row] = score
    let usual = following?.tracker ?? taught
    let published = hasNothing ? 0 : usual.map { max($0.logP(workspace.ofRow), lowestLogP) } ?? ofModels
    let said = contents.isProvisional ? known : published
    workspace.logP[row] = claimed(said, of: unseen, behind: 0)
    // The last event is the newest one.
    let last = counters.lastLogP
    count(said, workspace.logP[row])
    counters.lastLogP = last
    counters.scored += 1

    take(row, place: place, behind: behind, timestamps[row], contents, workspace)
    let moment = Moment(
      row: row, first: row, width: width, score: score, logP: logP, memory: remembered)
    let mayOpen = phase == .scoring && acceptedSince == nil
    part(isJump: jumped < known)
    let over = pastIncident(of: timestamps[row], isLoud: Double(score) >= settings.alerts.close)
    let together =
      over != nil
      ? nil
      : ofMean?.stepLate(
        score: 100 * (1 - expf(known / 4)), behind: behind, time: timestamps[row], mayOpen: mayOpen,
        opening: workspace.opening, settings: settings)
    if let over {
      amendPast(over, moment, rows, timestamps[row], contents, trackers, &workspace)
    } else if policy.isOpen {
      if together == .open { join(trackers) }
      amend(moment, rows, timestamps[row], place: place, contents, &trackers, &workspace)
    } else {
      let step = policy.stepLate(
        score: score, behind: behind, time: timestamps[row], mayOpen: mayOpen, opening: workspace.opening,
        settings: settings)
      act(
        step, moment, rows, timestamps[row], contents, &trackers, &workspace,
        isOfJump: ofMean != nil && together != .open)
    }
    let isOfOpen = policy.incident.map { timestamps[row] >= $0.onset } ?? false
    if isOfOpen || over.map({ !past[$0].isAccepted }) ?? false {
      workspace.quarantined[row] = true
      counters.quarantined += 1
    }
    meet()
    if !hasNothing {
      if over.map({ past[$0].incident.isConfirmed }) ?? false {
        if isOpenTogether { following?.update(workspace.ofRow, step: settings.calibration.step) }
      } else {
        learn(row, first: row, contents, &trackers, workspace)
      }
    }
    self.trackers = trackers
  }

  /// Makes the row one of those before the rows that come.
  private mutating func take(
    _ row: Int, place: Int, behind: Int, _ time: Double, _ contents: StreamModel.Contents,
    _ workspace: DetectorWorkspace
  ) {
    let (fields, depth) = (contents.plan.fields, contents.plan.contextRows)
    // After the build the late row is the last one of its own context.
    let level = workspace.lateContext[(depth - 1) * fields..<depth * fields]
    recent.insert(level, figure: workspace.own[row], time: time, at: place)
    memory.takeMeans(of: recent.memory(before: recent.count))
    let at = depth - behind
    guard at > 0 else { return }
    for index in 0..<(at - 1) * fields { context[index] = context[index + fields] }
    for field in 0..<fields { context[(at - 1) * fields + field] = level[level.startIndex + field] }
  }

  /// An incident that is open, by an event of its time that came late.
  private mutating func amend(
    _ moment: Moment, _ rows: [Float], _ time: Double, place: Int, _ contents: StreamModel.Contents,
    _ trackers: inout [ThresholdTracker], _ workspace: inout DetectorWorkspace
  ) {
    guard let incident = policy.incident else { return }
    let isLoud = Double(moment.score) >= settings.alerts.close
    // One that is odd and comes just before what was taken for the beginning is the beginning.
    let isEarlier = isLoud && isJustBefore(incident.onset, time)
    guard isEarlier || time >= incident.onset else { return }
    let isWorst = moment.logP < incident.logP
    follow(moment, time, contents, &trackers, workspace)
    let found = isWorst ? explain(moment, rows, time, contents, workspace) : nil
    let (newest, atOnce) = (counters.lastEvent, settings.alerts.openAtOnce)
    policy.change {
      $0.events += 1
      if isEarlier { $0.onset = time }
      if isLoud {
        $0.loud += 1
        if Double(moment.score) >= atOnce { $0.extreme += 1 }
      }
      if let found { $0.take(found) }
      $0.severity = max(
        $0.severity,
        AlertPolicy.severity(
          score: moment.score, duration: newest - $0.onset, loud: $0.loud))
    }
    // Of several that came late together one word is enough.
    dropAmendment(of: incident.id, &workspace)
    say(.update, newest, contents, moment.row, &workspace, isAmended: true)
  }

  private func dropAmendment(of id: String, _ workspace: inout DetectorWorkspace) {
    guard let last = workspace.alerts.last, last.id == id, last.amended == true else { return }
    workspace.alerts.removeLast()
    workspace.alertRows.removeLast()
  }

  /// Whether a row that was just taken is the last one before an onset.
  private func isJustBefore(_ onset: Double, _ time: Double) -> Bool {
    guard time < onset else { return false }
    let next = recent.place(of: time)
    return next >= recent.count || recent.time(next) >= onset
  }

  /// Whether an incident that is open, or that may still be amended, spans a time, or begins with the row at its place.
  private func isOfIncident(_ time: Double, _ place: Int) -> Bool {
    func begins(_ onset: Double) -> Bool {
      time >= onset || (place < recent.count && recent.time(place) >= onset)
    }
    if let open = policy.incident, begins(open.onset) { return true }
    return past.contains { begins($0.incident.onset) && time <= $0.end }
  }

  // MARK: Incidents that are over

  /// The incident that ends now may be amended until ``RecentRows/mostBehind`` rows have come after its end.
  mutating func keepForLateEvents(until end: Double, isAccepted: Bool = false) {
    guard let incident = policy.incident, settings.lateness > 0, model?.contents.plan.ordered == true else {
      return
    }
    past.append(PastIncident(incident: incident, end: end, isAccepted: isAccepted))
  }

  mutating func forgetPast() {
    past.removeAll { recent.count - recent.place(of: $0.end) > RecentRows.mostBehind }
  }

  /// The resolved incident that a late event belongs to: of its time, or just before it and odd. nil: none, or the open one.
  private func pastIncident(of time: Double, isLoud: Bool) -> Int? {
    if past.isEmpty { return nil }
    if let open = policy.incident, time >= open.onset { return nil }
    if let spanning = past.lastIndex(where: { $0.incident.onset <= time && time <= $0.end }) {
      return spanning
    }
    guard isLoud else { return nil }
    if let open = policy.incident, isJustBefore(open.onset, time) { return nil }
    return past.lastIndex { isJustBefore($0.incident.onset, time) }
  }

  /// A resolved incident, by an event of its time that came late. It stays resolved; what is calm is counted and worth no word.
  private mutating func amendPast(
    _ index: Int, _ moment: Moment, _ rows: [Float], _ time: Double, _ contents: StreamModel.Contents,
    _ trackers: [ThresholdTracker], _ workspace: inout DetectorWorkspace
  ) {
    var incident = past[index].incident
    let isLoud = Double(moment.score) >= settings.alerts.close
    let isWorst = moment.logP < incident.logP
    incident.events += 1
    incident.onset = min(incident.onset, time)
    if isLoud {
      incident.loud += 1
      if Double(moment.score) >= settings.alerts.openAtOnce { incident.extreme += 1 }
      incident.severity = max(
        incident.severity,
        AlertPolicy.severity(
          score: moment.score, duration: past[index].end - incident.onset, loud: incident.loud))
    }
    if isWorst {
      incident.take(worst(moment, time, contents, trackers, workspace))
      incident.take(explain(moment, rows, time, contents, workspace))
    }
    past[index].incident = incident
    guard isLoud || isWorst else { return }
    dropAmendment(of: incident.id, &workspace)
    let text = AlertText.what(
      incident.features, kind: incident.kind, onset: incident.onset, now: counters.lastEvent)
    var alert = statement(
      of: incident, .update, counters.lastEvent, contents, text + AlertText.amendedAfterwards,
      isAmended: true)
    alert.resolvedAt = past[index].end
    workspace.alerts.append(alert)
    workspace.alertRows.append(moment.row)
  }
}
