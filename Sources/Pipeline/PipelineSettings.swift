public import Messaging

/// How many threads there are, how long their queues may get, what leaves, and what retraining may cost.
public struct PipelineSettings: Sendable, Equatable {
  /// Threads that score; each owns the streams with `id % shards` equal to its number.
  public var shards = 2
  /// Batches (of at most 256 events) that may wait before one shard.
  public var queueBatches = 256
  public var publish = PublishSettings()
  public var retrain = RetrainSettings()
  public var keep = KeepSettings()
  public var maintenance: [MaintenanceWindow] = []
  public var gates: [AlertGate] = []
  public init() {}
}

/// What leaves on ZeroMQ.
public struct PublishSettings: Sendable, Equatable {
  /// PUB, bind. Alerts on `alert/…`, scores on `score/…`.
  public var endpoints = ["tcp://127.0.0.1:5560"]
  /// Whether every event's score is published on `score/<stream>`.
  public var scores = false
  /// Seconds between two messages with the daemon's own figures on `metrics/anomalyd`; nil: none.
  public var metricsEvery: Double? = 10
  /// Messages that may wait in libzmq for one slow subscriber before it misses some.
  public var highWaterMark = 100_000
  /// Messages that may wait for the publisher thread; alerts are never dropped, scores are, counted.
  public var queueMessages = 65_536
  /// Seconds between onsets of incidents that are one group; 0: none.
  public var groupWithin = 10.0
  /// Who may subscribe.
  public var security = SocketSecurity.none
  public init() {}
}

/// When models are trained again and what that may cost.
public struct RetrainSettings: Sendable, Equatable {
  /// Event time between two trainings of a stream, seconds; 0 turns the schedule off.
  public var every: Double = 24 * 3600
  /// Whether a change of the distribution of scores asks for a training.
  public var onDrift = true
  /// Share of one core that training may use on average, 0.01 to 1.
  public var budget = 0.25
  /// Processor seconds that may be used in one go after a rest, so that the first models come at once.
  public var burst: Double = 60
  /// Rows kept per stream to learn from: half of them the latest, half spread over the past.
  public var historyRows = 4096
  /// Streams of one feature set that wait for a first model before they share a pooled one.
  public var pooledFrom = 16
  public init() {}
}

/// What is kept on disk.
public struct KeepSettings: Sendable, Equatable {
  /// Model snapshots per stream.
  public var snapshots = 5
  /// Statements in the alert history.
  public var alerts = 100_000
  /// Wall-clock seconds between two savings of the running state.
  public var saveEvery: Double = 30
  /// Folder of files of past events, `NAME.csv` each, from which streams are learned before their first event; nil: none.
  public var pastEvents: String?
  public init() {}
}
