import Foundation
import Gradients
import Tensors
import Testing

@testable import Generative

/// Layers of flows against direct computations.
@Suite struct FlowLayerTests {
  // MARK: splines

  private struct SplineFixture: Decodable {
    struct Spline: Decodable {
      let choice, x, z, logSlope, knots, knotHeights, knotLogSlopes: [Float]
    }
    let bins: Int
    let tail: Float
    let splines: [Spline]

    static func read() throws -> SplineFixture {
      let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      let data = try Data(contentsOf: folder.appending(path: "Fixtures/spline_flow.json"))
      return try JSONDecoder().decode(SplineFixture.self, from: data)
    }
  }

  private func evaluated(_ spline: RationalQuadraticSpline, _ x: [Float], _ choice: [Float]) -> (
    z: [Float], logSlope: [Float], back: [Float]
  ) {
    let tape = Tape()
    let places = tape.input(Tensor(x, shape: [x.count, 1]))
    let choices = tape.input(
      Tensor(x.flatMap { _ in choice }, shape: [x.count, 1, choice.count]))
    let (z, logSlope) = spline.forward(places, choices)
    return (z.value.values, logSlope?.value.values ?? [], spline.inverse(z, choices).value.values)
  }

  @Test func `splines are those of NumPy, and so are their inverses`() throws {
    let fixture = try SplineFixture.read()
    let spline = RationalQuadraticSpline(bins: fixture.bins, tail: fixture.tail)
    for truth in fixture.splines {
      let (z, logSlope, back) = evaluated(spline, truth.x, truth.choice)
      for i in truth.x.indices {
        #expect(abs(z[i] - truth.z[i]) < 2e-5)
        #expect(abs(logSlope[i] - truth.logSlope[i]) < 2e-4)
        #expect(abs(back[i] - truth.x[i]) < 2e-4)
      }
    }
  }

  @Test func `at knots a spline has its heights and slopes, from both sides`() throws {
    let fixture = try SplineFixture.read()
    let spline = RationalQuadraticSpline(bins: fixture.bins, tail: fixture.tail)
    for truth in fixture.splines {
      for side: Float in [-2e-6, 0, 2e-6] {
        let (z, logSlope, _) = evaluated(spline, truth.knots.map { $0 + side }, truth.choice)
        for i in z.indices {
          #expect(abs(z[i] - truth.knotHeights[i]) < 1e-4)
          #expect(abs(logSlope[i] - truth.knotLogSlopes[i]) < 5e-3)
        }
      }
    }
  }

