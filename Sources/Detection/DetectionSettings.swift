/// Everything that can be chosen about the detection on one stream. The defaults are those of the packaged config.
public struct DetectionSettings: Sendable, Equatable {
  /// How much is gathered before and kept for learning.
  public struct Collecting: Sendable, Equatable {
    /// Rows from which a provisional model is fitted: it scores, without alerts, until the first model that is known well
    /// enough to speak; 0, or ``rows`` and more: there is none.
    public var earlyRows = 64
    /// Rows before the first model is fitted; more follow as rows multiply, see ``Retraining/growth``.
    public var rows = 600
    /// Rows of history that a training reads at most; the newest count.
    public var maximumRows = 20_000
    public init() {}
  }

  /// The detectors' names as in the config, in alerts and in the columns `raw.<detector>`.
  public struct Autoencoder: Sendable, Equatable {
    public var enabled = true
    /// Passes over the rows at most; training stops earlier when held-out error no longer falls.
    public var epochs = 60
    public init() {}
  }

  /// What can be chosen about the Gaussian–Bernoulli RBM.
  public struct RBM: Sendable, Equatable {
    public var enabled = true
    public var epochs = 40
    /// Hidden units; nil: chosen from the number of inputs.
    public var hidden: Int?
    public init() {}
  }

  /// How a raw score becomes a p-value.
  public struct Calibration: Sendable, Equatable {
    /// The newest part of the rows, kept out of the fit, that the first thresholds come from (0.05…0.5).
    public var heldOutShare = 0.25
    /// Events after the first model during which scores are given but alerts are not yet possible.
    public var freshRows = 64
    /// By how much one event at least moves a threshold, as a part of the local tail length (0.0001…0.1): how fast
    /// p-values follow a slow change of what is usual.
    public var step: Float = 0.001
    public init() {}
  }

  /// When an incident opens, speaks again, and closes. Scores run from 0 to 100.
  public struct Alerts: Sendable, Equatable {
    /// Opens when `openAfter` of the last `openWithin` events score at least this much (90: p ≤ 10⁻⁴).
    public var open = 90.0
    public var openAfter = 3
    public var openWithin = 5
    /// One event of this score opens at once (98: p ≤ 1.6 · 10⁻⁷).
    public var openAtOnce = 98.0
    /// An event below this score is a calm one.
    public var close = 70.0
    /// Calm events until an incident is resolved.
    public var closeAfter = 30
    /// Seconds that it must have been odd before an incident opens; 0: at once.
    public var lasting = 0.0
    /// Seconds, of the events, since the last high score before an incident may be resolved.
    public var keepFiring = 0.0
    /// Seconds after the end of an incident in which only an event of `openAtOnce` opens another one.
    public var cooldown = 0.0
    /// So many incidents, of which the earlier ones ended within `flapWithin`, become one: it stays open until it has been
    /// calm for `flapWithin` seconds, and counts how often it came back; 0: never.
    public var flapAfter = 0
    public var flapWithin = 3600.0
    /// Events between two updates of an incident that only goes on.
    public var updateEvery = 600
    /// Features that an alert lists at most.
    public var features = 5
    /// Incidents a week that chance may bring over all streams; nil: as many as the scores above let through. See
    /// ``FalseAlarmBudget``.
    public var budget: Double?
    public init() {}
  }

  /// When a stream that says nothing is an incident.
  public struct Silence: Sendable, Equatable {
    /// Pauses as long as so many usual ones; 0: silence is no incident.
    public var after = 20.0
    /// Seconds that it takes at least.
    public var least = 60.0
    public init() {}
  }

  /// When a new model is asked for.
  public struct Retraining: Sendable, Equatable {
    /// Seconds of event time between scheduled trainings; 0: none.
    public var every = 86_400.0
    /// While history is short, train again when the rows have multiplied by this factor; 0: never.
    public var growth = 2.0
    /// How far recent scores may be distributed from those of the training before it counts as drift: about 0.7 when all
    /// have moved by one of their standard deviations; 0: drift is not looked for.
    public var drift = 0.6
    /// Events for which it must have been so.
    public var driftAfter = 512
    /// Events between two trainings at least.
    public var spacing = 1_800
    public init() {}
  }

  /// Further members of the suite that score every event beside the two.
  public struct Models: Sendable, Equatable {
    public var names: [DetectorName] = []
    /// Passes over the rows at most.
    public var epochs = 30
    public init() {}
  }

  /// Cheap classical detectors that score every event beside the models.
  public struct Companions: Sendable, Equatable {
    /// Those of them count that suit rows with, or without, an order in time.
    public var names = DetectorName.usualCompanions
    public init() {}
  }

  public var collecting = Collecting()
  public var autoencoder = Autoencoder()
  public var rbm = RBM()
  public var models = Models()
  public var companions = Companions()
  public var calibration = Calibration()
  public var alerts = Alerts()
  public var silence = Silence()
  public var retraining = Retraining()
  /// Rows over which the context mean of a feature runs (2…64).
  public var window = 8
  /// False for rows without time order: no differences, no windows.
  public var ordered = true
  /// Scaled values beyond this many usual spreads grow only logarithmically (2…16).
  public var squashBeyond: Float = 6
  /// What stands in for values that do not come.
  public var missing = MissingPolicy.ignore
  /// Events in a row for which a value stands in under ``MissingPolicy/previous`` (1…1000).
  public var previousFor = 16
  /// Seconds that an event's time may lie before that of the newest one, to be scored among the newest rows; what is later is
  /// not scored. At least 0. Only of rows with an order in time.
  public var lateness = 3600.0
  /// By which the days and weeks of seasons go.
  public var clock = LocalClock.utc
  /// Seconds of event time after which an incident is accepted as the new normal; 0: never.
  public var newNormal = 21_600.0

