import Foundation
import Networks
import Tensors

/// The fit of normal densities, one or several, to prepared rows; missing entries are integrated out.
struct GaussianMixtureFit {
  /// The parameters: how much of the rows each component has, and which it gives them.
  struct State {
    var weights: [Double]
    var components: [GaussianDensity]
  }

  private let rows: [Float]
  private let count: Int
  private let width: Int
  private let missing: MissingEntries?
  /// Rows of independent columns, whose covariance is the identity for prepared rows, that are added to those of all components
  /// together: an inverse Wishart prior of each covariance. Never none, so that no component can collapse onto a row and the
  /// likelihood with it go to infinity.
  private let priorRows: Double

  /// Rows of the prior to one that is given.
  private static let leastPrior = 1e-5

  init(_ rows: [Float], _ preparation: Preparation, _ mask: [Float]?, shrinkage: Float) {
    self.rows = rows
    width = preparation.form.width
    count = rows.count / width
    missing = MissingEntries(mask, first: 0, preparation)
    priorRows = Double(count) * max(Double(shrinkage) / (1 - Double(shrinkage)), Self.leastPrior)
  }

  /// Fits so many components from groups of k-means.
  func fitted(
    components: Int, iterations: Int, seed: UInt64, _ surroundings: FitSurroundings
  ) throws(FitError) -> (state: State, curve: [CurvePoint]) {
    let groups = KMeans.groups(rows, width: width, count: components, seed: seed)
    let hard = (0..<components).map { component in groups.map { $0 == component ? 1.0 : 0.0 } }
    return try run(maximised(hard, before: nil), iterations: iterations, surroundings)
  }

  func run(
    _ state: State, iterations: Int, _ surroundings: FitSurroundings
  ) throws(FitError) -> (state: State, curve: [CurvePoint]) {
    try ExpectationMaximization.run(state, iterations: iterations, surroundings) {
      (state: State) throws(FitError) in
      let (responsibilities, logLikelihoods) = expected(state)
      return (
        try maximised(responsibilities, before: state),
        (logLikelihoods.reduce(0, +) + logPrior(state)) / Double(count)
      )
    }
  }

  /// `-a/2 Σ_k (log |Σ_k| + tr Σ_k⁻¹)`, up to a constant, with a the rows of the prior for each component: what makes the covariances
  /// of ``maximised(_:before:)`` the best ones.
  private func logPrior(_ state: State) -> Double {
    let each = priorRows / Double(state.components.count)
    return state.components.reduce(0) { sum, component in
      let trace = component.whitening.reduce(0.0) { $0 + Double($1) * Double($1) }
      let logDeterminant = -2 * component.logNormaliser - Double(width) * log(2 * .pi)
      return sum - each / 2 * (logDeterminant + trace)
    }
  }

  /// Which share each component has in each row, `[component][row]`, and the log-likelihoods of the rows.
  func expected(_ state: State) -> (responsibilities: [[Double]], logLikelihoods: [Double]) {
    let components = state.components.count
    var shares = [[Double]](repeating: [Double](repeating: 0, count: count), count: components)
    var logLikelihoods: [Double] = []
    logLikelihoods.reserveCapacity(count)
    var space = WorkingSpace()
    let mixture = GaussianMixtureDensity(state)
    mixture.reserve(&space, rows: 1024)
    space.grow(rows: 1024 * width)
    for start in stride(from: 0, to: count, by: 1024) {
      let part = min(1024, count - start)
      for i in 0..<part * width { space.rows[i] = rows[start * width + i] }
      let missing = missing.map { $0.moved(by: start) }
      mixture.joint(&space, count: part, missing: missing)
      for row in 0..<part {
        let logs = mixture.logs(ofRow: row)
        let sum = logSumExp(space.numbers, logs)
        logLikelihoods.append(sum)
        for component in 0..<components {
          shares[component][start + row] = exp(space.numbers[logs.lowerBound + component] - sum)
        }
      }
    }
    return (shares, logLikelihoods)
  }

  /// The best parameters for these shares.
  ///
  /// - Parameter before: by whose densities missing entries are filled in; nil for their usual values.
  func maximised(_ shares: [[Double]], before: State?) throws(FitError) -> State {
    var state = State(weights: [], components: [])
    let prior = priorRows / Double(shares.count)
    for (component, share) in shares.enumerated() {
      let total = share.reduce(0, +)
      // A component that lost all its rows stays where it was.
      if total < 1e-3, let before {
        state.weights.append(1e-6)
        state.components.append(before.components[component])
        continue
      }
      var (mean, covariance) = moments(share, before?.components[component])
      for j in 0..<width { mean[j] /= max(total, 1e-9) }
      for i in 0..<width {
        for j in 0..<width {
          let own = covariance[i * width + j] - total * mean[i] * mean[j]
          covariance[i * width + j] = (own + (i == j ? prior : 0)) / (total + prior)
        }
      }
      do {
        state.components.append(try GaussianDensity(mean: mean, covariance: covariance))
      } catch {
        throw .diverged(step: 0)
      }
      state.weights.append(max(total / Double(count), 1e-6))
    }
    let sum = state.weights.reduce(0, +)
    state.weights = state.weights.map { $0 / sum }
    return state
  }

  /// `Σ r x` and `Σ r x xᵀ`.
  private func moments(_ share: [Double], _ density: GaussianDensity?) -> (first: [Double], second: [Double])
  {
    var first = [Double](repeating: 0, count: width)
    var second = [Double](repeating: 0, count: width * width)
    var block = [Float](repeating: 0, count: 1024 * width)
    var product = [Float](repeating: 0, count: width * width)
    for start in stride(from: 0, to: count, by: 1024) {
      let part = min(1024, count - start)
      for row in 0..<part {
        let at = start + row
        let root = Float(share[at]).squareRoot()
        for j in 0..<width { block[row * width + j] = rows[at * width + j] }
        if let density, let missing, share[at] > 0, missing.isAny(in: at) {
          let given = density.conditional(rows[at * width..<(at + 1) * width]) { missing.isMissing(at, $0) }
          let m = given.missing.count
          for (a, i) in given.missing.enumerated() {
            block[row * width + i] = Float(given.mean[a])
            for (b, j) in given.missing.enumerated() {
              second[i * width + j] += share[at] * given.covariance[a * m + b]
            }
          }
        }
        for j in 0..<width {
          first[j] += share[at] * Double(block[row * width + j])
          block[row * width + j] *= root
        }
      }
      Product.multiply(m: width, n: width, k: part, block, transposed: true, block, into: &product)
      for i in product.indices { second[i] += Double(product[i]) }
    }
    return (first, second)
  }
}
