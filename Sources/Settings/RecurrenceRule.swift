import Foundation

/// An RRULE of RFC 5545, as far as it is understood here.
struct RecurrenceRule {
  enum Frequency: String {
    case daily = "DAILY"
    case weekly = "WEEKLY"
    case monthly = "MONTHLY"
    case yearly = "YEARLY"
  }

  var frequency: Frequency
  var interval = 1
  var count: Int?
  /// Seconds since 1970.
  var until = Double.infinity
  /// Weekdays from Monday as 0; which one of the month, from 1, from -1 backwards, 0 for every one.
  var weekdays: [(weekday: Int, place: Int)] = []
  /// Days of the month, negative ones from its end.
  var monthDays: [Int] = []

  init(_ text: String, line: Int, zone: TimeZone) throws(CalendarFile.Mistake) {
    func wrong(_ what: Substring) -> CalendarFile.Mistake {
      CalendarFile.Mistake(line: line, what: "RRULE: \(what.prefix(60)) is not understood")
    }
    var frequency: Frequency?
    for part in text.split(separator: ";") {
      let sides = part.split(separator: "=", maxSplits: 1)
      guard sides.count == 2 else { throw wrong(part) }
      switch sides[0].uppercased() {
      case "FREQ": frequency = Frequency(rawValue: sides[1].uppercased())
      case "INTERVAL":
        guard let number = Int(sides[1]), (1...1000).contains(number) else { throw wrong(part) }
        interval = number
      case "COUNT":
        guard let number = Int(sides[1]), number > 0 else { throw wrong(part) }
        count = number
      case "UNTIL":
        guard let end = CivilTime.read(String(sides[1])) else { throw wrong(part) }
        let isUTC = sides[1].hasSuffix("Z")
        // A date means all of that day.
        until =
          CivilTime(day: end.day, second: end.isDate ? 86_399 : end.second, zone: isUTC ? .gmt : zone).instant
      case "BYDAY":
        for day in sides[1].split(separator: ",") {
          guard
            let weekday = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"].firstIndex(
              of: day.suffix(2).uppercased()),
            let place = day.count == 2 ? 0 : Int(day.dropLast(2)), (-5...5).contains(place)
          else { throw wrong(part) }
          weekdays.append((weekday, place))
        }
      case "BYMONTHDAY":
        for day in sides[1].split(separator: ",") {
          guard let number = Int(day), (1...31).contains(abs(number)) else { throw wrong(part) }
          monthDays.append(number)
        }
      case "WKST": if interval > 1 && sides[1].uppercased() != "MO" { throw wrong(part) }
      default: throw wrong(part)
      }
    }
    guard let frequency else { throw wrong(text[...]) }
    self.frequency = frequency
    let isFine =
      switch frequency {
      case .daily: monthDays.isEmpty && weekdays.allSatisfy { $0.place == 0 }
      case .weekly: monthDays.isEmpty && weekdays.allSatisfy { $0.place == 0 }
      case .monthly: monthDays.isEmpty || weekdays.isEmpty
      case .yearly: monthDays.isEmpty && weekdays.isEmpty
      }
    if !isFine { throw wrong(text[...]) }
  }

  /// When it happens, the first time included, in order.
  func occurrences(from start: CivilTime) -> [CivilTime] {
    var found: [CivilTime] = []
    var period = 0
    while found.count < min(count ?? .max, CalendarFile.most) {
      let days = days(ofPeriod: period, start)
      if let first = days.first, first > start.day + CalendarFile.horizon { break }
      for day in days where day >= start.day && found.count < (count ?? .max) {
        var time = start
        time.day = day
        if time.instant > until { return found }
        found.append(time)
      }
      period += interval
      if period > CalendarFile.horizon { break }
    }
    return found
  }

  /// The days of the so-manieth day, week, month or year from the start's, in order.
  private func days(ofPeriod period: Int, _ start: CivilTime) -> [Int] {
    switch frequency {
    case .daily:
      let day = start.day + period
      var time = start
      time.day = day
      return weekdays.isEmpty || weekdays.contains { $0.weekday == time.weekday } ? [day] : []
    case .weekly:
      let monday = start.day - start.weekday + 7 * period
      let wanted = weekdays.isEmpty ? [start.weekday] : weekdays.map(\.weekday)
      return Set(wanted).sorted().map { monday + $0 }
    case .monthly:
      let first = CivilTime.civil(start.day)
      let months = first.year * 12 + first.month - 1 + period
      return days(ofMonth: months % 12 + 1, months / 12, start: first.date)
    case .yearly:
      let first = CivilTime.civil(start.day)
      guard first.date <= CivilTime.length(first.year + period, first.month) else { return [] }
      return [CivilTime.days(first.year + period, first.month, first.date)]
    }
  }

  private func days(ofMonth month: Int, _ year: Int, start date: Int) -> [Int] {
    let length = CivilTime.length(year, month)
    let first = CivilTime.days(year, month, 1)
    if weekdays.isEmpty {
      let wanted = (monthDays.isEmpty ? [date] : monthDays).map { $0 < 0 ? length + 1 + $0 : $0 }
      return Set(wanted.filter { (1...length).contains($0) }).sorted().map { first + $0 - 1 }
    }
    var days: Set<Int> = []
    let firstWeekday = CivilTime(day: first, second: 0, zone: .gmt).weekday
    for (weekday, place) in weekdays {
      let all = Array(stride(from: (weekday - firstWeekday + 7) % 7, to: length, by: 7))
      switch place {
      case 0: days.formUnion(all)
      case 1...: if place <= all.count { days.insert(all[place - 1]) }
      default: if -place <= all.count { days.insert(all[all.count + place]) }
      }
    }
    return days.sorted().map { first + $0 }
  }
}
