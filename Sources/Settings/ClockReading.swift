import Detection
import Foundation

extension LocalClock {
  /// The clock of a named time zone (`Europe/Berlin`), with its changes from 2000 to 2050; nil when there is no such zone here.
  init?(zone name: String) {
    guard let zone = TimeZone(identifier: name) else { return nil }
    let first = Date(timeIntervalSince1970: 946_684_800)
    let last = Date(timeIntervalSince1970: 2_524_608_000)
    var changes: [Change] = []
    var date = first
    while let next = zone.nextDaylightSavingTimeTransition(after: date), next > date, next < last {
      changes.append(
        Change(from: next.timeIntervalSince1970, offset: Double(zone.secondsFromGMT(for: next))))
      date = next
    }
    self.init(offset: Double(zone.secondsFromGMT(for: first)), changes: changes)
  }
}

extension ConfigSection {
  /// The name of a time zone.
  func clock(_ key: String, _ value: inout LocalClock) {
    scalar(key, "a time zone such as UTC or Europe/Berlin", &value) { LocalClock(zone: $0) }
  }
}
