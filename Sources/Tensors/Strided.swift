import CVectorMath

// Loops over views that lie anyhow: the one file where elements of views are visited by address.

enum Strided {
  /// `y = x`
  @unsafe static func copy(_ y: View, _ x: View) {
    let extents = SIMD8<Int>(truncatingIfNeeded: y.shape.lanes)
    let to = SIMD8<Int>(truncatingIfNeeded: y.layout.steps)
    let from = SIMD8<Int>(truncatingIfNeeded: x.layout.steps)
    unsafe withUnsafeBytes(of: extents) { extents in
      unsafe withUnsafeBytes(of: to) { to in
        unsafe withUnsafeBytes(of: from) { from in
          unsafe vm_copy_strided(
            y.shape.rank, extents.assumingMemoryBound(to: Int.self).baseAddress, x.start,
            from.assumingMemoryBound(to: Int.self).baseAddress, y.start,
            to.assumingMemoryBound(to: Int.self).baseAddress, 0)
        }
      }
    }
  }

  /// Calls with the innermost lines of two views of one shape: where each begins, and how far apart its elements are.
  @inline(__always)
  private static func forEachLine(
    _ y: View, _ x: View,
    _ body: (
      _ y: UnsafeMutablePointer<Float>, _ yStep: Int, _ x: UnsafePointer<Float>, _ xStep: Int, _ count: Int
    ) -> Void
  ) {
    precondition(x.shape == y.shape, "\(x.shape) into \(y.shape)")
    guard y.count > 0 else { return }
    let walk = Walk(y.shape, y.layout.steps, x.layout.steps)
    let (to, from, _) = walk.steps
    let n = walk.count
    let (target, source) = unsafe (y.start, x.start)
    walk.forEachRun { i, j, _ in unsafe body(target + i, to, source + j, from, n) }
  }

  /// `y += x`; where `x` is spread, its element is added everywhere, where `y` is, all are added up.
  static func add(_ y: View, _ x: View) {
    unsafe forEachLine(y, x) { q, to, p, from, n in
      if to == 1 && from == 1 {
        unsafe vm_axpy(n, 1, p, q)
      } else if to == 0 && from == 1 {
        unsafe q.pointee += vm_sum(n, p)
      } else {
        for k in 0..<n { unsafe q[k * to] += p[k * from] }
      }
    }
  }

  /// `y = max(y, x)` with the same rules.
  static func maximum(_ y: View, _ x: View) {
    unsafe forEachLine(y, x) { q, to, p, from, n in
      if to == 0 && from == 1 {
        unsafe q.pointee = max(q.pointee, vm_maximum(n, p))
      } else {
        for k in 0..<n { unsafe q[k * to] = max(q[k * to], p[k * from]) }
      }
    }
  }

  /// `y = f(x)`
  @inline(__always)
  static func map(_ x: View, into y: View, _ f: (Float) -> Float) {
    unsafe forEachLine(y, x) { q, to, p, from, n in
      if to == 1 && from == 1 {
        for k in 0..<n { unsafe q[k] = f(p[k]) }
      } else {
        for k in 0..<n { unsafe q[k * to] = f(p[k * from]) }
      }
    }
  }
}
