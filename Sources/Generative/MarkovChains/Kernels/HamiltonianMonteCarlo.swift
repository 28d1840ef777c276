import Glibc
public import Tensors

/// Hamiltonian Monte Carlo: a fresh momentum, some leapfrog steps, accepted with `min(1, e^(H₀ - H))` (Duane et al. 1987;
/// Neal 2011, §3.2). The time of a trajectory is drawn anew each time, so that none is a period of the system.
public struct HamiltonianMonteCarlo: MarkovKernel {
  public static let name = "hmc"
  public static let needs = DensityNeeds.gradient

  /// The mean time of a trajectory in units of the coordinates' standard deviations: it is uniform between half and one and a
  /// half of it.
  public var time = Double.pi / 2
  /// At most so many leapfrog steps.
  public var mostSteps = 1024
  /// The mean acceptance that the step size is adapted to.
  public var targetAcceptance = 0.8
  /// A fixed step size; adapted when nil.
  public var stepSize: Double?

  public init() {}

  public func chain(
    _ density: Density, from start: ChainPoint, warmUp: Int, random: RandomStream
  ) -> HamiltonianChain {
    HamiltonianChain(
      system: HamiltonianSystem(
        start, warmUp: warmUp, step: stepSize, targetAcceptance: targetAcceptance, random: random),
      time: time, mostSteps: mostSteps, isCorrected: true)
  }
}

/// A kernel of single leapfrog steps, each with a fresh momentum.
public protocol LangevinKernel: MarkovKernel where Chain == HamiltonianChain {
  /// The mean acceptance by which the step size is found in the warm-up.
  var targetAcceptance: Double { get }
  /// ε; adapted when nil.
  var stepSize: Double? { get }
  /// Whether proposals have to pass the test of Metropolis and Hastings.
  static var isCorrected: Bool { get }
}

extension LangevinKernel {
  public static var needs: DensityNeeds { .gradient }

  public func chain(
    _ density: Density, from start: ChainPoint, warmUp: Int, random: RandomStream
  ) -> HamiltonianChain {
    HamiltonianChain(
      system: HamiltonianSystem(
        start, warmUp: warmUp, step: stepSize, targetAcceptance: targetAcceptance, random: random),
      time: 0, mostSteps: 1, isCorrected: Self.isCorrected)
  }
}

/// The Metropolis-adjusted Langevin algorithm: `q' ~ N(q + ½ε² M⁻¹∇log π(q), ε² M⁻¹)`, accepted by Metropolis and Hastings
/// (Roberts & Tweedie 1996), with scales and step size learned in the warm-up; an acceptance of .574 is best in many
/// dimensions (Roberts & Rosenthal 1998). The same as one leapfrog step with a fresh momentum (Neal 2011, §5.2).
public struct MetropolisAdjustedLangevin: LangevinKernel {
  public static let name = "mala"
  public static let isCorrected = true

  public var targetAcceptance = 0.574
  /// ε; adapted when nil.
  public var stepSize: Double?

  public init() {}
}

/// The unadjusted Langevin algorithm: every proposal of MALA is taken, so draws are of the density only up to a bias that
/// falls with the step size (Parisi 1981; Durmus & Moulines 2017). The warm-up is MALA's.
public struct UnadjustedLangevin: LangevinKernel {
  public static let name = "langevin"
  public static let isCorrected = false

  /// The acceptance that the test left out would have had, by which the step size is found in the warm-up.
  public var targetAcceptance = 0.9
  /// ε; adapted when nil.
  public var stepSize: Double?

  public init() {}
}

/// A chain of trajectories whose length does not depend on where they go.
public struct HamiltonianChain: MarkovChain, Sendable {
  var system: HamiltonianSystem
  let time: Double
  let mostSteps: Int
  let isCorrected: Bool
  private var stepsLeft = 0
  private var startEnergy = 0.0

  init(system: HamiltonianSystem, time: Double, mostSteps: Int, isCorrected: Bool) {
    self.system = system
    self.time = time
    self.mostSteps = mostSteps
    self.isCorrected = isCorrected
  }

  public var wanted: [Double] { system.moving.position }
  public var position: [Double] { system.current.position }
  public var stepSize: Double { system.step }

  public mutating func begin() {
    if system.isSearching { return system.beginSearch() }
    system.refreshMomentum()
    startEnergy = system.energy(system.current)
    stepsLeft = 1
    if mostSteps > 1 {
      let steps = time * (0.5 + system.random.uniformDouble()) / system.step
      stepsLeft = Int(max(1, min(steps.rounded(), Double(mostSteps))))
    }
    system.beginLeapfrog(system.step)
  }

  public mutating func advance(_ evaluated: Evaluated) throws(MarkovChainError) -> Transition? {
    if system.isSearching {
      try system.advanceSearch(evaluated)
      if !system.isSearching { begin() }
      return nil
    }
    system.endLeapfrog(system.step, evaluated)
    stepsLeft -= 1
    let energy = system.energy(system.moving)
    let isDivergent = energy - startEnergy > divergentEnergyError
    if stepsLeft > 0 && !isDivergent {
      system.beginLeapfrog(system.step)
      return nil
    }
    let acceptance = isDivergent ? 0 : min(1, exp(startEnergy - energy))
    let draw = system.random.uniformDouble()
    // Without the test the chain still cannot go where there is no density.
    let isTested = isCorrected || system.isWarmingUp
    let isAccepted = isTested ? draw < acceptance : energy.isFinite
    if isAccepted { system.current.move(to: system.moving) }
    system.learn(acceptance: acceptance)
    // A single step that is refused tells of no trajectory.
    let isReported = isDivergent && (mostSteps > 1 || !isTested)
    return Transition(
      acceptance: acceptance, energy: isAccepted ? energy : startEnergy, isDivergent: isReported)
  }
}

/// An energy error beyond which a trajectory has left the true one altogether, as in Stan.
let divergentEnergyError = 1000.0
