import Foundation
import Gradients
import Networks
import Tensors
import Testing

@testable import Generative

/// A picture of some channels, pixel by pixel; beyond its border is zero.
private struct Map {
  let channels: Int
  let height: Int
  let width: Int
  var values: [Double]

  init(_ channels: Int, _ height: Int, _ width: Int, _ values: [Float]? = nil) {
    (self.channels, self.height, self.width) = (channels, height, width)
    self.values = values?.map(Double.init) ?? [Double](repeating: 0, count: channels * height * width)
  }

  subscript(channel: Int, row: Int, column: Int) -> Double {
    get {
      guard row >= 0, column >= 0, row < height, column < width else { return 0 }
      return values[(channel * height + row) * width + column]
    }
    set { values[(channel * height + row) * width + column] = newValue }
  }
}

/// An LSTM over the pixels one after the other, straight from its equations.
private func naive(
  _ x: Map, input: Tensor, bias: Tensor, recurrent: Tensor, units: Int, order: [(row: Int, column: Int)],
  inputs: [Int], states: [(row: Int, column: Int)], cell: (row: Int, column: Int)
) -> Map {
  let (w, u) = (input.values.map(Double.init), recurrent.values.map(Double.init))
  var (hidden, cells) = (Map(units, x.height, x.width), Map(units, x.height, x.width))
  func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
  for (row, column) in order {
    let gates = (0..<4 * units).map { gate -> Double in
      var sum = Double(bias.values[gate])
      for channel in 0..<x.channels {
        for (tap, offset) in inputs.enumerated() {
          sum += w[(gate * x.channels + channel) * inputs.count + tap] * x[channel, row, column + offset]
        }
      }
      for unit in 0..<units {
        for (tap, offset) in states.enumerated() {
          sum +=
            u[(gate * units + unit) * states.count + tap]
            * hidden[unit, row + offset.row, column + offset.column]
        }
      }
      return sum
    }
    for unit in 0..<units {
      let (o, f, i, g) = (gates[unit], gates[units + unit], gates[2 * units + unit], gates[3 * units + unit])
      let c = sigmoid(f) * cells[unit, row + cell.row, column + cell.column] + sigmoid(i) * tanh(g)
      cells[unit, row, column] = c
      hidden[unit, row, column] = sigmoid(o) * tanh(c)
    }
  }
  return hidden
}

@Suite struct PixelRNNTests {
  private let units = 3
  private let height = 4
  private let width = 5

  /// A layer with weights of some spread, a picture of features, and what the layer makes of it.
  private func run(_ make: (inout ParameterScope) -> any RecurrentPixelLayer) -> (
    x: Map, y: [Float], parameters: Parameters
  ) {
    var scope = ParameterScope(seed: 2)
    let layer = make(&scope)
    var parameters = scope.parameters
    var random = RandomStream(seed: 3)
    parameters.values = parameters.values.map { _ in 0.5 * random.normal() }
    let x = random.normals(2 * units * height * width)
    let tape = Tape(parameters)
    let y = layer(tape.input(Tensor(x, shape: [1, 2 * units, height, width])))
    return (Map(2 * units, height, width, x), y.value.values, parameters)
  }

  private func expect(_ run: (x: Map, y: [Float], parameters: Parameters), hidden: Map) throws {
    let up = try #require(run.parameters["layer.up.weight"]).values
    let bias = try #require(run.parameters["layer.up.bias"]).values
    var i = 0
    for channel in 0..<2 * units {
      for row in 0..<height {
        for column in 0..<width {
          var sum = run.x[channel, row, column] + Double(bias[channel])
          for unit in 0..<units { sum += Double(up[channel * units + unit]) * hidden[unit, row, column] }
          #expect(abs(Double(run.y[i]) - sum) < 1e-5, "\(channel), \(row), \(column)")
          i += 1
        }
      }
    }
  }

  private func pixels(fromRight: Bool) -> [(row: Int, column: Int)] {
    (0..<height).flatMap { row in
      (0..<width).map { (row, fromRight ? width - 1 - $0 : $0) }
    }
  }

  private func lstm(
    _ name: String, _ run: (x: Map, y: [Float], parameters: Parameters), fromRight: Bool = false,
    inputs: [Int], states: [(row: Int, column: Int)], cell: (row: Int, column: Int)
  ) throws -> Map {
    naive(
      run.x, input: try #require(run.parameters["layer.\(name).input.weight"]),
      bias: try #require(run.parameters["layer.\(name).input.bias"]),
      recurrent: try #require(run.parameters["layer.\(name).recurrent"]), units: units,
      order: pixels(fromRight: fromRight), inputs: inputs, states: states, cell: cell)
  }

  @Test func `a Row LSTM layer is its equations pixel by pixel`() throws {
    let run = run { RowLayer("layer", units, in: &$0) }
    let hidden = try lstm(
      "lstm", run, inputs: [-1, 0], states: [(-1, -1), (-1, 0), (-1, 1)], cell: (-1, 0))
    try expect(run, hidden: hidden)
  }

  @Test func `a Diagonal BiLSTM layer is its equations pixel by pixel`() throws {
    let run = run { DiagonalLayer("layer", units, hasRowsAbove: true, in: &$0) }
    var hidden = try lstm("left", run, inputs: [0], states: [(-1, 0), (0, -1)], cell: (0, -1))
    let right = try lstm(
      "right", run, fromRight: true, inputs: [0], states: [(-1, 0), (0, 1)], cell: (0, 1))
    for unit in 0..<units {
      for row in 0..<height {
        for column in 0..<width { hidden[unit, row, column] += right[unit, row - 1, column] }
      }
    }
    try expect(run, hidden: hidden)
  }

  @Test func `skewing moves each row by its number, and back`() {
    let tape = Tape()
    let x = tape.input(Tensor([1, 2, 3, 4, 5, 6], shape: [1, 1, 3, 2]))
    #expect(x.skewed().value.values == [1, 2, 0, 0, 0, 3, 4, 0, 0, 0, 5, 6])
    #expect(x.skewedBack().value.values == [0, 0, 1, 2, 0, 3, 4, 0, 5, 6, 0, 0])
    #expect(x.skewed().unskewed(width: 2).value == x.value)
    #expect(x.skewedBack().unskewedBack(width: 2).value == x.value)
  }
}
