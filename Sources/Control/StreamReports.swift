public import Events

/// The streams that a ``StreamQuery`` asked for.
public struct StreamList: Sendable, Codable, Equatable {
  public var rows: [StreamSummary]
  /// How many there are without the query's limit.
  public var total: Int
  public init(rows: [StreamSummary], total: Int) {
    self.rows = rows
    self.total = total
  }
}

/// One stream in one row.
public struct StreamSummary: Sendable, Codable, Equatable {
  public var name = ""
  public var phase = Phase.collecting
  public var events: UInt64 = 0
  /// Events a second over the last seconds.
  public var rate: Double = 0
  /// Event time of the last event, seconds since 1970; nil before the first.
  public var lastEvent: Double?
  /// 0 to 100; nil before scoring.
  public var lastScore: Double?
  /// The highest score since the process started.
  public var maxScore: Double?
  /// The open incident's id.
  public var incident: String?
  public var fields = 0
  /// By the publisher's sequence numbers: missing events, events seen twice, publisher restarts.
  public var gaps: UInt64 = 0
  public var repeats: UInt64 = 0
  public var restarts: UInt64 = 0
  /// Events whose time lies before that of the one before.
  public var late: UInt64 = 0
  /// What became of them: `scored` in their place, `too-late` or `not-held` (both not scored); and how often so many were too
  /// late that it was a `clock-set-back`. Only once there is a model.
  public var lateOutcomes: [String: UInt64] = [:]
  /// Values that did not come, and those of them that were filled in.
  public var missingValues: UInt64 = 0
  public var imputedValues: UInt64 = 0
  public var dropped: UInt64 = 0
  /// Rows still wanted before the next phase; nil when it is not rows that it waits for.
  public var rowsWanted: Int?
  /// The snapshot that scores.
  public var snapshot: String?
  /// Does it run on a model shared with others?
  public var pooled = false
  /// Seconds since 1970; nil when it is not silent.
  public var silencedUntil: Double?
  public init() {}

  enum CodingKeys: String, CodingKey {
    case name, phase, events, rate, incident, fields, gaps, repeats, restarts, late, dropped, snapshot, pooled
    case lateOutcomes = "late_outcomes"
    case missingValues = "missing_values"
    case imputedValues = "imputed_values"
    case lastEvent = "last_event"
    case lastScore = "last_score"
    case maxScore = "max_score"
    case rowsWanted = "rows_wanted"
    case silencedUntil = "silenced_until"
  }
}

/// Everything about one stream.
public struct StreamDetail: Sendable, Codable, Equatable {
  public var summary = StreamSummary()
  public var fields: [FieldReport] = []
  public var models: [ModelSummary] = []
  /// How often p-values lay at or below a nominal rate, against that rate.
  public var calibration: [CalibrationPoint] = []
  public var history = HistoryReport()
  public var drift: DriftReport?
  /// The latest statement of the open incident.
  public var incident: Alert?
  public init() {}
}

/// One field of a stream, in its own unit.
public struct FieldReport: Sendable, Codable, Equatable {
  public var name = ""
  /// The last value; nil when it was missing.
  public var last: Double?
  /// Robust scaling: the centre and the width of one scaled unit; nil before the first model.
  public var center: Double?
  public var scale: Double?
  /// What the models expected of the last event, and its usual interval.
  public var expected: Double?
  public var low: Double?
  public var high: Double?
  /// Share of recent events in which it was missing, 0 to 1.
  public var missing: Double = 0
  /// Is it part of the running model? New and constant fields may not be.
  public var used = true
  /// Its part in the last event's score, 0 to 1.
  public var share: Double?
  /// What is special about it ("constant", "new", "vanished").
  public var note: String?
  public init() {}
}

/// A nominal false alarm rate and what was measured of it.
public struct CalibrationPoint: Sendable, Codable, Equatable {
  public var nominal: Double
  public var measured: Double
  /// Events it was measured on.
  public var events: UInt64
  public init(nominal: Double, measured: Double, events: UInt64) {
    self.nominal = nominal
    self.measured = measured
    self.events = events
  }
}

