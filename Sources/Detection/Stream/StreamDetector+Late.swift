import Events
import Glibc

/// What became of events whose time lies before that of their stream's newest one.
public struct LateCounters: Sendable, Equatable {
  /// Scored at their place among the newest rows.
  public var placed: UInt64 = 0
  /// Not scored: later than ``DetectionSettings/lateness``.
  public var tooLate: UInt64 = 0
  /// Not scored: older than the rows that are held (32, fewer after a restart or a new model).
  public var notHeld: UInt64 = 0
  /// Times that so many came too late one after the other that the clock must have been set back: time goes on from there.
  public var setBack: UInt64 = 0
  public init() {}

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
  }

  func isLate(_ time: Double, _ contents: StreamModel.Contents) -> Bool {
    contents.plan.ordered && time < counters.lastEvent
  }

  /// Scores an event at its place among the newest rows, with the rows before it as they are known by now.
  ///
  /// From then on it is one of the rows before those that come; the scores of rows after it stay as they were published. The
  /// thresholds learn from it as from any other. If an incident is open that spans its time, or that it proves to have begun
  /// earlier, the incident is amended; by itself or with its neighbours it may open one.
  ///
  /// - Returns: false when the event has to be taken as the first after a gap, because the clock was set back.
  mutating func observeLate(
    _ rows: [Float], _ width: Int, _ timestamps: [Double], row: Int, _ contents: StreamModel.Contents,
    _ workspace: inout DetectorWorkspace
  ) -> Bool {
    let time = timestamps[row]
    let place = recent.place(of: time)
    let behind = recent.count - place
    let isHeld = recent.count > 0 && behind <= RecentRows.mostBehind && (place > 0 || !recent.hasOlder)
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
    let ofModels = hasNothing ? 0 : combine(row, contents, trackers.span, &workspace)
    memory = newest
    var logP = max(ofModels, lowestLogP)
    if contents.isProvisional { logP = claimed(cautious(logP), of: unseen, behind: 0) }
    let score = 100 * (1 - expf(logP / 4))
    workspace.score[row] = score
    let usual = following?.tracker ?? taught
    let published = hasNothing ? 0 : usual.map { max($0.logP(workspace.ofRow), lowestLogP) } ?? ofModels
    let said = contents.isProvisional ? logP : published
    workspace.logP[row] = claimed(said, of: unseen, behind: 0)
    // The last event is the newest one.
    let last = counters.lastLogP
    count(said, workspace.logP[row])
    counters.lastLogP = last
    counters.scored += 1

    take(row, place: place, behind: behind, timestamps[row], contents, workspace)
    let moment = Moment(
      row: row, first: row, width: width, score: score, logP: logP, memory: remembered)
    if policy.isOpen {
      amend(moment, rows, timestamps[row], place: place, contents, &trackers, &workspace)
    } else {
      let mayOpen = phase == .scoring && acceptedSince == nil
      let step = policy.stepLate(
        score: score, behind: behind, time: timestamps[row], mayOpen: mayOpen, opening: workspace.opening,
        settings: settings)
      act(step, moment, rows, timestamps[row], contents, &trackers, &workspace)
    }
    if policy.isOpen, let onset = policy.incident?.onset, timestamps[row] >= onset {
      workspace.quarantined[row] = true
      counters.quarantined += 1
    }
    if !hasNothing {
      if policy.isOpen { following?.update(workspace.ofRow, step: settings.calibration.step) }
      if policy.incident?.isConfirmed != true {
        var learning = trackers.mutableSpan
        learn(row, contents, &learning, workspace)
        taught?.update(workspace.ofRow, step: settings.calibration.step, refill: !policy.isOpen)
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
    let isEarlier = time < incident.onset && isLoud
    if isEarlier {
      // The row itself lies at `place` by now, or one before it where an old one made room.
      let next = recent.place(of: time)
      guard next >= recent.count || recent.time(next) >= incident.onset else { return }
    } else if time < incident.onset {
      return
    }
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
    if workspace.alerts.last?.amended == true {
      workspace.alerts.removeLast()
      workspace.alertRows.removeLast()
    }
    say(.update, newest, contents, moment.row, &workspace, isAmended: true)
  }
}
