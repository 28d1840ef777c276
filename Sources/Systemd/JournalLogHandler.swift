public import Logging

/// Log lines as journal entries: MESSAGE, PRIORITY, where in the code, and each piece of metadata as a field of its own:
/// `stream` becomes `ANOMALYD_STREAM`. The message ends with them, too, because plain `journalctl` shows nothing else.
///
/// Metadata ``messageIDKey`` (32 hexadecimal digits) becomes `MESSAGE_ID`, by which all entries of one meaning are found:
/// `journalctl MESSAGE_ID=…`.
public struct JournalLogHandler: LogHandler {
  public static let messageIDKey = "MESSAGE_ID"
  /// Before the names of metadata.
  static let prefix = "ANOMALYD_"

  public var metadata: Logger.Metadata = [:]
  public var metadataProvider: Logger.MetadataProvider?
  private let label: String
  private let threshold: LogThreshold
  private var ownLevel: Logger.Level?

  public init(label: String, threshold: LogThreshold) {
    self.label = label
    self.threshold = threshold
  }

  public var logLevel: Logger.Level {
    get { ownLevel ?? threshold.level }
    set { ownLevel = newValue }
  }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) { _ = Journal.send(fields(of: event)) }

  func fields(of event: LogEvent) -> [String] {
    let metadata = LogText.merged(metadata, metadataProvider, event.metadata)
    var fields = [
      "MESSAGE=\(LogText.message(of: event))\(LogText.words(metadata))",
      "PRIORITY=\(Self.priority(event.level))",
      "CODE_FILE=\(event.file)", "CODE_LINE=\(event.line)", "CODE_FUNC=\(event.function)", "LOGGER=\(label)",
    ]
    for (key, value) in metadata {
      if key == Self.messageIDKey, LogText.isMessageID(value) {
        fields.append("MESSAGE_ID=\(value)")
      } else {
        fields.append("\(Self.fieldName(key))=\(value)")
      }
    }
    return fields
  }

  /// Upper-case letters, digits and underscores, at most 64 of them: other names the journal refuses.
  static func fieldName(_ key: String) -> String {
    let name = key.utf8.map { byte -> UInt8 in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 32
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
      default: UInt8(ascii: "_")
      }
    }
    return prefix + String(decoding: name.prefix(64 - prefix.utf8.count), as: UTF8.self)
  }

  /// Of syslog(3).
  static func priority(_ level: Logger.Level) -> Int {
    switch level {
    case .trace, .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error: 3
    case .critical: 2
    }
  }
}
