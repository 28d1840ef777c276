public import Events

/// Statements out of the alert history, oldest first.
public struct AlertList: Sendable, Codable, Equatable {
  public var alerts: [Alert]
  /// Who has seen which incident, by incident id.
  public var acknowledged: [String: AcknowledgementRecord]
  /// What people said of incidents, by incident id.
  public var labels: [String: String]
  /// The history's life and last sequence number: what to ask for next.
  public var epoch: String
  public var lastSeq: UInt64
  /// Were there more than the query's limit?
  public var more: Bool
  public init(
    alerts: [Alert], acknowledged: [String: AcknowledgementRecord] = [:], labels: [String: String] = [:],
    epoch: String, lastSeq: UInt64, more: Bool = false
  ) {
    self.alerts = alerts
    self.acknowledged = acknowledged
    self.labels = labels
    self.epoch = epoch
    self.lastSeq = lastSeq
    self.more = more
  }
  enum CodingKeys: String, CodingKey {
    case alerts, acknowledged, labels, epoch, more
    case lastSeq = "last_seq"
  }
}

/// Who took an incident in hand, when, and what they wrote.
public struct AcknowledgementRecord: Sendable, Codable, Equatable {
  public var by: String
  public var note: String
  /// Seconds since 1970.
  public var at: Double
  public init(by: String, note: String, at: Double) {
    self.by = by
    self.note = note
    self.at = at
  }
}

/// One incident, and why.
public struct Explanation: Sendable, Codable, Equatable {
  /// Every statement about it, oldest first; never empty.
  public var statements: [Alert]
  public var acknowledged: AcknowledgementRecord?
  /// What somebody said it was.
  public var label: String?
  /// The stream's scores around it, when they are still known: event time and score.
  public var trajectory: [ScorePoint]
  /// What would have been normal; nil when its rows are no longer kept.
  public var normal: NormalReport?
  /// Earlier incidents of the stream that it resembles, most alike first; nil from daemons that do not look.
  public var similar: [SimilarIncident]?
  public init(
    statements: [Alert], acknowledged: AcknowledgementRecord? = nil, label: String? = nil,
    trajectory: [ScorePoint] = [], normal: NormalReport? = nil, similar: [SimilarIncident]? = nil
  ) {
    self.statements = statements
    self.acknowledged = acknowledged
    self.label = label
    self.trajectory = trajectory
    self.normal = normal
    self.similar = similar
  }
}

/// A score at its time.
public struct ScorePoint: Sendable, Codable, Equatable {
  public var ts: Double
  public var score: Double
  public init(ts: Double, score: Double) {
    self.ts = ts
    self.score = score
  }
}

/// What the validator says of a config file.
public struct CheckReport: Sendable, Codable, Equatable {
  public var file: String
  /// One line each: `file:line:column: message`; empty when the file is valid.
  public var problems: [String]
  public var isValid: Bool { problems.isEmpty }
  /// What a reload of it would do; nil when it is not valid.
  public var effect: ReloadEffect?
  public init(file: String, problems: [String]) {
    self.file = file
    self.problems = problems
  }
}

/// What would change if a config were taken into force.
public struct ReloadEffect: Sendable, Codable, Equatable {
  /// Streams that are named at most.
  public static let named = 20
  /// Keys and sections because of which a reload would be refused: they change with a restart only.
  public var needsRestart: [String] = []
  /// Each source, now or then: kept, changed, added or removed.
  public var sources: [String: String] = [:]
  /// Streams that are known.
  public var streams = 0
  /// How many of them are learned with other settings when they are trained next, and the first of these by name. Until then
  /// their models stay.
  public var learnedAnewCount = 0
  public var learnedAnew: [String] = []
  /// How many of them get other rules for alerts at once.
  public var judgedAnew = 0
  public init() {}

  enum CodingKeys: String, CodingKey {
    case sources, streams
    case needsRestart = "needs_restart"
    case learnedAnewCount = "learned_anew_count"
    case learnedAnew = "learned_anew"
    case judgedAnew = "judged_anew"
  }

  /// As sentences for a person.
  public var lines: [String] {
    var lines: [String] = []
    if !needsRestart.isEmpty {
      lines.append(
        "a reload would be refused: \(needsRestart.joined(separator: ", ")) can only change with a restart")
    }
    for kind in ["added", "removed", "changed"] {
      let names = sources.filter { $0.value == kind }.keys.sorted()
      if !names.isEmpty { lines.append("sources \(kind): \(names.joined(separator: ", "))") }
    }
    if learnedAnewCount > 0 {
      let more = learnedAnewCount > learnedAnew.count ? ", ..." : ""
      lines.append(
        "\(learnedAnewCount) of \(streams) streams are learned with other settings when they are trained next"
          + " (`anomalyctl retrain` does it now): \(learnedAnew.joined(separator: ", "))\(more)")
    }
    if judgedAnew > 0 {
      lines.append("\(judgedAnew) of \(streams) streams get other rules for alerts at once")
    }
    let kept = streams - learnedAnewCount
    if kept > 0 { lines.append("\(kept) of \(streams) streams keep what they have learned") }
    return lines
  }
}

/// Is everything in order?
public struct DoctorReport: Sendable, Codable, Equatable {
  /// How a check came out; ordered, worst last.
  public enum Finding: String, Sendable, Codable, Comparable, CaseIterable {
    case ok, warn, fail
    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    public static func < (a: Finding, b: Finding) -> Bool { a.rank < b.rank }
  }

  /// One thing that was looked at.
  public struct Check: Sendable, Codable, Equatable {
    /// What was looked at: "matrix kernel", "state directory".
    public var name: String
    public var finding: Finding
    /// What was found, and why it matters.
    public var why: String
    /// What to do; empty when nothing is to be done.
    public var remedy: String
    public init(_ name: String, _ finding: Finding, why: String, remedy: String = "") {
      self.name = name
      self.finding = finding
      self.why = why
      self.remedy = remedy
    }
  }

  public var checks: [Check]
  public init(checks: [Check]) { self.checks = checks }
  public var worst: Finding { checks.map(\.finding).max() ?? .ok }
}
