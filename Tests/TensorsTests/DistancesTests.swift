import Tensors
import Testing

/// Shapes around the sixteen rows and columns that go side by side, and the few rows that do not.
struct DistanceCase: Sendable, CustomTestStringConvertible {
  let rows: Int
  let columns: Int
  let points: Int
  var testDescription: String { "\(rows) × \(columns), \(points) points" }

  static let all = [
    DistanceCase(rows: 1, columns: 5, points: 1), DistanceCase(rows: 3, columns: 48, points: 16),
    DistanceCase(rows: 4, columns: 16, points: 10), DistanceCase(rows: 16, columns: 16, points: 48),
    DistanceCase(rows: 17, columns: 33, points: 50), DistanceCase(rows: 63, columns: 1, points: 64),
    DistanceCase(rows: 64, columns: 256, points: 64), DistanceCase(rows: 70, columns: 47, points: 341),
  ]
}

struct DistancesTests {
  private func numbers(_ count: Int, seed: UInt64) -> [Float] {
    var random = RandomStream(seed: seed)
    return (0..<count).map { _ in (random.uniform() - 0.5) * 7 }
  }

  @Test(
    "sums of squares are those of a plain loop, to the bit, also of rows that overlap",
    arguments: DistanceCase.all, [0, 3])
  func addsSquares(of shape: DistanceCase, gap: Int) {
    let step = gap == 0 ? max(1, shape.columns / 4) : shape.columns + gap
    let x = numbers(2 + (shape.rows - 1) * step + shape.columns, seed: 1)
    let factors = numbers(shape.columns, seed: 2)
    let start = numbers(shape.rows, seed: 3)
    for weights in [nil, factors] {
      var sums = start
      Distances.addSquares(
        rows: shape.rows, columns: shape.columns, x, from: 2, step: step, factors: weights, to: &sums)
      for row in 0..<shape.rows {
        var sum = start[row]
        for column in 0..<shape.columns {
          let value = x[2 + row * step + column]
          sum += weights.map { $0[column] * value * value } ?? value * value
        }
        #expect(sums[row].bitPattern == sum.bitPattern)
      }
    }
  }

  @Test(
    "rows are centred, and their squares summed, as in a plain loop, to the bit", arguments: DistanceCase.all)
  func centres(_ shape: DistanceCase) {
    let x = numbers(shape.rows * shape.columns, seed: 4)
    let shift = numbers(shape.columns, seed: 5)
    var centred = [Float](repeating: .nan, count: x.count)
    var sums = [Float](repeating: 0, count: shape.rows)
    Distances.centre(rows: shape.rows, x, shift: shift, into: &centred, addingSquaresTo: &sums)
    for row in 0..<shape.rows {
      var sum: Float = 0
      for column in 0..<shape.columns {
        let value = x[row * shape.columns + column] - shift[column]
        #expect(centred[row * shape.columns + column].bitPattern == value.bitPattern)
        sum += value * value
      }
      #expect(sums[row].bitPattern == sum.bitPattern)
    }
  }

  @Test(
    "the nearest point is that of all products, to the bit; infinite ones do not count",
    arguments: DistanceCase.all)
  func findsNearest(_ shape: DistanceCase) {
    let (rows, width, points) = (shape.rows, shape.columns, shape.points)
    let x = numbers(rows * width, seed: 6)
    let columns = numbers(width * points, seed: 7)
    var squares = numbers(points, seed: 8).map { $0 * $0 * 10 }
    if points > 1 { squares[points / 2] = .infinity }
    var products = [Float](repeating: 0, count: rows * points)
    Product.multiply(m: rows, n: points, k: width, x, columns, into: &products)
    var least = [Float](repeating: 0, count: rows)
    Distances.nearest(rows: rows, width: width, x, columns: columns, squares: squares, into: &least)
    for row in 0..<rows {
      let plain = (0..<points).map { squares[$0] - 2 * products[row * points + $0] }.min() ?? .infinity
      #expect(least[row].bitPattern == plain.bitPattern)
    }
  }
}
