/// How soon a lasting change becomes what is usual: the one knob over all that follows a stream.
public enum Adaptivity: String, Sendable, CaseIterable, Codable {
  case slow, normal, fast

  /// How many times as quickly as `normal`.
  public var factor: Double {
    switch self {
    case .slow: 0.25
    case .normal: 1
    case .fast: 4
    }
  }
}

extension DetectionSettings {
  /// These settings, meant for `normal`, at another adaptivity: thresholds move by other steps, lasting incidents are examined
  /// sooner or later, drift counts after fewer or more events, and trainings come more or less often.
  public func adapted(to adaptivity: Adaptivity) -> DetectionSettings {
    let factor = adaptivity.factor
    var adapted = self
    adapted.calibration.step = min(max(calibration.step * Float(factor), 0.0001), 0.1)
    adapted.newNormal = newNormal / factor
    adapted.retraining.every = retraining.every / factor
    adapted.retraining.driftAfter = max(1, Int(Double(retraining.driftAfter) / factor))
    adapted.retraining.spacing = max(1, Int(Double(retraining.spacing) / factor))
    return adapted
  }
}
