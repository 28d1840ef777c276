import Foundation
import Networks
import Tensors

/// What can be chosen about a mixture of Bernoullis.
public struct BernoulliMixtureSettings: ModelSettings {
  /// How many; 0 for as many as make held-out rows most likely.
  public var components = 0
  /// Imagined tosses that every coin begins with, as many of them ones as in all rows together.
  public var pseudoCount: Float = 1

  public init() {}
  public func check() throws(FitError) {
    guard (0...65536).contains(components) else {
      throw .setting("components is \(components), not 0 to 65536")
    }
    guard pseudoCount > 0, pseudoCount <= 1000 else {
      throw .setting("pseudoCount is \(pseudoCount), not above 0 and at most 1000")
    }
  }
}

/// `Σ π_k Π_j p_kj^x_j (1 - p_kj)^(1 - x_j)`: several sets of coins, one of which is tossed for a row. Fitted by
/// expectation-maximisation from k-means++ (Bishop 2006, section 9.3.3).
public struct BernoulliMixture: ReferenceModel, InpaintingModel, TrainingCurveKeeping {
  public static let catalogueName = "bernoulli-mixture"
  let frame: ReferenceFrame<BernoulliMixtureSettings>
  let coins: MixtureOfCoins
  public var curve: [CurvePoint] { frame.curve }
  public var components: Int { coins.weights.count }

  static func fit(
    _ records: Records, _ settings: BernoulliMixtureSettings, _ options: FitOptions,
    _ surroundings: FitSurroundings
  ) throws(FitError) -> BernoulliMixture {
    let data = records.matrix
    try data.check(minimumRows: 2)
    let preparation = Preparation(records, wanted: .binary)
    let iterations = options.epochs ?? 200
    func problem(_ data: DataMatrix) -> BernoulliMixtureFit {
      BernoulliMixtureFit(
        drawnBits(preparation(data), seed: options.seed), preparation, data.mask,
        pseudoCount: settings.pseudoCount)
    }
    var components = settings.components
    if components == 0 {
      let split = HeldOutSplit(rows: data.rows, share: 0.15)
      let learned = problem(data.rows(split.trainedRows))
      let heldOut = problem(data.rows(split.heldOutRows))
      components = try ExpectationMaximization.components(upTo: split.trained / 8) {
        (count: Int) throws(FitError) in
        let (coins, _) = try learned.fitted(
          components: count, iterations: iterations, seed: options.seed, surroundings)
        return heldOut.expected(coins).logLikelihoods
      }
    }
    let (coins, curve) = try problem(data).fitted(
      components: min(components, data.rows), iterations: iterations, seed: options.seed, surroundings)
    return BernoulliMixture(
      frame: ReferenceFrame(settings, preparation, ColumnSummary(data), curve: curve), coins: coins)
  }

  func reserve(_ space: inout WorkingSpace) {
    space.grow(products: Self.most * components, numbers: components)
  }

  func logDensities(_ space: inout WorkingSpace, count: Int, missing: MissingEntries?) {
    coins.multiply(&space, count: count, missing: missing)
    for row in 0..<count {
      coins.joint(&space, row: row, missing: missing)
      space.results[row] = logSumExp(space.numbers, 0..<components)
    }
  }

  public func sample(count: Int, seed: UInt64) -> [Float] {
    var random = RandomStream(seed: seed, stream: Purpose.sampling.stream(0))
    let chosen = random.uniforms(count)
    var rows: [Float] = []
    for row in 0..<count {
      let component = coins.weights.place(of: chosen[row])
      let uniforms = random.uniforms(wide)
      for j in 0..<wide { rows.append(uniforms[j] < coins.probability[component * wide + j] ? 1 : 0) }
    }
    return preparation.restored(rows)
  }

