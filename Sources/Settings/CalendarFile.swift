import Foundation

/// The times of the events of an iCalendar file (RFC 5545), recurring ones written out.
///
/// Understood are VEVENT with DTSTART, DTEND or DURATION, EXDATE, and RRULE with FREQ of DAILY, WEEKLY, MONTHLY or YEARLY,
/// INTERVAL, COUNT, UNTIL, BYDAY and BYMONTHDAY. Times without a zone are UTC. What is not understood is a mistake with its
/// line: a window that was silently another one than meant would hide alerts.
struct CalendarFile {
  struct Mistake: Error, Equatable {
    var line: Int
    var what: String
  }

  /// Of all events.
  private(set) var times: [ClosedRange<Double>] = []

  /// A recurrence without an end is written out for so long, and no rule more often than that.
  static let horizon = 40 * 366
  static let most = 20_000

  init(_ text: String) throws(Mistake) {
    var event: [(line: Int, property: Property)]?
    var depth = 0
    for (number, line) in Self.unfolded(text) {
      guard let property = Property(line) else {
        if line.isEmpty { continue }
        throw Mistake(line: number, what: "is not of the form NAME:VALUE")
      }
      switch (property.name, property.value.uppercased()) {
      case ("BEGIN", "VEVENT"): event = []
      case ("BEGIN", _) where event != nil: depth += 1
      case ("END", "VEVENT"):
        if let whole = event { try add(whole, endingAt: number) }
        event = nil
      case ("END", _) where event != nil: depth -= 1
      default: if depth == 0 { event?.append((number, property)) }
      }
    }
    if event != nil { throw Mistake(line: 0, what: "an event does not end") }
  }

  /// Lines with their number; a line that begins with a blank goes on the one before.
  private static func unfolded(_ text: String) -> [(Int, String)] {
    var lines: [(Int, String)] = []
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
    {
      if line.first == " " || line.first == "\t", let last = lines.indices.last {
        lines[last].1 += line.dropFirst()
      } else {
        lines.append((index + 1, String(line)))
      }
    }
    return lines
  }

  private mutating func add(_ event: [(line: Int, property: Property)], endingAt line: Int) throws(Mistake) {
    func first(_ name: String) -> (line: Int, property: Property)? {
      event.first { $0.property.name == name }
    }
    if first("STATUS")?.property.value.uppercased() == "CANCELLED" { return }
    guard let start = first("DTSTART") else { throw Mistake(line: line, what: "an event has no DTSTART") }
    let begin = try CivilTime(start.property, start.line)
    var length = begin.isDate ? 86_400.0 : 0
    if let end = first("DTEND") {
      length = try CivilTime(end.property, end.line).instant - begin.instant
    } else if let duration = first("DURATION") {
      guard let seconds = Self.seconds(duration.property.value) else {
        throw Mistake(line: duration.line, what: "DURATION \(duration.property.value) is not understood")
      }
      length = seconds
    }
    guard length > 0 else { throw Mistake(line: start.line, what: "an event has no length") }
    var without: Set<Double> = []
    for (line, property) in event where property.name == "EXDATE" {
      for value in property.value.split(separator: ",") {
        var one = property
        one.value = String(value)
        without.insert(try CivilTime(one, line).instant)
      }
    }
    var begins = [begin]
    if let rule = first("RRULE") {
      begins = try RecurrenceRule(rule.property.value, line: rule.line, zone: begin.zone).occurrences(
        from: begin)
    }
    for one in begins where !without.contains(one.instant) {
      times.append(one.instant...(one.instant + length))
    }
  }

  /// `PT2H30M`, `P1D`, `P2W`.
  static func seconds(_ text: String) -> Double? {
    let units: [Character: Double] = ["W": 604_800, "D": 86_400, "H": 3600, "M": 60, "S": 1]
    guard text.hasPrefix("P"), text.count > 2 else { return nil }
    var total = 0.0
    var digits = ""
    for letter in text.dropFirst() {
      if letter == "T" { continue }
      if letter.isASCII, letter.isNumber {
        digits.append(letter)
      } else {
        guard let unit = units[letter], let count = Double(digits) else { return nil }
        total += unit * count
        digits = ""
      }
    }
    return digits.isEmpty ? total : nil
  }

