import Foundation
import Gradients
import Tensors
import Testing

@testable import Generative

struct MarkovChainsDensityTests {
  /// Every density with a name, on small data.
  static let densities: [Density] = {
    var random = RandomStream(seed: 4)
    let (rows, width) = (30, 3)
    let numbers = random.normals(rows * width)
    let data = DataMatrix(
      rows: rows, columns: width,
      values: numbers.enumerated().map { $0 % width == width - 1 ? ($1 > 0 ? 1 : 0) : $1 })
    let named = MarkovTargets.all.compactMap { entry in
      try? MarkovTargets.density(
        entry.name, rows: entry.data == nil || entry.name == "eight-schools" ? nil : (["a", "b", "y"], data))
    }
    return named + [bounded, layered]
  }()

  /// All kinds of constraints at once.
  static let bounded = Density(
    "bounded", [.init("free"), .init("above", .above(-1)), .init("between", .between(2, 5))]
  ) { x in x[1, 0..<1].squared().sum(1) * -0.5 - x[1, 1..<3].sum(1) }

  /// With parameters of its own, as members of the suite have them: `-½ |tanh(x W)|² - ¼ |x|²`.
  static let layered: Density = {
    var scope = ParameterScope(seed: 3)
    let weight = scope.parameter("weight", [2, 4]) { random, count in random.normals(count) }
    return Density("layered", [.init("a"), .init("b")], parameters: scope.parameters) { x in
      tanh(matmul(x, x.tape[weight])).squared().sum(1) * -0.5 - x.squared().sum(1) * 0.25
    }
  }()

  @Test func `every target has its density`() {
    #expect(Self.densities.map(\.name) == MarkovTargets.all.map(\.name) + ["bounded", "layered"])
  }

  @Test(arguments: densities)
  func `gradients are those of differences`(_ density: Density) {
    let chains = 3
    let asked = UnconstrainedDensity(density, chains: chains, needsGradient: true)
    var random = RandomStream(seed: 9)
    for i in asked.positions.indices { asked.positions[i] = 1.2 * random.uniformDouble() - 0.6 }
    asked.evaluate()
    let (point, gradient) = (asked.positions, asked.gradient)
    // A tape computes in single precision, so steps are wide and the next order is taken out.
    let step = density.name == "arma11" ? 1e-4 : 2e-2
    for i in point.indices {
      func slope(_ step: Double) -> Double {
        let values = [step, -step].map { change in
          asked.positions = point
          asked.positions[i] += change
          asked.evaluate()
          return asked.logDensity[i / density.dimension]
        }
        return (values[0] - values[1]) / (2 * step)
      }
      let expected = (4 * slope(step) - slope(2 * step)) / 3
      let error = abs(gradient[i] - expected) / max(1, abs(expected))
      #expect(error < 2e-3, "\(density.name), coordinate \(i): \(gradient[i]), not \(expected)")
    }
  }

  @Test(arguments: [Constraint.unconstrained, .positive, .above(-2), .between(-1, 4)])
  func `constraints map the line one to one, and say by how much they stretch it`(_ constraint: Constraint) {
    for q in stride(from: -6.0, through: 6, by: 0.75) {
      let image = constraint.image(q)
      #expect(abs(constraint.preimage(image.value) - q) < 1e-9)
      let h = 1e-5
      let (before, after) = (constraint.image(q - h), constraint.image(q + h))
      #expect(abs((after.value - before.value) / (2 * h) - image.slope) < 1e-8 * max(1, image.slope))
      #expect(abs(log(image.slope) - image.logSlope) < 1e-9)
      #expect(abs((after.logSlope - before.logSlope) / (2 * h) - image.logSlopeDerivative) < 1e-8)
    }
    // Far out nothing is lost or cancelled.
    #expect(constraint.image(-700).logSlope.isFinite)
  }

