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

// MARK: random numbers

/// What a row of random numbers follows.
package enum RandomKind: Sendable, Equatable {
  /// On the open interval (0, 1), 23 bits and a half.
  case uniform
  /// Standard normal (Box and Muller 1958: vectorised four times as fast here as a ziggurat, which branches).
  case normal
  /// 1 with this chance, otherwise 0.
  case bernoulli(Float)
  /// `1 / kept` with the chance `kept`, otherwise 0: a mask to multiply with.
  case dropout(kept: Float)
  /// `-log(-log u)`
  case gumbel
  /// `-log u`
  case exponential
}

/// An endless row of random words: the Philox blocks `counter`, `counter + 1` … of a stream of a seed, four words each.
package struct RandomRow: Sendable, Equatable {
  package var seed: UInt64
  package var stream: UInt64
  package var counter: UInt64
  package init(seed: UInt64, stream: UInt64 = 0, counter: UInt64 = 0) {
    self.seed = seed
    self.stream = stream
    self.counter = counter
  }
  /// The row after the first `count` numbers of this one.
  package func after(_ count: Int) -> RandomRow {
    RandomRow(seed: seed, stream: stream, counter: counter + UInt64((count + 3) / 4))
  }
}

extension Kernels {
  /// Numbers `first ..< first + count` of a row: each depends on its position alone, so any division between threads gives the
  /// same bits, on every processor.
  package static func random(
    _ kind: RandomKind, _ count: Int, of row: RandomRow, from first: Int = 0,
    into y: UnsafeMutablePointer<Float>
  ) {
    let (code, parameter): (Int, Float) =
      switch kind {
      case .uniform: (Int(VM_RANDOM_UNIFORM), 0)
      case .normal: (Int(VM_RANDOM_NORMAL), 0)
      case .bernoulli(let chance): (Int(VM_RANDOM_BERNOULLI), chance)
      case .dropout(let kept): (Int(VM_RANDOM_DROPOUT), kept)
      case .gumbel: (Int(VM_RANDOM_GUMBEL), 0)
      case .exponential: (Int(VM_RANDOM_EXPONENTIAL), 0)
      }
    unsafe vm_random(
      Int32(code), count, UInt64(first), row.counter, row.stream, row.seed, parameter, y)
  }

  /// 1 where `probability` exceeds the uniform number, 0 elsewhere; in place of the probabilities.
  package static func bernoulli(
    _ count: Int, uniforms: UnsafePointer<Float>, _ probability: UnsafeMutablePointer<Float>
  ) {
    unsafe vm_bernoulli(count, uniforms, probability)
  }

  /// A symbol of each row of logits with the probabilities `softmax(logits)`, by one uniform number a row.
  package static func categorical(
    rows: Int, n: Int, logits: UnsafePointer<Float>, uniforms: UnsafePointer<Float>,
    into index: UnsafeMutablePointer<Int32>
  ) {
    unsafe vm_categorical(rows, n, logits, uniforms, index)
  }
}
