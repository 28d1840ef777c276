/// What a person says an incident was.
public enum Verdict: String, Sendable, Codable, CaseIterable {
  /// It was a fault: its rows are never learned from.
  case `true`
  /// Odd, and known why (a release, a test): no fault, and its rows are not learned from.
  case expected
  /// Nothing was odd: its rows are learned from with the next model.
  case falseAlarm = "false-alarm"
  /// It stays like this: its rows are learned from, now.
  case newNormal = "new-normal"
}

/// A verdict on an incident.
public struct LabelOrder: Sendable, Codable, Equatable {
  public var id: String
  public var verdict: Verdict
  /// Why, in a person's words.
  public var cause: String
  public var by: String
  /// Only say what it would do.
  public var preview: Bool

  public init(id: String, verdict: Verdict, cause: String = "", by: String = "", preview: Bool = false) {
    self.id = id
    self.verdict = verdict
    self.cause = cause
    self.by = by
    self.preview = preview
  }

  enum CodingKeys: String, CodingKey { case id, verdict, cause, by, preview }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    id = try values.decode(String.self, forKey: .id)
    verdict = try values.decode(Verdict.self, forKey: .verdict)
    cause = try values.decodeIfPresent(String.self, forKey: .cause) ?? ""
    by = try values.decodeIfPresent(String.self, forKey: .by) ?? ""
    preview = try values.decodeIfPresent(Bool.self, forKey: .preview) ?? false
  }
}

/// A window of a stream that is to be as if it had never been.
public struct ForgetOrder: Sendable, Codable, Equatable {
  public var stream: String
  /// Event times, seconds since 1970, both included.
  public var from: Double
  public var to: Double
  public var by: String
  public var preview: Bool

  public init(stream: String, from: Double, to: Double, by: String = "", preview: Bool = false) {
    self.stream = stream
    self.from = from
    self.to = to
    self.by = by
    self.preview = preview
  }

  enum CodingKeys: String, CodingKey { case stream, from, to, by, preview }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    stream = try values.decode(String.self, forKey: .stream)
    from = try values.decode(Double.self, forKey: .from)
    to = try values.decode(Double.self, forKey: .to)
    by = try values.decodeIfPresent(String.self, forKey: .by) ?? ""
    preview = try values.decodeIfPresent(Bool.self, forKey: .preview) ?? false
  }
}

/// What a verdict did, or would do.
public struct VerdictReport: Sendable, Codable, Equatable {
  /// As a sentence.
  public var what = ""
  /// Nil of a window that was forgotten.
  public var incident: String?
  public var verdict: Verdict?
  /// What was said of it before.
  public var previous: String?
  /// The window's event times.
  public var from = 0.0
  public var to = 0.0
  /// Rows of the window that are kept, and those among them whose part in learning changes.
  public var rows = 0
  public var changed = 0
  /// Was a new model asked for?
  public var retrains = false
  /// Nothing was changed.
  public var preview = false
  public init() {}
}

/// The log of what people and programs asked for, newest first.
public struct AuditList: Sendable, Codable, Equatable {
  /// One thing that was asked for, and what came of it.
  public struct Entry: Sendable, Codable, Equatable {
    public var number = 0
    /// Seconds since 1970.
    public var at = 0.0
    public var command = ""
    public var arguments = ""
    public var outcome = ""
    public init() {}
  }
  public var entries: [Entry]
  public init(entries: [Entry]) { self.entries = entries }
}

/// Rows that a model makes of codes that differ in one unit.
public struct TraversalReport: Sendable, Codable, Equatable {
  public var stream = ""
  public var model = ""
  public var snapshot = ""
  /// Units that the code has, and the one that was walked along, from 0.
  public var units = 0
  public var unit = 0
  public var fields: [String] = []
  /// The unit's values, and the rows in the fields' own units.
  public var codes: [Double] = []
  public var rows: [[Double]] = []
  public init() {}
}

/// The latest rows of a stream with what they score, for a chart.
public struct TraceReport: Sendable, Codable, Equatable {
  public var stream = ""
  public var snapshot: String?
  public var fields: [String] = []
  /// Event times, oldest first.
  public var ts: [Double] = []
  /// 0 to 100, by today's model and calibration; nil before there is one, and for the first rows.
  public var scores: [Double?] = []
  /// By row, nil where a value was missing.
  public var values: [[Double?]] = []
  /// Per field what is usual; nil of a field the model does not use.
  public var low: [Double?] = []
  public var high: [Double?] = []
  public init() {}
}
