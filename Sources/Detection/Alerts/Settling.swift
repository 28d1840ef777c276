/// Whether what was strange has become a steady state: the test by which a lasting change is accepted as the new normal.
///
/// The latest combined figures of an open incident must be distributed alike in their earlier and their later half, and
/// otherwise than on the rows that were learned from; both by the Kolmogorov–Smirnov distance, counted with as many figures as
/// are independent. What goes on growing (a leak, a disk that fills up) does not settle; only hundreds of usual spreads out, where inputs grow
/// logarithmically, may its growth be lost in the noise of the figures.
struct Settling: Sendable {
  /// Figures that are looked at, and those that are needed.
  static let most = 128
  static let least = 32
  /// Events between two looks.
  private static let every = 16
  /// Halves further apart than this are no steady state, whatever the number of independent figures.
  private static let farthest = 0.5

  // Grows with the first incident, and stays.
  private var figures: [Float] = []
  private var next = 0
  private var sinceLook = 0

  mutating func add(_ figure: Float) {
    if figures.count < Self.most {
      if figures.isEmpty { figures.reserveCapacity(Self.most) }
      figures.append(figure)
    } else {
      figures[next] = figure
      next = (next + 1) % Self.most
    }
    sinceLook += 1
  }

  mutating func reset() {
    if figures.isEmpty { return }
    figures.removeAll(keepingCapacity: true)
    next = 0
    sinceLook = 0
  }

  /// Asked for each event that lasts long enough; looks at every sixteenth.
  ///
  /// - Parameter usual: ln p of a figure on the rows that were learned from.
  mutating func hasSettled(usual: (Float) -> Float) -> Bool {
    guard figures.count >= Self.least, sinceLook >= Self.every else { return false }
    sinceLook = 0
    let inOrder = Array(figures[next...] + figures[..<next])
    return Self.isSteady(inOrder) && Self.isUnusual(inOrder.map(usual))
  }

  static func isSteady(_ figures: [Float]) -> Bool {
    let (earlier, later) = (figures[..<(figures.count / 2)], figures[(figures.count / 2)...])
    let distance = FieldDrift.distance(earlier.sorted(), later.sorted())
    guard distance <= farthest else { return false }
    let independent = ScoreCalibration.independentCount(figures) / 2
    return FieldDrift.pValue(distance, independent, independent) > 0.05
  }

  /// - Parameter logP: evenly distributed p-values have ln p distributed as the negative of an exponential number.
  static func isUnusual(_ logP: [Float]) -> Bool {
    let sorted = logP.map { Double($0).exponential }.sorted()
    var distance = 0.0
    for (index, p) in sorted.enumerated() {
      let (below, upTo) = (Double(index) / Double(sorted.count), Double(index + 1) / Double(sorted.count))
      distance = max(distance, abs(p - below), abs(upTo - p))
    }
    return FieldDrift.pValue(distance, ScoreCalibration.independentCount(logP), 1e9) < 0.01 || distance > 0.5
  }
}
