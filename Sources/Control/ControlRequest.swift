public import Events

/// One question or order for a running daemon.
///
/// On the wire a request is one JSON object, `{"version":1,"command":"alerts","arguments":{…}}`; `arguments` may be
/// left out where a command needs none.
public enum ControlRequest: Sendable, Equatable {
  /// How the daemon is: ``StatusReport``.
  case status
  /// The streams, a row each: ``StreamList``.
  case streams(StreamQuery)
  /// Everything about one stream: ``StreamDetail``.
  case stream(name: String)
  /// Statements about incidents out of the alert history: ``AlertList``.
  case alerts(AlertQuery)
  /// One incident with all that is known of why: ``Explanation``.
  case explain(id: String)
  /// Somebody has seen this incident: ``Done``. Kept over restarts once it is answered.
  case acknowledge(id: String, by: String, note: String)
  /// No alerts of this stream for so many seconds: ``Done``. Scoring and learning go on.
  case silence(stream: String, seconds: Double)
  case unsilence(stream: String)
  /// The models in use, of one stream or of all: ``ModelList``.
  case models(stream: String?)
  /// What is kept of a stream's models: ``SnapshotList``.
  case snapshots(stream: String)
  /// Train as soon as the budget allows, one stream or all: ``Done``.
  case retrain(stream: String?)
  /// Go back to an older snapshot, the one before the current one when none is named: ``Done``.
  case revert(stream: String, snapshot: String?)
  /// Take a kept snapshot into use, one that was refused included: ``Done``.
  case promote(stream: String, snapshot: String)
  /// Keep a snapshot however many newer ones come, or no longer: ``Done``.
  case retain(stream: String, snapshot: String, release: Bool)
  /// What is different between two snapshots: ``SnapshotDiff``.
  case diff(stream: String, first: String, second: String)
  /// An alert's score once more from what was kept: ``RerunReport``.
  case rerun(id: String)
  /// Read the config file again; applied as a whole or refused as a whole: ``Done`` or ``Failure``.
  case reload
  /// Is this a valid config? The text travels, since the daemon may not be able to read the file: ``CheckReport``.
  case check(file: String, text: String)
  /// Rows drawn from what a model believes normal is, beside real recent ones: ``SampleReport``.
  case sample(stream: String, model: String, count: Int, seed: UInt64)
  /// Is everything in order, and if not, what to do: ``DoctorReport``.
  case doctor
  /// The latest rows of a stream and what they score: ``TraceReport``.
  case trace(stream: String, count: Int)
  /// Rows on a walk along one unit of a model's code: ``TraversalReport``.
  case traverse(stream: String, model: String, unit: Int, count: Int)
  /// What an incident was: ``VerdictReport``. Kept over restarts once it is answered.
  case label(LabelOrder)
  /// Takes the last verdict or forgetting back: ``VerdictReport``.
  case undo(by: String)
  /// Takes a window out of what is learned from: ``VerdictReport``.
  case forget(ForgetOrder)
  /// What was asked for, newest first: ``AuditList``.
  case audit(limit: Int)
  /// How small a fault of a stream is found, by faults planted into a copy: ``PowerReport``. Takes some seconds.
  case power(stream: String)
  /// What has changed about a stream's fields: ``FieldDriftReport``.
  case drift(stream: String)
  /// How a stream goes on: ``ForecastReport``. Takes some seconds the first time.
  case forecast(ForecastQuery)

  /// The version of the wire format that this code speaks.
  public static let version = 1

  /// The most rows that one ``sample(stream:model:count:seed:)`` may ask for.
  public static let largestSample = 100_000

  /// Every command that can be asked for.
  public static let commands = [
    "status", "streams", "stream", "alerts", "explain", "ack", "silence", "unsilence", "models", "snapshots",
    "retrain", "revert", "reload", "check", "sample", "doctor", "trace", "traverse", "label", "undo",
    "forget", "audit", "promote", "retain", "diff", "rerun", "power", "drift",
    "forecast",
  ]

  /// Those that change something.
  public static let changing: Set<String> = [
    "ack", "silence", "unsilence", "retrain", "revert", "reload", "label", "undo", "forget",
    "promote", "retain",
  ]

  /// Those that not everybody who can look may ask: what changes something, and what reads files on the asker's word (a
  /// config names key files and calendars).
  public static let guarded = changing.union(["check"])

  /// Arguments that are numbers, and those that are true or false; all others are texts.
  public static let numbers: Set<String> = [
    "since", "until", "after_seq", "limit", "seconds", "count", "seed", "from", "to", "unit", "steps",
    "coverage",
  ]
  public static let flags: Set<String> = ["open", "incidents", "preview", "release"]

