/// Why a message, or one event of it, was not taken.
public enum Refusal: Int, Error, Sendable, CaseIterable, CustomStringConvertible {
  case malformedJSON, malformedMessagePack, malformedLine
  /// It ends before it is complete.
  case truncated
  /// Names or texts are not UTF-8.
  case nonUTF8
  /// Objects and arrays nest deeper than ``SourceRules/maxDepth``.
  case tooDeep
  /// Longer than the source allows.
  case tooLarge
  /// Well-formed, but none of the shapes that carry events.
  case unknownShape
  /// Not as many values as the stream has fields, or bytes that are no whole rows.
  case wrongFieldCount
  /// More values in one event than the source allows.
  case tooManyFields
  case nameTooLong
  /// The time is neither a number of seconds nor RFC 3339.
  case badTimestamp
  /// The time is before the earliest or after the latest that the source allows.
  case absurdTimestamp
  /// Values came without names, and the names of this stream are not known.
  case fieldsUnknown
  /// Neither payload nor topic names the stream as the pattern asks.
  case streamUnknown
  /// It carries no number that the rules keep. Not a fault: many publishers send texts between their numbers.
  case noNumbers

  /// Whether somebody should be told; else it is only counted.
  public var isFault: Bool { self != .noNumbers }

  /// The name in counters and logs: "malformed-json".
  public var name: String {
    switch self {
    case .malformedJSON: "malformed-json"
    case .malformedMessagePack: "malformed-msgpack"
    case .malformedLine: "malformed-line"
    case .truncated: "truncated"
    case .nonUTF8: "non-utf8"
    case .tooDeep: "too-deep"
    case .tooLarge: "too-large"
    case .unknownShape: "unknown-shape"
    case .wrongFieldCount: "wrong-field-count"
    case .tooManyFields: "too-many-fields"
    case .nameTooLong: "name-too-long"
    case .badTimestamp: "bad-timestamp"
    case .absurdTimestamp: "absurd-timestamp"
    case .fieldsUnknown: "fields-unknown"
    case .streamUnknown: "stream-unknown"
    case .noNumbers: "no-numbers"
    }
  }

  /// What it means and what to do, for a log line.
  public var description: String {
    switch self {
    case .malformedJSON: "is not JSON"
    case .malformedMessagePack: "is not MessagePack"
    case .malformedLine: "is not InfluxDB line protocol"
    case .truncated: "ends before it is complete"
    case .nonUTF8: "is not UTF-8"
    case .tooDeep: "nests too deep"
    case .tooLarge: "is longer than this source's max_message_size allows"
    case .unknownShape: "has none of the shapes that carry events"
    case .wrongFieldCount: "has not as many values as the stream has fields"
    case .tooManyFields: "has more values than this source's max_fields allows"
    case .nameTooLong: "has a name that is too long"
    case .badTimestamp: "has a time that is neither seconds since 1970 nor RFC 3339"
    case .absurdTimestamp: "has a time too far from now: is its unit seconds?"
    case .fieldsUnknown: "has values without names: send `fields` once, or give this source's `fields`"
    case .streamUnknown: "does not name its stream as this source's `stream` pattern asks"
    case .noNumbers: "has no number that the rules keep"
    }
  }

  /// The start of a message, fit for a log line: unprintable bytes become `.`.
  public static func extract(of bytes: Span<UInt8>, length: Int = 80) -> String {
    var text = ""
    for index in 0..<min(bytes.count, length) {
      let byte = bytes[index]
      text.unicodeScalars.append(byte >= 0x20 && byte < 0x7F ? Unicode.Scalar(byte) : ".")
    }
    return bytes.count > length ? text + "…" : text
  }
}
