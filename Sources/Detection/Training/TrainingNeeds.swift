import Events

/// What leads to a stream's next training. Everything counts in events and event time.
struct TrainingNeeds: Sendable, Equatable {
  /// Asked for and begun, not yet ended.
  var isUnderWay = false
  /// Events since the last training ended (or since the beginning).
  var events = 0
  /// Event time of the last training's end; NaN before the first event after it.
  var since = Double.nan
  /// Events in a row for which the thresholds were too far from where the training left them.
  var drifted = 0
  /// Events with a field that nobody knew at the last training.
  var withNewFields = 0

  mutating func installed(at counters: DetectorCounters) {
    self = TrainingNeeds()
    since = counters.lastEvent
  }
}

extension StreamDetector {
  /// The training asked for by ``trainingRequest`` (or by hand) has begun.
  public mutating func trainingStarted() {
    trainingRequest = nil
    training.isUnderWay = true
    if phase == .collecting { phase = .training }
  }

  /// It ended without a model to install: failed, stopped, or no better than the running one.
  public mutating func trainingEnded() {
    training.installed(at: counters)
    // What was accepted as normal is followed by the thresholds, if not by a model: from here on it can be told from a fault.
    acceptedSince = nil
    if phase == .training { phase = .collecting }
  }

  /// Asks for a training, as an operator does.
  public mutating func requestTraining(_ reason: TrainingReason = .requested) {
    if !isTraining { trainingRequest = reason }
  }

  /// Called after every batch.
  ///
  /// - Parameters:
  ///   - hasNewFields: whether the batch's last event had a field that the model's training did not know of.
  ///   - longestAbsence: events for which one of the model's fields has not arrived.
  mutating func considerTraining(events: Int, hasNewFields: Bool, longestAbsence: Int) {
    training.events += events
    if training.since.isNaN { training.since = counters.lastEvent }
    guard let model else {
      if trainingRequest == nil && !isTraining && training.events >= settings.collecting.rows {
        trainingRequest = .first
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
