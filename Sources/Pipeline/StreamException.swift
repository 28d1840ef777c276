public import Detection
public import Wire

/// Streams whose names match a pattern, and what holds for them in place of the usual.
public struct StreamException: Sendable, Equatable {
  /// With `*` for any letters and `?` for one.
  public var match: Globs
  /// Members of the suite that score them besides the usual detectors.
  public var models: [DetectorName]
  /// What stands in for values that do not come.
  public var missing: MissingPolicy

  public init(match: Globs, models: [DetectorName], missing: MissingPolicy = .ignore) {
    self.match = match
    self.models = models
    self.missing = missing
  }
}

/// How each stream is scored.
struct DetectionChoice: Sendable {
  var usual: DetectionSettings
  var exceptions: [StreamException]

  /// The settings of a stream: the first exception that matches its name counts.
  func settings(of stream: String) -> DetectionSettings {
    guard let exception = exceptions.first(where: { $0.match.matches(stream) }) else { return usual }
    var settings = usual
    settings.models.names = exception.models
    settings.missing = exception.missing
    return settings
  }
}
