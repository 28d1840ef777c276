// The optimizer kernels on flat views whose moments are arrays.

extension View {
  /// Moves these weights by one step of Adam or, decoupled, of AdamW; the moments begin at `at`.
  package func adamStep(
    gradient: View, first: inout [Float], second: inout [Float], at: Int, step: Int, rate: Float,
    beta1: Float, beta2: Float, epsilon: Float, decay: Float, isDecoupled: Bool, scale: Float
  ) {
    check(gradient, first.count, at)
    check(gradient, second.count, at)
    unsafe first.withUnsafeMutableBufferPointer { m in
      unsafe second.withUnsafeMutableBufferPointer { v in
        guard let m = m.baseAddress, let v = v.baseAddress else { return }
        unsafe Kernels.adam(
          count, start, gradient: gradient.start, first: m + at, second: v + at, step: step, rate: rate,
          beta1: beta1, beta2: beta2, epsilon: epsilon, decay: decay, isDecoupled: isDecoupled, scale: scale)
      }
    }
  }

  /// Moves these weights down the gradient, by a velocity when there is momentum; it begins at `at`.
  package func momentumStep(
    gradient: View, velocity: inout [Float], at: Int, rate: Float, momentum: Float, isNesterov: Bool,
    decay: Float, scale: Float
  ) {
    check(gradient, momentum == 0 ? at + count : velocity.count, at)
    unsafe velocity.withUnsafeMutableBufferPointer { velocity in
      unsafe Kernels.sgd(
        count, start, gradient: gradient.start,
        velocity: momentum == 0 ? nil : velocity.baseAddress.map { unsafe $0 + at }, rate: rate,
        momentum: momentum, isNesterov: isNesterov, decay: decay, scale: scale)
    }
  }

  /// Moves these weights by one step of RMSProp, by a velocity when there is momentum; both begin at `at`.
  package func rmsPropStep(
    gradient: View, square: inout [Float], velocity: inout [Float], at: Int, rate: Float, smoothing: Float,
    epsilon: Float, momentum: Float, decay: Float, scale: Float
  ) {
    check(gradient, square.count, at)
    check(gradient, momentum == 0 ? at + count : velocity.count, at)
    unsafe square.withUnsafeMutableBufferPointer { square in
      unsafe velocity.withUnsafeMutableBufferPointer { velocity in
        guard let v = square.baseAddress else { return }
        unsafe Kernels.rmsProp(
          count, start, gradient: gradient.start, square: v + at,
          velocity: momentum == 0 ? nil : velocity.baseAddress.map { unsafe $0 + at }, rate: rate,
          smoothing: smoothing, momentum: momentum, epsilon: epsilon, decay: decay, scale: scale)
      }
    }
  }

  /// `average = decay · average + (1 - decay) · self`
  package func average(into average: inout [Float], decay: Float) {
    precondition(isContiguous && average.count == count, "an average of \(average.count) numbers of \(count)")
    unsafe Kernels.average(count, decay: decay, start, into: &average)
  }

  /// `Σ x²`
  package var sumOfSquares: Double {
    precondition(isContiguous, "a sum over a view of \(shape) that is not contiguous")
    return unsafe Kernels.sumOfSquares(count, start)
  }

  /// True when no number is NaN or infinite.
  package var isFinite: Bool {
    precondition(isContiguous, "a look at a view of \(shape) that is not contiguous")
    return unsafe Kernels.allFinite(count, start)
  }

  private func check(_ gradient: View, _ moments: Int, _ at: Int) {
    precondition(
      isContiguous && gradient.isContiguous && gradient.count == count && at >= 0 && at + count <= moments,
      "\(gradient.count) gradients and \(moments - at) moments for \(count) weights")
  }
}
