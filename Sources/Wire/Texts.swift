/// Numbers and times that publishers write as text.
enum Texts {
  /// A number with or without a unit: `8.50M`, `12k`, `3 KiB`, `42%`; decimal factors for K M G T P, binary ones for Ki Mi
  /// Gi Ti Pi; a percentage keeps its number. Or a duration `[[h:]m:]s[.f]`, in seconds. Nil for anything else.
  static func number(_ text: Span<UInt8>) -> Double? {
    var end = text.count
    var start = 0
    while start < end, text[start] == 0x20 { start += 1 }
    while end > start, text[end - 1] == 0x20 { end -= 1 }
    var at = start
    let isNegative = at < end && text[at] == UInt8(ascii: "-")
    if at < end, isNegative || text[at] == UInt8(ascii: "+") { at += 1 }
    var total = 0.0
    var colons = 0
    while true {
      let partStart = at
      guard let part = Numerals.unsigned(text, &at, end) else { return nil }
      total = total * 60 + part
      // Hours and minutes are whole numbers.
      let isWhole = (partStart..<at).allSatisfy { text[$0] &- 48 < 10 }
      if at < end, text[at] == UInt8(ascii: ":"), isWhole, colons < 2 {
        colons += 1
        at += 1
        continue
      }
      break
    }
    if colons == 0 {
      guard let factor = factor(text, at, end) else { return nil }
      total *= factor
    } else if at != end {
      return nil
    }
    return isNegative ? -total : total
  }

  private static func factor(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Double? {
    var at = start
    while at < end, text[at] == 0x20 { at += 1 }
    if at == end { return 1 }
    if text[at] == UInt8(ascii: "%") { return at + 1 == end ? 1 : nil }
    var power = 0
    switch text[at] {
    case UInt8(ascii: "k"), UInt8(ascii: "K"): power = 1
    case UInt8(ascii: "M"): power = 2
    case UInt8(ascii: "G"): power = 3
    case UInt8(ascii: "T"): power = 4
    case UInt8(ascii: "P"): power = 5
    default: break
    }
    if power > 0 { at += 1 }
    var base = 1000.0
    if power > 0, at < end, text[at] == UInt8(ascii: "i") {
      base = 1024
      at += 1
    }
    if at < end, text[at] == UInt8(ascii: "B") { at += 1 }
    if at != end { return nil }
    return (0..<power).reduce(1.0) { product, _ in product * base }
  }

  /// RFC 3339 (with `T`, `t` or a space; `Z` or an offset; any number of decimals) as seconds since 1970, or a plain
  /// number of seconds. Nil for anything else. A leap second is the first second of the next minute.
  static func time(_ text: Span<UInt8>) -> Double? {
    guard text.count >= 19, text[4] == UInt8(ascii: "-") else {
      return Numerals.signed(text, 0, text.count)
    }
    guard let year = digits(text, 0, 4), text[4] == UInt8(ascii: "-"), let month = digits(text, 5, 2),
      text[7] == UInt8(ascii: "-"), let day = digits(text, 8, 2),
      text[10] | 0x20 == UInt8(ascii: "t") || text[10] == 0x20,
      let hour = digits(text, 11, 2), text[13] == UInt8(ascii: ":"), let minute = digits(text, 14, 2),
      text[16] == UInt8(ascii: ":"), let second = digits(text, 17, 2)
    else { return nil }
    guard (1...12).contains(month), day >= 1, day <= length(ofMonth: month, year), hour < 24, minute < 60,
      second <= 60
    else { return nil }
    var at = 19
    var fraction = 0.0
    if at < text.count, text[at] == UInt8(ascii: ".") || text[at] == UInt8(ascii: ",") {
      at += 1
      let start = at
      var scale = 1.0
      while at < text.count, text[at] &- 48 < 10 {
        if at - start < 15 {
          fraction = fraction * 10 + Double(text[at] - 48)
          scale *= 10
        }
        at += 1
      }
      if at == start { return nil }
      fraction /= scale
    }
    guard let offset = offset(text, at) else { return nil }
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
    return Double(seconds) + fraction
  }

  private static func digits(_ text: Span<UInt8>, _ start: Int, _ count: Int) -> Int? {
    var value = 0
    for index in start..<start + count {
      let digit = text[index] &- 48
      if digit > 9 { return nil }
      value = value * 10 + Int(digit)
    }
    return value
  }

  /// Seconds east of Greenwich; nil unless the offset is all that is left.
  private static func offset(_ text: Span<UInt8>, _ at: Int) -> Int? {
    if at + 1 == text.count, text[at] | 0x20 == UInt8(ascii: "z") { return 0 }
    guard at + 6 == text.count, text[at + 3] == UInt8(ascii: ":"), let hours = digits(text, at + 1, 2),
      let minutes = digits(text, at + 4, 2), hours < 24, minutes < 60
    else { return nil }
    switch text[at] {
    case UInt8(ascii: "+"): return hours * 3600 + minutes * 60
    case UInt8(ascii: "-"): return -(hours * 3600 + minutes * 60)
    default: return nil
    }
  }

  private static func length(ofMonth month: Int, _ year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Days since 1970-01-01 of a Gregorian date (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let y = month <= 2 ? year - 1 : year
    let era = y / 400
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }
}
