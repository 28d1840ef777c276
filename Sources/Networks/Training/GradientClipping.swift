/// Keeps one step from running away.
public enum GradientClipping: Sendable, Equatable, Codable {
  case none
  /// All gradients are scaled so that their joint Euclidean length is at most this (Pascanu et al. 2013).
  case norm(Float)
  /// Each gradient is cut to ±this.
  case value(Float)

  /// What is to be done to these gradients before a step.
  ///
  /// - Returns: the factor that the optimizer is to apply (1 unless the norm was too long). Cutting by value happens in
  ///   place.
  public func callAsFunction(_ gradients: inout [Float]) -> Float {
    switch self {
    case .none: return 1
    case .norm(let most):
      let norm = Self.norm(gradients)
      // PyTorch's guard against a division by zero.
      return min(1, most / (norm + 1e-6))
    case .value(let most):
      unsafe gradients.withUnsafeMutableBufferPointer { g in
        for i in 0..<g.count { unsafe g[i] = min(max(g[i], -most), most) }
      }
      return 1
    }
  }

  /// The Euclidean length, summed in chunks of fixed size, so that it is accurate over millions of numbers.
  public static func norm(_ gradients: [Float]) -> Float {
    var total = 0.0
    unsafe gradients.withUnsafeBufferPointer { g in
      let chunk = 512
      for start in stride(from: 0, to: g.count, by: chunk) {
        var lanes = SIMD16<Float>()
        let end = min(start + chunk, g.count)
        var i = start
        while i + 16 <= end {
          let part = unsafe UnsafeRawPointer(g.baseAddress! + i).loadUnaligned(as: SIMD16<Float>.self)
          lanes += part * part
          i += 16
        }
        var sum = lanes.sum()
        while i < end {
          unsafe sum += g[i] * g[i]
          i += 1
        }
        total += Double(sum)
      }
    }
    return Float(total.squareRoot())
  }
}
