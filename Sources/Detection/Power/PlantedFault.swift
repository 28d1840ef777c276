/// Faults that are planted into copies of normal rows to see whether a model finds them.
public enum PlantedFault: String, Sendable, CaseIterable, Codable {
  /// One value, six usual spreads off.
  case spike
  /// Three usual spreads off for a while.
  case step
  /// Moving away to four usual spreads.
  case ramp
  /// Three times as far from its centre as it was.
  case variance
  /// Its own values from another time: in range, but not fitting the other fields.
  case correlation
  /// Standing still.
  case stuck

  /// Rows that a fault lasts, and as many clean ones after it.
  static let length = 32

  /// Plants the fault again and again, each time into one field of `rows`; true in the result: the row is faulty.
  func plant(into rows: inout TrainingRows, fields: [Int], scales: [RobustScale], seed: UInt64) -> [Bool] {
    var faulty = [Bool](repeating: false, count: rows.count)
    let width = rows.fields.count
    var random = SplitMix64(seed: seed)
    let original = rows.values
    var start = Self.length / 2 + Int(random.next() % UInt64(Self.length))
    while start + Self.length <= rows.count, !fields.isEmpty {
      let pick = Int(random.next() % UInt64(fields.count))
      let field = fields[pick]
      let sign: Float = random.next() & 1 == 0 ? 1 : -1
      let elsewhere = Int(random.next() % UInt64(max(1, rows.count - Self.length)))
      let scale = scales[pick]
      let count = self == .spike ? 1 : Self.length
      for step in 0..<count {
        let at = (start + step) * width + field
        let value = original[at]
        if !value.isFinite { continue }
        switch self {
        case .spike: rows.values[at] = value + sign * 6 * scale.spread
        case .step: rows.values[at] = value + sign * 3 * scale.spread
        case .ramp: rows.values[at] = value + sign * 4 * scale.spread * Float(step + 1) / Float(Self.length)
        case .variance: rows.values[at] = scale.centre + 3 * (value - scale.centre)
        case .correlation:
          let other = original[(elsewhere + step) * width + field]
          if other.isFinite { rows.values[at] = other }
        case .stuck:
          let first = original[start * width + field]
          if first.isFinite { rows.values[at] = first }
        }
        faulty[start + step] = true
      }
      start += 2 * Self.length
    }
    return faulty
  }
}
