/// Rows of one stream to learn from, oldest first.
public struct TrainingRows: Sendable, Equatable {
  public var fields: [String]
  /// Seconds since 1970, one per row.
  public var timestamps: [Double]
  /// `rows × fields`, row-major; a missing value is NaN.
  public var values: [Float]
  /// One per row: true for rows of incidents, which are not learned from.
  public var quarantined: [Bool]
  /// Rows that do not follow the one before (a gap in recording); ascending. Row 0 always begins a segment.
  public var segmentStarts: [Int]

  public var count: Int { timestamps.count }

  public init(
    fields: [String], timestamps: [Double] = [], values: [Float] = [], quarantined: [Bool]? = nil,
    segmentStarts: [Int] = []
  ) {
    let flags = quarantined ?? Array(repeating: false, count: timestamps.count)
    precondition(
      values.count == timestamps.count * fields.count,
      "values hold \(values.count), not \(timestamps.count) × \(fields.count)")
    precondition(
      flags.count == timestamps.count, "\(flags.count) flags for \(timestamps.count) rows")
    self.fields = fields
    self.timestamps = timestamps
    self.values = values
    self.quarantined = flags
    self.segmentStarts = segmentStarts
  }

  /// Rows `range`, with the segment starts that lie in it.
  public func rows(_ range: Range<Int>) -> TrainingRows {
    TrainingRows(
      fields: fields, timestamps: Array(timestamps[range]),
      values: Array(values[range.lowerBound * fields.count..<range.upperBound * fields.count]),
      quarantined: Array(quarantined[range]),
      segmentStarts: segmentStarts.filter(range.contains).map { $0 - range.lowerBound })
  }
}

/// Why a training is asked for.
public enum TrainingReason: String, Sendable, Codable, CaseIterable {
  case first, schedule, drift, requested
  case newFields = "new fields"
  case newNormal = "new normal"
}
