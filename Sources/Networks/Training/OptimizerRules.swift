import Tensors

/// The update formulas over one range of a flat buffer, in one pass each.
struct UpdateRule {
  let rate: Float
  /// Of the gradient.
  let scale: Float
  let decay: Float

  /// `velocity` is empty without momentum.
  func momentum(
    _ factor: Float, isNesterov: Bool, _ weights: View, _ gradient: View, _ velocity: inout [Float], at: Int
  ) {
    let n = weights.count
    let (w, g) = unsafe (weights.start, gradient.start)
    let (rate, scale, decay) = (rate, scale, decay)
    if factor == 0 {
      for i in 0..<n { unsafe w[i] -= rate * (g[i] * scale + decay * w[i]) }
      return
    }
    // How much of the gradient itself is stepped along, and how much of the velocity.
    let (direct, along): (Float, Float) = isNesterov ? (1, factor) : (0, 1)
    unsafe velocity.withUnsafeMutableBufferPointer { velocity in
      guard let m = unsafe velocity.baseAddress.map({ unsafe $0 + at }) else { return }
      for i in 0..<n {
        let move = unsafe g[i] * scale + decay * w[i]
        let speed = unsafe factor * m[i] + move
        unsafe m[i] = speed
        unsafe w[i] -= rate * (direct * move + along * speed)
      }
    }
  }

  func adam(
    _ beta1: Float, _ beta2: Float, _ epsilon: Float, isDecoupled: Bool, step: Int, _ weights: View,
    _ gradient: View, _ first: inout [Float], _ second: inout [Float], at: Int
  ) {
    let n = weights.count
    let (w, g) = unsafe (weights.start, gradient.start)
    let length = rate * Float(1 / (1 - Self.power(Double(beta1), step)))
    let correction = Float(1 / (1 - Self.power(Double(beta2), step)))
    let shrink = isDecoupled ? 1 - rate * decay : 1
    let pull = isDecoupled ? 0 : decay
    let scale = scale
    unsafe first.withUnsafeMutableBufferPointer { first in
      unsafe second.withUnsafeMutableBufferPointer { second in
        guard let m = unsafe first.baseAddress.map({ unsafe $0 + at }),
          let v = unsafe second.baseAddress.map({ unsafe $0 + at })
        else { return }
        for i in 0..<n {
          let move = unsafe g[i] * scale + pull * w[i]
          let mean = unsafe beta1 * m[i] + (1 - beta1) * move
          let square = unsafe beta2 * v[i] + (1 - beta2) * move * move
          unsafe m[i] = mean
          unsafe v[i] = square
          unsafe w[i] = shrink * w[i] - length * mean / ((square * correction).squareRoot() + epsilon)
        }
      }
    }
  }

  /// `velocity` is empty without momentum.
  func rmsProp(
    _ alpha: Float, _ epsilon: Float, momentum: Float, _ weights: View, _ gradient: View,
    _ square: inout [Float], _ velocity: inout [Float], at: Int
  ) {
    let n = weights.count
    let (w, g) = unsafe (weights.start, gradient.start)
    let (rate, scale, decay) = (rate, scale, decay)
    unsafe square.withUnsafeMutableBufferPointer { square in
      unsafe velocity.withUnsafeMutableBufferPointer { velocity in
        guard let v = unsafe square.baseAddress.map({ unsafe $0 + at }) else { return }
        let m = unsafe momentum == 0 ? nil : velocity.baseAddress.map { unsafe $0 + at }
        for i in 0..<n {
          let pull = unsafe g[i] * scale + decay * w[i]
          let mean = unsafe alpha * v[i] + (1 - alpha) * pull * pull
          unsafe v[i] = mean
          var move = pull / (mean.squareRoot() + epsilon)
          if let m = unsafe m {
            move = unsafe momentum * m[i] + move
            unsafe m[i] = move
          }
          unsafe w[i] -= rate * move
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
