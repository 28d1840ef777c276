/// Whether what was strange has become a steady state: the test by which a lasting change is accepted as the new normal.
///
/// The latest combined figures of an open incident must be distributed alike in their earlier and their later half, and
/// otherwise than on the rows that were learned from; both by the Kolmogorov–Smirnov distance, counted with as many figures as
/// are independent. What goes on growing (a leak, a disk that fills up) does not settle: far out, where inputs grow only
/// logarithmically and growth is lost in the noise of the figures, it shows in the values of the leading fields themselves.
struct Settling: Sendable {
  /// Figures that are looked at, and those that are needed.
  static let most = 128
  static let least = 32
  /// Events between two looks.
  private static let every = 16
  /// Halves further apart than this are no steady state, whatever the number of independent figures.
  static let farthest = 0.5

  // Grows with the first incident, and stays.
  private var figures: [Float] = []
  private var next = 0
  private var sinceLook = 0

  /// Of the fields that stand out most.
  private var paths: [ValuePath] = []
  private static let mostPaths = 3

  /// These columns stand out, the first of them most.
  mutating func watch(_ columns: [Int]) {
    for column in columns.prefix(Self.mostPaths) where !paths.contains(where: { $0.column == column }) {
      if paths.count == Self.mostPaths {
        // Later ones take the place of the last; what stood out first stays in sight.
        if column != columns.first { continue }
        paths.removeLast()
      }
      paths.append(ValuePath(column: column))
    }
  }

  /// - Parameter row: the values of the event, by column; missing is NaN.
  mutating func add(_ row: Span<Float>) {
    for path in paths.indices where paths[path].column < row.count {
      paths[path].add(row[paths[path].column])
    }
  }

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
    paths.removeAll(keepingCapacity: true)
    if figures.isEmpty { return }
    figures.removeAll(keepingCapacity: true)
    next = 0
    sinceLook = 0
  }

  /// Asked for each event that lasts long enough; looks at every sixteenth.
  ///
  /// - Parameters:
  ///   - usual: ln p of a figure on the rows that were learned from.
  ///   - scale: centre and usual spread of a column's values; nil when it has none.
  mutating func hasSettled(
    usual: (Float) -> Float, scale: (_ column: Int) -> (centre: Float, spread: Float)?
  ) -> Bool {
    guard figures.count >= Self.least, sinceLook >= Self.every else { return false }
    sinceLook = 0
    for path in paths {
      if let scale = scale(path.column), path.isMoving(scale.centre, scale.spread) { return false }
    }
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

/// The values of one field over a whole incident, thinned out by halves as it grows longer.
struct ValuePath: Sendable {
  static let most = 128
  let column: Int
  private var values: [Float] = []
  /// Each value stands for so many events, of which it is the last.
  private var stride = 1
  private var skipped = 0

  init(column: Int) {
    self.column = column
    values.reserveCapacity(Self.most)
  }

  mutating func add(_ value: Float) {
    guard value.isFinite else { return }
    skipped += 1
    guard skipped >= stride else { return }
    skipped = 0
    if values.count == Self.most {
      for index in 0..<Self.most / 2 { values[index] = values[2 * index + 1] }
      values.removeLast(Self.most / 2)
      stride *= 2
    }
    values.append(value)
  }

  /// Whether the last quarter of the incident lies elsewhere than the one before: further by a tenth of its distance from what is
  /// usual, and by a quarter of a usual spread, with distributions that hardly overlap. A straight climb moves by more than a
  /// quarter of its way, however long it takes.
  func isMoving(_ centre: Float, _ spread: Float) -> Bool {
    guard values.count >= Settling.least else { return false }
    let (half, last) = (values.count / 2, 3 * values.count / 4)
    let (before, now) = (values[half..<last].sorted(), values[last...].sorted())
    let (from, to) = (before.quantile(0.5), now.quantile(0.5))
    guard abs(to - from) > max(0.1 * abs(to - centre), 0.25 * spread) else { return false }
    return FieldDrift.distance(before, now) > Settling.farthest
  }
}
