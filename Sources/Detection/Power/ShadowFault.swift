import Tensors

/// Faults of a size that can be chosen, planted into a shadow copy of a stream's rows to learn how small a fault it finds.
public enum ShadowFault: String, Sendable, CaseIterable, Codable {
  /// One value, so many usual spreads off.
  case spike
  /// So many usual spreads off for a while.
  case step
  /// Moving away to so many usual spreads.
  case ramp
  /// So many times as far from its centre as it was.
  case variance
  /// This share of the value comes from another time: in range, but not fitting the other fields.
  case relation
  /// Zero for so many events.
  case dropout
  /// Standing still for so many events.
  case stuck
  /// The rows of so many events in another order, all fields together.
  case order

  /// Smallest first.
  public var sizes: [Double] {
    switch self {
    case .spike: [3, 5, 8, 12, 20]
    case .step, .ramp: [1, 2, 3, 5, 8]
    case .variance: [1.5, 2, 3, 5, 8]
    case .relation: [0.25, 0.5, 0.75, 1]
    case .dropout: [1, 3, 8, 32]
    case .stuck: [5, 10, 20, 40]
    case .order: [8, 16, 32]
    }
  }

  /// What a size counts.
  public var unit: String {
    switch self {
    case .spike, .step, .ramp: "spreads"
    case .variance: "times"
    case .relation: "share"
    case .dropout, .stuck, .order: "events"
    }
  }

  /// Events that a fault of a size lasts.
  func length(_ size: Double) -> Int {
    switch self {
    case .spike: 1
    case .step, .ramp, .variance, .relation: 32
    case .dropout, .stuck, .order: Int(size)
    }
  }

  /// Plants one fault from row `start` on.
  ///
  /// - Parameters:
  ///   - rows: long enough for ``length(_:)`` from `start`.
  ///   - other: a row of `source` from which as many foreign values can be taken.
  func plant(
    _ size: Double, into rows: inout TrainingRows, at start: Int, field: Int, scale: RobustScale,
    source: TrainingRows, other: Int, random: inout RandomStream
  ) {
    let width = rows.fields.count
    let count = length(size)
    let amount = Float(size) * (random.below(2) == 0 ? 1 : -1)
    if self == .order {
      let order = random.permutation(count)
      let original = rows.values
      for (step, from) in order.enumerated() {
        for column in 0..<width {
          rows.values[(start + step) * width + column] = original[(start + from) * width + column]
        }
      }
      return
    }
    let first = rows.values[start * width + field]
    for step in 0..<count {
      let at = (start + step) * width + field
      let value = rows.values[at]
      if !value.isFinite { continue }
      switch self {
      case .spike, .step: rows.values[at] = value + amount * scale.spread
      case .ramp: rows.values[at] = value + amount * scale.spread * Float(step + 1) / Float(count)
      case .variance: rows.values[at] = scale.centre + Float(size) * (value - scale.centre)
      case .relation:
        let foreign = source.values[(other + step) * width + field]
        if foreign.isFinite { rows.values[at] = value + Float(size) * (foreign - value) }
      case .dropout: rows.values[at] = 0
      case .stuck: rows.values[at] = first
      case .order: break
      }
    }
  }
}
