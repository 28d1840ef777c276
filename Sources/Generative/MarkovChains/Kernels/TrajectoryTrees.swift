import Glibc

/// Pieces of a trajectory, on a stack in fixed memory: of each the momenta at both ends, their sum ρ, its weight, and the
/// point drawn from it.
struct TrajectoryTrees: Sendable {
  private let dimension: Int
  private(set) var count = 0
  // Item behind item.
  private var first: [Double]
  private var last: [Double]
  private var rho: [Double]
  private var position: [Double]
  private var gradient: [Double]
  private var logDensity: [Double]
  private var energy: [Double]
  private var logWeight: [Double]
  private var leaves: [Int]

  init(dimension: Int, capacity: Int) {
    self.dimension = dimension
    first = [Double](repeating: 0, count: dimension * capacity)
    last = first
    rho = first
    position = first
    gradient = first
    logDensity = [Double](repeating: 0, count: capacity)
    energy = logDensity
    logWeight = logDensity
    leaves = [Int](repeating: 0, count: capacity)
  }

  mutating func removeAll() { count = 0 }

  /// A piece of one point.
  mutating func push(_ point: PhasePoint, logWeight weight: Double, energy pointEnergy: Double) {
    let offset = count * dimension
    for i in 0..<dimension {
      first[offset + i] = point.momentum[i]
      last[offset + i] = point.momentum[i]
      rho[offset + i] = point.momentum[i]
      position[offset + i] = point.position[i]
      gradient[offset + i] = point.gradient[i]
    }
    logDensity[count] = point.logDensity
    energy[count] = pointEnergy
    logWeight[count] = weight
    leaves[count] = 1
    count += 1
  }

  /// Whether the two newest pieces of the half that is being built (all but item 0) are of the same size.
  var lastTwoAreTwins: Bool { count > 2 && leaves[count - 1] == leaves[count - 2] }

  /// Joins the newest piece to the one before it, whose last momentum is next to it.
  ///
  /// - Parameters:
  ///   - isNewHalf: the newest piece is preferred by its weight relative to the older one alone, which goes far (biased
  ///     progressive sampling); inside a half it is drawn by its share of both.
  ///   - draw: uniform on (0, 1).
  /// - Returns: whether the joined piece does not turn.
  mutating func join(_ inverseMass: [Double], isNewHalf: Bool, draw: Double) -> Bool {
    let (a, b) = (count - 2, count - 1)
    let persists = persists(a, b, inverseMass)
    let total = logSumExp(logWeight[a], logWeight[b])
    if log(draw) < logWeight[b] - (isNewHalf ? logWeight[a] : total) {
      for i in 0..<dimension {
        position[a * dimension + i] = position[b * dimension + i]
        gradient[a * dimension + i] = gradient[b * dimension + i]
      }
      logDensity[a] = logDensity[b]
      energy[a] = energy[b]
    }
    for i in 0..<dimension {
      rho[a * dimension + i] += rho[b * dimension + i]
      last[a * dimension + i] = last[b * dimension + i]
    }
    logWeight[a] = total
    leaves[a] += leaves[b]
    count -= 1
    return persists
  }

  /// Looks at item 0 from its other end.
  mutating func reverseTrajectory() {
    for i in 0..<dimension { swapEnds(i) }
  }

  private mutating func swapEnds(_ i: Int) {
    let end = first[i]
    first[i] = last[i]
    last[i] = end
  }

  /// No end moves back along ρ: of both pieces together, and of each with the point of the other that is next to it.
  private func persists(_ a: Int, _ b: Int, _ inverseMass: [Double]) -> Bool {
    let (oa, ob) = (a * dimension, b * dimension)
    // p♯ · ρ at the first and the last point that each sum is taken over.
    var (wholeFirst, wholeLast, leftFirst, leftLast, rightFirst, rightLast) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for i in 0..<dimension {
      let (aFirst, aLast) = (inverseMass[i] * first[oa + i], inverseMass[i] * last[oa + i])
      let (bFirst, bLast) = (inverseMass[i] * first[ob + i], inverseMass[i] * last[ob + i])
      let whole = rho[oa + i] + rho[ob + i]
      let left = rho[oa + i] + first[ob + i]
      let right = rho[ob + i] + last[oa + i]
      wholeFirst += aFirst * whole
      wholeLast += bLast * whole
      leftFirst += aFirst * left
      leftLast += bFirst * left
      rightFirst += aLast * right
      rightLast += bLast * right
    }
    return wholeFirst > 0 && wholeLast > 0 && leftFirst > 0 && leftLast > 0 && rightFirst > 0
      && rightLast > 0
  }

  /// Puts the point drawn from the trajectory where it belongs and gives its energy.
  func takeProposal(into point: inout PhasePoint) -> Double {
    for i in 0..<dimension {
      point.position[i] = position[i]
      point.gradient[i] = gradient[i]
    }
    point.logDensity = logDensity[0]
    return energy[0]
  }
}

/// `log(eᵃ + eᵇ)`
func logSumExp(_ a: Double, _ b: Double) -> Double {
  let high = max(a, b)
  guard high > -.infinity else { return high }
  return high + log(exp(a - high) + exp(b - high))
}