  @Test func `a spline of zeros is the identity`() {
    let spline = RationalQuadraticSpline(bins: 6, tail: 3)
    let places: [Float] = [-5, -2.9, -1, 0, 0.3, 2, 2.9, 4]
    let (z, logSlope, _) = evaluated(spline, places, [Float](repeating: 0, count: spline.parameters))
    for i in places.indices { #expect(abs(z[i] - places[i]) < 1e-5 && abs(logSlope[i]) < 1e-4) }
  }

  @Test func `the gradient of a spline is that of differences`() {
    let spline = RationalQuadraticSpline(bins: 4, tail: 3)
    var random = RandomStream(seed: 4)
    let choice = random.normals(3 * spline.parameters)
    func objective(_ tape: Tape, _ x: Variable, _ choices: Variable) -> Variable {
      let (z, logSlope) = spline.forward(x, choices)
      return (z.squared() + (logSlope ?? z)).sum()
    }
    let tape = Tape()
    let x = tape.input(Tensor([-1.1, 0.4, 2.2], shape: [3, 1]))
    let choices = tape.input(Tensor(choice, shape: [3, 1, spline.parameters]))
    let output = objective(tape, x, choices)
    let gradient = tape.gradients(of: output, by: [x, choices]).map(\.value.values)
    for (target, gradient) in zip([x, choices], gradient) {
      let values = target.value.values
      for i in values.indices {
        func at(_ step: Float) -> Float {
          var moved = values
          moved[i] += step
          tape.assign(target, moved)
          tape.rerun()
          return output.scalar
        }
        let truth = (at(4e-3) - at(-4e-3)) / 8e-3
        #expect(abs(gradient[i] - truth) < 0.01 * max(1, abs(truth)))
      }
      tape.assign(target, values)
    }
  }

  // MARK: autoregressive layers

  private static let width = 4
  private static func masked(_ settings: AffineFlowSettings) -> (
    MaskedAutoregressive<Standardisation>, InverseAutoregressive<Standardisation>, Parameters
  ) {
    func scope() -> ParameterScope { ParameterScope(seed: 6) }
    var (first, second) = (scope(), scope())
    let maf = MaskedAutoregressive(
      "a", width: width, classes: 0, Standardisation(bound: 2), settings, in: &first)
    let iaf = InverseAutoregressive(
      "a", width: width, classes: 0, Standardisation(bound: 2), settings, in: &second)
    var parameters = first.parameters
    var random = RandomStream(seed: 6, stream: 2)
    parameters.values = parameters.values.map { $0 + 0.4 * random.normal() }
    return (maf, iaf, parameters)
  }

  @Test(arguments: [1, 2]) func `one masked pass equals the direct computation of each column`(depth: Int) {
    var settings = AffineFlowSettings()
    settings.hidden = 10
    settings.depth = depth
    let (maf, _, parameters) = Self.masked(settings)
    let width = Self.width
    var random = RandomStream(seed: 2)
    let rows = random.normals(3 * width)
    let tape = Tape(parameters)
    let z = maf.forward(tape.input(Tensor(rows, shape: [3, width])), Condition()).z.value.values

    // The same in plain numbers: hidden units of degree d see columns up to d, outputs see units below.
    let degrees = (0..<settings.hidden).map { 1 + $0 * (width - 1) / settings.hidden }
    func weight(_ name: String) -> [Float] { parameters[name]?.values ?? [] }
    for row in 0..<3 {
      for column in 0..<width {
        var (values, seen) = (Array(rows[row * width..<(row + 1) * width]), Array(1...width))
        for layer in 0..<depth {
          let (w, b) = (weight("a.\(layer).weight"), weight("a.\(layer).bias"))
          values = degrees.indices.map { unit -> Float in
            var sum = b[unit]
            for i in seen.indices where seen[i] <= degrees[unit] {
              sum += values[i] * w[i * degrees.count + unit]
            }
            let gate: Float = 1 / (1 + exp(-sum))
            return sum * gate
          }
          seen = degrees
        }
        let (w, b) = (weight("a.\(depth).weight"), weight("a.\(depth).bias"))
        func output(_ k: Int) -> Float {
          var sum = b[column * 2 + k]
          for i in seen.indices where seen[i] < column + 1 {
            sum += values[i] * w[i * 2 * width + column * 2 + k]
          }
          return sum
        }
        let alpha: Float = 2 * tanh(output(1) / 2)
        let direct: Float = (rows[row * width + column] - output(0)) * exp(-alpha)
        #expect(abs(direct - z[row * width + column]) < 1e-4 * max(1, abs(direct)))
      }
    }
  }

  @Test func `a column depends on those before it only`() {
    var settings = AffineFlowSettings()
    settings.hidden = 10
    settings.depth = 2
    let (maf, _, parameters) = Self.masked(settings)
    let tape = Tape(parameters)
    let x = tape.input(Tensor([0.3, -0.2, 1, 0.5], shape: [1, 4]))
    let z = maf.forward(x, Condition()).z
    for column in 0..<4 {
      let gradient = tape.gradients(of: z[1, column..<column + 1].sum(), by: [x])[0].value.values
      for other in 0..<4 { #expect((gradient[other] != 0) == (other <= column)) }
    }
  }

  @Test func `an inverse autoregressive layer undoes the masked one of the same weights`() {
    var settings = AffineFlowSettings()
    settings.hidden = 10
    settings.depth = 2
    let (maf, iaf, parameters) = Self.masked(settings)
    var random = RandomStream(seed: 9)
    let rows = random.normals(5 * Self.width)
    let tape = Tape(parameters)
    let x = tape.input(Tensor(rows, shape: [5, Self.width]))
    // x = z e^α(z) + μ(z) is one pass of the inverse layer; the masked one finds the same by its columns' own conditions.
    let drawn = iaf.inverse(x, Condition())
    let noise = iaf.forward(drawn, Condition()).z.value.values
    for (a, b) in zip(rows, noise) { #expect(abs(a - b) < 1e-4) }
    // With (x - μ) e^-α as the map, drawing by one is the reverse of the other's order of computation.
    let z = maf.forward(x, Condition())
    let byColumns = maf.inverse(z.z, Condition()).value.values
    for (a, b) in zip(rows, byColumns) { #expect(abs(a - b) < 1e-4) }
    // Column by column and in one pass, the choices are the same: z from the masked layer put through the conditioner again.
    let choice = maf.conditioner(x, Condition())
    let direct = Standardisation(bound: 2).forward(x, choice).z.value.values
    #expect(direct == z.z.value.values)
  }

  // MARK: normalisation and mixing

  @Test func `the first batch sets an activation normalisation, later ones do not`() {
    var scope = ParameterScope(seed: 1)
    let norm = ActNorm("norm", width: 3, in: &scope)
    let buffer = ParameterBuffer(scope.parameters)
    var random = RandomStream(seed: 1)
    var batch: [Float] = []
    for _ in 0..<200 {
      let noise = random.normals(2)
      batch += [3 + 2 * noise[0], 0.5 * noise[1] - 1, 7]
    }
    let tape = Tape(buffer)
    let x = tape.input(Tensor(batch, shape: [200, 3]))
    let (z, logDeterminant) = norm.forward(x, Condition(isTraining: true))
    for column in 0..<3 {
      let values: [Double] = (0..<200).map { Double(z.value.values[3 * $0 + column]) }
      let mean: Double = values.reduce(0, +) / 200
      let variance: Double = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 200
      let usual: Double = column == 2 ? 0 : 1
      #expect(abs(mean) < 1e-4)
      #expect(abs(variance - usual) < 1e-3)
    }
    let before = buffer.parameters.statistics
    // A column that never changes is not blown up without bound.
    let stated: Float = logDeterminant?.value.values[0] ?? 0
    #expect(abs(stated - log(Float(10))) < 0.3)
    // The same numbers without training, and after a batch of others.
    tape.assign(x, batch.map { 5 * $0 + 1 })
    tape.rerun()
    #expect(buffer.parameters.statistics == before)
    let later = Tape(buffer)
    let again = norm.forward(later.input(Tensor(batch, shape: [200, 3])), Condition()).z.value.values
    tape.assign(x, batch)
    tape.rerun()
    #expect(zip(again, z.value.values).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  @Test func `a mixing begins as a rotation`() {
    var scope = ParameterScope(seed: 4)
    let mixing = LULinear("mixing", width: 5, in: &scope)
    let tape = Tape(scope.parameters)
    let identity: [Float] = (0..<25).map { $0 / 5 == $0 % 5 ? 1 : 0 }
    let (w, logDeterminant) = mixing.forward(tape.input(Tensor(identity, shape: [5, 5])), Condition())
    let product = matmul(w, w, transposedB: true).value.values
    #expect(zip(product, identity).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(abs(logDeterminant?.value.values[0] ?? 1) < 1e-5)
  }
}
