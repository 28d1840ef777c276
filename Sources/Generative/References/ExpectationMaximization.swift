import Networks
import Tensors

/// Expectation-maximisation (Dempster, Laird & Rubin 1977): in turn what hidden causes are likely, and what parameters are then best.
enum ExpectationMaximization {
  /// Until an iteration gains less than this, nats per row.
  static let leastGain = 1e-5
  /// What a further component must gain on held-out rows, nats per row: less is chance.
  static let leastHeldOutGain = 0.01

  /// - Parameter step: from parameters to the next ones, and what is to rise of the former: the mean log-likelihood of the rows,
  ///   with the logarithm of the prior of the parameters where these have one.
  /// - Throws: ``FitError/diverged(step:)``.
  static func run<State>(
    _ state: State, iterations: Int, _ surroundings: FitSurroundings,
    step: (State) throws(FitError) -> (next: State, logLikelihood: Double)
  ) throws(FitError) -> (state: State, curve: [CurvePoint]) {
    var state = state
    var curve: [CurvePoint] = []
    var last = -Double.infinity
    let begin = surroundings.now()
    for iteration in 0..<iterations {
      if surroundings.shouldStop() { break }
      if let limit = surroundings.timeLimit, surroundings.now() - begin >= limit { break }
      let (next, logLikelihood) = try step(state)
      guard logLikelihood.isFinite else { throw .diverged(step: iteration) }
      curve.append(CurvePoint(step: iteration, loss: Float(-logLikelihood), heldOutLoss: nil))
      if logLikelihood - last < leastGain { break }
      last = logLikelihood
      state = next
    }
    return (state, curve)
  }

  /// The number of components that makes held-out rows most likely; larger ones are tried until two in a row were no better.
  ///
  /// A gain counts when it is more than its own standard error over the rows (Breiman et al. 1984, section 3.4.3): what a few rows
  /// gain by chance does not pay for a component.
  ///
  /// - Parameter logLikelihoods: of each held-out row with this many components.
  static func components(
    upTo most: Int, _ logLikelihoods: (Int) throws(FitError) -> [Double]
  ) throws(FitError) -> Int {
    var (best, failures) = (1, 0)
    var highest = try logLikelihoods(1)
    for count in [2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64] where count <= most {
      let values = try logLikelihoods(count)
      let gains = zip(values, highest).map { $0 - $1 }
      let rows = Double(max(gains.count, 1))
      let mean = gains.reduce(0, +) / rows
      let variance = gains.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(rows - 1, 1)
      if mean > max(leastHeldOutGain, (variance / rows).squareRoot()) {
        (best, highest, failures) = (count, values, 0)
      } else {
        failures += 1
        if failures == 2 { break }
      }
    }
    return best
  }
}

/// Groups of rows that lie near each other.
enum KMeans {
  /// The group of each row: centres far from each other (k-means++, Arthur & Vassilvitskii 2007), then moved ten times to the middle
  /// of the rows that are nearest (Lloyd 1982). Works on at most 4,096 rows, then sorts them all.
  static func groups(_ rows: [Float], width: Int, count: Int, seed: UInt64) -> [Int] {
    let n = rows.count / width
    let chosen = Array(stride(from: 0, to: n, by: max(1, n / 4096)))
    var arena = Arena()
    let region = arena.reserve(chosen.count * width)
    arena.gather(rows, columns: width, rows: chosen[...], into: region)
    let sample = arena[region]
    var random = RandomStream(seed: seed, stream: Purpose.initial.stream(1))
    func row(_ at: Int) -> ArraySlice<Float> { sample[at * width..<(at + 1) * width] }

    var centres = Array(row(random.below(chosen.count)))
    var least = nearest(sample, centres, width).distances
    while centres.count < count * width {
      var left = random.uniform() * Float(least.reduce(0.0) { $0 + Double($1) })
      let pick = least.firstIndex { distance in
        left -= distance
        return left < 0
      }
      let centre = Array(row(pick ?? least.count - 1))
      centres += centre
      least = zip(least, nearest(sample, centre, width).distances).map { min($0, $1) }
    }
    for _ in 0..<10 {
      let groups = nearest(sample, centres, width).groups
      var shares = [Float](repeating: 0, count: chosen.count * count)
      for (i, group) in groups.enumerated() { shares[i * count + group] = 1 }
      let counts = VectorMath.columnSums(shares, rows: chosen.count, columns: count)
      var sums = [Float](repeating: 0, count: count * width)
      Product.multiply(m: count, n: width, k: chosen.count, shares, transposed: true, sample, into: &sums)
      for group in 0..<count where counts[group] > 0 {
        for j in group * width..<(group + 1) * width { centres[j] = sums[j] / counts[group] }
      }
    }
    return nearest(rows, centres, width).groups
  }

  /// Of each row the nearest centre, and the squared distance to it.
  private static func nearest(
    _ rows: [Float], _ centres: [Float], _ width: Int
  ) -> (groups: [Int], distances: [Float]) {
    let (n, count) = (rows.count / width, centres.count / width)
    func squares(_ values: [Float]) -> [Float] {
      VectorMath.columnSums(
        VectorMath.transpose(values.map { $0 * $0 }, rows: values.count / width, columns: width),
        rows: width, columns: values.count / width)
    }
    let (own, others) = (squares(rows), squares(centres))
    var products = [Float](repeating: 0, count: n * count)
    Product.multiply(m: n, n: count, k: width, rows, centres, otherTransposed: true, into: &products)
    var groups = [Int](repeating: 0, count: n)
    var distances = [Float](repeating: .infinity, count: n)
    for row in 0..<n {
      for centre in 0..<count {
        let distance = max(0, own[row] + others[centre] - 2 * products[row * count + centre])
        if distance < distances[row] { (groups[row], distances[row]) = (centre, distance) }
      }
    }
    return (groups, distances)
  }
}
