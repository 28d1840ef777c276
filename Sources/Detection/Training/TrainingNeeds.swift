import Events

/// What leads to a stream's next training. Everything counts in events and event time.
struct TrainingNeeds: Sendable, Equatable {
  /// Asked for and begun, not yet ended.
  var isUnderWay = false
  /// Whether the one under way is for a provisional model.
  var isEarly = false
  /// Events at which one for a provisional model failed last.
  var triedEarly = 0
  /// Events since the last training ended (or since the beginning); a provisional model does not count.
  var events = 0
  /// Event time of the last training's end; NaN before the first event after it.
  var since = Double.nan
  /// Events in a row for which the thresholds were too far from where the training left them.
  var drifted = 0
  /// Events with a field that nobody knew at the last training.
  var withNewFields = 0

  /// One for a provisional model ended: the first is still to come.
  mutating func endedEarly(installed: Bool) {
    if !installed { triedEarly = events }
    (isUnderWay, isEarly) = (false, false)
  }

  mutating func installed(at counters: DetectorCounters) {
    self = TrainingNeeds()
    since = counters.lastEvent
  }
}

extension StreamDetector {
  /// The training asked for by ``trainingRequest`` (or by hand) has begun.
  public mutating func trainingStarted() {
    training.isEarly = trainingRequest == .early
    trainingRequest = nil
    training.isUnderWay = true
    if !isSettled { phase = .training }
  }

  /// It ended without a model to install: failed, stopped, or no better than the running one.
  public mutating func trainingEnded() {
    if training.isEarly { training.endedEarly(installed: false) } else { training.installed(at: counters) }
    // What was accepted as normal is followed by the thresholds, if not by a model: from here on it can be told from a fault.
    acceptedSince = nil
    if phase == .training { phase = model == nil ? .collecting : .calibrating }
  }

  /// Rows that no model was fitted on, on which its p-values rest: those held out, and what was scored and learned from since;
  /// 0 without a model. No p-value is below 1/(n + 1) of them.
  public var unseenRows: Int {
    guard let model, let tracker = trackers.first else { return 0 }
    return Lesson.heldOut(of: model.rows, settings.calibration.heldOutShare) + Int(tracker.counted)
  }

  /// Whether there are rows enough for a model that is more than provisional: there is one, or it is being learned.
  public var isReady: Bool { isSettled || phase == .training && !training.isEarly }

  /// Whether there is a model that is more than provisional.
  public var isSettled: Bool { model?.isProvisional == false }

  /// Asks for a training, as an operator does.
  public mutating func requestTraining(_ reason: TrainingReason = .requested) {
    if !isTraining { trainingRequest = reason }
  }

  /// Rows that are there to learn the first model from, those of the past included.
  public var collectedRows: Int { training.events }

  /// Before the first event: so many events of the past are there to learn from.
  public mutating func adopt(pastEvents: Int) {
    training.events = pastEvents
    considerTraining(events: 0, hasNewFields: false, longestAbsence: 0)
  }

  /// Called after every batch.
  ///
  /// - Parameters:
  ///   - hasNewFields: whether the batch's last event had a field that the model's training did not know of.
  ///   - longestAbsence: events for which one of the model's fields has not arrived.
  mutating func considerTraining(events: Int, hasNewFields: Bool, longestAbsence: Int) {
    training.events += events
    if training.since.isNaN { training.since = counters.lastEvent }
    guard let model, isSettled else {
      guard trainingRequest == nil, !isTraining else { return }
      let early = settings.collecting.earlyRows
      if training.events >= settings.collecting.rows {
        trainingRequest = .first
      } else if self.model == nil, early > 0, training.events >= max(early, 2 * training.triedEarly) {
        trainingRequest = .early
      }
      return
    }
    if hasNewFields { training.withNewFields += events }
    let limit = Float(settings.retraining.drift)
    training.drifted = limit > 0 && drift.measure > limit ? training.drifted + events : 0
    guard trainingRequest == nil, !isTraining, openIncident == nil else { return }
    let enough = settings.settledRows
    if training.events >= enough && (training.withNewFields >= enough || longestAbsence >= enough) {
      trainingRequest = .newFields
      return
    }
    let retraining = settings.retraining
    // Rows that multiply become rare by themselves: no spacing.
    if retraining.growth > 0 && model.rows < settings.collecting.maximumRows
      && training.events >= settings.collecting.rows
      && Double(training.events) >= (retraining.growth - 1) * Double(model.rows)
    {
      trainingRequest = .schedule
      return
    }
    guard training.events >= retraining.spacing else { return }
    if training.drifted >= retraining.driftAfter {
      trainingRequest = .drift
    } else if retraining.every > 0 && counters.lastEvent - training.since >= retraining.every {
      trainingRequest = .schedule
    }
  }
}
