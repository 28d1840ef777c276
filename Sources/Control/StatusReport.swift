public import Events

/// How the daemon is, in one value. Counters count since this process started; ages are in seconds.
public struct StatusReport: Sendable, Codable, Equatable {
  public var version = ""
  public var pid: Int32 = 0
  /// Seconds since 1970.
  public var startedAt: Double = 0
  /// Seconds.
  public var uptime: Double = 0
  public var streams = PhaseCounts()
  public var totals = TrafficReport()
  public var sources: [SourceReport] = []
  public var queues: [QueueReport] = []
  public var shards: [ShardReport] = []
  public var alerts = AlertCounts()
  public var trainer = TrainerReport()
  public var kernel = KernelReport()
  public var memory = MemoryReport()
  public var configuration = ConfigurationReport()
  public var state = StateReport()
  public var endpoints = EndpointReport()
  /// Control requests answered, and those that could not be read.
  public var control = ControlCounts()
  /// Of sockets that ask for keys.
  public var admissions: [AdmissionReport] = []
  public var scoring = ScoringReport()
  public init() {}

  enum CodingKeys: String, CodingKey {
    case version, pid, uptime, streams, totals, sources, queues, shards, alerts, trainer, kernel, memory
    case startedAt = "started_at"
    case configuration, state, endpoints, control, admissions, scoring
  }
}

/// How many streams stand in each phase.
public struct PhaseCounts: Sendable, Codable, Equatable {
  public var collecting = 0
  public var training = 0
  public var calibrating = 0
  public var scoring = 0
  public init() {}
  public var total: Int { collecting + training + calibrating + scoring }

  public subscript(phase: Phase) -> Int {
    get {
      switch phase {
      case .collecting: collecting
      case .training: training
      case .calibrating: calibrating
      case .scoring: scoring
      }
    }
    set {
      switch phase {
      case .collecting: collecting = newValue
      case .training: training = newValue
      case .calibrating: calibrating = newValue
      case .scoring: scoring = newValue
      }
    }
  }
}

/// What came in over all sources, and what became of it.
public struct TrafficReport: Sendable, Codable, Equatable {
  public var messages: UInt64 = 0
  public var bytes: UInt64 = 0
  public var events: UInt64 = 0
  /// Events a second over the last seconds.
  public var eventsPerSecond: Double = 0
  /// Events that were given a score.
  public var scored: UInt64 = 0
  public var malformed: UInt64 = 0
  /// Events lost in a full queue.
  public var dropped: UInt64 = 0
  /// Events not taken in by a rule (a cap on streams or fields, an absurd timestamp).
  public var refused: UInt64 = 0
  public init() {}

  enum CodingKeys: String, CodingKey {
    case messages, bytes, events, scored, malformed, dropped, refused
    case eventsPerSecond = "events_per_second"
  }
}

/// One configured source of events.
public struct SourceReport: Sendable, Codable, Equatable {
  public var name = ""
  public var endpoints: [String] = []
  public var format = ""
  public var messages: UInt64 = 0
  public var bytes: UInt64 = 0
  public var events: UInt64 = 0
  public var streams = 0
  /// Peers connected now; nil when not watched.
  public var peers: Int?
  /// Malformed messages by reason.
  public var malformed: [String: UInt64] = [:]
  /// Events lost by policy ("newest dropped", "oldest dropped").
  public var dropped: [String: UInt64] = [:]
  /// Events not taken in, by rule.
  public var refused: [String: UInt64] = [:]
  /// Seconds since the last message; nil before the first.
  public var lastMessageAge: Double?
  /// What is wrong with it now; nil when nothing is.
  public var problem: String?
  public init() {}

  enum CodingKeys: String, CodingKey {
    case name, endpoints, format, messages, bytes, events, streams, peers, malformed, dropped, refused,
      problem
    case lastMessageAge = "last_message_age"
  }
}

/// A bounded handoff between two threads.
public struct QueueReport: Sendable, Codable, Equatable {
  public var name = ""
  public var depth = 0
  /// The highest depth so far.
  public var peak = 0
  public var capacity = 0
  public var dropped: UInt64 = 0
  /// What happens when it is full.
  public var policy = ""
  public init() {}
}

/// One scoring thread.
public struct ShardReport: Sendable, Codable, Equatable {
  public var index = 0
  public var streams = 0
  public var events: UInt64 = 0
  public var batches: UInt64 = 0
  /// Share of the last seconds in which it worked.
  public var busyShare: Double = 0
  /// Seconds since it last said that it is alive.
  public var lastProgressAge: Double = 0
  public init() {}

  enum CodingKeys: String, CodingKey {
    case index, streams, events, batches
    case busyShare = "busy_share"
    case lastProgressAge = "last_progress_age"
  }
}

/// Statements about incidents.
public struct AlertCounts: Sendable, Codable, Equatable {
  /// The alert history's present life and its last sequence number.
  public var epoch = ""
  public var lastSeq: UInt64 = 0
  public var opened: UInt64 = 0
  public var updated: UInt64 = 0
  public var resolved: UInt64 = 0
  /// Incidents open now.
  public var openIncidents = 0
  public var silencedStreams = 0
  /// Statements kept back because their stream was silent.
  public var silenced: UInt64 = 0
  /// Statements kept back because they did not pass a gate.
  public var gated: UInt64 = 0
  /// What chance may bring; nil without a budget.
  public var budget: BudgetReport?
  /// How far apart false alarms are; nil from daemons that do not measure it.
  public var falseAlarmRun: FalseAlarmRunReport?
  public init() {}

