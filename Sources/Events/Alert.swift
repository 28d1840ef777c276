/// One statement about an incident of a stream, as it leaves on the wire, lies in the alert history and is shown.
///
/// The JSON names are those of the published format (schema 1) and are fixed.
public struct Alert: Sendable, Codable, Equatable {
  /// Where an incident stands when something is said of it.
  public enum State: String, Sendable, Codable, CaseIterable { case open, update, resolved }

  /// How bad it is; ordered.
  public enum Severity: String, Sendable, Codable, CaseIterable, Comparable {
    case warning, minor, major, critical
    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    public static func < (a: Severity, b: Severity) -> Bool { a.rank < b.rank }
  }

  /// What kind of oddness it is: a value out of its range, a broken relation, an odd order, a rare state, no data.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    case value, relation, sequence, rarity, silence
  }

  /// One feature's part in it. `expected`, `low` and `high` are in the feature's own unit; `share` sums to 1 over all
  /// features of the stream (those shown may sum to less).
  public struct Feature: Sendable, Codable, Equatable {
    public var name: String
    /// Missing (null) when the feature did not arrive.
    public var value: Double?
    public var expected: Double
    public var low: Double
    public var high: Double
    public var share: Double
    /// So many events before this one it stood out most; nil: now, or nobody knows.
    public var lag: Int?
    public init(
      name: String, value: Double?, expected: Double, low: Double, high: Double, share: Double,
      lag: Int? = nil
    ) {
      self.name = name
      self.value = value
      self.expected = expected
      self.low = low
      self.high = high
      self.share = share
      self.lag = lag
    }
  }

  /// What one detector made of the worst event so far.
  public struct DetectorScore: Sendable, Codable, Equatable {
    public var raw: Double
    public var pValue: Double
    public init(raw: Double, pValue: Double) {
      self.raw = raw
      self.pValue = pValue
    }
    enum CodingKeys: String, CodingKey {
      case raw
      case pValue = "p_value"
    }
  }

  /// Which models judged.
  public struct Model: Sendable, Codable, Equatable {
    public var snapshot: String
    /// Seconds since 1970.
    public var trainedAt: Double
    public init(snapshot: String, trainedAt: Double) {
      self.snapshot = snapshot
      self.trainedAt = trainedAt
    }
    enum CodingKeys: String, CodingKey {
      case snapshot
      case trainedAt = "trained_at"
    }
  }

  public var schema = 1
  /// Without holes within an ``epoch``; given by the publisher of alerts.
  public var seq: UInt64
  /// Names one life of the alert history.
  public var epoch: String
  /// The incident: the same in open, updates and resolved (26 characters, sortable by time).
  public var id: String
  public var state: State
  public var stream: String
  /// Event time of this statement, seconds since 1970.
  public var ts: Double
  /// Event time at which it is judged to have begun.
  public var onset: Double
  public var severity: Severity
  /// 0 to 100: 100 · (1 − p^¼). The same meaning on every stream and from every model.
  public var score: Double
  public var pValue: Double
  /// Largest share first.
  public var features: [Feature]
  public var detectors: [String: DetectorScore]
  public var model: Model
  public var kind: Kind
  /// One or two sentences that a person can read.
  public var text: String
  /// The first incident of those that began together with this one; nil when they are not grouped.
  public var group: String?

  /// How often it came and went before and since; nil for one that does not flap.
  public var flaps: Int?
  /// How far the score can be relied on, 0 to 1: less where values of the worst event were missing, or where few held-out rows
  /// stand behind its p-value. nil where no model judged: silence, and statements of earlier versions.
  public var confidence: Double?
  /// Share of the worst event's features whose values did not come and were filled in, 0 to 1.
  public var imputed: Double?
  /// Whether an event that came late changed what is known of the incident; nil: no.
  public var amended: Bool?
  /// Event time at which it was resolved, in a statement that amends an incident after its end: that one stays resolved. nil in all
  /// others.
  public var resolvedAt: Double?
  /// Events that were counted in it so far; nil where none were, as in silence, and in statements of earlier versions.
  public var events: Int?
  /// Earlier incidents of the stream that were explained alike, most alike first, said when it opens and when it is resolved; nil:
  /// none.
  public var similar: [SimilarIncident]?
  /// What its score can be computed from once more; opaque, kept with the history, never published.
  public var evidence: [UInt8] = []

  public init(
    seq: UInt64 = 0, epoch: String = "", id: String, state: State, stream: String, ts: Double, onset: Double,
    severity: Severity, score: Double, pValue: Double, features: [Feature],
    detectors: [String: DetectorScore], model: Model, kind: Kind, text: String
  ) {
    self.seq = seq
    self.epoch = epoch
    self.id = id
    self.state = state
    self.stream = stream
    self.ts = ts
    self.onset = onset
    self.severity = severity
    self.score = score
    self.pValue = pValue
    self.features = features
    self.detectors = detectors
    self.model = model
    self.kind = kind
    self.text = text
  }

  /// Whether the incident is over once this is said.
  public var isOver: Bool { state == .resolved || resolvedAt != nil }

  enum CodingKeys: String, CodingKey {
    case schema, seq, epoch, id, state, stream, ts, onset, severity, score
    case pValue = "p_value"
    case features, detectors, model, kind, text, group, flaps, confidence, imputed, amended, events, similar
    case resolvedAt = "resolved_at"
  }
}
