public import Events
import Glibc

/// What an incident keeps of its oddest event; see the members of ``Incident`` by these names.
struct WorstEvent {
  var logP: Float
  var detectors: [String: Alert.DetectorScore]
  var evidence: [UInt8]
  var confidence: Double
  var imputed: Double
}

/// An incident that is over, kept for as long as an event that comes late may still belong to it.
struct PastIncident: Sendable {
  var incident: Incident
  /// Event time of the event that ended it.
  var end: Double
  /// It ended because it is the new normal: its rows are learned from.
  var isAccepted: Bool
}

/// An incident that is open on a stream.
public struct Incident: Sendable, Equatable {
  /// 26 characters, sortable by the time of opening, never given twice.
  public internal(set) var id: String
  /// Event time at which it is judged to have begun; rows from here on are not learned from.
  public internal(set) var onset: Double
  /// Event time of the event that opened it.
  public internal(set) var opened: Double
  public internal(set) var severity: Alert.Severity
  /// Of its worst event.
  public internal(set) var score: Double
  public internal(set) var pValue: Double
  /// Events since it opened, that one included.
  public internal(set) var events: Int
  /// What was said last about the features, largest share first.
  public internal(set) var features: [Alert.Feature]
  public internal(set) var detectors: [String: Alert.DetectorScore]
  public internal(set) var kind: Alert.Kind

  /// Of the worst event: how far its score can be relied on, and the share of fields that were filled in, both 0…1; nil for an
  /// incident that an earlier version began.
  public internal(set) var confidence: Double?
  public internal(set) var imputed: Double?

  /// Of the worst event, see ``Evidence``; empty for an incident that is older than this process.
  var evidence: [UInt8] = []

  /// How odd the row was by itself that ``kind`` was found from.
  var explained: Float = 0

  /// Takes over the figures of an event that is odder than all before it.
  mutating func take(_ worst: WorstEvent) {
    logP = worst.logP
    score = 100 * (1 - exp(Double(worst.logP) / 4))
    pValue = exp(Double(worst.logP))
    detectors = worst.detectors
    evidence = worst.evidence
    confidence = worst.confidence
    imputed = worst.imputed
  }

  /// Whether a later row says something that was not said: another field leads, and clearly so, or what began with a jump is seen to
  /// last.
  func isNews(_ found: Explanation) -> Bool {
    guard found.isOdd, let first = found.features.first else { return false }
    guard let leader = features.first, !lasts(found) else { return true }
    let left = found.features.first { $0.name == leader.name }?.share ?? 0
    return first.name != leader.name && 2 * left < first.share
  }

  /// Takes over what a later row says, if it is odd by itself: the features as they are now; the kind when another field leads,
  /// when what began with a jump is seen to last, or from an odder row. How a fault begins and ends is a jump, whatever it is.
  mutating func take(_ found: Explanation) {
    guard found.isOdd else { return }
    let isOther = found.features.first?.name != features.first?.name
    if isOther || lasts(found) || (found.kind != .sequence && found.figure >= explained) {
      kind = found.kind
      explained = found.figure
    }
    features = found.features
  }

  /// Of standing still (``explained`` is infinite) it is known that it lasts.
  private func lasts(_ found: Explanation) -> Bool {
    kind == .sequence && found.kind != .sequence && explained < .infinity
  }

  // What the policy remembers besides.
  /// What opened it, where the detectors together would not have; nil once they find it too.
  var jump: LoneJump?
  /// Of the worst event; unlike `pValue` without a floor.
  var logP: Float = 0
  /// Events at or above the closing score.
  var loud = 0
  /// Events strange enough to open an incident each by itself.
  var extreme = 0
  /// Calm events towards the end.
  var calm = 0
  /// Event time of the last event high enough to open one; nil when a restart came after it.
  var lastHigh: Double?
  /// How often it came back, with the incidents before that it is one with; 0: it does not flap.
  var flaps = 0
  /// Lasted too long to be chance.
  var isConfirmed = false
  var eventsWhenSaid = 0
  var logPWhenSaid: Float = 0
  var severityWhenSaid: Alert.Severity

  /// Whether so many of its events were so strange that it was certainly no chance.
  var isFault: Bool { extreme >= 8 && 2 * extreme >= loud }
}
