import Foundation
import Networks
import Tensors

/// What can be chosen about a Chow-Liu tree.
public struct ChowLiuSettings: ModelSettings {
  /// Imagined rows, spread evenly over the four values that two bits can have.
  public var pseudoCount: Float = 1

  public init() {}
  public func check() throws(FitError) {
    guard pseudoCount > 0, pseudoCount <= 1000 else {
      throw .setting("pseudoCount is \(pseudoCount), not above 0 and at most 1000")
    }
  }
}

/// The best distribution of bits in which each depends on one other: `p(x) = Π_i p(x_i | x_parent(i))` on the spanning tree of
/// greatest mutual information (Chow & Liu 1968). Missing bits are summed out, or drawn given the others, by messages along the
/// tree (Pearl 1988).
public struct ChowLiuTree: ReferenceModel, InpaintingModel {
  public static let catalogueName = "chow-liu"
  let frame: ReferenceFrame<ChowLiuSettings>
  let tree: DependencyTree

  static func fit(
    _ records: Records, _ settings: ChowLiuSettings
  ) throws(FitError) -> ChowLiuTree {
    try records.matrix.check(minimumRows: 2)
    let preparation = Preparation(records, wanted: .binary)
    let counts = PairCounts(
      preparation(records.matrix), preparation, records.matrix.mask, pseudoCount: settings.pseudoCount)
    return ChowLiuTree(
      frame: ReferenceFrame(settings, preparation, ColumnSummary(records.matrix)), tree: counts.bestTree())
  }

  func reserve(_ space: inout WorkingSpace) { space.grow(numbers: 2 * wide) }

  func logDensities(_ space: inout WorkingSpace, count: Int, missing: MissingEntries?) {
    for row in 0..<count {
      let at = row * wide
      guard let missing, missing.isAny(in: row) else {
        space.results[row] = tree.logProbability(space.rows, at: at)
        continue
      }
      space.results[row] = tree.gather(&space.numbers, space.rows, at: at) { missing.isMissing(row, $0) }
    }
  }

  public func sample(count: Int, seed: UInt64) -> [Float] {
    var random = RandomStream(seed: seed, stream: Purpose.sampling.stream(0))
    var rows = [Float](repeating: 0, count: count * wide)
    let messages = [Double](repeating: 1, count: 2 * wide)
    for row in 0..<count {
      tree.scatter(messages, &rows, at: row * wide, &random) { _ in true }
    }
    return preparation.restored(rows)
  }

  public func inpaint(_ rows: Records, seed: UInt64) -> [Float] {
    var messages = [Double](repeating: 0, count: 2 * wide)
    return inpainted(rows, seed: seed) { values, row, random, isMissing in
      _ = tree.gather(&messages, values, at: row * wide, isMissing: isMissing)
      tree.scatter(messages, &values, at: row * wide, &random, isMissing: isMissing)
    }
  }
}

/// A tree of bits: who depends on whom, and how.
struct DependencyTree: Sendable {
  /// Of each bit; -1 for the one root.
  let parent: [Int]
  /// `p(x_i = 1 | x_parent)` for a parent of 0 and of 1; the same twice for the root.
  let probability: [Float]
  /// Parents before children.
  let order: [Int]
  /// `log p(x_i | x_parent)` at `4 i + 2 x_parent + x_i`.
  private let logs: [Double]
  var width: Int { parent.count }

  /// Nil when the parents make no tree.
  init?(parent: [Int], probability: [Float]) {
    self.parent = parent
    self.probability = probability
    guard parent.filter({ $0 == -1 }).count == 1, parent.allSatisfy({ $0 >= -1 && $0 < parent.count })
    else { return nil }
    var children = [[Int]](repeating: [], count: parent.count)
    var order: [Int] = []
    for (i, parent) in parent.enumerated() {
      if parent < 0 { order.append(i) } else { children[parent].append(i) }
    }
    var next = 0
    while next < order.count {
      order += children[order[next]]
      next += 1
    }
    guard order.count == parent.count else { return nil }
    self.order = order
    logs = probability.flatMap { [log(1 - Double($0)), log(Double($0))] }
  }

  private func bit(_ value: Float) -> Int { value > 0.5 ? 1 : 0 }

  /// `log p(x)` of a complete row.
  func logProbability(_ rows: [Float], at: Int) -> Double {
    var sum = 0.0
    for i in parent.indices {
      let above = parent[i] < 0 ? 0 : bit(rows[at + parent[i]])
      sum += logs[4 * i + 2 * above + bit(rows[at + i])]
    }
    return sum
  }

  /// Messages from the leaves up: at `2 i + x` how probable what is known below bit `i` is when it is `x`, up to a factor.
  ///
  /// - Returns: the log-probability of all that is known.
  func gather(_ messages: inout [Double], _ rows: [Float], at: Int, isMissing: (Int) -> Bool) -> Double {
    for i in 0..<2 * width { messages[i] = 1 }
    var total = 0.0
    for i in order.reversed() {
      if !isMissing(i) { messages[2 * i + 1 - bit(rows[at + i])] = 0 }
      func seen(_ above: Int) -> Double {
        let one = Double(probability[2 * i + above])
        return (1 - one) * messages[2 * i] + one * messages[2 * i + 1]
      }
      let (zero, one) = (seen(0), seen(1))
      // Kept near 1, so that long products do not vanish.
      let size = max(zero, one)
      total += log(size)
      guard parent[i] >= 0 else { continue }
      messages[2 * parent[i]] *= zero / size
      messages[2 * parent[i] + 1] *= one / size
    }
    return total
  }

