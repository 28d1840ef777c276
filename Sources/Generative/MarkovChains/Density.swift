public import Gradients
import Tensors

/// An unnormalised log density of named real coordinates that can be differentiated: what Markov chains are run on.
///
/// It is written for the coordinates as the user sees them. Chains move on the whole line: constrained coordinates are
/// mapped onto it, and the logarithm of the map's slope is added (Stan Reference Manual, "Constraint transforms").
public struct Density: Sendable {
  /// A named real number, and where it may lie.
  public struct Coordinate: Sendable, Equatable {
    public var name: String
    public var constraint: Constraint
    public init(_ name: String, _ constraint: Constraint = .unconstrained) {
      self.name = name
      self.constraint = constraint
    }
  }

  /// Quantities that are functions of the coordinates, reported beside them.
  public struct Derived: Sendable {
    public var names: [String]
    public var values: @Sendable (_ coordinates: [Double]) -> [Double]
    public init(_ names: [String], _ values: @escaping @Sendable (_ coordinates: [Double]) -> [Double]) {
      self.names = names
      self.values = values
    }
  }

  /// A known mean and standard deviation of a quantity.
  public struct Moments: Sendable, Equatable, Codable {
    public var mean: Double
    public var sd: Double
    public init(mean: Double, sd: Double) {
      self.mean = mean
      self.sd = sd
    }
  }

  public let name: String
  public let coordinates: [Coordinate]
  public var derived: Derived?
  /// The full conditionals that Gibbs sampling draws from in turn; empty where none are known.
  public var conditionals: [Conditional] = []
  /// What is known of the quantities, by name.
  public var reference: [String: Moments] = [:]
  /// An evaluation for so many chains, with or without gradient.
  let evaluation:
    @Sendable (_ chains: Int, _ needsGradient: Bool, _ workers: Workers) -> any DensityEvaluation

  public var dimension: Int { coordinates.count }
  /// The names of what a draw holds: the coordinates, then the derived quantities.
  public var quantities: [String] { coordinates.map(\.name) + (derived?.names ?? []) }

  /// A density as a function on a tape, for all chains at once.
  ///
  /// - Parameters:
  ///   - parameters: what layers in `logDensity` read from the tape.
  ///   - logDensity: from coordinates `[chains, dimension]` to `[chains]`, row by row; recorded once.
  public init(
    _ name: String, _ coordinates: [Coordinate], parameters: Parameters = Parameters(),
    logDensity: @escaping @Sendable (Variable) -> Variable
  ) {
    self.name = name
    self.coordinates = coordinates
    let dimension = coordinates.count
    evaluation = { chains, needsGradient, workers in
      TapeEvaluation(
        chains: chains, dimension: dimension, needsGradient: needsGradient, parameters: parameters,
        workers: workers, logDensity: logDensity)
    }
  }

  /// A density with a gradient of its own, of one chain in double precision.
  ///
  /// - Parameter logDensity: takes the coordinates, adds nothing to but replaces the gradient by them, and returns the log
  ///   density; `-infinity` or NaN where there is none.
  public init(
    _ name: String, _ coordinates: [Coordinate],
    withGradient logDensity: @escaping @Sendable (_ x: [Double], _ gradient: inout [Double]) -> Double
  ) {
    self.name = name
    self.coordinates = coordinates
    let dimension = coordinates.count
    evaluation = { chains, _, _ in
      ClosureEvaluation(chains: chains, dimension: dimension, logDensity: logDensity)
    }
  }

  /// The log density of a fitted member of the suite, by the columns of its rows.
  public init(_ model: some DifferentiableDensity, columns: [String]? = nil) {
    let names = columns ?? (1...model.width).map { "x[\($0)]" }
    precondition(names.count == model.width, "\(names.count) names for rows of \(model.width)")
    self.init(
      type(of: model).catalogueName, names.map { Coordinate($0) }, parameters: model.densityParameters
    ) {
      model.logDensity($0)
    }
  }

  /// What a draw at a point of the line is to the user: constrained coordinates, then derived quantities.
  func quantities(at position: [Double]) -> [Double] {
    let x = constrained(position)
    guard let derived else { return x }
    return x + derived.values(x)
  }

  func constrained(_ position: [Double]) -> [Double] {
    zip(coordinates, position).map { $0.constraint.image($1).value }
  }

  func unconstrained(_ x: [Double]) -> [Double] {
    zip(coordinates, x).map { $0.constraint.preimage($1) }
  }
}
