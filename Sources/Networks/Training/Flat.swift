import Tensors

/// What optimizers and guards do to all parameters at once.
enum Flat {
  static func isFinite(_ x: View) -> Bool { VectorMath.allFinite(x.values) }

  /// Summed in double precision over chunks of fixed size.
  static func sumOfSquares(_ x: View) -> Double {
    let values = x.values
    var total = 0.0
    for start in stride(from: 0, to: values.count, by: 512) {
      let part = Array(values[start..<min(start + 512, values.count)])
      total += Double(VectorMath.dot(part, part))
    }
    return total
  }

  static func clamp(_ x: View, _ most: Float) { x.assign(x.values.map { min(max($0, -most), most) }) }

  /// `a += share · (x - a)`
  static func approach(_ a: inout [Float], _ x: View, share: Float) {
    let values = x.values
    for i in a.indices { a[i] += share * (values[i] - a[i]) }
  }
}
