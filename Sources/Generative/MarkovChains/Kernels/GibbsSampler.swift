public import Tensors

/// One conditional of a density: draws some coordinates anew given all others, in place.
public struct Conditional: Sendable {
  /// What it draws, for people.
  public let name: String
  /// Coordinates as the user sees them.
  public let draw: @Sendable (_ x: inout [Double], _ random: inout RandomStream) -> Void
  public init(_ name: String, _ draw: @escaping @Sendable (inout [Double], inout RandomStream) -> Void) {
    self.name = name
    self.draw = draw
  }
}

/// Gibbs sampling (Geman & Geman 1984): a transition draws from each conditional of the density in turn.
public struct GibbsSampler: MarkovKernel {
  public static let name = "gibbs"
  public static let needs = DensityNeeds.nothing

  public init() {}

  public func chain(
    _ density: Density, from start: ChainPoint, warmUp: Int, random: RandomStream
  ) throws(MarkovChainError) -> GibbsChain {
    guard !density.conditionals.isEmpty else { throw .noConditionals(density: density.name) }
    return GibbsChain(
      conditionals: density.conditionals, constraints: density.coordinates.map(\.constraint),
      position: start.position, random: random)
  }
}

/// A chain of sweeps through the conditionals.
public struct GibbsChain: MarkovChain, Sendable {
  private let conditionals: [Conditional]
  private let constraints: [Constraint]
  public private(set) var position: [Double]
  private var x: [Double]
  private var random: RandomStream

  init(conditionals: [Conditional], constraints: [Constraint], position: [Double], random: RandomStream) {
    self.conditionals = conditionals
    self.constraints = constraints
    self.position = position
    self.random = random
    x = zip(constraints, position).map { $0.image($1).value }
  }

  public var wanted: [Double] { position }
  public var stepSize: Double { 1 }
  public mutating func begin() {}

  public mutating func advance(_ evaluated: Evaluated) -> Transition? {
    for conditional in conditionals { conditional.draw(&x, &random) }
    for i in x.indices { position[i] = constraints[i].preimage(x[i]) }
    return Transition(acceptance: 1)
  }
}
