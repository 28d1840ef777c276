import Glibc

/// A value beyond its field's records that opened an incident of which the detectors together see less.
struct LoneJump: Sendable, Equatable {
  /// Whose value it was; nil where it took both jumps and what the detectors say together.
  var field: String?
  /// Its ln p.
  var logP: Float = 0
}

/// What single values say.
///
/// The mean over the detectors asks that several of them agree; a single value far out is one of many inputs to each. It has a
/// p-value of its own (see ``JumpLaw``), which counts from one in a hundred on, about where events are loud, and only for the
/// score and the incidents. Whether there is an incident by the detectors together, and with it every published p-value and what
/// the thresholds learn, is as if nothing were said of jumps: ``StreamDetector/ofMean`` goes on as the policy would. When that too
/// would open an incident, the one that is open becomes an ordinary one.
extension StreamDetector {
  /// ln p from which on a jump counts.
  static var jumpsCount: Float { Levels.logs[9] }

  /// Looks which rows of a run may hold a jump beyond the records.
  func noteSuspects(_ count: Int, _ contents: StreamModel.Contents, _ workspace: inout DetectorWorkspace) {
    workspace.suspects = jumps.suspects(
      workspace.inputs.levels, at: contents.level(of: 0), count: count, contents.jumps,
      limit: contents.plan.limit)
  }

  /// ln p of all rows of a run, which the thresholds have taken in; learns from them.
  mutating func jumpRun(
    _ range: Range<Int>, _ contents: StreamModel.Contents, _ workspace: inout DetectorWorkspace
  ) {
    if workspace.suspects == 0 { return }
    workspace.jumps.copy(jumps)
    let counted = trackers[0].counted &- UInt32(range.count)
    for row in range {
      let place = row - range.lowerBound
      _ = jump(row, first: range.lowerBound, contents, counted &+ UInt32(place), &workspace)
      learnJumps(row, first: range.lowerBound, contents, workspace)
    }
  }

  /// ln p of one row; learns nothing.
  ///
  /// - Parameter learned: rows that were taken in since the model's laws.
  func jump(
    _ row: Int, first: Int, _ contents: StreamModel.Contents, _ learned: UInt32,
    _ workspace: inout DetectorWorkspace
  ) -> Float {
    var logP: Float = 0
    if workspace.isSuspect(row - first) {
      logP = jumps.logP(
        workspace.inputs.levels, at: contents.level(of: row - first), contents.jumps,
        limit: contents.plan.limit, learned: learned)
    }
    if logP > Self.jumpsCount { logP = 0 }
    workspace.jump[row] = logP
    return logP
  }

  /// Takes one row into account.
  mutating func learnJumps(
    _ row: Int, first: Int, _ contents: StreamModel.Contents, _ workspace: DetectorWorkspace
  ) {
    guard workspace.isSuspect(row - first) else { return }
    jumps.learn(
      workspace.inputs.levels, at: contents.level(of: row - first), contents.jumps, limit: contents.plan.limit
    )
  }

  /// What opens an incident where the detectors together do not; learns nothing.
  func loneJump(
    _ moment: Moment, _ contents: StreamModel.Contents, _ trackers: [ThresholdTracker],
    _ workspace: DetectorWorkspace
  ) -> LoneJump {
    let (logP, place) = (workspace.jump[moment.row], moment.row - moment.first)
    guard logP <= moment.logP, workspace.isSuspect(place) else { return LoneJump() }
    let field = jumps.farthest(
      workspace.inputs.levels, at: contents.level(of: place), contents.jumps, limit: contents.plan.limit,
      learned: trackers[0].counted)
    return LoneJump(field: field.map { contents.fields[$0] }, logP: logP)
  }

  /// Whether the detectors together have an incident; one that a jump opened is none to them.
  @inline(__always)
  var isOpenTogether: Bool { policy.isOpen && policy.incident?.jump == nil }

  /// Before the policies take an event: from the first on that a jump makes odder there are two of them.
  @inline(__always)
  mutating func part(isJump: Bool) {
    guard ofMean == nil, isJump || policy.isOpen, !isOpenTogether else { return }
    ofMean = policy.withoutIncident
  }

  /// Takes an event; whether it opens an incident by what the detectors say together.
  mutating func opensTogether(
    _ logP: Float, _ time: Double, mayOpen: Bool, _ opening: AlertPolicy.Opening
  ) -> Bool {
    guard ofMean != nil else { return false }
    let step = ofMean?.step(
      score: 100 * (1 - expf(logP / 4)), logP: logP, time: time, support: 0, mayOpen: mayOpen,
      opening: opening, settings: settings)
    return step == .open
  }

  /// After both have taken an event: they are one again when they say the same.
  @inline(__always)
  mutating func meet() {
    guard let other = ofMean else { return }
    if isOpenTogether || !policy.isOpen && policy.agrees(with: other) { ofMean = nil }
  }

  /// What a jump had opened the detectors together find too.
  mutating func join(_ trackers: [ThresholdTracker]) {
    policy.change { $0.jump = nil }
    following = (taught ?? trackers.first).map { IncidentThresholds($0) }
    if !heldTrackers.isEmpty { heldTrackers = trackers }
    ofMean = nil
  }

  /// Records as they stood when the incident opened, and thresholds where it was theirs.
  mutating func giveBack(_ trackers: inout [ThresholdTracker], isOfJump: Bool) {
    if !isOfJump { trackers = heldTrackers }
    jumps = heldJumps ?? jumps
  }
}

extension DetectorWorkspace {
  /// Whether a row may hold a jump: what was filled in did not.
  ///
  /// - Parameter place: of the row in its run.
  @inline(__always)
  func isSuspect(_ place: Int) -> Bool {
    suspects >> UInt64(place) & 1 != 0 && !(inputs.hasMissing && inputs.imputation.filled[place] > 0)
  }
}