/// The rows kept to learn from.
public struct HistoryReport: Sendable, Codable, Equatable {
  public var rows = 0
  public var capacity = 0
  /// Rows kept out of training because an incident was open.
  public var quarantined = 0
  /// Event times of the oldest and newest row.
  public var from: Double?
  public var to: Double?
  public init() {}
}

/// Does the distribution of scores move away from that of the calibration?
public struct DriftReport: Sendable, Codable, Equatable {
  public var statistic: Double = 0
  public var threshold: Double = 0
  public var drifting = false
  /// Event time of the beginning.
  public var since: Double?
  public init() {}
}

/// One fitted model.
public struct ModelSummary: Sendable, Codable, Equatable {
  /// The stream it scores; nil for a pooled model.
  public var stream: String?
  /// `autoencoder` or `rbm`.
  public var detector = ""
  public var snapshot = ""
  /// Inputs per row (levels and differences over the window) and parameters.
  public var inputs = 0
  public var parameters = 0
  /// Seconds since 1970.
  public var trainedAt: Double = 0
  /// Rows it learned from, and processor seconds it took.
  public var rows = 0
  public var seconds: Double = 0
  /// Mean raw score on held-out rows, and its unit.
  public var heldOut: Double?
  public var unit = ""
  /// Streams that share it; 1 for a stream's own.
  public var streams = 1
  /// How its training went; empty when it does not remember.
  public var curve: [CurveReport] = []
  public init() {}

  enum CodingKeys: String, CodingKey {
    case stream, detector, snapshot, inputs, parameters, rows, seconds, unit, streams, curve
    case trainedAt = "trained_at"
    case heldOut = "held_out"
  }
}

/// A point of a training curve.
public struct CurveReport: Sendable, Codable, Equatable {
  public var step: Int
  public var loss: Double
  public var heldOutLoss: Double?
  public init(step: Int, loss: Double, heldOutLoss: Double?) {
    self.step = step
    self.loss = loss
    self.heldOutLoss = heldOutLoss
  }

  enum CodingKeys: String, CodingKey {
    case step, loss
    case heldOutLoss = "held_out_loss"
  }
}

/// Every model in use, or those of one stream.
public struct ModelList: Sendable, Codable, Equatable {
  public var models: [ModelSummary]
  public init(models: [ModelSummary]) { self.models = models }
}

/// A stream's models as kept on disk, newest first.
public struct SnapshotList: Sendable, Codable, Equatable {
  public var stream: String
  public var snapshots: [SnapshotSummary]
  public init(stream: String, snapshots: [SnapshotSummary]) {
    self.stream = stream
    self.snapshots = snapshots
  }
}

/// One model on disk, and how it came to be.
public struct SnapshotSummary: Sendable, Codable, Equatable {
  public var id = ""
  /// Seconds since 1970.
  public var trainedAt: Double = 0
  public var bytes: UInt64 = 0
  public var rows = 0
  /// Why it was trained: first, schedule, drift, request.
  public var reason = ""
  /// Does it score now?
  public var current = false
  /// How it compared with the one before, as a sentence.
  public var verdict: String?
  /// Does it stay however many newer ones come?
  public var retained = false
  /// How it came to be; nil for one that an older version kept.
  public var report: PromotionReport?
  public init() {}

  enum CodingKeys: String, CodingKey {
    case id, bytes, rows, reason, current, verdict, retained, report
    case trainedAt = "trained_at"
  }
}

/// Rows drawn from a model beside real recent rows, all in the fields' own units.
public struct SampleReport: Sendable, Codable, Equatable {
  public var stream = ""
  /// `autoencoder` or `rbm`.
  public var model = ""
  public var snapshot = ""
  public var seed: UInt64 = 0
  public var fields: [String] = []
  /// Each row as wide as `fields`.
  public var sampled: [[Double]] = []
  /// Real recent rows, nil where a value was missing.
  public var recent: [[Double?]] = []
  /// What the model makes of `recent` when it has to say it again, the same rows; nil when it cannot.
  public var reconstructed: [[Double]]?
  public init() {}
}
