/// Numbers and times as they stand in text files.
public enum DecimalNumber {
  private static let powers: [Double] = (0...22).map { power in
    var value = 1.0
    for _ in 0..<power { value *= 10 }
    return value
  }

  /// A decimal number, correctly rounded; nil when the bytes are not one. NaN and infinities are numbers here.
  public static func parse(_ text: ArraySlice<UInt8>) -> Double? {
    var digits: UInt64 = 0
    var count = 0
    var exponent = 0
    var isFraction = false
    var at = text.startIndex
    var isNegative = false
    if at < text.endIndex, text[at] == UInt8(ascii: "-") || text[at] == UInt8(ascii: "+") {
      isNegative = text[at] == UInt8(ascii: "-")
      at += 1
    }
    while at < text.endIndex {
      let byte = text[at]
      if byte &- 48 <= 9 {
        digits = digits &* 10 &+ UInt64(byte - 48)
        count += 1
        if isFraction { exponent -= 1 }
      } else if byte == UInt8(ascii: "."), !isFraction {
        isFraction = true
      } else {
        return slow(text)
      }
      at += 1
    }
    // Exact in both factors, so that one division rounds once (Clinger 1990).
    guard count > 0, count <= 19, digits <= 1 << 53, exponent >= -22 else { return slow(text) }
    let value = Double(digits) / powers[-exponent]
    return isNegative ? -value : value
  }

  private static func slow(_ text: ArraySlice<UInt8>) -> Double? {
    guard let string = String(validating: text, as: UTF8.self) else { return nil }
    return Double(string)
  }

  /// A number of a cell: NaN for what is missing (nothing, `nan`, `null`, `NA`, `none`, infinities), nil for what is no number.
  public static func value(_ cell: ArraySlice<UInt8>) -> Float? {
    if cell.isEmpty { return .nan }
    if let number = parse(cell) {
      // Beyond the range of float32 it is still the largest there is, not missing.
      return number.isFinite ? NumberKind.float(number) : .nan
    }
    switch String(decoding: cell, as: UTF8.self).lowercased() {
    case "nan", "null", "na", "n/a", "none", "inf", "-inf", "+inf", "infinity", "-infinity": return .nan
    default: return nil
    }
  }

  /// Seconds since 1970 of a number, or of a date and a time as in RFC 3339 (also with a blank for the `T`; UTC when no
  /// zone is given).
  public static func time(_ text: ArraySlice<UInt8>) -> Double? {
    if let number = parse(text) { return number.isFinite ? number : nil }
    let bytes = Array(text)
    func number(_ from: Int, _ length: Int) -> Int? {
      guard from + length <= bytes.count else { return nil }
      var value = 0
      for byte in bytes[from..<from + length] {
        guard byte &- 48 <= 9 else { return nil }
        value = value * 10 + Int(byte - 48)
      }
      return value
    }
    guard bytes.count >= 19, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
      bytes[10] == UInt8(ascii: " ") || bytes[10] | 32 == UInt8(ascii: "t"), bytes[13] == UInt8(ascii: ":"),
      bytes[16] == UInt8(ascii: ":"), let year = number(0, 4), let month = number(5, 2),
      let day = number(8, 2), let hour = number(11, 2), let minute = number(14, 2),
      let second = number(17, 2), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
      second <= 60
    else { return nil }
    var at = 19
    var fraction = 0.0
    if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
      var scale = 0.1
      at += 1
      while at < bytes.count, bytes[at] &- 48 <= 9 {
        fraction += scale * Double(bytes[at] - 48)
        scale /= 10
        at += 1
      }
    }
    var offset = 0
    if at < bytes.count {
      if bytes[at] | 32 == UInt8(ascii: "z") {
        at += 1
      } else {
        guard bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-"), at + 6 <= bytes.count,
          bytes[at + 3] == UInt8(ascii: ":"), let hours = number(at + 1, 2), let minutes = number(at + 4, 2)
        else { return nil }
        offset = (hours * 60 + minutes) * (bytes[at] == UInt8(ascii: "-") ? -60 : 60)
        at += 6
      }
    }
    guard at == bytes.count else { return nil }
    // Days from 1970-01-01 (Hinnant, "chrono-compatible low-level date algorithms").
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    return Double(days * 86_400 + hour * 3600 + minute * 60 + second - offset) + fraction
  }
}
