public import Events

/// All that is known about one stream, and the one function that scores its events.
///
/// A pure value: no clock, no thread, no file. The same events, models and seed give the same bits, and an event's score
/// depends on it and the events before it alone.
public struct StreamDetector: Sendable {
  public let stream: StreamKey
  public internal(set) var settings: DetectionSettings
  public internal(set) var phase = Phase.collecting
  /// In the order in which they were declared; only grows.
  public internal(set) var fields: [String] = []
  public internal(set) var model: StreamModel?
  /// A training that should be begun; nil when none is wanted or one is under way.
  public internal(set) var trainingRequest: TrainingReason?
  /// Set with ``TrainingReason/newNormal``: rows flagged as quarantined from this event time on are to be learned from.
  public internal(set) var acceptedSince: Double?

  /// The incident that is open now.
  public var openIncident: Incident? { policy.incident }

  let seed: UInt64
  /// The column of each of the model's fields; -1: not declared.
  var columns: [Int32] = []
  /// Columns of fields that the model's training did not know of.
  var newColumns: [Int32] = []
  /// Per field of the model: events since it last arrived; empty as long as nothing was missing.
  var absences: [UInt32] = []
  /// The last rows of scaled levels, see ``InputPlan/contextRows``.
  var context: [Float] = []
  var memory = FigureMemory()
  /// Only filled where scores that compare events far apart are wanted.
  var recurring = RecurringPeaks()
  /// Among these an event that comes late is placed.
  var recent = RecentRows()
  /// Incidents that ended among these rows, oldest first.
  var past: [PastIncident] = []
  /// Events in a row that came too late to be placed.
  var tooLateInARow = 0
  var held = HeldValues()
  /// That of the combined figure; none before the first model.
  var trackers: [ThresholdTracker] = []
  /// The same as it was when an incident opened that may yet turn out to be chance.
  var heldTrackers: [ThresholdTracker] = []
  /// The farthest jump of each field so far, and what they were when an incident opened that may yet turn out to be chance.
  var jumps = JumpRecords()
  var heldJumps: JumpRecords?
  /// The policy as it would be if jumps counted nothing; nil while it is the same.
  var ofMean: AlertPolicy?
  /// What p-values rest on while an incident is open by what the detectors say together; nil when there is none, or no model.
  var following: IncidentThresholds?
  var surprise = SurpriseAccount()
  /// What incidents taught, while the account is overdrawn: what is published rests on it. Incidents open as if they had taught
  /// nothing: the second fault is one, too.
  var taught: ThresholdTracker?
  var policy = AlertPolicy()
  var settling = Settling()
  var counters = DetectorCounters()
  var drift = DriftGauge()
  /// Events scored when the first model that is more than provisional came.
  var calibratedFrom: UInt64 = 0
  /// Trainings that were asked for or are under way, and what leads to the next.
  var training = TrainingNeeds()
  var isTraining: Bool { training.isUnderWay }

  /// - Parameter seed: of the incident ids; must differ between two lives of a process.
  public init(stream: StreamKey, settings: DetectionSettings, seed: UInt64) {
    self.stream = stream
    self.settings = settings
    self.seed = seed
  }

  /// Adds a field; rows may carry it from now on. Returns its column.
  @discardableResult
  public mutating func addField(_ name: String) -> Int {
    fields.append(name)
    if let model { findColumns(of: model) }
    return fields.count - 1
  }

