/// When during a warm-up the scales of the coordinates are learned: between a beginning, that finds the typical set, and an
/// end, that settles the step size, in windows that double.
///
/// Stan Reference Manual, "Automatic parameter tuning": 75, 25 · 2ᵏ, 50 transitions; shares of a short warm-up.
struct WarmUpWindows: Sendable {
  private let warmUp: Int
  private let first: Int
  private let last: Int
  private var size: Int
  private var windowEnd: Int
  private var counter = 0

  enum Moment { case outside, within, windowEnds }

  /// - Parameter settling: transitions after the last window; Stan's 50 are enough for step sizes of trajectories.
  init(_ warmUp: Int, settling: Int = 50) {
    self.warmUp = warmUp
    if warmUp < 20 {
      (first, last, size) = (warmUp, warmUp, 0)
    } else if warmUp < 150 {
      let begin = warmUp * 15 / 100
      (first, last) = (begin, warmUp - warmUp / 10)
      size = last - first
    } else {
      (first, last, size) = (75, warmUp - settling, 25)
    }
    windowEnd = first + size - 1
  }

  /// Whether warm-up still goes on.
  var isOpen: Bool { counter < warmUp }

  /// Counts a transition and says where it lies.
  mutating func next() -> Moment {
    defer { counter += 1 }
    guard counter >= first && counter < last else { return .outside }
    guard counter == windowEnd else { return .within }
    if windowEnd < last - 1 {
      size *= 2
      windowEnd = counter + size
      // What is too short for another window is joined to this one.
      if windowEnd + 2 * size >= last { windowEnd = last - 1 }
    }
    return .windowEnds
  }
}

/// Means and (co)variances of positions, in one pass (Welford 1962).
struct RunningMoments: Sendable {
  private(set) var count = 0.0
  private(set) var mean: [Double]
  /// Sums of products of deviations: of each coordinate, or `dimension × dimension`.
  private(set) var products: [Double]
  private let isDense: Bool
  private var before: [Double]

  init(dimension: Int, isDense: Bool = false) {
    self.isDense = isDense
    mean = [Double](repeating: 0, count: dimension)
    before = mean
    products = isDense ? [Double](repeating: 0, count: dimension * dimension) : mean
  }

  mutating func add(_ x: [Double]) {
    count += 1
    let d = mean.count
    for i in 0..<d {
      before[i] = x[i] - mean[i]
      mean[i] += before[i] / count
    }
    for i in 0..<d {
      if isDense {
        for j in 0...i { products[i * d + j] += before[i] * (x[j] - mean[j]) }
      } else {
        products[i] += before[i] * (x[i] - mean[i])
      }
    }
  }

  /// Variances, or the lower triangle of the covariance, shrunk a little towards `10⁻³` times the identity as in Stan.
  var shrunk: [Double] {
    let d = mean.count
    let trust = count / (count + 5)
    var estimate = products.map { trust * $0 / max(count - 1, 1) }
    for i in 0..<d { estimate[isDense ? i * d + i : i] += 1e-3 * (1 - trust) }
    return estimate
  }

  mutating func restart() {
    count = 0
    for i in mean.indices { mean[i] = 0 }
    for i in products.indices { products[i] = 0 }
  }
}