  public func inpaint(_ rows: Records, seed: UInt64) -> [Float] {
    var space = WorkingSpace()
    reserve(&space)
    return inpainted(rows, seed: seed) { values, row, random, isMissing in
      // One row of which all places have their own mark.
      let known = (0..<wide).map { isMissing($0) ? Float(0) : 1 }
      let missing = MissingEntries(marks: known)
      space.rows = Array(values[row * wide..<(row + 1) * wide])
      coins.multiply(&space, count: 1, missing: missing)
      coins.joint(&space, row: 0, missing: missing)
      let sum = logSumExp(space.numbers, 0..<components)
      let shares = (0..<components).map { Float(exp(space.numbers[$0] - sum)) }
      let component = shares.place(of: random.uniform())
      for j in 0..<wide where isMissing(j) {
        values[row * wide + j] = random.bernoulli(coins.probability[component * wide + j]) ? 1 : 0
      }
    }
  }
}

/// The parameters of a mixture of Bernoullis.
struct MixtureOfCoins: Sendable {
  /// `π_k`
  let weights: [Float]
  /// `p_kj`, `components × width`
  let probability: [Float]
  let width: Int
  /// `log p - log (1 - p)`, `width × components`
  private let logOdds: [Float]
  /// `log (1 - p)`, `components × width`
  private let logZero: [Float]
  /// `log π_k + Σ_j log (1 - p_kj)`
  private let base: [Double]

  init(weights: [Float], probability: [Float]) {
    let count = weights.count
    let width = probability.count / count
    self.weights = weights
    self.probability = probability
    self.width = width
    let zero = VectorMath.log(probability.map { 1 - $0 })
    logZero = zero
    logOdds = VectorMath.transpose(
      zip(VectorMath.log(probability), zero).map { $0 - $1 }, rows: count, columns: width)
    base = (0..<count).map { k in
      zero[k * width..<(k + 1) * width].reduce(log(Double(weights[k]))) { $0 + Double($1) }
    }
  }

  /// What the ones of the first rows add, for all components; entries that are missing become 0 first.
  func multiply(_ space: inout WorkingSpace, count: Int, missing: MissingEntries?) {
    if let missing {
      for row in 0..<count where missing.isAny(in: row) {
        for j in 0..<width where missing.isMissing(row, j) { space.rows[row * width + j] = 0 }
      }
    }
    Product.multiply(m: count, n: weights.count, k: width, space.rows, logOdds, into: &space.products)
  }

  /// Puts `log π_k + log p(x | k)` of a row into the space's numbers.
  func joint(_ space: inout WorkingSpace, row: Int, missing: MissingEntries?) {
    for k in weights.indices {
      space.numbers[k] = base[k] + Double(space.products[row * weights.count + k])
    }
    guard let missing, missing.isAny(in: row) else { return }
    for j in 0..<width where missing.isMissing(row, j) {
      for k in weights.indices { space.numbers[k] -= Double(logZero[k * width + j]) }
    }
  }
}

/// The fit of a mixture of Bernoullis to bits; missing ones are summed out.
struct BernoulliMixtureFit {
  private let rows: [Float]
  /// 1 where a bit is there; nil when all are.
  private let known: [Float]?
  private let missing: MissingEntries?
  private let count: Int
  private let width: Int
  private let pseudoCount: Float
  /// Per column, the share of ones, with half a toss of each side added.
  private let mean: [Float]

  init(_ rows: [Float], _ preparation: Preparation, _ mask: [Float]?, pseudoCount: Float) {
    let width = preparation.form.width
    self.width = width
    count = rows.count / width
    self.pseudoCount = pseudoCount
    let missing = MissingEntries(mask, first: 0, preparation)
    self.missing = missing
    let known = missing.map { missing in
      rows.indices.map { missing.isMissing($0 / width, $0 % width) ? Float(0) : 1 }
    }
    self.known = known
    let masked = known.map { known in zip(rows, known).map { $0 * $1 } } ?? rows
    self.rows = masked
    let ones = VectorMath.columnSums(masked, rows: count, columns: width)
    let tosses = known.map { VectorMath.columnSums($0, rows: rows.count / width, columns: width) }
    mean = (0..<width).map { (ones[$0] + 0.5) / ((tosses?[$0] ?? Float(rows.count / width)) + 1) }
  }

