import CVectorMath

// What optimizers do to all parameters at once: flat views of one count, in one pass, element by element.

/// The sizes of one step, as Kingma & Ba 2015 name them: `move = scale · g + pull · w`, then
/// `w = shrink · w - length · m / (√(correction · v) + ε)`.
package struct AdamStep: Sendable {
  package var length: Float
  package var beta1: Float
  package var beta2: Float
  package var epsilon: Float
  package var correction: Float
  package var scale: Float
  package var pull: Float
  package var shrink: Float

  package init(
    length: Float, beta1: Float, beta2: Float, epsilon: Float, correction: Float, scale: Float, pull: Float,
    shrink: Float
  ) {
    self.length = length
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.correction = correction
    self.scale = scale
    self.pull = pull
    self.shrink = shrink
  }
}

extension View {
  /// Moves these weights by one step of Adam; the moments begin at `at`.
  package func adamStep(
    gradient: View, first: inout [Float], second: inout [Float], at: Int, _ step: AdamStep
  ) {
    check(gradient, first.count, at)
    check(gradient, second.count, at)
    unsafe first.withUnsafeMutableBufferPointer { m in
      unsafe second.withUnsafeMutableBufferPointer { v in
        unsafe vm_adam_step(
          count, start, gradient.start, m.baseAddress.map { unsafe $0 + at },
          v.baseAddress.map { unsafe $0 + at }, step.length, step.beta1, step.beta2, step.epsilon,
          step.correction, step.scale, step.pull, step.shrink)
      }
    }
  }

  /// `w -= rate · (scale · g + decay · w)`
  package func descentStep(gradient: View, rate: Float, scale: Float, decay: Float) {
    check(gradient, count, 0)
    unsafe vm_descent_step(count, start, gradient.start, rate, scale, decay)
  }

  /// `move = scale · g + decay · w`, `m = factor · m + move`, `w -= rate · m`, or along `move + factor · m` in Nesterov's form.
  package func momentumStep(
    gradient: View, velocity: inout [Float], at: Int, rate: Float, factor: Float, isNesterov: Bool,
    scale: Float, decay: Float
  ) {
    check(gradient, velocity.count, at)
    unsafe velocity.withUnsafeMutableBufferPointer { m in
      unsafe vm_momentum_step(
        count, start, gradient.start, m.baseAddress.map { unsafe $0 + at }, rate, factor, isNesterov ? 1 : 0,
        isNesterov ? factor : 1, scale, decay)
    }
  }

  /// `v = α · v + (1 - α) · move²`, `w -= rate · move / (√v + ε)`, or by a velocity of such quotients when it is not empty.
  package func rmsPropStep(
    gradient: View, square: inout [Float], velocity: inout [Float], at: Int, rate: Float, alpha: Float,
    epsilon: Float, momentum: Float, scale: Float, decay: Float
  ) {
    check(gradient, square.count, at)
    if !velocity.isEmpty { check(gradient, velocity.count, at) }
    unsafe square.withUnsafeMutableBufferPointer { v in
      unsafe velocity.withUnsafeMutableBufferPointer { m in
        unsafe vm_rmsprop_step(
          count, start, gradient.start, v.baseAddress.map { unsafe $0 + at },
          m.isEmpty ? nil : m.baseAddress.map { unsafe $0 + at }, rate, alpha, epsilon, momentum, scale, decay
        )
      }
    }
  }

  /// `y += share · (x - y)` for an array `y` of as many numbers.
  package func approach(_ y: inout [Float], share: Float) {
    precondition(isContiguous && y.count == count, "\(y.count) numbers that approach \(count)")
    unsafe vm_approach(count, share, start, &y)
  }

  /// `Σ x²`
  package var sumOfSquares: Double {
    precondition(isContiguous, "a sum over a view of \(shape) that is not contiguous")
    return unsafe vm_sum_of_squares(count, start)
  }

  /// True when no number is NaN or infinite.
  package var isFinite: Bool {
    precondition(isContiguous, "a look at a view of \(shape) that is not contiguous")
    return unsafe vm_all_finite(count, start) != 0
  }

  private func check(_ gradient: View, _ moments: Int, _ at: Int) {
    precondition(
      isContiguous && gradient.isContiguous && gradient.count == count && at >= 0 && at + count <= moments,
      "\(gradient.count) gradients and \(moments - at) moments for \(count) weights")
  }
}