  @Test func `eight schools is the density of the model as it is written`() {
    let schools = EightSchools()
    func logNormal(_ x: Double, _ mean: Double, _ sd: Double) -> Double {
      -0.5 * pow((x - mean) / sd, 2) - log(sd)
    }
    func written(_ x: [Double]) -> Double {
      let (mu, tau) = (x[8], x[9])
      var sum = logNormal(mu, 0, 5) - log(1 + pow(tau / 5, 2))
      for j in 0..<8 {
        sum += logNormal(x[j], 0, 1) + logNormal(schools.y[j], mu + tau * x[j], schools.sigma[j])
      }
      return sum + log(tau)  // of the map onto τ > 0
    }
    let points = [
      [0.3, -1, 0.2, 0.7, 1.5, -0.4, 0.1, 0, 4, 2.5], [1, 1, -1, 0.5, -0.5, 0, 2, 0.3, -3, 11],
      [0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    ]
    let asked = UnconstrainedDensity(schools.density, chains: 3, needsGradient: false)
    asked.positions = points.flatMap { schools.density.unconstrained($0) }
    asked.evaluate()
    for i in 1..<3 {
      let difference = asked.logDensity[i] - asked.logDensity[0]
      #expect(abs(difference - (written(points[i]) - written(points[0]))) < 1e-4)
    }
    #expect(schools.density.quantities(at: asked.positions.suffix(10).map { $0 }).last == 0)
  }

  @Test func `the process is the density of the model as it is written`() {
    let y = [0.7, 0.5, 0.9, -0.1]
    func written(_ x: [Double]) -> Double {
      let (mu, phi, theta, sigma) = (x[0], x[1], x[2], x[3])
      var sum = -0.5 * (pow(mu / 10, 2) + pow(phi / 2, 2) + pow(theta / 2, 2)) - log(1 + pow(sigma / 2.5, 2))
      var error = 0.0
      for t in y.indices {
        error = t == 0 ? y[0] - (mu + phi * mu) : y[t] - (mu + phi * y[t - 1] + theta * error)
        sum -= 0.5 * pow(error / sigma, 2) + log(sigma)
      }
      return sum + log(sigma)
    }
    let density = AutoregressiveMovingAverage(y: y).density
    let points = [[0.1, 0.9, -0.2, 0.3], [-2, -0.4, 0.8, 1.4]]
    let asked = UnconstrainedDensity(density, chains: 2, needsGradient: true)
    asked.positions = points.flatMap { density.unconstrained($0) }
    asked.evaluate()
    for i in points.indices { #expect(abs(asked.logDensity[i] - written(points[i])) < 1e-10) }
  }

  @Test func `data that cannot be are refused with their place`() throws {
    func error(_ body: () throws -> Density) -> TargetError? {
      do {
        _ = try body()
        return nil
      } catch { return error as? TargetError }
    }
    let names = ["a", "y"]
    func rows(_ values: [Float]) -> (names: [String], data: DataMatrix) {
      (names, DataMatrix(rows: values.count / 2, columns: 2, values: values))
    }
    #expect(
      error { try MarkovTargets.density("nothing") }
        == .unknown(name: "nothing", known: MarkovTargets.all.map(\.name)))
    #expect(error { try MarkovTargets.density("arma11") } != nil)
    #expect(
      error { try MarkovTargets.density("funnel", json: Data()) }
        == .wrongData(target: "funnel", why: "it takes none"))
    #expect(
      error { try MarkovTargets.density("eight-schools", rows: rows([1, 0, 2, 1])) }
        == .wrongData(target: "eight-schools", why: "there is no column sigma"))
    #expect(
      error { try MarkovTargets.density("arma11", json: Data(#"{"z": []}"#.utf8)) }
        == .wrongData(target: "arma11", why: "there is no y"))
    #expect(
      error { try MarkovTargets.density("eight-schools", json: Data(#"{"y": [1], "sigma": []}"#.utf8)) }
        != nil)
    #expect(
      error { try MarkovTargets.density("logistic-regression", rows: rows([1, 0, 2, 1, 3, 2])) }
        == .notBinary(row: 2, column: "y"))
    #expect(
      error { try MarkovTargets.density("linear-regression", rows: rows([1, 0, 2, .nan, 3, 2])) }
        == .notFinite(row: 1, column: "y"))
    #expect(
      error { try MarkovTargets.density("linear-regression", rows: rows([1, 0, 1, 1, 1, 2])) }
        == .constant(column: "a"))
  }
}
