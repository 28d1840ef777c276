import Foundation
import Gradients
import Networks
import Tensors

/// Values of PyTorch: see `Fixtures/make_fixtures.py`.
enum Fixtures {
  struct Numbers: Decodable {
    let shape: [Int]
    let values: [Float]
    var tensor: Tensor { Tensor(values, shape: Shape(shape)) }
  }

  struct Layer: Decodable {
    let name: String
    let inputs: [String: Numbers]
    let parameters: [String: Numbers]
    let output: Numbers
    /// What the output is multiplied with before it is summed and differentiated.
    let weight: Numbers
    let gradients: [String: Numbers]
    let runningMean: Numbers?
    let runningVariance: Numbers?
    let evaluated: Numbers?
    let u: Numbers?
    let uAfter: Numbers?

    enum CodingKeys: String, CodingKey {
      case name, inputs, parameters, output, weight, gradients, evaluated, u
      case runningMean = "running_mean"
      case runningVariance = "running_var"
      case uAfter = "u_after"
    }
  }

  struct Loss: Decodable {
    let name: String
    let inputs: [String: Numbers]
    let value: Float
    let gradients: [String: Numbers]
  }

  struct Optimizers: Decodable {
    struct Run: Decodable {
      let name: String
      let losses: [Float]
      let after: [Numbers]
    }
    struct Schedule: Decodable {
      let name: String
      let factors: [Float]
    }
    let x: Numbers
    let y: Numbers
    let before: [Numbers]
    let runs: [Run]
    let schedules: [Schedule]
  }

  static func layers() throws -> [Layer] { try read("layers") }
  static func losses() throws -> [Loss] { try read("losses") }
  static func optimizers() throws -> Optimizers { try read("optimizers") }

  private static func read<Content: Decodable>(_ name: String) throws -> Content {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(name).json")
    return try JSONDecoder().decode(Content.self, from: Data(contentsOf: file))
  }
}

/// The largest difference, relative where the truth is above 1; infinite when the shapes differ.
func worst(_ mine: Tensor, _ truth: Tensor) -> Float {
  guard mine.shape == truth.shape else { return .infinity }
  return worst(mine.values, truth.values)
}

func worst(_ mine: [Float], _ truth: [Float]) -> Float {
  guard mine.count == truth.count else { return .infinity }
  var worst: Float = 0
  for (a, b) in zip(mine, truth) {
    let error = abs(a - b) / max(1, abs(b))
    worst = error.isNaN ? .infinity : max(worst, error)
  }
  return worst
}
