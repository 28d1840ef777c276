import Glibc
public import Tensors

/// The No-U-Turn sampler with multinomial sampling along the trajectory: a trajectory doubles forward or backward in time
/// until it turns back on itself, and a point of it is drawn by its weight `e^(H₀ - H)`.
///
/// Hoffman & Gelman 2014; Betancourt 2017, appendix A (weights, the generalised criterion `p♯·ρ > 0` at both ends). As in
/// Stan, the criterion is also asked across each joint of two halves, which finds turns that both ends miss.
public struct NoUTurnSampler: MarkovKernel {
  public static let name = "nuts"
  public static let needs = DensityNeeds.gradient

  /// The mean acceptance along trajectories that the step size is adapted to; .95 takes smaller steps, for densities whose
  /// curvature varies.
  public var targetAcceptance = 0.8
  /// Trajectories have at most `2^mostDoublings - 1` steps.
  public var mostDoublings = 10
  /// A fixed step size; adapted when nil.
  public var stepSize: Double?

  public init() {}

  public func chain(
    _ density: Density, from start: ChainPoint, warmUp: Int, random: RandomStream
  ) -> NoUTurnChain {
    NoUTurnChain(
      system: HamiltonianSystem(
        start, warmUp: warmUp, step: stepSize, targetAcceptance: targetAcceptance, random: random),
      mostDoublings: mostDoublings)
  }
}

/// A chain of trajectories that end where they turn. The recursion of the papers is a stack of finished subtrees here, so
/// that the chain can stop wherever it needs the density.
public struct NoUTurnChain: MarkovChain, Sendable {
  var system: HamiltonianSystem
  let mostDoublings: Int

  /// The ends of the trajectory in time.
  private var forward: PhasePoint
  private var backward: PhasePoint
  private var goesForward = true
  /// What the trajectory holds, but for the half that is being built: item 0; then the finished subtrees of that half, whose
  /// sizes fall.
  private var trees: TrajectoryTrees
  private var depth = 0
  private var leavesLeft = 0
  private var startEnergy = 0.0
  private var acceptanceSum = 0.0
  private var steps = 0.0

  init(system: HamiltonianSystem, mostDoublings: Int) {
    self.system = system
    self.mostDoublings = mostDoublings
    forward = system.current
    backward = system.current
    trees = TrajectoryTrees(dimension: system.inverseMass.count, capacity: mostDoublings + 3)
  }

  public var wanted: [Double] { system.moving.position }
  public var position: [Double] { system.current.position }
  public var stepSize: Double { system.step }
  private var signedStep: Double { goesForward ? system.step : -system.step }

  public mutating func begin() {
    if system.isSearching { return system.beginSearch() }
    system.refreshMomentum()
    startEnergy = system.energy(system.current)
    forward.move(to: system.current)
    backward.move(to: system.current)
    trees.removeAll()
    trees.push(system.current, logWeight: 0, energy: startEnergy)
    depth = 0
    acceptanceSum = 0
    steps = 0
    beginHalf()
  }

  /// Begins to double the trajectory, forward or backward.
  private mutating func beginHalf() {
    goesForward = system.random.uniformDouble() > 0.5
    system.moving.move(to: goesForward ? forward : backward)
    leavesLeft = 1 << depth
    system.beginLeapfrog(signedStep)
  }

  public mutating func advance(_ evaluated: Evaluated) throws(MarkovChainError) -> Transition? {
    if system.isSearching {
      try system.advanceSearch(evaluated)
      if !system.isSearching { begin() }
      return nil
    }
    system.endLeapfrog(signedStep, evaluated)
    let energy = system.energy(system.moving)
    let error = energy - startEnergy
    steps += 1
    leavesLeft -= 1
    acceptanceSum += min(1, exp(-error))
    if error > divergentEnergyError { return finish(isDivergent: true) }
    trees.push(system.moving, logWeight: -error, energy: energy)
    // Two subtrees of one size are a larger one, and so on.
    while trees.lastTwoAreTwins {
      if !join(isNewHalf: false) { return finish() }
    }
    if leavesLeft > 0 {
      system.beginLeapfrog(signedStep)
      return nil
    }
    if goesForward { forward.move(to: system.moving) } else { backward.move(to: system.moving) }
    if !goesForward { trees.reverseTrajectory() }
    return joinHalf()
  }

  /// Joins the new half to the trajectory and goes on if it has not turned.
  private mutating func joinHalf() -> Transition? {
    // Item 0 is seen from the end that was extended: its last momentum is there.
    let persists = join(isNewHalf: true)
    if !goesForward { trees.reverseTrajectory() }
    depth += 1
    guard persists && depth < mostDoublings else { return finish(isCut: persists) }
    beginHalf()
    return nil
  }

  private mutating func join(isNewHalf: Bool) -> Bool {
    let draw = system.random.uniformDouble()
    return trees.join(system.inverseMass, isNewHalf: isNewHalf, draw: draw)
  }

  /// Goes to the point that was drawn from the trajectory.
  private mutating func finish(isDivergent: Bool = false, isCut: Bool = false) -> Transition {
    let energy = trees.takeProposal(into: &system.current)
    let acceptance = acceptanceSum / steps
    system.learn(acceptance: acceptance)
    return Transition(
      acceptance: acceptance, energy: energy, isDivergent: isDivergent, treeDepth: depth, isCut: isCut)
  }
}
