import Foundation
import Gradients
import Tensors
import Testing

@testable import Generative

/// A flow with weights that are not those of the begin, so that every layer does something.
struct FlowSubject: Sendable, CustomTestStringConvertible {
  let name: String
  let width: Int
  let classes: Int
  /// The flow and what its layers need, made anew.
  let make: @Sendable () throws -> (design: any FlowDesign, parameters: Parameters)
  var testDescription: String { "\(name), \(width) columns, \(classes) classes" }

  init<Design: FlowDesign>(
    _ design: Design.Type, width: Int, classes: Int = 0, support: Support = .real, seed: UInt64 = 1,
    spread: Float = 0.1, change: @escaping @Sendable (inout Design.Settings) -> Void
  ) {
    name = Design.name
    self.width = width
    self.classes = classes
    make = {
      var settings = Design.Settings()
      change(&settings)
      var scope = ParameterScope(seed: seed)
      let form = RowForm(shape: [width], support: support, classes: classes)
      let flow = try Design(settings, form: form, in: &scope)
      var parameters = scope.parameters
      var random = RandomStream(seed: seed, stream: 77)
      parameters.values = parameters.values.map { $0 + spread * random.normal() }
      return (flow, parameters)
    }
  }

  /// Every member, small.
  static func all(width: Int, classes: Int = 0) -> [FlowSubject] {
    [
      FlowSubject(NICE.self, width: width, classes: classes) { $0.hidden = 8 },
      FlowSubject(NICE.self, width: width, classes: classes) {
        $0.hidden = 8
        $0.prior = .flat
      },
      FlowSubject(RealNVP.self, width: width, classes: classes) { $0.hidden = 8 },
      FlowSubject(Glow.self, width: width, classes: classes) {
        $0.hidden = 8
        $0.layers = 2
      },
      FlowSubject(MAF.self, width: width, classes: classes) {
        $0.hidden = 8
        $0.layers = 2
        $0.depth = 2
      },
      FlowSubject(IAF.self, width: width, classes: classes) {
        $0.hidden = 8
        $0.layers = 2
        $0.depth = 2
      },
      FlowSubject(NeuralSplineCoupling.self, width: width, classes: classes) { $0.hidden = 8 },
      FlowSubject(NeuralSplineAutoregressive.self, width: width, classes: classes) { $0.hidden = 8 },
    ]
  }

  /// `log p(x)` of rows, and what they map onto.
  func evaluated(_ rows: [Float], labels: [Int]? = nil) throws -> (
    logDensity: [Float], z: [Float], logDeterminant: [Float]
  ) {
    let (design, parameters) = try make()
    let tape = Tape(parameters)
    let x = tape.input(Tensor(rows, shape: [rows.count / width, width]))
    let classes = labels.map { tape.input(Tensor($0.map(Float.init), shape: [$0.count])) }
    let given = Rows(x, labels: classes)
    let (z, logDeterminant) = design.forward(given)
    return (
      design.logLikelihood(given, samples: 1).value.values, z.value.values, logDeterminant.value.values
    )
  }

  func inverted(_ z: [Float], labels: [Int]? = nil) throws -> [Float] {
    let (design, parameters) = try make()
    return design.inverse(z, count: z.count / width, labels: labels, ParameterBuffer(parameters))
  }
}

/// `log |det J|` of a map at a row by central differences.
func numericLogDeterminant(_ row: [Float], step: Float = 2e-3, _ map: ([Float]) throws -> [Float]) rethrows
  -> Double
{
  let n = row.count
  var moved: [Float] = []
  for i in 0..<n {
    for sign: Float in [1, -1] {
      var copy = row
      copy[i] += sign * step
      moved += copy
    }
  }
  let images = try map(moved).map(Double.init)
  var a = (0..<n).map { j in
    (0..<n).map { i in (images[2 * i * n + j] - images[(2 * i + 1) * n + j]) / Double(2 * step) }
  }
  var result = 0.0
  for k in 0..<n {
    let pivot = (k..<n).max { abs(a[$0][k]) < abs(a[$1][k]) } ?? k
    a.swapAt(k, pivot)
    result += log(abs(a[k][k]))
    for i in k + 1..<max(n, k + 1) {
      let factor = a[i][k] / a[k][k]
      for j in k..<n { a[i][j] -= factor * a[k][j] }
    }
  }
  return result
}
