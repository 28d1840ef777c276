public import Tensors

/// A way of moving that leaves a density invariant: a value of settings, from which chains are made.
public protocol MarkovKernel: Sendable {
  associatedtype Chain: MarkovChain
  /// As it is named on the command line.
  static var name: String { get }
  static var needs: DensityNeeds { get }
  /// A chain that begins at `start`, adapts for `warmUp` transitions, and stays as it is then.
  func chain(
    _ density: Density, from start: ChainPoint, warmUp: Int, random: RandomStream
  ) throws(MarkovChainError) -> Chain
}

/// What a kernel must know of the density where it goes.
public enum DensityNeeds: Sendable { case nothing, value, gradient }

/// One chain at work. It never calls the density: it says where it wants to know it and is told, so that one evaluation
/// serves many chains while each goes its own way.
///
/// After ``begin()`` it is told until a transition is complete.
public protocol MarkovChain {
  /// Where the density is wanted next, on the whole line.
  var wanted: [Double] { get }
  /// Where the chain is after a transition, on the whole line.
  var position: [Double] { get }
  /// What it moves by now; 1 for chains without a scale.
  var stepSize: Double { get }
  mutating func begin()
  /// Goes on with what was wanted: a value when that completes the transition.
  mutating func advance(_ evaluated: Evaluated) throws(MarkovChainError) -> Transition?
}

/// A place on the whole line with what is known of the density there.
public struct ChainPoint: Sendable, Equatable {
  public var position: [Double]
  public var logDensity: Double
  public var gradient: [Double]
}

/// What one transition did.
public struct Transition: Sendable, Equatable {
  /// The acceptance probability, for a trajectory its mean along it.
  public var acceptance: Double
  /// `-log p(q)` plus the kinetic energy, where the kernel has one; NaN otherwise.
  public var energy = Double.nan
  /// The numerical trajectory left the true one altogether.
  public var isDivergent = false
  /// How often the trajectory was doubled.
  public var treeDepth = 0
  /// The trajectory ended because it was as long as allowed.
  public var isCut = false
}

/// Why there are no draws.
public enum MarkovChainError: Error, Sendable, Equatable, CustomStringConvertible {
  /// No place with a finite log density and gradient was found to begin at.
  case noStart(density: String, chain: Int, attempts: Int)
  /// A start that was given has no density.
  case startOutside(density: String, chain: Int)
  /// No step size gives a sensible acceptance: the density may be improper or not continuous.
  case noStepSize
  case noConditionals(density: String)
  /// Ended before every chain had four draws.
  case tooFewDraws(have: Int)

  public var description: String {
    switch self {
    case .noStart(let density, let chain, let attempts):
      "chain \(chain + 1) found no finite log density of \(density) in \(attempts) attempts: give it a start"
    case .startOutside(let density, let chain):
      "chain \(chain + 1) was to start where \(density) has no finite log density: choose another start"
    case .noStepSize:
      "no step size gives a sensible acceptance: the density may be improper or not continuous"
    case .noConditionals(let density):
      "no conditionals are known for \(density), which Gibbs sampling draws from: choose another kernel"
    case .tooFewDraws(let have):
      "the run ended after \(have) draws per chain: give it more time"
    }
  }
}
