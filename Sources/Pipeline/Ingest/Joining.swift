/// An observation whose parts come in several messages.
struct OpenRow {
  var stream: UInt32
  var source: Int
  var values: [Float] = []
  /// Whether a part brought the slot, also if only to say that it is missing.
  var filled: [Bool] = []
  /// Of the first part.
  var timestamp = 0.0
  var arrival: UInt64 = 0
  var isOpen = false
  /// Whether it stands in the list of rows to look after.
  var isListed = false

  /// Whether a part with these slots belongs to it.
  func accepts(_ slots: some Sequence<Int>, timestamp: Double, tolerance: Double) -> Bool {
    if abs(timestamp - self.timestamp) > tolerance { return false }
    for slot in slots where slot < filled.count && filled[slot] { return false }
    return true
  }

  mutating func begin(timestamp: Double, arrival: UInt64) {
    for slot in values.indices {
      values[slot] = .nan
      filled[slot] = false
    }
    self.timestamp = timestamp
    self.arrival = arrival
    isOpen = true
  }

  mutating func put(_ value: Float, slot: Int, width: Int) {
    while values.count < width {
      values.append(.nan)
      filled.append(false)
    }
    values[slot] = value
    filled[slot] = true
  }
}

/// Latest values of the counters of one stream, to turn them into increases per second.
struct CounterMemory {
  private var values: [Double] = []
  private var times: [Double] = []

  /// The increase per second since the latest value; missing at first, after a reset, and without time in between.
  mutating func rate(of value: Double, at time: Double, slot: Int) -> Float {
    while values.count <= slot {
      values.append(.nan)
      times.append(.nan)
    }
    let elapsed = time - times[slot]
    let increase = value - values[slot]
    if value.isFinite {
      values[slot] = value
      times[slot] = time
    }
    return increase >= 0 && elapsed > 0 ? Float(increase / elapsed) : .nan
  }
}
