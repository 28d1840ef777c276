public import Events

/// Where a detector stands, for status pages.
public struct DetectorStatus: Sendable, Equatable {
  public var phase: Phase
  public var fields: Int
  public var events: UInt64
  /// Events scored by a model.
  public var scored: UInt64
  /// Event time of the last event; nil before the first.
  public var lastEvent: Double?
  public var lastScore: Double
  public var lastPValue: Double
  /// How far recent raw scores are distributed from those of the training: 0 not at all, about 0.7 when all moved by one of
  /// their standard deviations.
  public var drift: Double
  /// Scored events with a p-value of at most 10⁻¹, 10⁻², 10⁻³, 10⁻⁴: divided by ``scored``, the measured false-alarm rate.
  public var tails: [UInt64]
  public var incidents: UInt64
  /// Events of incidents.
  public var quarantined: UInt64
  /// Values of the model's fields that did not arrive.
  public var missingValues: UInt64
  /// Those of them that were filled in.
  public var imputedValues: UInt64
  public var late: LateCounters
  public var openIncident: Incident?
  public var trainingRequest: TrainingReason?
  public var isTraining: Bool
  public var snapshot: String?
  /// Seconds since 1970.
  public var trainedAt: Double?
}

/// What a detector counts; part of what survives a restart.
struct DetectorCounters: Sendable, Equatable {
  var events: UInt64 = 0
  var scored: UInt64 = 0
  /// NaN before the first event.
  var lastEvent = Double.nan
  var lastLogP: Float = 0
  var tails = SIMD4<UInt64>()
  var incidents: UInt64 = 0
  var quarantined: UInt64 = 0
  var missingValues: UInt64 = 0
  var imputedValues: UInt64 = 0
  var late = LateCounters()
}

extension StreamDetector {
  public var status: DetectorStatus {
    let p = max(Double(counters.lastLogP).exponential, model == nil ? 0 : 1 / Double(unseenRows + 1))
    return DetectorStatus(
      phase: phase, fields: fields.count, events: counters.events, scored: counters.scored,
      lastEvent: counters.lastEvent.isNaN ? nil : counters.lastEvent,
      lastScore: 100 * (1 - (Double(counters.lastLogP) / 4).exponential), lastPValue: p,
      drift: Double(drift.measure), tails: (0..<4).map { counters.tails[$0] }, incidents: counters.incidents,
      quarantined: counters.quarantined, missingValues: counters.missingValues,
      imputedValues: counters.imputedValues, late: counters.late,
      openIncident: openIncident,
      trainingRequest: trainingRequest, isTraining: isTraining, snapshot: model?.snapshotName,
      trainedAt: model?.trainedAt)
  }
}

/// What many streams did together, for those who ask about all of them: nothing is allocated per stream.
public struct DetectorTotals: Sendable {
  public var scored: UInt64 = 0
  /// Events with a p-value of at most 10⁻¹, 10⁻², 10⁻³, 10⁻⁴.
  public var tails = SIMD4<UInt64>()
  public var late = LateCounters()
  public var missingValues: UInt64 = 0
  public var imputedValues: UInt64 = 0
  /// Streams that have a model, and when the first and the last of these models were trained, seconds since 1970.
  public var models = 0
  public var oldest: Double?
  public var newest: Double?

  public init() {}

  public static func + (some: DetectorTotals, more: DetectorTotals) -> DetectorTotals {
    var sum = some
    sum.scored += more.scored
    sum.tails &+= more.tails
    sum.late += more.late
    sum.missingValues += more.missingValues
    sum.imputedValues += more.imputedValues
    sum.models += more.models
    sum.oldest = [some.oldest, more.oldest].compactMap(\.self).min()
    sum.newest = [some.newest, more.newest].compactMap(\.self).max()
    return sum
  }

  public mutating func add(_ detector: borrowing StreamDetector) {
    scored += detector.counters.scored
    tails &+= detector.counters.tails
    late += detector.counters.late
    missingValues += detector.counters.missingValues
    imputedValues += detector.counters.imputedValues
    if let trainedAt = detector.model?.trainedAt {
      models += 1
      oldest = min(oldest ?? trainedAt, trainedAt)
      newest = max(newest ?? trainedAt, trainedAt)
    }
  }
}
