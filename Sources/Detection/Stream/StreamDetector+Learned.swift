extension StreamDetector {
  /// What a stream's thresholds and its drift have learned of its events so far.
  public struct Learned: Sendable {
    fileprivate var trackers: [ThresholdTracker]
    fileprivate var heldTrackers: [ThresholdTracker]
    fileprivate var jumps: JumpRecords
    fileprivate var heldJumps: JumpRecords?
    fileprivate var taught: ThresholdTracker?
    fileprivate var surprise: SurpriseAccount
    fileprivate var drift: DriftGauge
    fileprivate var snapshot: String?
  }

  /// As it is now.
  public var learned: Learned {
    Learned(
      trackers: trackers, heldTrackers: heldTrackers, jumps: jumps, heldJumps: heldJumps, taught: taught,
      surprise: surprise, drift: drift, snapshot: model?.snapshotName)
  }

  /// Forgets what was learned since, from events that are not to be learned from; an incident that they began goes on.
  ///
  /// With another model than then it does nothing: figures of one mean nothing to another.
  public mutating func unlearn(to then: Learned) {
    guard model?.snapshotName == then.snapshot else { return }
    trackers = then.trackers
    if !heldTrackers.isEmpty { heldTrackers = then.heldTrackers.isEmpty ? then.trackers : then.heldTrackers }
    jumps = then.jumps
    if heldJumps != nil { heldJumps = then.heldJumps ?? then.jumps }
    taught = then.taught
    surprise = then.surprise
    drift = then.drift
  }
}