  enum CodingKeys: String, CodingKey {
    case epoch, opened, updated, resolved, silenced, gated, budget
    case lastSeq = "last_seq"
    case openIncidents = "open_incidents"
    case silencedStreams = "silenced_streams"
    case falseAlarmRun = "false_alarm_run"
  }
}

/// Events between false alarms, as promised and as measured since the start, over all streams.
public struct FalseAlarmRunReport: Sendable, Codable, Equatable {
  /// Since the start.
  public var events: UInt64 = 0
  /// Incidents opened since the start that nobody called true or expected.
  public var openings: UInt64 = 0
  /// Events between two of these; nil as long as there is none.
  public var measured: Double?
  /// What it should be at least, on average, where nothing is odd: by the scores at which incidents open, and the budget.
  public var promised = 0.0
  public init() {}
}

/// Incidents that were as short as chance, against what `detection.alerts.budget` allows.
public struct BudgetReport: Sendable, Codable, Equatable {
  /// Over all streams.
  public var perWeek = 0.0
  /// In the event time that was measured, seconds.
  public var span = 0.0
  public var incidents: UInt64 = 0
  public var allowed = 0.0
  /// By how many nats an event's p-value must be smaller than without a budget.
  public var strictness = 0.0
  public init() {}

  enum CodingKeys: String, CodingKey {
    case span, incidents, allowed, strictness
    case perWeek = "per_week"
  }
}

/// The background trainer.
public struct TrainerReport: Sendable, Codable, Equatable {
  /// Share of one core it may use, and used over the last minutes.
  public var budgetShare: Double = 0
  public var usedShare: Double = 0
  /// Streams waiting to be trained.
  public var backlog = 0
  /// The stream that is being trained now.
  public var current: String?
  /// Models fitted.
  public var trained: UInt64 = 0
  /// Models fitted and taken into use; the others were no better than what runs.
  public var accepted: UInt64 = 0
  public var rejected: UInt64 = 0
  public var failed: UInt64 = 0
  public var lastError: String?
  /// Streams that run on a model shared with others.
  public var pooledStreams = 0
  /// Processor seconds spent so far.
  public var processorSeconds: Double = 0
  /// Energy spent so far, joules; nil where nothing measures it.
  public var joules: Double?
  public init() {}

  enum CodingKeys: String, CodingKey {
    case joules
    case backlog, current, trained, accepted, rejected, failed
    case budgetShare = "budget_share"
    case usedShare = "used_share"
    case lastError = "last_error"
    case pooledStreams = "pooled_streams"
    case processorSeconds = "processor_seconds"
  }
}

/// The matrix library's kernel that runs.
public struct KernelReport: Sendable, Codable, Equatable {
  public var name = ""
  /// What the processor would allow, when that is known and better.
  public var better: String?
  /// Measured at start-up, on one core; nil when not measured.
  public var gflops: Double?
  public init() {}
}

/// What the process uses, and what it keeps on disk.
public struct MemoryReport: Sendable, Codable, Equatable {
  /// Resident bytes of the process.
  public var resident: UInt64 = 0
  /// Processor seconds of all threads since the start.
  public var processorSeconds: Double = 0
  public init() {}

  enum CodingKeys: String, CodingKey {
    case resident
    case processorSeconds = "processor_seconds"
  }
}

/// The config in force.
public struct ConfigurationReport: Sendable, Codable, Equatable {
  /// The file it came from; nil for the built-in default.
  public var path: String?
  /// Seconds since 1970.
  public var loadedAt: Double = 0
  /// The last reload that was asked for.
  public var lastReload: Reload?
  /// An attempt to take another config into force.
  public struct Reload: Sendable, Codable, Equatable {
    public var at: Double = 0
    public var accepted = false
    /// What changed, or why it was refused.
    public var message = ""
    public init() {}
  }
  public init() {}

  enum CodingKeys: String, CodingKey {
    case path
    case loadedAt = "loaded_at"
    case lastReload = "last_reload"
  }
}

/// The state directory.
public struct StateReport: Sendable, Codable, Equatable {
  public var path = ""
  public var healthy = true
  public var bytes: UInt64 = 0
  public var freeBytes: UInt64 = 0
  /// Files found damaged and set aside since start-up.
  public var setAside = 0
  /// Seconds since 1970; nil before the first save.
  public var lastSavedAt: Double?
  public var problem: String?
  public init() {}

  enum CodingKeys: String, CodingKey {
    case path, healthy, bytes, problem
    case freeBytes = "free_bytes"
    case setAside = "set_aside"
    case lastSavedAt = "last_saved_at"
  }
}

/// Where to listen.
public struct EndpointReport: Sendable, Codable, Equatable {
  public var control = ""
  /// Where alerts are published (ZeroMQ PUB), as bound.
  public var alerts: [String] = []
  /// Is every event's score published there too?
  public var scores = false
  /// Where the dashboard is, as in `http://127.0.0.1:5561/`; nil when it is off.
  public var http: String?
  public init() {}
}

/// Who came to a socket that asks for keys (CURVE).
public struct AdmissionReport: Sendable, Codable, Equatable {
  /// `control`, `publish`, `source NAME`.
  public var socket = ""
  /// Public keys in its directory now.
  public var keys = 0
  public var admitted: UInt64 = 0
  /// Peers turned away for a key that is not allowed.
  public var refused: UInt64 = 0
  public init() {}
}

/// What became of control requests since the start.
public struct ControlCounts: Sendable, Codable, Equatable {
  public var answered: UInt64 = 0
  public var malformed: UInt64 = 0
  /// Replies that could not be handed to their client.
  public var undelivered: UInt64 = 0
  public init() {}
}
