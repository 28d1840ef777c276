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

  /// The same with rows that came late, up to `most` rows behind, where their time says; within their segment.
  func inOrder(most: Int) -> TrainingRows {
    guard zip(timestamps, timestamps.dropFirst()).contains(where: { $0 > $1 }) else { return self }
    var order: [Int] = []
    order.reserveCapacity(count)
    var starts = segmentStarts[...]
    var first = 0
    for row in 0..<count {
      while let start = starts.first, start <= row {
        first = start
        starts = starts.dropFirst()
      }
      var place = row
      while place > first, row - place <= most, timestamps[order[place - 1]] > timestamps[row] {
        place -= 1
      }
      // What is further behind stays where it came.
      order.insert(row, at: row - place <= most ? place : row)
    }
    var result = self
    result.timestamps = order.map { timestamps[$0] }
    result.quarantined = order.map { quarantined[$0] }
    result.values = order.flatMap { values[$0 * fields.count..<($0 + 1) * fields.count] }
    return result
  }

  /// Without the newest rows, for a model that takes the place of another: they may be the beginning of a fault that has not
  /// opened an incident yet, and a handful of them among the rows held out would make faults seem usual. Few rows stay whole.
  public var settled: TrainingRows {
    let newest = 16
    return count < 32 * newest ? self : rows(0..<count - newest)
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
  /// A provisional model, from the first few rows.
  case early
  case first, schedule, drift, requested
  case newFields = "new fields"
  case newNormal = "new normal"
}