  func fitted(
    components: Int, iterations: Int, seed: UInt64, _ surroundings: FitSurroundings
  ) throws(FitError) -> (state: MixtureOfCoins, curve: [CurvePoint]) {
    let groups = KMeans.groups(rows, width: width, count: components, seed: seed)
    var shares = [Float](repeating: 0, count: count * components)
    for (row, group) in groups.enumerated() { shares[row * components + group] = 1 }
    return try ExpectationMaximization.run(maximised(shares), iterations: iterations, surroundings) {
      (coins: MixtureOfCoins) throws(FitError) in
      let (shares, logLikelihoods) = expected(coins)
      return (maximised(shares), logLikelihoods.reduce(0, +) / Double(count))
    }
  }

  /// Which share each component has in each row, `rows × components`, and their log-likelihoods.
  func expected(_ coins: MixtureOfCoins) -> (shares: [Float], logLikelihoods: [Double]) {
    let k = coins.weights.count
    var shares = [Float](repeating: 0, count: count * k)
    var space = WorkingSpace()
    let block = 1024
    space.grow(rows: block * width, products: block * k, numbers: k)
    var logLikelihoods: [Double] = []
    logLikelihoods.reserveCapacity(count)
    for start in stride(from: 0, to: count, by: block) {
      let part = min(block, count - start)
      space.rows.replaceSubrange(0..<part * width, with: rows[start * width..<(start + part) * width])
      let missing = missing.map { $0.moved(by: start) }
      coins.multiply(&space, count: part, missing: missing)
      for row in 0..<part {
        coins.joint(&space, row: row, missing: missing)
        let sum = logSumExp(space.numbers, 0..<k)
        logLikelihoods.append(sum)
        for component in 0..<k {
          shares[(start + row) * k + component] = Float(exp(space.numbers[component] - sum))
        }
      }
    }
    return (shares, logLikelihoods)
  }

  private func maximised(_ shares: [Float]) -> MixtureOfCoins {
    let k = shares.count / count
    var totals = [Double](repeating: 0, count: k)
    for i in shares.indices { totals[i % k] += Double(shares[i]) }
    func weighted(_ rows: [Float]) -> [Float] {
      var result = [Float](repeating: 0, count: k * width)
      Product.multiply(m: k, n: width, k: count, shares, transposed: true, rows, into: &result)
      return result
    }
    let ones = weighted(rows)
    let tosses = known.map(weighted)
    let probability = ones.indices.map { i in
      let tossed = tosses?[i] ?? Float(totals[i / width])
      return min(max((ones[i] + pseudoCount * mean[i % width]) / (tossed + pseudoCount), 1e-6), 1 - 1e-6)
    }
    let all = totals.reduce(0) { $0 + max($1, 1e-3) }
    return MixtureOfCoins(weights: totals.map { Float(max($0, 1e-3) / all) }, probability: probability)
  }
}

// MARK: bytes

extension BernoulliMixture {
  public func encode() -> [UInt8] {
    frame.encode(
      [
        "weights": Tensor(coins.weights, shape: [components]),
        "probability": Tensor(coins.probability, shape: [components, wide]),
      ], as: Self.catalogueName)
  }

  public init(decoding bytes: [UInt8]) throws {
    let file = try Weights(decoding: bytes)
    frame = try ReferenceFrame(file, as: Self.catalogueName)
    let weights = try file.shares("weights")
    let width = frame.preparation.form.width
    coins = MixtureOfCoins(
      weights: weights, probability: try file.probabilities("probability", shape: [weights.count, width]))
  }
}

extension Weights {
  /// Numbers between 0 and 1, neither of them.
  func probabilities(_ name: String, shape: [Int?]) throws(WeightsError) -> [Float] {
    let values = try tensor(name, shape: shape).values
    guard values.allSatisfy({ $0 > 0 && $0 < 1 }) else {
      throw .wrongValue("\(name) holds what is no probability between 0 and 1")
    }
    return values
  }
}
