import Foundation

/// Numbers, spans and moments as a person reads them.
public enum Readable {
  /// About four significant digits, plain where that is short: `0.2134`, `17.5`, `1,234,567`, `2.1e-06`.
  public static func number(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "–" : value < 0 ? "-∞" : "∞" }
    let size = abs(value)
    if size != 0, size < 0.001 || size >= 1e12 { return String(format: "%.2g", value) }
    if size >= 1000 { return count(value.rounded()) }
    let decimals = size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4
    return trimmed(String(format: "%.\(decimals)f", value))
  }

  public static func number(_ value: Double?) -> String { value.map { number($0) } ?? "–" }

  /// With thousands apart: `1,234,567`.
  public static func count(_ value: UInt64) -> String { grouped(String(value)) }
  public static func count(_ value: Int) -> String {
    value < 0 ? "-" + grouped(String(value.magnitude)) : grouped(String(value))
  }

  private static func count(_ value: Double) -> String {
    (value < 0 ? "-" : "") + grouped(String(format: "%.0f", abs(value)))
  }

  /// `12.3 MiB`.
  public static func bytes(_ value: UInt64) -> String {
    var size = Double(value)
    for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
      if size < 1024 || unit == "TiB" {
        return unit == "B" ? "\(value) B" : String(format: size < 10 ? "%.1f" : "%.0f", size) + " \(unit)"
      }
      size /= 1024
    }
    return "\(value) B"
  }

  /// A share of one as per cent: `12.5 %`.
  public static func share(_ value: Double) -> String {
    value.isFinite ? trimmed(String(format: value < 0.0995 ? "%.1f" : "%.0f", value * 100)) + " %" : "–"
  }

  /// A span of time: `0.4 s`, `48 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
  public static func span(seconds: Double) -> String {
    guard seconds.isFinite else { return "–" }
    if seconds < 0 { return "-" + span(seconds: -seconds) }
    if seconds < 9.95 { return trimmed(String(format: "%.1f", seconds)) + " s" }
    guard seconds < 1e15 else { return String(format: "%.2g s", seconds) }
    let whole = Int(seconds.rounded())
    func pair(_ large: Int, _ big: String, _ rest: Int, _ small: String) -> String {
      rest == 0 ? "\(large) \(big)" : "\(large) \(big) \(rest) \(small)"
    }
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return pair(whole / 60, "min", whole % 60, "s") }
    if whole < 86400 { return pair(whole / 3600, "h", whole % 3600 / 60, "min") }
    return pair(whole / 86400, "d", whole % 86400 / 3600, "h")
  }

  /// Seconds of a span as written by a person: `90s`, `15m`, `2h`, `1h30m`, `3d`, `1w`, `250ms`, or plain seconds.
  ///
  /// - Returns: nil for anything else, and for spans that are not longer than nothing.
  public static func seconds(ofSpan text: String) -> Double? {
    if let seconds = Double(text) { return seconds > 0 && seconds.isFinite ? seconds : nil }
    let units: [String: Double] = ["ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800]
    var sum = 0.0
    var rest = text[...]
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(unit.count)
      guard let count = Double(digits), let seconds = units[String(unit)] else { return nil }
      sum += count * seconds
    }
    return sum > 0 && sum.isFinite ? sum : nil
  }

  /// RFC 3339 in UTC, to the second: `2026-11-22T21:00:00Z`.
  public static func moment(_ secondsSince1970: Double) -> String {
    guard secondsSince1970.isFinite, abs(secondsSince1970) < 2.5e11 else { return "–" }
    return Date(timeIntervalSince1970: secondsSince1970.rounded(.down)).formatted(.iso8601)
  }

  /// The time of day of a moment in UTC: `21:00:00`.
  public static func clock(_ secondsSince1970: Double) -> String {
    let moment = moment(secondsSince1970)
    guard let t = moment.firstIndex(of: "T") else { return moment }
    return String(moment[moment.index(after: t)...].dropLast())
  }

  /// How likely such a score is when all is well: `2.1e-06`.
  public static func probability(_ value: Double) -> String {
    value.isFinite ? (value < 0.001 ? String(format: "%.1e", value) : String(format: "%.3f", value)) : "–"
  }

  /// A bar of at most `width` characters for a share of one.
  public static func bar(_ share: Double, width: Int) -> String {
    let eighths = Int((min(max(share.isFinite ? share : 0, 0), 1) * Double(width) * 8).rounded())
    let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    return String(repeating: "█", count: eighths / 8) + parts[eighths % 8]
  }

  private static func grouped(_ digits: String) -> String {
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// Without zeros at the end of the decimals.
  private static func trimmed(_ text: String) -> String {
    guard text.contains(".") else { return text }
    var text = text
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }
}
