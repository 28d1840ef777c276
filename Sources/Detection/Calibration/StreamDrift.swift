import Tensors

/// Two tests of whether the recent rows of a stream come from the same distribution as those before, all fields together; where
/// ``FieldDrift`` looks at each field by itself, these also see fields that go together in another way.
///
/// Rows of a stream depend on those beside them; so whole blocks of neighbours are dealt out anew, not rows (a block bootstrap
/// without replacement), and p-values rest on that.
public struct StreamDrift: Sendable, Equatable {
  /// The outcome of one of the two tests.
  public struct Verdict: Sendable, Equatable {
    /// The squared discrepancy; or how much of held-out rows is told apart rightly, 0.5 by guessing.
    public var statistic: Double
    /// Of one at least so large, were nothing changed.
    public var pValue: Double
  }

  /// The maximum mean discrepancy with a Gaussian kernel as wide as the median distance (Gretton et al. 2012, equation 5, the biased
  /// estimate).
  public var discrepancy: Verdict
  /// A classifier two-sample test (Lopez-Paz & Oquab 2017, section 3): a linear discriminant of the fields and their squares
  /// learns on every other block which sample a row is of, and is asked for the rest.
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
    let whitened = Self.whitened(all)
    classifier = Self.verdict(deals.map { Self.accuracy(whitened, $0, length: length) })
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

  /// The fields and their squares, made uncorrelated and of unit variance over both samples together.
  private static func whitened(_ rows: [[Float]]) -> [[Float]] {
    let squared = rows.map { row in row + row.map { $0 * $0 } }
    let width = squared[0].count
    var means = [Double](repeating: 0, count: width)
    for row in squared { for i in 0..<width { means[i] += Double(row[i]) / Double(squared.count) } }
    let centred = squared.map { row in (0..<width).map { Double(row[$0]) - means[$0] } }
    var covariance = [Double](repeating: 0, count: width * width)
    for row in centred {
      for i in 0..<width {
        for j in 0...i { covariance[i * width + j] += row[i] * row[j] / Double(centred.count) }
      }
    }
    // A ridge, so that many fields do not make a classifier of noise.
    let factor = Cholesky.factor(covariance, n: width, jitter: 0.05)
    return centred.map { row in
      var whole = [Float](repeating: 0, count: width)
      for i in 0..<width {
        var rest = Float(row[i])
        for j in 0..<i { rest -= factor[i * width + j] * whole[j] }
        whole[i] = rest / factor[i * width + i]
      }
      return whole
    }
  }

  private static func accuracy(_ rows: [[Float]], _ deal: [Int], length: Int) -> Double {
    let width = rows[0].count
    var means = ([Float](repeating: 0, count: width), [Float](repeating: 0, count: width))
    var counts: (Float, Float) = (0, 0)
    for (place, block) in deal.enumerated() where place % 2 == 0 {
      for row in rows[block * length..<(block + 1) * length] {
        if place < deal.count / 2 {
          counts.0 += 1
          for i in 0..<width { means.0[i] += row[i] }
        } else {
          counts.1 += 1
          for i in 0..<width { means.1[i] += row[i] }
        }
      }
    }
    // On the other side of the middle between the two means.
    var (weights, threshold) = (means.0, Float(0))
    for i in 0..<width {
      let (first, second) = (means.0[i] / counts.0, means.1[i] / counts.1)
      weights[i] = second - first
      threshold += weights[i] * (first + second) / 2
    }
    var (right, asked) = (0, 0)
    for (place, block) in deal.enumerated() where place % 2 == 1 {
      for row in rows[block * length..<(block + 1) * length] {
        var sum: Float = 0
        for i in 0..<width { sum += weights[i] * row[i] }
        if (sum > threshold) == (place >= deal.count / 2) { right += 1 }
        asked += 1
      }
    }
    return Double(right) / Double(asked)
  }
}
