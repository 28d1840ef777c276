import Glibc

/// How far apart false alarms are.
public enum FalseAlarmRun {
  /// Events between two incidents that chance opens, at least on average, where p-values are what they say.
  ///
  /// Whatever depends on what: one event opens an incident with the probability of its score; several use up as many events of
  /// theirs, none of which counts for another incident. With the default settings 4,992. By a union bound over the
  /// three ways in which incidents open, and over the two p-values of an event that may make it odd: that of the detectors
  /// together, and that of the value that jumped farthest (times the number of fields, see `JumpLaw`). A field that stands still
  /// is not among them.
  ///
  /// - Parameter strictness: nats, of a ``FalseAlarmBudget``; 0 without one.
  public static func least(_ alerts: DetectionSettings.Alerts, strictness: Double = 0) -> Double {
    let opening = AlertPolicy.Opening(alerts, strictness: Float(strictness))
    func chance(_ score: Float) -> Double { pow(max(0, 1 - Double(score) / 100), 4) }
    let ofOne =
      chance(opening.open) / Double(max(1, alerts.openAfter))
      + chance(opening.half) / Double(AlertPolicy.persistent) + chance(opening.atOnce)
    return ofOne > 0 ? 1 / (2 * ofOne) : .infinity
  }
}
