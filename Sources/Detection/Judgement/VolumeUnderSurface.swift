/// The volume under the surface of precision and recall: Paparrizos, Boniol, Palpanas, Tsay, Elmore & Franklin, VLDB 2022.
///
/// The area under the precision-recall curve, averaged over tolerances from 0 to `window` rows: around each labelled event a
/// slope is added on which a find counts in part, and recall is weighed by the share of the events that were touched. Unlike
/// point-adjusted figures it does not make a random score look good.
public enum VolumeUnderSurface {
  /// Thresholds at which the curve is taken.
  static let thresholds = 250

  /// - Parameters:
  ///   - labels: per row whether it belongs to an event.
  ///   - scores: per row, higher is stranger; of any unit.
  ///   - window: the largest tolerance, in rows.
  /// - Returns: 0 to 1; NaN when all rows or none are labelled.
  public static func precisionRecall(labels: [Bool], scores: [Double], window: Int) -> Double {
    precondition(labels.count == scores.count, "\(labels.count) labels for \(scores.count) scores")
    let segments = LabelledEvents.segments(of: labels)
    guard !segments.isEmpty, !labels.allSatisfy({ $0 }) else { return .nan }
    let surface = Surface(labels, scores, segments, window)
    var sum = 0.0
    for width in 0...window { sum += surface.area(width) }
    return sum / Double(window + 1)
  }
}

/// Runs of labelled rows.
public enum LabelledEvents {
  public static func segments(of labels: [Bool]) -> [ClosedRange<Int>] {
    var found: [ClosedRange<Int>] = []
    var start: Int?
    for row in labels.indices {
      if labels[row] {
        start = start ?? row
      } else if let first = start {
        found.append(first...row - 1)
        start = nil
      }
    }
    if let start { found.append(start...labels.count - 1) }
    return found
  }
}

/// What does not depend on the tolerance.
private struct Surface {
  let labels: [Bool]
  let scores: [Double]
  let segments: [ClosedRange<Int>]
  /// Per row the first threshold (from the highest) that its score reaches.
  let ranks: [Int]
  /// Per threshold: rows that reach it, and labelled ones among these.
  let reached: [Double]
  let labelled: [Double]
  /// Rows within the widest tolerance of an event.
  let isNear: [Bool]

  init(_ labels: [Bool], _ scores: [Double], _ segments: [ClosedRange<Int>], _ window: Int) {
    self.labels = labels
    self.scores = scores
    self.segments = segments
    let count = VolumeUnderSurface.thresholds
    let falling = scores.sorted(by: >)
    let thresholds = (0..<count).map {
      falling[Int(Double($0) * Double(scores.count - 1) / Double(count - 1))]
    }
    ranks = scores.map { score in Self.first(thresholds) { $0 <= score } }
    reached = thresholds.map { threshold in Double(Self.first(falling) { $0 < threshold }) }
    var sums = [Double](repeating: 0, count: count)
    for row in labels.indices where labels[row] && ranks[row] < count { sums[ranks[row]] += 1 }
    labelled = Self.cumulated(sums)
    var near = [Bool](repeating: false, count: labels.count)
    for range in Self.merged(segments, window, rows: labels.count) { for row in range { near[row] = true } }
    isNear = near
  }

  /// The first index at which an ordered array begins to hold `predicate`, or its count.
  private static func first(_ values: [Double], _ predicate: (Double) -> Bool) -> Int {
    var (low, high) = (0, values.count)
    while low < high {
      let middle = (low + high) / 2
      if predicate(values[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  private static func cumulated(_ values: [Double]) -> [Double] {
    var sum = 0.0
    return values.map {
      sum += $0
      return sum
    }
  }

  /// Events widened by half the tolerance on both sides; those that then touch become one.
  private static func merged(_ segments: [ClosedRange<Int>], _ width: Int, rows: Int) -> [ClosedRange<Int>] {
    var ranges: [ClosedRange<Int>] = []
    let half = width / 2
    var start = max(segments[0].lowerBound - half, 0)
    for (segment, next) in zip(segments, segments.dropFirst())
    where segment.upperBound + half < next.lowerBound - half {
      ranges.append(start...segment.upperBound + half)
      start = next.lowerBound - half
    }
    ranges.append(start...min(segments[segments.count - 1].upperBound + half, rows - 1))
    return ranges
  }

  /// How much each row counts as labelled under a tolerance.
  private func weights(_ width: Int) -> [Double] {
    var weights = labels.map { $0 ? 1.0 : 0 }
    guard width > 1 else { return weights }
    let half = width / 2
    for segment in segments {
      for row in segment.upperBound
        + 1..<max(
          segment.upperBound + 1, min(segment.upperBound + half + 1, labels.count))
      {
        weights[row] += (1 - Double(row - segment.upperBound) / Double(width)).squareRoot()
      }
      for row in max(segment.lowerBound - half, 0)..<segment.lowerBound {
        weights[row] += (1 - Double(segment.lowerBound - row) / Double(width)).squareRoot()
      }
    }
    return weights.map { min($0, 1) }
  }

  func area(_ width: Int) -> Double {
    let count = reached.count
    let weights = weights(width)
    let ranges = Self.merged(segments, width, rows: labels.count)
    var isInside = [Bool](repeating: false, count: labels.count)
    var touched = [Double](repeating: 0, count: count)
    for range in ranges {
      var first = count
      for row in range {
        isInside[row] = true
        first = min(first, ranks[row])
      }
      if first < count { touched[first] += 1 }
    }
    var near = [Double](repeating: 0, count: count)
    var far = near
    var farTotal = 0.0
    for row in labels.indices where !labels[row] && weights[row] > 0 && isNear[row] {
      if !isInside[row] { farTotal += weights[row] }
      guard ranks[row] < count else { continue }
      if isInside[row] { near[ranks[row]] += weights[row] } else { far[ranks[row]] += weights[row] }
    }
    (touched, near, far) = (Self.cumulated(touched), Self.cumulated(near), Self.cumulated(far))
    let all = Double(labels.count { $0 })
    var (area, before) = (0.0, 0.0)
    for index in 0..<count {
      let found = labelled[index] + near[index] + far[index]
      let possible = (2 * all + near[index] + farTotal) / 2
      let recall = min(found / possible, 1) * touched[index] / Double(ranges.count)
      area += (recall - before) * found / reached[index]
      before = recall
    }
    return area
  }
}
