import Events
import Glibc

/// The sentences of alerts.
enum AlertText {
  /// What stands out, since when: the first words of every statement.
  static func what(_ features: [Alert.Feature], kind: Alert.Kind, onset: Double, now: Double) -> String {
    guard let first = features.first else { return "Unusual since \(time(onset, near: now))." }
    var text = finding(first, kind: kind)
    text += ", since \(time(onset, near: now)); it explains \(percent(first.share)) of the score"
    let others = features.dropFirst().filter { $0.share >= 0.05 }.prefix(3)
    if !others.isEmpty {
      text += "; also " + others.map { "\($0.name) (\(percent($0.share)))" }.joined(separator: ", ")
    }
    return text + "."
  }

  private static func finding(_ feature: Alert.Feature, kind: Alert.Kind) -> String {
    let range = "\(number(feature.low)) to \(number(feature.high))"
    guard let value = feature.value else { return "\(feature.name) is missing where \(range) is usual" }
    // The context of the last events may be odd while the newest value is not.
    if value >= feature.low && value <= feature.high, kind == .value || kind == .relation {
      let ago = feature.lag.map { $0 == 1 ? "one event ago" : "\($0) events ago" } ?? "over the last events"
      return "\(feature.name) was unusual \(ago); it is \(number(value)) now, where \(range) is usual"
    }
    switch kind {
    case .value, .silence:
      return "\(feature.name) is \(number(value)) where \(range) is usual"
    case .relation:
      return "\(feature.name) is \(number(value)) where \(range) would fit the other features"
    case .sequence:
      return "\(feature.name) moves unusually; it is \(number(value)) where \(range) was to be expected"
    case .rarity:
      return "a rare state, most of all \(feature.name) at \(number(value)) (usually \(range))"
    }
  }

  /// Why it was said, where the detectors see less.
  static func jumped(_ jump: LoneJump) -> String {
    guard let field = jump.field else { return "" }
    let p = number(exp(Double(jump.logP)))
    return
      " No other value of \(field) ever came so far from the one before it (p = \(p)); all detectors together see less."
  }

  static let amended = " Events of that time came late."
  static let amendedAfterwards = " Events of that time came late; it stays resolved."

  static func goesOn(for seconds: Double) -> String { " It has lasted \(duration(seconds))." }

  static func resolved(after seconds: Double, features: [Alert.Feature], now: Double) -> String {
    let what = features.first.map { "; it was \($0.name) most of all" } ?? ""
    return "Back to normal at \(time(now, near: now)) after \(duration(seconds))\(what)."
  }

  static func accepted(after seconds: Double) -> String {
    "It has lasted \(duration(seconds)) and is taken as the new normal; a model of it is being learned."
  }

  /// To three significant digits, large and small ones with an exponent.
  static func number(_ value: Double) -> String {
    if value == 0 || !value.isFinite { return value == 0 ? "0" : "\(value)" }
    let size = abs(value)
    if size >= 1e15 || size < 1e-4 { return scientific(value) }
    var step = 1.0
    while step * 1000 <= size { step *= 10 }
    while step * 100 > size { step /= 10 }
    // A power of ten below 1 is not exact; dividing by its inverse is.
    let rounded =
      step >= 1
      ? (value / step).rounded() * step : (value * (1 / step).rounded()).rounded() / (1 / step).rounded()
    return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
  }

  private static func scientific(_ value: Double) -> String {
    var mantissa = abs(value)
    var exponent = 0
    while mantissa >= 10 {
      mantissa /= 10
      exponent += 1
    }
    while mantissa < 1 {
      mantissa *= 10
      exponent -= 1
    }
    return "\(value < 0 ? "-" : "")\(number((mantissa * 100).rounded() / 100))e\(exponent)"
  }

  static func percent(_ share: Double) -> String { "\(Int((100 * share).rounded())) %" }

  static func duration(_ seconds: Double) -> String {
    let whole = Int(min(max(seconds, 0), 1e12).rounded())
    if whole < 120 { return "\(whole) s" }
    if whole < 2 * 3600 { return "\(whole / 60) min" }
    if whole < 48 * 3600 { return "\(whole / 3600) h \(whole % 3600 / 60) min" }
    return "\(whole / 86_400) days"
  }

  /// UTC; with the date when it is not on the day of `now`.
  static func time(_ seconds: Double, near now: Double) -> String {
    let limit = 2e11
    let whole = Int(min(max(seconds, -limit), limit).rounded(.down))
    let today = Int(min(max(now, -limit), limit).rounded(.down))
    let day = whole.floorDivided(by: 86_400)
    let second = whole - day * 86_400
    let clock = "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60)) UTC"
    if day == today.floorDivided(by: 86_400) { return clock }
    let date = civil(day)
    return "\(date.year)-\(two(date.month))-\(two(date.day)) \(clock)"
  }

  private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

  /// The date of a day counted from 1970-01-01: Hinnant, "chrono-compatible low-level date algorithms".
  static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = shifted.floorDivided(by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let part = (5 * dayOfYear + 2) / 153
    let month = part < 10 ? part + 3 : part - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * part + 2) / 5 + 1)
  }
}

extension Int {
  func floorDivided(by divisor: Int) -> Int {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }
}
