import Glibc
import Tensors

/// A place in phase space, with the log density and its gradient.
struct PhasePoint: Sendable {
  var position: [Double]
  var momentum: [Double]
  var gradient: [Double]
  var logDensity: Double

  init(_ point: ChainPoint) {
    position = point.position
    momentum = point.position.map { _ in 0 }
    gradient = point.gradient
    logDensity = point.logDensity
  }

  mutating func move(to other: PhasePoint) {
    for i in position.indices {
      position[i] = other.position[i]
      momentum[i] = other.momentum[i]
      gradient[i] = other.gradient[i]
    }
    logDensity = other.logDensity
  }
}

/// `H(q, p) = -log π(q) + ½ pᵀ M⁻¹ p` with a diagonal mass matrix, integrated by leapfrog steps, and all that is learned about
/// it during a warm-up: the masses from the variances of the coordinates, the step size by dual averaging.
///
/// Neal 2011 (MCMC using Hamiltonian dynamics); Betancourt 2017 (A conceptual introduction to HMC).
struct HamiltonianSystem: Sendable {
  /// `M⁻¹`, the variances of the coordinates as far as they are known.
  private(set) var inverseMass: [Double]
  private(set) var step: Double
  /// Where the chain is; the momentum is that of the last refreshment.
  var current: PhasePoint
  /// What moves; asks for the density at its position.
  var moving: PhasePoint
  var random: RandomStream
  private var windows: WarmUpWindows
  private var moments: RunningMoments
  private var averaging: DualAveraging
  private var noise: [Float]
  /// While a first step size is sought: whether it grows or shrinks, once that is known.
  private var search: Search?
  private let adaptsStep: Bool

  private enum Search {
    case begun(energy: Double)
    case growing(energy: Double)
    case shrinking(energy: Double)
  }

  /// - Parameter step: a fixed step size; nil to find one with the target acceptance during the warm-up.
  init(
    _ start: ChainPoint, warmUp: Int, step: Double?, targetAcceptance: Double, random: RandomStream
  ) {
    let dimension = start.position.count
    inverseMass = [Double](repeating: 1, count: dimension)
    self.step = step ?? 1
    adaptsStep = step == nil && warmUp > 0
    current = PhasePoint(start)
    moving = current
    self.random = random
    windows = WarmUpWindows(warmUp)
    moments = RunningMoments(dimension: dimension)
    averaging = DualAveraging(target: targetAcceptance)
    noise = [Float](repeating: 0, count: dimension)
    if adaptsStep { search = .begun(energy: 0) }
  }

  // MARK: dynamics

  /// `½ pᵀ M⁻¹ p - log π(q)`; infinite where that is not a number.
  func energy(_ point: PhasePoint) -> Double {
    var kinetic = 0.0
    for i in inverseMass.indices { kinetic += inverseMass[i] * point.momentum[i] * point.momentum[i] }
    let energy = 0.5 * kinetic - point.logDensity
    return energy.isNaN ? .infinity : energy
  }

  /// `p ~ N(0, M)` for the current position, from where the trajectory begins.
  mutating func refreshMomentum() {
    random.fillNormal(&noise)
    for i in noise.indices { current.momentum[i] = Double(noise[i]) / inverseMass[i].squareRoot() }
    moving.move(to: current)
  }

  /// The first half of a leapfrog step, up to where the gradient is wanted; a negative `step` goes back in time.
  mutating func beginLeapfrog(_ step: Double) {
    for i in inverseMass.indices {
      moving.momentum[i] += 0.5 * step * moving.gradient[i]
      moving.position[i] += step * inverseMass[i] * moving.momentum[i]
    }
  }

  /// The second half.
  mutating func endLeapfrog(_ step: Double, _ evaluated: Evaluated) {
    moving.logDensity = evaluated.logDensity
    for i in inverseMass.indices {
      moving.gradient[i] = evaluated.gradient(i)
      moving.momentum[i] += 0.5 * step * moving.gradient[i]
    }
  }

  // MARK: adaptation

  var isWarmingUp: Bool { windows.isOpen }

  /// Whether a first step size must be found before the next transition.
  var isSearching: Bool { search != nil }

  /// Begins to double or halve the step size until one step's acceptance crosses 0.8.
  mutating func beginSearch() {
    refreshMomentum()
    let energy = energy(moving)
    switch search {
    case .growing: search = .growing(energy: energy)
    case .shrinking: search = .shrinking(energy: energy)
    case .begun, nil: search = .begun(energy: energy)
    }
    beginLeapfrog(step)
  }

  /// Goes on with it.
  mutating func advanceSearch(_ evaluated: Evaluated) throws(MarkovChainError) {
    endLeapfrog(step, evaluated)
    let after = energy(moving)
    func isGood(_ before: Double) -> Bool { before - after > log(0.8) }
    switch search {
    case .begun(let before):
      search = isGood(before) ? .growing(energy: 0) : .shrinking(energy: 0)
    case .growing(let before):
      if isGood(before) { step *= 2 } else { search = nil }
    case .shrinking(let before):
      if isGood(before) { search = nil } else { step *= 0.5 }
    case nil: break
    }
    guard step > 1e-12 && step < 1e7 else { throw .noStepSize }
    if search == nil {
      averaging.restart(from: step)
    } else {
      beginSearch()
    }
  }

  /// Learns from a transition of the warm-up that ended at the current position; nothing later.
  mutating func learn(acceptance: Double) {
    guard windows.isOpen else { return }
    if adaptsStep { step = averaging.step(after: acceptance) }
    switch windows.next() {
    case .outside: break
    case .within: moments.add(current.position)
    case .windowEnds:
      moments.add(current.position)
      inverseMass = moments.shrunk
      moments.restart()
      // A step is in units of the masses, so it is sought anew.
      if adaptsStep { search = .begun(energy: 0) }
    }
    if !windows.isOpen && adaptsStep { step = averaging.averaged }
  }
}
