import Events

/// How long each field of a stream has kept the very same value by now.
struct HeldValues: Sendable, Equatable {
  private var values: [Float]
  private var lengths: [UInt32]
  /// Event times at which the runs began.
  private var since: [Double]
  /// Events in a row that are worth looking at, see ``RunLaw/patience``; longer where long runs came again and again.
  private var patience: [UInt32]

  init(fields: Int = 0, patience: [UInt32] = []) {
    self.patience = patience
    values = Array(repeating: .nan, count: fields)
    lengths = Array(repeating: 0, count: fields)
    since = Array(repeating: 0, count: fields)
  }

  /// What stands still now is usual from now on.
  mutating func accept() {
    for field in patience.indices where lengths[field] >= patience[field] {
      patience[field] = RunLaw.patience(longest: lengths[field])
    }
  }

  /// After a gap nobody knows what was in between.
  mutating func reset() { for field in lengths.indices { lengths[field] = 0 } }

  /// Follows consecutive rows; a missing value neither ends a run nor prolongs it.
  ///
  /// - Parameter isLearning: whether there were so many surprises of late that what came again is none.
  /// - Returns: whether a field has stood still for long enough to look at it; of these rows `found` then knows.
  mutating func follow(
    _ rows: [Float], width: Int, columns: [Int32], timestamps: [Double], _ range: Range<Int>,
    _ contents: StreamModel.Contents, learning isLearning: Bool, into found: inout StandingStill
  ) -> Bool {
    guard !patience.isEmpty else { return false }
    return Self.follow(
      rows, width, columns, timestamps, range, contents, isLearning, &values, &lengths, &since, &patience,
      &found)
  }

  // The members apart, as spans: nothing is asked of an array per value.
  private static func follow(
    _ rows: [Float], _ width: Int, _ columns: [Int32], _ timestamps: [Double], _ range: Range<Int>,
    _ contents: StreamModel.Contents, _ isLearning: Bool, _ values: inout [Float], _ lengths: inout [UInt32],
    _ since: inout [Double], _ patience: inout [UInt32], _ found: inout StandingStill
  ) -> Bool {
    var isFound = false
    let rowSpan = rows.span
    let columnSpan = columns.span
    var values = values.mutableSpan
    var lengths = lengths.mutableSpan
    var since = since.mutableSpan
    var patience = patience.mutableSpan
    for row in range {
      for field in 0..<columnSpan.count {
        let column = Int(columnSpan[field])
        if column < 0 || column >= width { continue }
        let value = rowSpan[row * width + column]
        if value == values[field] && lengths[field] > 0 {
          lengths[field] &+= 1
          if lengths[field] < patience[field] { continue }
          found.note(row, field: field, length: lengths[field], since: since[field], contents)
          isFound = true
        } else if value.isFinite {
          if isLearning && lengths[field] >= patience[field] {
            patience[field] = RunLaw.patience(longest: lengths[field])
          }
          values[field] = value
          lengths[field] = 1
          since[field] = timestamps[row]
        }
      }
    }
    return isFound
  }
}

/// Per event of a batch: the field that has stood still most improbably long.
struct StandingStill {
  struct Found {
    var field = -1
    var length: UInt32 = 0
    var since = 0.0
    /// ln p of so long a run, times the number of fields; 0: nothing stands still.
    var logP: Float = 0
    /// Whether this, and not the models' judgement, is what an incident of this event tells of.
    var isReason = false
  }

  private(set) var rows = [Found](repeating: Found(), count: DetectorWorkspace.batchRows)

  mutating func begin(_ count: Int) { for row in 0..<count { rows[row] = Found() } }

  mutating func note(
    _ row: Int, field: Int, length: UInt32, since: Double, _ contents: StreamModel.Contents
  ) {
    let logP = contents.logP(ofRun: length, field: field)
    if logP < rows[row].logP {
      rows[row] = Found(field: field, length: length, since: since, logP: logP)
    }
  }

  /// The event's ln p with standing still taken into account.
  ///
  /// - Parameter opening: ln p at which the models' own judgement gives the reason.
  mutating func combined(_ logP: Float, row: Int, opening: Float) -> Float {
    guard rows[row].logP < logP else { return logP }
    rows[row].isReason = logP > opening
    return rows[row].logP
  }

  /// What an incident of this event tells of, when it is that a field stands still.
  func explanation(_ row: Int, value: Float, _ contents: StreamModel.Contents) -> Explanation? {
    let found = rows[row]
    guard found.isReason else { return nil }
    let plan = contents.plan
    func level(_ level: Float) -> Double { Double(plan.value(ofLevel: level, field: found.field)) }
    return Explanation(
      features: [
        Alert.Feature(
          name: contents.fields[found.field], value: value.isFinite ? Double(value) : nil, expected: level(0),
          low: level(-2.5), high: level(2.5), share: 1)
      ], kind: .sequence)
  }

  func text(_ row: Int, _ feature: Alert.Feature?, now: Double, _ contents: StreamModel.Contents) -> String? {
    let found = rows[row]
    guard found.isReason, let feature, let value = feature.value else { return nil }
    let longest = contents.runs[found.field].longest
    return "\(feature.name) stands still at \(AlertText.number(value)) for \(found.length) events, since "
      + "\(AlertText.time(found.since, near: now)); "
      + (longest <= 1
        ? "it never repeated a value before." : "the longest time before was \(longest) events.")
  }
}

extension StreamModel.Contents {
  /// ln p that any field stands still for as long as this one did, times the number of fields.
  func logP(ofRun length: UInt32, field: Int) -> Float { min(0, runs[field].logP(length) + logFields) }
}
