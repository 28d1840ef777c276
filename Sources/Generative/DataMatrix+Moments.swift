import Tensors

extension DataMatrix {
  /// Refuses what no member of the suite can learn from.
  func check(minimumRows: Int) throws(FitError) {
    guard rows >= minimumRows, columns > 0 else { throw .notEnoughRows(have: rows, need: minimumRows) }
    guard !VectorMath.allFinite(values) else { return }
    for i in values.indices where !values[i].isFinite && mask?[i] != 0 {
      throw .notFinite(row: i / columns, column: i % columns)
    }
  }

  /// The same rows in another order, standardised and bounded: what a network sees and is to give back.
  func standardised(_ order: [Int], shift: [Float], scale: [Float], bound: Float) -> DataMatrix {
    var arena = Arena()
    let region = arena.reserve(values.count)
    func ordered(_ source: [Float]) -> [Float] {
      arena.gather(source, columns: columns, rows: order[...], into: region)
      return arena[region]
    }
    let mask = mask.map(ordered)
    let values = ordered(values)
    arena.standardise(
      values, mask: mask, first: 0, rows: rows, shift: shift, scale: scale, bound: bound, into: region)
    return DataMatrix(rows: rows, columns: columns, values: arena[region], mask: mask)
  }

  /// Per column, mean and standard deviation of the observed entries, in double precision.
  ///
  /// Entries beyond ten deviations of a first pass are left out of a second one, so that a few enormous values
  /// do not set the scale of all others. The deviation is at least `floor`; a column never observed has (0, 1).
  func moments(floor: Float) -> (mean: [Float], deviation: [Float]) {
    var means = [Float](repeating: 0, count: columns)
    var deviations = [Float](repeating: 1, count: columns)
    for column in 0..<columns {
      var center = 0.0
      var limit = Double.infinity
      for _ in 0..<3 {
        var count = 0.0
        var sum = 0.0
        var squares = 0.0
        for row in 0..<rows where mask?[row * columns + column] != 0 {
          let x = Double(values[row * columns + column]) - center
          guard abs(x) <= limit else { continue }
          count += 1
          sum += x
          squares += x * x
        }
        guard count > 0 else { break }
        let shift = sum / count
        let deviation = max(Double(floor), max(0, squares / count - shift * shift).squareRoot())
        center += shift
        limit = 10 * deviation
        means[column] = Float(center)
        deviations[column] = Float(deviation)
      }
    }
    return (means, deviations)
  }
}