  /// `NAME;PARAMETER=VALUE:VALUE`
  struct Property {
    var name: String
    var parameters: [String: String] = [:]
    var value: String

    init?(_ line: String) {
      guard let colon = Self.colon(line) else { return nil }
      let parts = line[..<colon].split(separator: ";")
      guard let first = parts.first else { return nil }
      name = first.uppercased()
      value = String(line[line.index(after: colon)...])
      for part in parts.dropFirst() {
        let sides = part.split(separator: "=", maxSplits: 1)
        if sides.count == 2 {
          parameters[sides[0].uppercased()] = sides[1].trimmingCharacters(in: ["\""])
        }
      }
    }

    /// The first that is not within quotes.
    private static func colon(_ line: String) -> String.Index? {
      var isQuoted = false
      return line.firstIndex { letter in
        if letter == "\"" { isQuoted.toggle() }
        return letter == ":" && !isQuoted
      }
    }
  }
}

/// A day and a time of day as a clock on the wall shows them, in a zone.
struct CivilTime {
  /// Days since 1970-01-01 and seconds of the day.
  var day: Int
  var second: Int
  var zone: TimeZone
  var isDate = false

  init(day: Int, second: Int, zone: TimeZone) {
    self.day = day
    self.second = second
    self.zone = zone
  }

  init(_ property: CalendarFile.Property, _ line: Int) throws(CalendarFile.Mistake) {
    zone = .gmt
    if let name = property.parameters["TZID"] {
      guard let named = TimeZone(identifier: name) else {
        throw CalendarFile.Mistake(line: line, what: "the time zone \(name.prefix(60)) is unknown here")
      }
      zone = named
    }
    guard let read = Self.read(property.value) else {
      throw CalendarFile.Mistake(
        line: line, what: "\(property.name) \(property.value.prefix(40)) is no time such as 20261201T220000Z")
    }
    (day, second, isDate) = read
    if property.value.hasSuffix("Z") { zone = .gmt }
  }

  /// `20261201` or `20261201T220000`, with or without a Z.
  static func read(_ text: String) -> (day: Int, second: Int, isDate: Bool)? {
    let digits = Array(text.utf8.filter { $0 != UInt8(ascii: "T") && $0 != UInt8(ascii: "Z") })
    guard digits.count == 8 || digits.count == 14, digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return nil
    }
    func number(_ range: Range<Int>) -> Int { range.reduce(0) { $0 * 10 + Int(digits[$1]) - 0x30 } }
    let (year, month, date) = (number(0..<4), number(4..<6), number(6..<8))
    guard (1...12).contains(month), (1...Self.length(year, month)).contains(date) else { return nil }
    let day = Self.days(year, month, date)
    if digits.count == 8 { return (day, 0, true) }
    let (hour, minute, second) = (number(8..<10), number(10..<12), number(12..<14))
    guard hour < 24, minute < 60, second < 61 else { return nil }
    return (day, hour * 3600 + minute * 60 + second, false)
  }

  /// Seconds since 1970.
  var instant: Double {
    let local = Double(day) * 86_400 + Double(second)
    if zone == .gmt { return local }
    // The offset of the moment itself, asked for twice since it depends on the answer.
    let guess = local - Double(zone.secondsFromGMT(for: Date(timeIntervalSince1970: local)))
    return local - Double(zone.secondsFromGMT(for: Date(timeIntervalSince1970: guess)))
  }

  /// 0 for Monday.
  var weekday: Int { (day % 7 + 10) % 7 }

  /// Days since 1970-01-01 of the proleptic Gregorian calendar. Source: Howard Hinnant, "chrono-compatible low-level date
  /// algorithms", 2013.
  static func days(_ year: Int, _ month: Int, _ date: Int) -> Int {
    let y = month <= 2 ? year - 1 : year
    let era = (y >= 0 ? y : y - 399) / 400
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + date - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  static func civil(_ day: Int) -> (year: Int, month: Int, date: Int) {
    let z = day + 719_468
    let era = (z >= 0 ? z : z - 146_096) / 146_097
    let dayOfEra = z - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }

  static func length(_ year: Int, _ month: Int) -> Int {
    month == 12 ? 31 : days(year, month + 1, 1) - days(year, month, 1)
  }
}
