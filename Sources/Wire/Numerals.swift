/// Decimal numbers as text, read to the nearest double.
enum Numerals {
  private static let powers: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20,
    1e21, 1e22,
  ]

  /// Digits with an optional fraction and exponent, without a sign, from `at` on, which then stands behind them.
  /// Infinite when out of range; nil when there is no digit.
  ///
  /// Exact where mantissa and power of ten are exact doubles (Clinger, "How to Read Floating Point Numbers
  /// Accurately"); the standard library reads the rest.
  static func unsigned(_ text: Span<UInt8>, _ at: inout Int, _ end: Int) -> Double? {
    let start = at
    var mantissa: UInt64 = 0
    var exponent = 0
    var digits = 0
    var isExact = true
    while at < end {
      let digit = text[at] &- 48
      if digit > 9 { break }
      if mantissa < 900_000_000_000_000_000 {
        mantissa = mantissa * 10 + UInt64(digit)
      } else {
        isExact = false
      }
      digits += 1
      at += 1
    }
    if at < end, text[at] == UInt8(ascii: ".") {
      at += 1
      while at < end {
        let digit = text[at] &- 48
        if digit > 9 { break }
        if mantissa < 900_000_000_000_000_000 {
          mantissa = mantissa * 10 + UInt64(digit)
          exponent -= 1
        } else {
          isExact = false
        }
        digits += 1
        at += 1
      }
    }
    if digits == 0 {
      at = start
      return nil
    }
    if at < end, text[at] | 0x20 == UInt8(ascii: "e") {
      var next = at + 1
      let isNegative = next < end && text[next] == UInt8(ascii: "-")
      if next < end, isNegative || text[next] == UInt8(ascii: "+") { next += 1 }
      let first = next
      var value = 0
      while next < end {
        let digit = text[next] &- 48
        if digit > 9 { break }
        if value < 100_000 { value = value * 10 + Int(digit) }
        next += 1
      }
      if next > first {
        exponent += isNegative ? -value : value
        at = next
      }
    }
    if isExact, mantissa <= 1 << 53, abs(exponent) <= 22 {
      let value = Double(mantissa)
      return exponent < 0 ? value / powers[-exponent] : value * powers[exponent]
    }
    return slow(text, start, at)
  }

  /// A whole text as a number with an optional sign.
  static func signed(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Double? {
    var at = start
    let isNegative = at < end && text[at] == UInt8(ascii: "-")
    if at < end, isNegative || text[at] == UInt8(ascii: "+") { at += 1 }
    guard let value = unsigned(text, &at, end), at == end else { return nil }
    return isNegative ? -value : value
  }

  private static func slow(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Double? {
    var copy: [UInt8] = []
    copy.reserveCapacity(end - start)
    for index in start..<end { copy.append(text[index]) }
    return Double(String(decoding: copy, as: UTF8.self))
  }
}
