/// Where the usual values of one quantity lie: a centre and one usual spread (σ, were it normal).
struct RobustScale: Sendable, Equatable {
  var centre: Float
  var spread: Float

  /// Median and quantile range (q95 − q05)/3.29 of the observed `values`; for a quantity that rarely leaves one value the
  /// quantiles move outwards, and after them comes the winsorised standard deviation.
  ///
  /// - Parameters:
  ///   - values: without NaN; need not be sorted.
  ///   - floor: the least spread for a given centre, so that a change of a constant quantity is visible, not infinite.
  init(of values: [Float], floor: (Float) -> Float) {
    guard !values.isEmpty else {
      self.init(centre: 0, spread: 1)
      return
    }
    let sorted = values.sorted()
    let centre = sorted.quantile(0.5)
    var spread: Float = 0
    // Tail probability and the width of a normal distribution between its two quantiles.
    for (tail, width) in [(0.05, 3.2897), (0.02, 4.1075), (0.01, 4.6527), (0.001, 6.1805)] where spread <= 0 {
      spread = (sorted.quantile(1 - tail) / Float(width)) - (sorted.quantile(tail) / Float(width))
    }
    // A quantity that rests most of the time and jumps now and then: its jumps are part of what is usual, unless they
    // are rarer than one row in fifty.
    let low = sorted.quantile(0.02)
    let high = sorted.quantile(0.98)
    var squares = 0.0
    for value in sorted {
      let deviation = Double(min(max(value, low), high)) - Double(centre)
      squares += deviation * deviation
    }
    spread = max(spread, 0.25 * Float((squares / Double(sorted.count)).squareRoot()))
    self.init(centre: centre, spread: max(spread, floor(centre)))
  }

  init(centre: Float, spread: Float) {
    self.centre = centre
    self.spread = spread
  }

  /// The least spread of a field around `centre`: a fiftieth of its size, or a thousandth of a unit.
  static func fieldFloor(_ centre: Float) -> Float {
    max(0.02 * abs(centre), 1e-3)
  }
}

extension [Float] {
  /// The `share`-quantile of sorted values by linear interpolation (type 7, NumPy's default).
  func quantile(_ share: Double) -> Float {
    let position = share * Double(count - 1)
    let below = Int(position)
    guard below + 1 < count else { return self[count - 1] }
    let weight = Float(position - Double(below))
    return self[below] * (1 - weight) + self[below + 1] * weight
  }
}
