/// The update formulas over one range of a flat buffer, in one pass each.
struct Part {
  let range: Range<Int>
  /// Where the range's moments begin.
  let moments: Int
  let rate: Float
  let scale: Float
  let decay: Float

  func momentum(
    _ factor: Float, _ isNesterov: Bool, _ parameters: inout [Float], _ gradients: [Float],
    _ velocity: inout [Float]
  ) {
    unsafe parameters.withUnsafeMutableBufferPointer { w in
      unsafe gradients.withUnsafeBufferPointer { g in
        unsafe velocity.withUnsafeMutableBufferPointer { m in
          for i in 0..<range.count {
            let at = range.lowerBound + i
            let gradient = unsafe g[at] * scale + decay * w[at]
            if factor == 0 {
              unsafe w[at] -= rate * gradient
            } else {
              let speed = unsafe factor * m[moments + i] + gradient
              unsafe m[moments + i] = speed
              unsafe w[at] -= rate * (isNesterov ? gradient + factor * speed : speed)
            }
          }
        }
      }
    }
  }

  func adam(
    _ beta1: Float, _ beta2: Float, _ epsilon: Float, isDecoupled: Bool, step: Int,
    _ parameters: inout [Float], _ gradients: [Float], _ first: inout [Float], _ second: inout [Float]
  ) {
    let length = rate * Float(1 / (1 - Self.power(Double(beta1), step)))
    let correction = Float(1 / (1 - Self.power(Double(beta2), step)))
    let shrink = isDecoupled ? 1 - rate * decay : 1
    let pull = isDecoupled ? 0 : decay
    unsafe parameters.withUnsafeMutableBufferPointer { w in
      unsafe gradients.withUnsafeBufferPointer { g in
        unsafe first.withUnsafeMutableBufferPointer { m in
          unsafe second.withUnsafeMutableBufferPointer { v in
            for i in 0..<range.count {
              let at = range.lowerBound + i
              let gradient = unsafe g[at] * scale + pull * w[at]
              let mean = unsafe beta1 * m[moments + i] + (1 - beta1) * gradient
              let square = unsafe beta2 * v[moments + i] + (1 - beta2) * gradient * gradient
              unsafe m[moments + i] = mean
              unsafe v[moments + i] = square
              unsafe w[at] = shrink * w[at] - length * mean / ((square * correction).squareRoot() + epsilon)
            }
          }
        }
      }
    }
  }

  func rmsProp(
    _ alpha: Float, _ epsilon: Float, _ momentum: Float, _ parameters: inout [Float], _ gradients: [Float],
    _ square: inout [Float], _ velocity: inout [Float]
  ) {
    unsafe parameters.withUnsafeMutableBufferPointer { w in
      unsafe gradients.withUnsafeBufferPointer { g in
        unsafe square.withUnsafeMutableBufferPointer { v in
          unsafe velocity.withUnsafeMutableBufferPointer { m in
            for i in 0..<range.count {
              let at = range.lowerBound + i
              let gradient = unsafe g[at] * scale + decay * w[at]
              let mean = unsafe alpha * v[moments + i] + (1 - alpha) * gradient * gradient
              unsafe v[moments + i] = mean
              var move = gradient / (mean.squareRoot() + epsilon)
              if momentum != 0 {
                move = unsafe momentum * m[moments + i] + move
                unsafe m[moments + i] = move
              }
              unsafe w[at] -= rate * move
            }
          }
        }
      }
    }
  }

  /// `base` to a whole power of at least 0, by squaring.
  static func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, factor, left) = (1.0, base, exponent)
    while left > 0 {
      if left & 1 == 1 { result *= factor }
      factor *= factor
      left >>= 1
    }
    return result
  }
}
