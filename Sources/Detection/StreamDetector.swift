public import Events

/// All that is known about one stream, and the one function that scores its events.
///
/// A pure value: no clock, no thread, no file. The same events, models and seed give the same bits.
public struct StreamDetector: Sendable {
  public let stream: StreamKey
  public private(set) var settings: DetectionSettings
  public private(set) var phase = Phase.collecting
  /// In the order in which they were declared; only grows.
  public private(set) var fields: [String] = []
  public private(set) var model: StreamModel?
  public private(set) var openIncident: Incident?
  /// A training that should be begun; nil when none is wanted or one is under way.
  public private(set) var trainingRequest: TrainingReason?
  /// Set with ``TrainingReason/newNormal``: rows flagged as quarantined from this event time on are to be learned from.
  public private(set) var acceptedSince: Double?

  var status_ = DetectorStatus(
    phase: .collecting, fields: 0, events: 0, scored: 0, lastEvent: nil, lastScore: 0, lastPValue: 1,
    drift: 0,
    tails: [0, 0, 0, 0], incidents: 0, quarantined: 0, missingValues: 0, openIncident: nil,
    trainingRequest: nil, isTraining: false, snapshot: nil, trainedAt: nil)

  /// - Parameter seed: of the incident ids; must differ between two lives of a process.
  public init(stream: StreamKey, settings: DetectionSettings, seed: UInt64) {
    self.stream = stream
    self.settings = settings
  }

  /// Continues where ``encodeState()`` left off: thresholds, context, counters and an open incident with its id.
  ///
  /// - Parameters:
  ///   - model: the one that was installed, as restored from its snapshot; nil when there was none.
  ///   - seed: of the incident ids; must differ between two lives of a process.
  public init(
    restoring state: [UInt8], stream: StreamKey, settings: DetectionSettings, seed: UInt64,
    model: StreamModel?
  ) throws(DetectionDecodingError) {
    self.stream = stream
    self.settings = settings
  }

  /// What must survive a restart besides the model; about 2 KB with 16 features.
  public func encodeState() -> [UInt8] { [] }

  public var status: DetectorStatus { status_ }

  /// Adds a field; rows may carry it from now on. Returns its column.
  @discardableResult
  public mutating func addField(_ name: String) -> Int {
    fields.append(name)
    return fields.count - 1
  }

  /// Scores up to 64 consecutive events of this stream.
  ///
  /// - Parameters:
  ///   - rows: `count × width` values, row-major, columns as in ``fields``; missing is NaN.
  ///   - width: columns per row, at most `fields.count`; fields beyond are missing.
  ///   - timestamps: event times, seconds since 1970, at least `count`.
  ///   - workspace: receives the results; no allocation once it has grown.
  public mutating func observe(
    rows: [Float], width: Int, timestamps: [Double], count: Int, workspace: inout DetectorWorkspace
  ) {
    status_.events += UInt64(count)
  }

  /// The training asked for by ``trainingRequest`` (or by hand) has begun.
  public mutating func trainingStarted() { trainingRequest = nil }

  /// It ended without a model to install (failed, stopped, or no better than the running one).
  public mutating func trainingEnded() {}

  /// Asks for a training, as an operator does.
  public mutating func requestTraining(_ reason: TrainingReason = .requested) { trainingRequest = reason }

  /// Takes over a model between two batches. The window, an open incident and the counters go on.
  public mutating func install(_ model: StreamModel) { self.model = model }

  /// Takes over changed settings; those of the models act from the next training on.
  public mutating func apply(_ settings: DetectionSettings) { self.settings = settings }
}