  /// Whether the answer may take seconds: something is learned or tried out first.
  public var takesTime: Bool {
    switch self {
    case .power, .drift, .forecast: true
    default: false
    }
  }

  /// The most rows that one ``trace(stream:count:)`` may ask for.
  public static let longestTrace = 2000

  /// The command's name on the wire and on the command line.
  public var command: String {
    switch self {
    case .status: "status"
    case .streams: "streams"
    case .stream: "stream"
    case .alerts: "alerts"
    case .explain: "explain"
    case .acknowledge: "ack"
    case .silence: "silence"
    case .unsilence: "unsilence"
    case .models: "models"
    case .snapshots: "snapshots"
    case .retrain: "retrain"
    case .revert: "revert"
    case .reload: "reload"
    case .check: "check"
    case .sample: "sample"
    case .doctor: "doctor"
    case .trace: "trace"
    case .traverse: "traverse"
    case .label: "label"
    case .undo: "undo"
    case .forget: "forget"
    case .audit: "audit"
    case .promote: "promote"
    case .retain: "retain"
    case .diff: "diff"
    case .rerun: "rerun"
    case .power: "power"
    case .drift: "drift"
    case .forecast: "forecast"
    }
  }
}

/// Which streams, in which order, and how many of them.
public struct StreamQuery: Sendable, Codable, Equatable {
  /// Which streams come first.
  public enum Order: String, Sendable, Codable, CaseIterable {
    /// By name.
    case name
    /// Highest last score first.
    case score
    /// Most events a second first.
    case rate
    /// Latest last event first.
    case recent
  }

  /// A glob (`*`, `?`) on the stream's name; nil for all.
  public var matching: String?
  public var phase: Phase?
  public var order: Order
  /// At most so many rows; nil for all.
  public var limit: Int?
  public init(matching: String? = nil, phase: Phase? = nil, order: Order = .name, limit: Int? = nil) {
    self.matching = matching
    self.phase = phase
    self.order = order
    self.limit = limit
  }

  enum CodingKeys: String, CodingKey { case matching, phase, order, limit }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      matching: try values.decodeIfPresent(String.self, forKey: .matching),
      phase: try values.decodeIfPresent(Phase.self, forKey: .phase),
      order: try values.decodeIfPresent(Order.self, forKey: .order) ?? .name,
      limit: try values.decodeIfPresent(Int.self, forKey: .limit).map { max(0, $0) })
  }
}

/// Which statements of the alert history; all conditions hold together.
public struct AlertQuery: Sendable, Codable, Equatable {
  /// Event time, seconds since 1970.
  public var since: Double?
  public var until: Double?
  /// Statements after this sequence number: what a late subscriber missed.
  public var afterSeq: UInt64?
  public var stream: String?
  /// Only incidents that are open now, each by its latest statement.
  public var openOnly: Bool
  /// One statement per incident (its latest) instead of every one.
  public var incidentsOnly: Bool
  /// At most so many, the newest ones; ``AlertList/more`` tells when there were others.
  public var limit: Int
  public init(
    since: Double? = nil, until: Double? = nil, afterSeq: UInt64? = nil, stream: String? = nil,
    openOnly: Bool = false, incidentsOnly: Bool = false, limit: Int = 1000
  ) {
    self.since = since
    self.until = until
    self.afterSeq = afterSeq
    self.stream = stream
    self.openOnly = openOnly
    self.incidentsOnly = incidentsOnly
    self.limit = limit
  }
  enum CodingKeys: String, CodingKey {
    case since, until, stream, limit
    case afterSeq = "after_seq"
    case openOnly = "open"
    case incidentsOnly = "incidents"
  }

  /// More statements are not given at once.
  public static let most = 100_000

  /// What is left out is as in the initializer: a query by hand need not name everything.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      since: try values.decodeIfPresent(Double.self, forKey: .since),
      until: try values.decodeIfPresent(Double.self, forKey: .until),
      afterSeq: try values.decodeIfPresent(UInt64.self, forKey: .afterSeq),
      stream: try values.decodeIfPresent(String.self, forKey: .stream),
      openOnly: try values.decodeIfPresent(Bool.self, forKey: .openOnly) ?? false,
      incidentsOnly: try values.decodeIfPresent(Bool.self, forKey: .incidentsOnly) ?? false,
      limit: min(Self.most, max(1, try values.decodeIfPresent(Int.self, forKey: .limit) ?? 1000)))
  }
}
