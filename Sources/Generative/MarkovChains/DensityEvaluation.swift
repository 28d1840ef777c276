import Gradients
import Tensors

/// Computes a log density of constrained coordinates for a fixed number of chains, in memory of its own. Belongs to one
/// thread.
protocol DensityEvaluation: AnyObject {
  /// - Parameters:
  ///   - x: `chains × dimension`
  ///   - logDensity: `chains`
  ///   - gradient: `chains × dimension`; left alone where no gradient was asked for
  func evaluate(_ x: [Double], logDensity: inout [Double], gradient: inout [Double])
}

/// A recorded tape, run again for every evaluation.
final class TapeEvaluation: DensityEvaluation {
  private let tape: Tape
  private let x: Variable
  private let result: Variable
  private let slope: Variable?
  private var numbers: [Float]

  init(
    chains: Int, dimension: Int, needsGradient: Bool, parameters: Parameters, workers: Workers,
    logDensity: (Variable) -> Variable
  ) {
    tape = Tape(ParameterBuffer(parameters), workers: workers)
    x = tape.input([chains, dimension], "coordinates")
    result = logDensity(x).contiguous()
    precondition(result.shape == [chains], "a log density of \(result.shape) for \(chains) chains")
    // Chains do not meet in a row-by-row function, so the gradient of the sum holds that of each.
    slope = needsGradient ? tape.gradients(of: result.sum(), by: [x])[0].contiguous() : nil
    numbers = [Float](repeating: 0, count: chains * dimension)
  }

  func evaluate(_ coordinates: [Double], logDensity: inout [Double], gradient: inout [Double]) {
    for i in numbers.indices { numbers[i] = Float(coordinates[i]) }
    tape.assign(x, numbers)
    tape.rerun()
    result.view.read(into: &logDensity)
    slope?.view.read(into: &gradient)
  }
}

extension View {
  /// All numbers of a contiguous view, without a copy in between.
  fileprivate func read(into values: inout [Double]) {
    precondition(isContiguous && values.count == count, "\(shape) into \(values.count) numbers")
    let numbers = unsafe UnsafeBufferPointer(start: start, count: count)
    for i in values.indices { values[i] = unsafe Double(numbers[i]) }
  }
}

/// A function of one chain, called for each.
final class ClosureEvaluation: DensityEvaluation {
  private let chains: Int
  private let logDensity: @Sendable ([Double], inout [Double]) -> Double
  private var row: [Double]
  private var slope: [Double]

  init(chains: Int, dimension: Int, logDensity: @escaping @Sendable ([Double], inout [Double]) -> Double) {
    self.chains = chains
    self.logDensity = logDensity
    row = [Double](repeating: 0, count: dimension)
    slope = row
  }

  func evaluate(_ x: [Double], logDensity result: inout [Double], gradient: inout [Double]) {
    let dimension = row.count
    for chain in 0..<chains {
      for i in 0..<dimension { row[i] = x[chain * dimension + i] }
      result[chain] = logDensity(row, &slope)
      for i in 0..<dimension { gradient[chain * dimension + i] = slope[i] }
    }
  }
}

/// A density on the whole line, for some chains: what kernels ask.
final class UnconstrainedDensity {
  let dimension: Int
  let chains: Int
  private let evaluation: any DensityEvaluation
  private let constraints: [Constraint]
  private var images: [Constraint.Image]
  private var x: [Double]
  /// Where it is to be evaluated, `chains × dimension`.
  var positions: [Double]
  /// Of each chain; `-infinity` where the density is zero or not a number.
  private(set) var logDensity: [Double]
  /// `chains × dimension`
  private(set) var gradient: [Double]

  init(_ density: Density, chains: Int, needsGradient: Bool, workers: Workers = Workers()) {
    dimension = density.dimension
    self.chains = chains
    evaluation = density.evaluation(chains, needsGradient, workers)
    constraints = density.coordinates.map(\.constraint)
    positions = [Double](repeating: 0, count: chains * dimension)
    x = positions
    gradient = positions
    images = positions.map { Constraint.Image(value: $0, slope: 1, logSlope: 0, logSlopeDerivative: 0) }
    logDensity = [Double](repeating: 0, count: chains)
  }

  func evaluate() {
    for i in positions.indices {
      images[i] = constraints[i % dimension].image(positions[i])
      x[i] = images[i].value
    }
    evaluation.evaluate(x, logDensity: &logDensity, gradient: &gradient)
    for i in positions.indices {
      let image = images[i]
      logDensity[i / dimension] += image.logSlope
      gradient[i] = gradient[i] * image.slope + image.logSlopeDerivative
    }
    for chain in 0..<chains where !logDensity[chain].isFinite { logDensity[chain] = -.infinity }
  }

  /// What was found for one chain.
  func evaluated(_ chain: Int) -> Evaluated {
    Evaluated(logDensity: logDensity[chain], gradients: gradient, offset: chain * dimension)
  }
}

/// The log density and its gradient where a chain asked for them.
public struct Evaluated: Sendable {
  /// `-infinity` where the density is zero.
  public let logDensity: Double
  fileprivate let gradients: [Double]
  fileprivate let offset: Int

  /// For kernels that ask nothing.
  static let nothing = Evaluated(logDensity: .nan, gradients: [], offset: 0)

  /// By coordinate `i`; meaningless unless the kernel needs gradients.
  @inline(__always) public func gradient(_ i: Int) -> Double { gradients[offset + i] }
}
