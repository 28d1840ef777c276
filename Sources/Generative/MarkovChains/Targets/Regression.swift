import Glibc
import Gradients
import Tensors

/// Regressions on rows of a user's data: features and an outcome in the last column.
///
/// Features are standardised, and for the linear one the outcome too; then the intercept and the coefficients are `N(0, 2.5)`
/// and σ is half-normal with scale 1 (Gelman et al. 2008 on weakly informative priors). Beside them, the slopes in the units of
/// the data.
public struct Regression: Sendable {
  /// How the outcome y follows from features x.
  public enum Outcome: String, Sendable, CaseIterable {
    /// `y ~ N(α + x·β, σ)`
    case linear
    /// `y ~ Bernoulli(σ(α + x·β))`, with y 0 or 1
    case logistic
  }

  public let outcome: Outcome
  let names: [String]
  /// `[features, rows]`, standardised.
  let features: Tensor
  /// `[1, rows]`
  let y: Tensor
  /// From slopes of standardised numbers to those of the data.
  let slopeScale: [Double]

  /// - Parameters:
  ///   - names: of the features, then of the outcome.
  ///   - rows: as wide as there are names; nothing is missing.
  public init(_ outcome: Outcome, names: [String], rows: DataMatrix) throws(TargetError) {
    guard rows.columns >= 2 else { throw .tooFewColumns(have: rows.columns, need: 2) }
    guard rows.rows >= 3 else { throw .tooFewRows(have: rows.rows, need: 3) }
    precondition(names.count == rows.columns, "\(names.count) names for \(rows.columns) columns")
    let width = rows.columns - 1
    if let bad = rows.values.firstIndex(where: { !$0.isFinite }) ?? rows.mask?.firstIndex(of: 0) {
      throw .notFinite(row: bad / rows.columns, column: names[bad % rows.columns])
    }
    func column(_ j: Int) -> [Double] { (0..<rows.rows).map { Double(rows.values[$0 * rows.columns + j]) } }
    func moments(_ x: [Double]) -> (mean: Double, sd: Double) {
      let mean = ConvergenceDiagnostics.mean(x)
      return (mean, ConvergenceDiagnostics.variance(x).squareRoot())
    }
    var standardised: [Float] = []
    var scales: [Double] = []
    for j in 0..<width {
      let x = column(j)
      let (mean, sd) = moments(x)
      guard sd > 0 else { throw .constant(column: names[j]) }
      standardised += x.map { Float(($0 - mean) / sd) }
      scales.append(1 / sd)
    }
    var last = column(width)
    switch outcome {
    case .linear:
      let (mean, sd) = moments(last)
      guard sd > 0 else { throw .constant(column: names[width]) }
      last = last.map { ($0 - mean) / sd }
      scales = scales.map { $0 * sd }
    case .logistic:
      if let row = last.firstIndex(where: { $0 != 0 && $0 != 1 }) {
        throw .notBinary(row: row, column: names[width])
      }
    }
    self.outcome = outcome
    self.names = Array(names.prefix(width))
    features = Tensor(standardised, shape: [width, rows.rows])
    y = Tensor(last.map(Float.init), shape: [1, rows.rows])
    slopeScale = scales
  }

  public var density: Density {
    let (features, y, outcome, width, scale) = (features, y, outcome, names.count, slopeScale)
    let rows = Float(y.columns)
    var coordinates = [Density.Coordinate("intercept")] + names.map { .init("beta[\($0)]") }
    if outcome == .linear { coordinates.append(.init("sigma", .positive)) }
    var density = Density("\(outcome.rawValue)-regression", coordinates) { x in
      let coefficients = x[1, 0..<width + 1]
      let prior = coefficients.squared().sum(1) * (-0.5 / 6.25)
      let predicted = matmul(x[1, 1..<width + 1], x.tape.input(features)) + x[1, 0..<1]
      let y = x.tape.input(y)
      switch outcome {
      case .linear:
        let sigma = x[1, width + 1..<width + 2]
        let squares = (predicted - y).squared().sum(1, keepingAxes: true)
        let likelihood = squares / sigma.squared() * -0.5 - log(sigma) * rows
        return prior + (likelihood - sigma.squared() * 0.5).sum(1)
      case .logistic:
        return prior + (y * predicted - softplus(predicted)).sum(1)
      }
    }
    density.derived = .init(names.map { "slope[\($0)]" }) { x in (0..<width).map { x[1 + $0] * scale[$0] } }
    return density
  }
}

/// Why there is no density of that name on this data.
public enum TargetError: Error, Sendable, Equatable, CustomStringConvertible {
  case unknown(name: String, known: [String])
  case needsData(target: String, what: String)
  case wrongData(target: String, why: String)
  case tooFewColumns(have: Int, need: Int)
  case tooFewRows(have: Int, need: Int)
  case notFinite(row: Int, column: String)
  case notBinary(row: Int, column: String)
  case constant(column: String)

  public var description: String {
    switch self {
    case .unknown(let name, let known):
      "there is no target \(name): choose one of \(known.joined(separator: ", "))"
    case .needsData(let target, let what): "\(target) needs data: give \(what)"
    case .wrongData(let target, let why): "the data are not those of \(target): \(why)"
    case .tooFewColumns(let have, let need):
      "\(have) columns are too few: features and an outcome are needed, at least \(need)"
    case .tooFewRows(let have, let need): "\(have) rows are too few: at least \(need) are needed"
    case .notFinite(let row, let column): "row \(row) has no number in column \(column): leave such rows out"
    case .notBinary(let row, let column): "row \(row) of the outcome \(column) is neither 0 nor 1"
    case .constant(let column): "column \(column) is the same in every row: leave it out"
    }
  }
}
