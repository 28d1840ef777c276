import Glibc
import Tensors

/// Two tests of whether the recent rows of a stream come from the same distribution as those before, all fields together; where
/// ``FieldDrift`` looks at each field by itself, these also see fields that go together in another way.
///
/// Rows of a stream depend on those beside them; so whole blocks of neighbours are dealt out anew, not rows (a block bootstrap
/// without replacement), and p-values rest on that.
public struct StreamDrift: Sendable, Equatable {
  public struct Verdict: Sendable, Equatable {
    /// The squared discrepancy; or how much of held-out rows is told apart rightly, 0.5 by guessing.
    public var statistic: Double
    /// Of one at least so large, were nothing changed.
    public var pValue: Double
  }

  /// The maximum mean discrepancy with a Gaussian kernel as wide as the median distance (Gretton et al. 2012, equation 5, the biased
  /// estimate).
  public var discrepancy: Verdict
  /// A classifier two-sample test (Lopez-Paz & Oquab 2017, section 3): logistic regression on the fields and their squares learns
  /// on every other block which sample a row is of, and is asked for the rest.
  public var classifier: Verdict
  /// Rows of each sample that were looked at.
  public var rows: Int

  /// Blocks of each sample, dealings, and rows of a block at most.
  private static let blocks = 16
  private static let dealings = 199
  private static let mostBlockRows = 12

  /// nil when there are too few rows, or no field is in both.
  public init?(from reference: TrainingRows, to recent: TrainingRows, seed: UInt64 = 1) {
    let fields = recent.fields.filter(reference.fields.contains)
    guard !fields.isEmpty, reference.count >= 2 * Self.blocks, recent.count >= 2 * Self.blocks else {
      return nil
    }
    let scales = fields.map { name in
      RobustScale(of: Self.column(reference, name).filter(\.isFinite), floor: RobustScale.fieldFloor)
    }
    let length = min(Self.mostBlockRows, min(reference.count, recent.count) / Self.blocks)
    var all: [[Float]] = []
    for part in [reference, recent] {
      let columns = fields.map { part.fields.firstIndex(of: $0) ?? 0 }
      for block in 0..<Self.blocks {
        // Evenly spread; neighbours within a block.
        let first = block * (part.count - length) / (Self.blocks - 1)
        for row in first..<first + length {
          all.append(
            columns.enumerated().map { index, column in
              let value = part.values[row * part.fields.count + column]
              let z = (value - scales[index].centre) / scales[index].spread
              return value.isFinite ? squash(z, limit: 6) : 0
            })
        }
      }
    }
    let sampled = Self.blocks * length
    rows = sampled
    let kernel = Self.kernel(all)
    var random = RandomStream(seed: seed, stream: 0x6472_6966)
    let deals =
      [Array(0..<2 * Self.blocks)] + (0..<Self.dealings).map { _ in random.permutation(2 * Self.blocks) }
    let sums = Self.blockSums(kernel, count: all.count, length: length)
    let discrepancies = deals.map { Self.discrepancy(sums, $0, rows: Double(sampled)) }
    discrepancy = Self.verdict(discrepancies)
    // The costlier one with fewer dealings.
    classifier = Self.verdict(deals.prefix(100).map { Self.accuracy(all, $0, length: length) })
  }

  /// The first is the true one.
  private static func verdict(_ statistics: [Double]) -> Verdict {
    let larger = statistics.dropFirst().count { $0 >= statistics[0] - 1e-12 }
    return Verdict(statistic: statistics[0], pValue: Double(larger + 1) / Double(statistics.count))
  }

  private static func column(_ rows: TrainingRows, _ name: String) -> [Float] {
    guard let column = rows.fields.firstIndex(of: name) else { return [] }
    return (0..<rows.count).map { rows.values[$0 * rows.fields.count + column] }
  }

  // MARK: discrepancy

  /// `exp(-d² / median d²)` of every pair.
  private static func kernel(_ rows: [[Float]]) -> [Float] {
    var squares = [Float](repeating: 0, count: rows.count * rows.count)
    for i in rows.indices {
      for j in 0..<i {
        var sum: Float = 0
        for (a, b) in zip(rows[i], rows[j]) { sum += (a - b) * (a - b) }
        squares[i * rows.count + j] = sum
        squares[j * rows.count + i] = sum
      }
    }
    let median = max(squares.sorted().quantile(0.5), 1e-6)
    return VectorMath.exp(squares.map { -$0 / median })
  }

  /// Sums of the kernel over pairs of blocks.
  private static func blockSums(_ kernel: [Float], count: Int, length: Int) -> [Double] {
    let blocks = count / length
    var sums = [Double](repeating: 0, count: blocks * blocks)
    for i in 0..<count {
      for j in 0..<count { sums[i / length * blocks + j / length] += Double(kernel[i * count + j]) }
    }
    return sums
  }

  /// - Parameter deal: the first half of these blocks against the second.
  private static func discrepancy(_ sums: [Double], _ deal: [Int], rows: Double) -> Double {
    var sum = 0.0
    for (i, a) in deal.enumerated() {
      for (j, b) in deal.enumerated() {
        let isSame = (i < deal.count / 2) == (j < deal.count / 2)
        sum += (isSame ? 1 : -1) * sums[a * deal.count + b]
      }
    }
    return sum / (rows * rows)
  }

  // MARK: classifier

  private static func accuracy(_ rows: [[Float]], _ deal: [Int], length: Int) -> Double {
    let width = 2 * rows[0].count + 1
    func features(_ row: [Float]) -> [Float] { row + row.map { 0.25 * $0 * $0 } + [1] }
    var learned: [(x: [Float], isSecond: Float)] = []
    var asked: [(x: [Float], isSecond: Float)] = []
    for (place, block) in deal.enumerated() {
      let isSecond: Float = place < deal.count / 2 ? 0 : 1
      for row in block * length..<(block + 1) * length {
        let example = (features(rows[row]), isSecond)
        if place % 2 == 0 { learned.append(example) } else { asked.append(example) }
      }
    }
    // A few steps down the gradient, each as long as the largest curvature allows.
    var weights = [Float](repeating: 0, count: width)
    let power = learned.reduce(Float(0)) { max($0, $1.x.reduce(0) { $0 + $1 * $1 }) }
    for _ in 0..<30 {
      var gradient = [Float](repeating: 0, count: width)
      for (x, isSecond) in learned {
        let miss = isSecond - 1 / (1 + expf(-dot(weights, x)))
        for i in 0..<width { gradient[i] += miss * x[i] }
      }
      for i in 0..<width { weights[i] += 8 / power * gradient[i] / Float(learned.count) }
    }
    let right = asked.count { (dot(weights, $0.x) > 0) == ($0.isSecond == 1) }
    return Double(right) / Double(asked.count)
  }

  private static func dot(_ a: [Float], _ b: [Float]) -> Float {
    var sum: Float = 0
    for i in a.indices { sum += a[i] * b[i] }
    return sum
  }
}
