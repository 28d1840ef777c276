import Events

/// Streams that break together: incidents whose onsets lie close to each other get one group, named after the first.
struct IncidentGroups: Sendable {
  /// Seconds, of the events, between an onset and the latest one of its group; 0: every incident is alone.
  var within: Double
  private var groupOf: [String: String] = [:]
  /// Of incidents that are over, oldest first.
  private var resolved: [(id: String, group: String)] = []
  private static let remembered = 256
  private var latest: (group: String, onset: Double)?

  init(within: Double) { self.within = within }

  /// That of an incident which an event amends that came late; nil when it had none or was resolved long ago.
  func group(ofResolved id: String) -> String? { resolved.last { $0.id == id }?.group }

  /// The group of an incident that is said to be open, for as long as it is.
  mutating func group(of alert: Alert) -> String? {
    guard within > 0 else { return nil }
    if let known = groupOf[alert.id] {
      if alert.state == .resolved {
        groupOf[alert.id] = nil
        resolved = resolved.suffix(Self.remembered - 1) + [(alert.id, known)]
      }
      return known
    }
    guard alert.state == .open else { return nil }
    let group: String
    if let latest, abs(alert.onset - latest.onset) <= within {
      group = latest.group
      self.latest = (group, max(latest.onset, alert.onset))
    } else {
      group = alert.id
      latest = (group, alert.onset)
    }
    groupOf[alert.id] = group
    return group
  }
}
