/// How the payload of a message is written.
public enum PayloadFormat: String, Sendable, Codable, CaseIterable {
  case json, msgpack
  /// InfluxDB line protocol.
  case line
  /// Little-endian float32 rows of the fields that the rules name.
  case f32
}

/// Where the time of an event comes from.
public enum TimestampRule: Sendable, Equatable {
  /// What a time stamp counts, since 1970.
  public enum Unit: String, Sendable, Codable, CaseIterable {
    case seconds = "s"
    case milliseconds = "ms"
    case microseconds = "us"
    case nanoseconds = "ns"
    /// Seconds in one of it.
    public var seconds: Double {
      switch self {
      case .seconds: 1
      case .milliseconds: 1e-3
      case .microseconds: 1e-6
      case .nanoseconds: 1e-9
      }
    }
  }
  /// The payload's own `ts` (line protocol: its timestamp), else the time of arrival.
  case payload
  /// The payload's field of that name: a number in this unit, or RFC 3339; else the time of arrival.
  case field(String, Unit)
  /// Always the time of arrival.
  case arrival
}

/// What the messages of one source mean: which stream they belong to, which of their numbers count and under which name.
public struct SourceRules: Sendable, Equatable {
  public var format: PayloadFormat = .json
  /// Name of the stream when the payload does not say it, or when the pattern itself speaks of the payload. Placeholders:
  /// `{topic}`, `{topic.N}` (its parts between `/`, or between `.` when it has no `/`; from 0), `{stream}` (the
  /// payload's own), `{json.NAME}` or `{field.NAME}` or `{tag.NAME}` (a text or number of the payload), `{measurement}`
  /// (line protocol), `{source}` (this source's name). Without a pattern: the payload's, else the topic, else the
  /// source's name; for line protocol the series key.
  public var stream: String?
  /// Name of a field; besides the placeholders of ``stream``, `{key}` is the name in the payload.
  public var name = "{key}"
  /// Globs (`*`, `?`) of the field names that count; empty: all.
  public var include: [String] = []
  /// Globs of the field names that do not count.
  public var exclude: [String] = []
  /// Payload names (with all below them) that are identifiers, not measurements: `pid`.
  public var identifiers: [String] = []
  /// Texts like `8.50M`, `12k`, `3 KiB`, `42%`, `0:00.17` are numbers.
  public var units = false
  /// Globs of the field names that count up: what is scored is their increase per second.
  public var rates: [String] = []
  public var timestamp: TimestampRule = .payload
  /// Names of values that come without: of `f32` rows, and of arrays whose publisher never names them.
  public var fields: [String] = []
  /// Of `f32`: rows a second, to give the rows of one message their times; nil: all have the time of arrival.
  public var sampleRate: Double?
  /// Of `f32`: bytes before the first row.
  public var headerBytes = 0
  /// Messages of one stream that come within this many seconds are parts of one observation; nil: each is one.
  public var joinTolerance: Double?
  /// Globs of topics whose messages are not looked at.
  public var dropTopics: [String] = []
  /// Globs of streams that are not wanted.
  public var dropStreams: [String] = []
  /// Streams that this source may bring; further ones are refused and counted.
  public var maxStreams = 10_000
  /// Fields that one stream may have.
  public var maxFields = 1024
  /// Nesting of objects and arrays.
  public var maxDepth = 32
  /// Bytes of a field's or stream's name.
  public var maxNameLength = 256

  public init() {}

  /// What is wrong with these rules, one line each with the key it is about; empty when all is well.
  public func problems() -> [(key: String, what: String)] {
    var found: [(key: String, what: String)] = []
    if let stream {
      do { _ = try NamePattern(stream) } catch { found.append(("stream", error.description)) }
      if stream.contains("{key}") { found.append(("stream", "{key} has a meaning in `name` only")) }
    }
    do {
      if try !NamePattern(name).hasKey {
        found.append(("name", "without {key} all fields would have one name"))
      }
    } catch { found.append(("name", error.description)) }
    if format == .f32 && fields.isEmpty {
      found.append(("fields", "f32 rows need the names of their fields"))
    }
    if Set(fields).count != fields.count { found.append(("fields", "a name comes twice")) }
    if let sampleRate, !(sampleRate > 0 && sampleRate.isFinite) {
      found.append(("sample_rate", "\(sampleRate) rows a second is not a rate: give a positive number"))
    }
    if let joinTolerance, !(joinTolerance > 0 && joinTolerance <= 3600) {
      found.append(("join_tolerance", "\(joinTolerance) s is not between 0 and an hour"))
    }
    if headerBytes < 0 { found.append(("header_bytes", "\(headerBytes) is negative")) }
    for (key, value, most) in [
      ("max_streams", maxStreams, 10_000_000), ("max_fields", maxFields, 65_536),
      ("max_depth", maxDepth, 256),
      ("max_name_length", maxNameLength, 4096),
    ] where value < 1 || value > most {
      found.append((key, "\(value) is not between 1 and \(most)"))
    }
    return found
  }
}
