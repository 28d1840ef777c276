public import Detection
public import Wire

/// Streams whose names match a pattern, and the members of the suite that score them besides the usual detectors.
public struct StreamException: Sendable, Equatable {
  /// With `*` for any letters and `?` for one.
  public var match: Globs
  public var models: [DetectorName]

  public init(match: Globs, models: [DetectorName]) {
    self.match = match
    self.models = models
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
    return settings
  }
}
