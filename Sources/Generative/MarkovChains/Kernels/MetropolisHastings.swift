import Glibc
public import Tensors

/// Random-walk Metropolis (Metropolis et al. 1953; Hastings 1970): `q' = q + s L ε`, accepted with `min(1, π(q')/π(q))`.
///
/// In the warm-up `L Lᵀ` becomes the covariance of the chain so far (Haario, Saksman & Tamminen 2001), in windows as Stan has
/// them, and the scale s is moved towards an acceptance of .234, or .44 in one dimension (Roberts, Gelman & Gilks 1997).
/// Then both stay, so that the draws are of a Markov chain.
public struct MetropolisHastings: MarkovKernel {
  public static let name = "metropolis"
  public static let needs = DensityNeeds.value

  /// Taken from the dimension when nil.
  public var targetAcceptance: Double?
  /// Above this dimension only variances are learned.
  public var densestDimension = 128

  public init() {}

  public func chain(
    _ density: Density, from start: ChainPoint, warmUp: Int, random: RandomStream
  ) -> MetropolisChain {
    let dimension = density.dimension
    return MetropolisChain(
      start, warmUp: warmUp, targetAcceptance: targetAcceptance ?? (dimension == 1 ? 0.44 : 0.234),
      isDense: dimension <= densestDimension, random: random)
  }
}

/// A random walk.
public struct MetropolisChain: MarkovChain, Sendable {
  public private(set) var position: [Double]
  public private(set) var wanted: [Double]
  /// s
  public private(set) var stepSize: Double
  private var logDensity: Double
  /// L, row by row, or its diagonal.
  private var factor: [Double]
  private let isDense: Bool
  private let target: Double
  private var windows: WarmUpWindows
  private var moments: RunningMoments
  private var sinceWindow = 0.0
  private var random: RandomStream
  private var noise: [Float]

  /// Optimal for a normal density of known covariance (Gelman, Roberts & Gilks 1996).
  private var referenceScale: Double { 2.38 / Double(position.count).squareRoot() }

  init(
    _ start: ChainPoint, warmUp: Int, targetAcceptance: Double, isDense: Bool, random: RandomStream
  ) {
    let dimension = start.position.count
    position = start.position
    wanted = start.position
    logDensity = start.logDensity
    stepSize = 1
    target = targetAcceptance
    self.isDense = isDense
    self.random = random
    // Single moves tell little of their scale, so it is given a fifth of the warm-up to settle.
    windows = WarmUpWindows(warmUp, settling: max(50, warmUp / 5))
    moments = RunningMoments(dimension: dimension, isDense: isDense)
    noise = [Float](repeating: 0, count: dimension)
    factor = [Double](repeating: isDense ? 0 : 1, count: isDense ? dimension * dimension : dimension)
    if isDense { for i in 0..<dimension { factor[i * dimension + i] = 1 } }
    stepSize = referenceScale
  }

  public mutating func begin() {
    random.fillNormal(&noise)
    let d = position.count
    for i in 0..<d {
      var move = 0.0
      if isDense {
        for j in 0...i { move += factor[i * d + j] * Double(noise[j]) }
      } else {
        move = factor[i] * Double(noise[i])
      }
      wanted[i] = position[i] + stepSize * move
    }
  }

  public mutating func advance(_ evaluated: Evaluated) -> Transition? {
    let acceptance = min(1, exp(evaluated.logDensity - logDensity))
    if random.uniformDouble() < acceptance {
      for i in position.indices { position[i] = wanted[i] }
      logDensity = evaluated.logDensity
    }
    if windows.isOpen { learn(acceptance) }
    return Transition(acceptance: acceptance)
  }

  private mutating func learn(_ acceptance: Double) {
    // Robbins and Monro's steps, from the last change of L on.
    sinceWindow += 1
    stepSize *= exp(2 * (acceptance - target) / pow(sinceWindow, 0.6))
    switch windows.next() {
    case .outside: break
    case .within: moments.add(position)
    case .windowEnds:
      moments.add(position)
      let estimate = moments.shrunk
      factor =
        isDense
        ? Cholesky.factor(estimate, n: position.count).map(Double.init) : estimate.map { $0.squareRoot() }
      moments.restart()
      stepSize = referenceScale
      sinceWindow = 0
    }
  }
}