  public init() {}

  /// Rows from which a stream is known well enough to speak, and a field well enough to be taken into a model.
  var settledRows: Int { max(collecting.rows, calibration.freshRows) }

  /// What is out of range, each as `key` and what would be right; empty when all is well.
  public var problems: [(key: String, message: String)] {
    var found: [(key: String, message: String)] = []
    func check(_ ok: Bool, _ key: String, _ message: String) {
      if !ok { found.append((key: key, message: message)) }
    }
    check(
      collecting.earlyRows == 0 || collecting.earlyRows >= 32, "collecting.early_rows",
      "must be 0 or at least 32")
    check(collecting.rows >= 32, "collecting.rows", "must be at least 32")
    check(
      collecting.maximumRows >= collecting.rows, "collecting.maximum_rows",
      "must be at least collecting.rows (\(collecting.rows))")
    check(!detectors.isEmpty, "detectors", "at least one detector must be enabled")
    check(
      models.names.count <= DetectorName.mostModels, "models.names",
      "must be at most \(DetectorName.mostModels)")
    check((1...10_000).contains(models.epochs), "models.epochs", "must be 1 to 10000")
    check((1...10_000).contains(autoencoder.epochs), "autoencoder.epochs", "must be 1 to 10000")
    check((1...10_000).contains(rbm.epochs), "rbm.epochs", "must be 1 to 10000")
    check(rbm.hidden.map { (1...4096).contains($0) } ?? true, "rbm.hidden", "must be 1 to 4096")
    check(
      (0.05...0.5).contains(calibration.heldOutShare), "calibration.held_out_share", "must be 0.05 to 0.5")
    check(calibration.freshRows >= 0, "calibration.fresh_rows", "must not be negative")
    check((0.0001...0.1).contains(calibration.step), "calibration.step", "must be 0.0001 to 0.1")
    check((0..<100).contains(alerts.close), "alerts.close", "must be at least 0 and below 100")
    check(
      alerts.open >= alerts.close && alerts.open < 100, "alerts.open",
      "must be at least alerts.close and below 100")
    check(
      alerts.openAtOnce >= alerts.open && alerts.openAtOnce <= 100, "alerts.open_at_once",
      "must be alerts.open to 100")
    check((1...32).contains(alerts.openWithin), "alerts.open_within", "must be 1 to 32")
    check(
      (1...max(1, alerts.openWithin)).contains(alerts.openAfter), "alerts.open_after",
      "must be 1 to alerts.open_within")
    check(alerts.closeAfter >= 1, "alerts.close_after", "must be at least 1")
    check(alerts.updateEvery >= 1, "alerts.update_every", "must be at least 1")
    for (key, seconds) in [
      ("for", alerts.lasting), ("keep_firing_for", alerts.keepFiring), ("cooldown", alerts.cooldown),
      ("flap_within", alerts.flapWithin),
    ] {
      check(seconds >= 0 && seconds.isFinite, "alerts.\(key)", "must not be negative")
    }
    check(
      alerts.flapAfter == 0 || (2...16).contains(alerts.flapAfter), "alerts.flap_after",
      "must be 0 or 2 to 16"
    )
    check(silence.after == 0 || silence.after >= 2, "silence.after", "must be 0 or at least 2")
    check(silence.least >= 0 && silence.least.isFinite, "silence.least", "must not be negative")
    check((1...64).contains(alerts.features), "alerts.features", "must be 1 to 64")
    check(
      retraining.every >= 0 && retraining.every.isFinite, "retraining.every", "must not be negative")
    check(
      retraining.growth == 0 || retraining.growth > 1, "retraining.growth", "must be 0 or more than 1")
    check(retraining.drift >= 0, "retraining.drift", "must not be negative")
    check(retraining.driftAfter >= 1, "retraining.drift_after", "must be at least 1")
    check(retraining.spacing >= 1, "retraining.spacing", "must be at least 1")
    check(missing != .model || rbm.enabled, "missing", "is model, which takes the RBM: enable rbm")
    check((1...1000).contains(previousFor), "previous_for", "must be 1 to 1000")
    check(lateness >= 0 && lateness.isFinite, "lateness", "must not be negative")
    check((2...64).contains(window), "window", "must be 2 to 64")
    check((2...16).contains(squashBeyond), "squash_beyond", "must be 2 to 16")
    check(newNormal >= 0 && newNormal.isFinite, "new_normal", "must not be negative")
    return found
  }
}

extension DetectionSettings {
  /// The detectors that are on, in a fixed order.
  public var detectors: [DetectorName] {
    (autoencoder.enabled ? [.autoencoder] : []) + (rbm.enabled ? [.rbm] : [])
      + models.names.filter { $0 != .autoencoder && $0 != .rbm && !companions.names.contains($0) }
      + companions.names.filter { $0.companion?.suits(ordered: ordered) ?? false }
  }
}