  /// Draws the missing bits of a row from the root down, given the messages.
  func scatter(
    _ messages: [Double], _ rows: inout [Float], at: Int, _ random: inout RandomStream,
    isMissing: (Int) -> Bool
  ) {
    for i in order where isMissing(i) {
      let above = parent[i] < 0 ? 0 : bit(rows[at + parent[i]])
      let one = Double(probability[2 * i + above])
      let (no, yes) = ((1 - one) * messages[2 * i], one * messages[2 * i + 1])
      rows[at + i] = random.bernoulli(Float(yes / (no + yes))) ? 1 : 0
    }
  }
}

/// How often bits are 1 together: all that a Chow-Liu tree is made of. Numbers between 0 and 1 are probabilities of bits that are
/// drawn apart, so that products of two are the expected counts.
struct PairCounts {
  private let width: Int
  /// `Σ x_i x_j`, `Σ x_i` where both are known, and how often both are; the last two nil when nothing is missing.
  private let both: [Double]
  private let single: [Double]
  private let known: [Double]?
  private let rows: Double
  private let pseudoCount: Double

  init(_ values: [Float], _ preparation: Preparation, _ mask: [Float]?, pseudoCount: Float) {
    let width = preparation.form.width
    self.width = width
    rows = Double(values.count / width)
    self.pseudoCount = Double(pseudoCount)
    let missing = MissingEntries(mask, first: 0, preparation)
    let marks = missing.map { missing in
      values.indices.map { missing.isMissing($0 / width, $0 % width) ? Float(0) : 1 }
    }
    let values = marks.map { zip(values, $0).map { $0 * $1 } } ?? values
    func product(_ a: [Float], _ b: [Float]) -> [Double] {
      var sums = [Double](repeating: 0, count: width * width)
      var part = [Float](repeating: 0, count: width * width)
      // Whole numbers up to 2²⁴ are exact; so are these sums of few rows.
      for start in stride(from: 0, to: a.count / width, by: 4096) {
        let count = min(4096, a.count / width - start)
        Product.multiply(
          m: width, n: width, k: count, a, at: start * width, transposed: true, b, otherAt: start * width,
          into: &part)
        for i in sums.indices { sums[i] += Double(part[i]) }
      }
      return sums
    }
    both = product(values, values)
    if let marks {
      single = product(values, marks)
      known = product(marks, marks)
    } else {
      var sums = [Double](repeating: 0, count: width)
      for i in values.indices { sums[i % width] += Double(values[i]) }
      single = sums
      known = nil
    }
  }

  /// `p(x_i, x_j)` at `2 x_i + x_j`.
  private func joint(_ i: Int, _ j: Int) -> [Double] {
    let at = i * width + j
    let total = known?[at] ?? rows
    let (first, second) = known == nil ? (single[i], single[j]) : (single[at], single[j * width + i])
    let one = min(both[at], first, second)
    let cells = [total - first - second + one, second - one, first - one, one]
    return cells.map { (max($0, 0) + pseudoCount / 4) / (total + pseudoCount) }
  }

  /// `Σ p(x, y) log (p(x, y) / p(x) p(y))`, nats.
  func mutualInformation(_ i: Int, _ j: Int) -> Double {
    let p = joint(i, j)
    let (a, b) = (p[2] + p[3], p[1] + p[3])
    let apart = [(1 - a) * (1 - b), (1 - a) * b, a * (1 - b), a * b]
    return zip(p, apart).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }
  }

  /// The spanning tree of greatest mutual information (Prim 1957), rooted at the first bit.
  func bestTree() -> DependencyTree {
    var parent = [Int](repeating: -1, count: width)
    var strength = [Double](repeating: -1, count: width)
    var isOut = [Bool](repeating: true, count: width)
    var last = 0
    for _ in 1..<max(width, 1) {
      isOut[last] = false
      for i in 0..<width where isOut[i] {
        let information = mutualInformation(last, i)
        if information > strength[i] { (strength[i], parent[i]) = (information, last) }
      }
      var best = -1
      for i in 0..<width where isOut[i] && (best < 0 || strength[i] > strength[best]) { best = i }
      last = best
    }
    let probability = (0..<width).flatMap { i -> [Float] in
      guard parent[i] >= 0 else {
        let total = known?[i * width + i] ?? rows
        let ones = known == nil ? single[i] : single[i * width + i]
        let p = Float((ones + pseudoCount / 2) / (total + pseudoCount))
        return [p, p]
      }
      let p = joint(parent[i], i)
      return [Float(p[1] / (p[0] + p[1])), Float(p[3] / (p[2] + p[3]))]
    }.map { min(max($0, 1e-7), 1 - 1e-7) }
    guard let tree = DependencyTree(parent: parent, probability: probability) else {
      preconditionFailure("a spanning tree of \(width) bits that is none: \(parent)")
    }
    return tree
  }
}

// MARK: bytes

extension ChowLiuTree {
  public func encode() -> [UInt8] {
    frame.encode(
      [
        "parent": Tensor(tree.parent.map(Float.init), shape: [wide]),
        "probability": Tensor(tree.probability, shape: [wide, 2]),
      ], as: Self.catalogueName)
  }

  public init(decoding bytes: [UInt8]) throws {
    let file = try Weights(decoding: bytes)
    frame = try ReferenceFrame(file, as: Self.catalogueName)
    let width = frame.preparation.form.width
    // What is no whole number is no place in the tree, and refused as one that is not there.
    let parent = try file.tensor("parent", shape: [width]).values.map { Int(exactly: $0) ?? width }
    guard
      let tree = DependencyTree(
        parent: parent, probability: try file.probabilities("probability", shape: [width, 2]))
    else { throw WeightsError.wrongValue("the parents make no tree") }
    self.tree = tree
  }
}
