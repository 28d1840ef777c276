import Foundation

/// How the texts of a config become numbers. Each returns nil for what it does not understand; nothing is guessed.
enum Units {
  /// `5s`, `250ms`, `1h30m`, `0`; seconds. A number without a unit is refused, but for 0.
  static func seconds(_ text: String) -> Double? {
    if text == "0" { return 0 }
    var rest = text[...]
    var total = 0.0
    var smallest = Double.infinity
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      rest = rest.dropFirst(digits.count)
      let letters = rest.prefix { $0.isASCII && $0.isLetter }
      rest = rest.dropFirst(letters.count)
      // 1h30m, but neither 30m1h nor 1h1h.
      guard let value = decimal(String(digits)), let unit = durations[String(letters)], unit < smallest else {
        return nil
      }
      smallest = unit
      // Dividing keeps 250ms exactly 0.25.
      total += unit < 1 ? value / (1 / unit).rounded() : value * unit
    }
    return text.isEmpty ? nil : total
  }

  private static let durations: [String: Double] = [
    "us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800,
  ]

  /// `64MiB`, `1.5GB`, `512` (bytes).
  static func bytes(_ text: String) -> Int? {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    guard let value = decimal(String(digits)), let factor = sizes[String(unit)] else { return nil }
    let bytes = value * factor
    return bytes.rounded() == bytes && bytes < 9e18 ? Int(bytes) : nil
  }

  private static let sizes: [String: Double] = [
    "": 1, "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 1024, "MiB": 1_048_576,
    "GiB": 1_073_741_824, "TiB": 1_099_511_627_776,
  ]

  /// `10%` or `0.1`.
  static func share(_ text: String) -> Double? {
    if text.hasSuffix("%") { return number(String(text.dropLast())).map { $0 / 100 } }
    return number(text)
  }

  /// A whole number in decimal digits, `10_000` or `10000`; no octal, no base 60.
  static func integer(_ text: String) -> Int? {
    let isNegative = text.hasPrefix("-")
    let digits = isNegative ? text.dropFirst() : text[...]
    guard let first = digits.first, first != "_", digits.last != "_", !digits.contains("__"),
      digits.allSatisfy({ $0 == "_" || ("0"..."9").contains($0) })
    else { return nil }
    return Int((isNegative ? "-" : "") + digits.filter { $0 != "_" })
  }

  /// A finite number in decimal digits, with or without an exponent.
  static func number(_ text: String) -> Double? {
    if let whole = integer(text) { return Double(whole) }
    guard text.utf8.allSatisfy({ byte in "0123456789+-.eE".utf8.contains(byte) }), let value = Double(text),
      value.isFinite
    else { return nil }
    return value
  }

  /// `2000-01-01`, `2026-11-22T21:15:00Z`, or seconds since 1970.
  static func moment(_ text: String) -> Double? {
    if let seconds = number(text) { return seconds }
    let formatter = ISO8601DateFormatter()
    formatter.timeZone = .gmt
    if text.utf8.count == 10 { formatter.formatOptions = [.withFullDate] }
    return formatter.date(from: text)?.timeIntervalSince1970
  }

  private static func decimal(_ digits: String) -> Double? {
    digits.isEmpty || digits.hasPrefix(".") || digits.hasSuffix(".") ? nil : Double(digits)
  }

  // MARK: back to text

  /// The shortest exact form in one unit: `86400` becomes `1d`, `0.25` becomes `250ms`.
  static func text(seconds: Double) -> String {
    if seconds == 0 { return "0" }
    for (unit, size) in [("d", 86_400.0), ("h", 3600), ("m", 60), ("s", 1), ("ms", 1e-3), ("us", 1e-6)] {
      let count = seconds / size
      if abs(count - count.rounded()) < 1e-9 * max(1, count) && count >= 1 {
        return "\(Int(count.rounded()))\(unit)"
      }
    }
    return "\(seconds)s"
  }

  static func text(bytes: Int) -> String {
    for (unit, size) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] where bytes >= size {
      if bytes % size == 0 { return "\(bytes / size)\(unit)" }
    }
    return "\(bytes)"
  }
}
