import CVectorMath

// Optimizers over flat buffers; `scale` multiplies the gradient before all else (clipping by the norm).

extension Kernels {
  /// Stochastic gradient descent: `g = scale · gradient + decay · w`, `velocity = momentum · velocity + g`,
  /// `w -= rate · velocity`, with Nesterov `w -= rate · (g + momentum · velocity)`; nil velocity is no momentum. As PyTorch's.
  package static func sgd(
    _ count: Int, _ w: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>,
    velocity: UnsafeMutablePointer<Float>?, rate: Float, momentum: Float = 0, isNesterov: Bool = false,
    decay: Float = 0, scale: Float = 1
  ) {
    unsafe vm_sgd(
      count, w, gradient, velocity, rate, momentum, isNesterov ? 1 : 0, decay, scale)
  }

  /// The step of Adam (Kingma and Ba 2015; decay is added to the gradient) or, decoupled, of AdamW (Loshchilov and Hutter
  /// 2019: `w -= rate · decay · w` first). `step` counts from 1.
  package static func adam(
    _ count: Int, _ w: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>,
    first: UnsafeMutablePointer<Float>, second: UnsafeMutablePointer<Float>, step: Int, rate: Float,
    beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, decay: Float = 0,
    isDecoupled: Bool = false, scale: Float = 1
  ) {
    precondition(step >= 1, "Adam's steps count from 1, not \(step)")
    let correction1 = Float(1 / (1 - Double.power(Double(beta1), step)))
    let correction2 = Float(1 / (1 - Double.power(Double(beta2), step)))
    if isDecoupled {
      unsafe vm_adamw(
        count, w, gradient, first, second, rate, beta1, beta2, epsilon, correction1, correction2, scale, decay
      )
    } else {
      unsafe vm_adam(
        count, w, gradient, first, second, rate, beta1, beta2, epsilon, correction1, correction2, scale, decay
      )
    }
  }

  /// RMSProp (Tieleman and Hinton 2012) as PyTorch's: `square = smoothing · square + (1 - smoothing) · g²`, the step
  /// `g / (√square + ε)`; nil velocity is no momentum.
  package static func rmsProp(
    _ count: Int, _ w: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>,
    square: UnsafeMutablePointer<Float>, velocity: UnsafeMutablePointer<Float>? = nil, rate: Float,
    smoothing: Float = 0.99, momentum: Float = 0, epsilon: Float = 1e-8, decay: Float = 0, scale: Float = 1
  ) {
    unsafe vm_rmsprop(
      count, w, gradient, square, velocity, rate, smoothing, momentum, epsilon, decay, scale)
  }

  /// `average = decay · average + (1 - decay) · w`
  package static func average(
    _ count: Int, decay: Float, _ w: UnsafePointer<Float>, into average: UnsafeMutablePointer<Float>
  ) {
    unsafe vm_average(count, decay, w, average)
  }

  /// `Σ x²` in chunks of 4096 that are added in double precision: divided between threads at multiples of 4096, and the parts
  /// added in order, it is the same but for the rounding of that double.
  package static func sumOfSquares(_ count: Int, _ x: UnsafePointer<Float>) -> Double {
    unsafe vm_sum_squares(count, x)
  }

  /// What to multiply gradients with so that their norm is at most `limit`.
  package static func clipScale(sumOfSquares: Double, limit: Float) -> Float {
    let norm = sumOfSquares.squareRoot()
    return norm > Double(limit) ? Float(Double(limit) / (norm + 1e-6)) : 1
  }

  /// True when no number is NaN or infinite.
  package static func allFinite(_ count: Int, _ x: UnsafePointer<Float>) -> Bool {
    unsafe vm_all_finite(count, x) != 0
  }
}
