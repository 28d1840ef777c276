import Networks
import Tensors

/// Expectation-maximisation (Dempster, Laird & Rubin 1977): in turn what hidden causes are likely, and what parameters are then best.
enum ExpectationMaximization {
  /// Until an iteration gains less than this, nats per row.
  static let leastGain = 1e-5

  /// - Parameter step: from parameters to the next ones, and the mean log-likelihood of the rows under the former.
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
  /// - Parameter logLikelihood: the mean over held-out rows with this many components.
  static func components(
    upTo most: Int, _ logLikelihood: (Int) throws(FitError) -> Double
  ) throws(FitError) -> Int {
    var (best, highest, failures) = (1, -Double.infinity, 0)
    for count in [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64] where count <= max(most, 1) {
      let value = try logLikelihood(count)
      if value > highest {
        (best, highest, failures) = (count, value, 0)
      } else {
        failures += 1
        if failures == 2 { break }
      }
    }
    return best
  }
}

/// Centres of groups of rows.
enum KMeans {
  /// The group of each row: centres far from each other (k-means++, Arthur & Vassilvitskii 2007), then moved ten times to the middle
  /// of the rows that are nearest (Lloyd 1982). Works on at most 4,096 rows, then sorts them all.
  static func groups(_ rows: [Float], width: Int, count: Int, seed: UInt64) -> [Int] {
    let n = rows.count / width
    let stride = max(1, n / 4096)
    let chosen = Array(Swift.stride(from: 0, to: n, by: stride))
    var random = RandomStream(seed: seed, stream: Purpose.initial.stream(1))
    var centres = Array(row(rows, chosen[random.below(chosen.count)], width))
    var distances = chosen.map { distance(rows, $0, centres, 0, width) }
    while centres.count < count * width {
      var left = Float(distances.reduce(0.0) { $0 + Double($1) }) * random.uniform()
      var pick = distances.count - 1
      for (i, distance) in distances.enumerated() {
        left -= distance
        if left < 0 {
          pick = i
          break
        }
      }
      let centre = centres.count / width
      centres += row(rows, chosen[pick], width)
      for (i, at) in chosen.enumerated() {
        distances[i] = min(distances[i], distance(rows, at, centres, centre, width))
      }
    }
    for _ in 0..<10 {
      var sums = [Double](repeating: 0, count: centres.count)
      var counts = [Double](repeating: 0, count: count)
      for at in chosen {
        let group = nearest(rows, at, centres, width)
        counts[group] += 1
        for j in 0..<width { sums[group * width + j] += Double(rows[at * width + j]) }
      }
      for group in 0..<count where counts[group] > 0 {
        for j in 0..<width { centres[group * width + j] = Float(sums[group * width + j] / counts[group]) }
      }
    }
    return (0..<n).map { nearest(rows, $0, centres, width) }
  }

  private static func row(_ rows: [Float], _ at: Int, _ width: Int) -> ArraySlice<Float> {
    rows[at * width..<(at + 1) * width]
  }

  private static func distance(_ rows: [Float], _ at: Int, _ centres: [Float], _ centre: Int, _ width: Int)
    -> Float
  {
    var sum: Float = 0
    for j in 0..<width {
      let difference = rows[at * width + j] - centres[centre * width + j]
      sum += difference * difference
    }
    return sum
  }

  private static func nearest(_ rows: [Float], _ at: Int, _ centres: [Float], _ width: Int) -> Int {
    var (best, least) = (0, Float.infinity)
    for centre in 0..<centres.count / width {
      let distance = distance(rows, at, centres, centre, width)
      if distance < least { (best, least) = (centre, distance) }
    }
    return best
  }
}