  /// Takes over a model between two batches. The window, an open incident and the counters go on.
  public mutating func install(_ model: StreamModel) {
    // The context is in the old model's scale. What a provisional one remembered of scores means nothing to the next.
    let rows = self.model.map { rescaledContext(from: $0, to: model) }
    if self.model?.isProvisional == true { (memory, recurring) = (FigureMemory(), RecurringPeaks()) }
    if !isSettled { calibratedFrom = counters.scored }
    self.model = model
    findColumns(of: model)
    absences = []
    let plan = model.contents.plan
    context = rows ?? Array(repeating: .nan, count: plan.contextRows * plan.fields)
    trackers = model.contents.calibrations.suffix(1).map {
      ThresholdTracker($0, step: settings.calibration.step)
    }
    jumps = JumpRecords(model.contents.jumps.laws)
    memory.reset()
    past = []
    recent = RecentRows(fields: plan.fields, context: settings.lateness > 0 ? plan.contextRows : 0)
    let combined = model.contents.calibrations[model.detectors.count]
    memory.assumePeak(
      of: Float(combined.reference + combined.unit * Double(combined.thresholds[12])),
      most: model.contents.partBound / 2)
    held = HeldValues(fields: plan.fields, patience: model.contents.patience)
    heldTrackers = []
    heldJumps = nil
    following = isOpenTogether ? trackers.first.map { IncidentThresholds($0) } : nil
    ofMean = nil
    surprise = SurpriseAccount()
    taught = nil
    drift = DriftGauge(detectors: model.detectors.count)
    acceptedSince = nil
    trainingRequest = nil
    if model.isProvisional {
      training.endedEarly(installed: true)
      phase = .calibrating
      return
    }
    training.installed(at: counters)
    if phase != .scoring {
      phase = settings.calibration.freshRows > 0 ? .calibrating : .scoring
    }
  }

  /// Takes over changed settings; those of the models act from the next training on.
  public mutating func apply(_ settings: DetectionSettings) { self.settings = settings }

  /// Makes the open incident agree with the history of alerts, which is the truth about what was said: one that is open
  /// there goes on under its id; one that is not ends without another word.
  public mutating func reconcile(openIncident alert: Alert?) {
    guard let alert else {
      policy.end()
      ofMean = nil
      heldTrackers = []
      heldJumps = nil
      following = nil
      return
    }
    if policy.incident?.id == alert.id { return }
    ofMean = nil
    heldTrackers = []
    heldJumps = nil
    following = trackers.first.map { IncidentThresholds($0) }
    var incident = Incident(
      id: alert.id, onset: alert.onset, opened: alert.ts, severity: alert.severity, score: alert.score,
      pValue: alert.pValue, events: 1, features: alert.features, detectors: alert.detectors, kind: alert.kind,
      severityWhenSaid: alert.severity)
    incident.logP = Float(max(alert.pValue, 1e-60).logarithm)
    incident.logPWhenSaid = incident.logP
    incident.isConfirmed = true
    policy.begin(incident)
  }

  /// A name for an incident of this stream that no event brought about.
  public mutating func nextIncidentID(at time: Double) -> String {
    counters.incidents += 1
    return IncidentID.make(
      time: time, seed: seed, stream: IncidentID.hash(stream.name), counter: counters.incidents - 1)
  }

  mutating func findColumns(of model: StreamModel) {
    columns = model.fields.map { name in Int32(fields.firstIndex(of: name) ?? -1) }
    let considered = Set(model.contents.considered)
    newColumns = fields.indices.filter { !considered.contains(fields[$0]) }.map { Int32($0) }
  }

  /// The remembered rows in the scale and the field order of another model.
  private func rescaledContext(from old: StreamModel, to new: StreamModel) -> [Float] {
    let (before, after) = (old.contents.plan, new.contents.plan)
    var result = [Float](repeating: .nan, count: after.contextRows * after.fields)
    for (field, name) in new.fields.enumerated() {
      guard let source = old.fields.firstIndex(of: name) else { continue }
      for back in 1...max(1, min(before.contextRows, after.contextRows))
      where back <= min(before.contextRows, after.contextRows) {
        let level = context[(before.contextRows - back) * before.fields + source]
        if level.isNaN { continue }
        let value = before.value(ofLevel: level, field: source)
        result[(after.contextRows - back) * after.fields + field] = squash(
          (value - after.centres[field]) * after.inverses[field], limit: after.limit)
      }
    }
    return result
  }
}
