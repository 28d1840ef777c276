import Glibc
import Logging

/// How log events become text.
enum LogText {
  static func message(of event: LogEvent) -> String {
    guard let error = event.error else { return "\(event.message)" }
    return "\(event.message): \(error)"
  }

  /// All metadata of an event, sorted by key; what is nearer to the event wins.
  static func merged(
    _ own: Logger.Metadata, _ provider: Logger.MetadataProvider?, _ event: Logger.Metadata?
  ) -> [(key: String, value: String)] {
    var merged = own
    if let provider { merged.merge(provider.get()) { $1 } }
    if let event { merged.merge(event) { $1 } }
    return merged.map { ($0.key, "\($0.value)") }.sorted { $0.0 < $1.0 }
  }

  /// ` key=value` for each, without the message id.
  static func words(_ metadata: [(key: String, value: String)]) -> String {
    metadata.filter { $0.key != JournalLogHandler.messageIDKey }
      .map { " \(escaped($0.key))=\(quoted($0.value))" }.joined()
  }

  /// 32 hexadecimal digits.
  static func isMessageID(_ text: String) -> Bool {
    text.utf8.count == 32 && text.allSatisfy { $0.isASCII && $0.isHexDigit }
  }

  /// Control characters as escapes.
  static func escaped(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": escaped += "\\n"
      case "\r": escaped += "\\r"
      case "\t": escaped += "\\t"
      case _ where isControl(scalar): escaped += "\\u{\(String(scalar.value, radix: 16))}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  /// In double quotes when it would otherwise not be one word.
  static func quoted(_ text: String) -> String {
    let safe = escaped(text)
    let isWord = !safe.isEmpty && !safe.contains { $0 == " " || $0 == "\"" || $0 == "=" || $0 == "\\" }
    if isWord { return safe }
    return "\"" + safe.map { $0 == "\"" ? "\\\"" : String($0) }.joined() + "\""
  }

  /// `2026-11-22T21:15:00.123Z`.
  static func timestamp(seconds whole: Int, nanoseconds: Int) -> String {
    var seconds = time_t(whole)
    var parts = unsafe tm()
    _ = unsafe gmtime_r(&seconds, &parts)
    let date = unsafe [(parts.tm_year + 1900, 4), (parts.tm_mon + 1, 2), (parts.tm_mday, 2)]
    let clock = unsafe [(parts.tm_hour, 2), (parts.tm_min, 2), (parts.tm_sec, 2)]
    func joined(_ numbers: [(Int32, Int)], _ separator: String) -> String {
      numbers.map { padded(Int($0.0), $0.1) }.joined(separator: separator)
    }
    return "\(joined(date, "-"))T\(joined(clock, ":")).\(padded(nanoseconds / 1_000_000, 3))Z"
  }

  private static func padded(_ value: Int, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator, .format: true
    default: false
    }
  }
}
