import Tensors

/// What guards and averages do to all parameters at once.
enum Flat {
  private static let chunk = 4096

  static func isFinite(_ x: View) -> Bool {
    // Only NaN and infinities give something else than 0 when multiplied with it.
    let (p, n) = unsafe (x.start, x.count)
    var lanes = SIMD16<Float>()
    var i = 0
    while i &+ 16 <= n {
      unsafe lanes += UnsafeRawPointer(p + i).loadUnaligned(as: SIMD16<Float>.self) * 0
      i &+= 16
    }
    var rest = lanes.sum()
    while i < n {
      unsafe rest += p[i] * 0
      i &+= 1
    }
    return rest == 0
  }

  /// Summed in double precision over chunks of fixed size.
  static func sumOfSquares(_ x: View) -> Double {
    let (p, n) = unsafe (x.start, x.count)
    var total = 0.0
    for start in stride(from: 0, to: n, by: chunk) {
      let end = min(start + chunk, n)
      var lanes = SIMD16<Float>()
      var i = start
      while i &+ 16 <= end {
        let part = unsafe UnsafeRawPointer(p + i).loadUnaligned(as: SIMD16<Float>.self)
        lanes += part * part
        i &+= 16
      }
      var sum = lanes.sum()
      while i < end {
        unsafe sum += p[i] * p[i]
        i &+= 1
      }
      total += Double(sum)
    }
    return total
  }

  /// Cuts every number to ±most.
  static func clamp(_ x: View, _ most: Float) {
    let p = unsafe x.start
    for i in 0..<x.count { unsafe p[i] = min(max(p[i], -most), most) }
  }

  /// `a += share · (x - a)`
  static func approach(_ a: inout [Float], _ x: View, share: Float) {
    let (p, n) = unsafe (x.start, x.count)
    unsafe a.withUnsafeMutableBufferPointer { a in
      for i in 0..<n { unsafe a[i] += share * (p[i] - a[i]) }
    }
  }
}
