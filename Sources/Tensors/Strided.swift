import CVectorMath

// Loops over views that lie anyhow: the one file where elements of views are visited by address.

enum Strided {
  /// `y = x`
  @unsafe static func copy(_ y: View, _ x: View) {
    let walk = Walk(y.shape, y.layout.steps, x.layout.steps)
    let (to, from, _) = walk.steps
    let n = walk.count
    let (target, source) = unsafe (y.start, x.start)
    walk.forEachRun { i, j, _ in
      let (q, p) = unsafe (target + i, source + j)
      if to == 1 && from == 1 {
        unsafe q.update(from: p, count: n)
      } else {
        for k in 0..<n { unsafe q[k * to] = p[k * from] }
      }
    }
  }

  /// `y += x`; where `x` is spread, its element is added everywhere, where `y` is, all are added up.
  static func add(_ y: View, _ x: View) {
    let walk = Walk(y.shape, y.layout.steps, x.layout.steps)
    let (to, from, _) = walk.steps
    let n = walk.count
    guard y.count > 0 else { return }
    let (target, source) = unsafe (y.start, x.start)
    walk.forEachRun { i, j, _ in
      let (q, p) = unsafe (target + i, source + j)
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
    let walk = Walk(y.shape, y.layout.steps, x.layout.steps)
    let (to, from, _) = walk.steps
    let n = walk.count
    guard y.count > 0 else { return }
    let (target, source) = unsafe (y.start, x.start)
    walk.forEachRun { i, j, _ in
      let (q, p) = unsafe (target + i, source + j)
      if to == 0 && from == 1 {
        unsafe q.pointee = max(q.pointee, vm_maximum(n, p))
      } else {
        for k in 0..<n { unsafe q[k * to] = max(q[k * to], p[k * from]) }
      }
    }
  }

  /// `z = f(x, y)`, all of the shape of `z`.
  @inline(__always)
  static func combine(_ x: View, _ y: View, into z: View, _ f: (Float, Float) -> Float) {
    precondition(x.shape == z.shape && y.shape == z.shape, "\(x.shape) and \(y.shape) into \(z.shape)")
    guard z.count > 0 else { return }
    let walk = Walk(z.shape, z.layout.steps, x.layout.steps, y.layout.steps)
    let (to, left, right) = walk.steps
    let n = walk.count
    let (target, first, second) = unsafe (z.start, x.start, y.start)
    walk.forEachRun { i, j, k in
      let (r, p, q) = unsafe (target + i, first + j, second + k)
      if to == 1 && left == 1 && right == 1 {
        for l in 0..<n { unsafe r[l] = f(p[l], q[l]) }
      } else if to == 1 && left == 1 && right == 0 {
        let c = unsafe q.pointee
        for l in 0..<n { unsafe r[l] = f(p[l], c) }
      } else if to == 1 && left == 0 && right == 1 {
        let c = unsafe p.pointee
        for l in 0..<n { unsafe r[l] = f(c, q[l]) }
      } else {
        for l in 0..<n { unsafe r[l * to] = f(p[l * left], q[l * right]) }
      }
    }
  }

  /// `y = f(x)` of the same shape.
  @inline(__always)
  static func map(_ x: View, into y: View, _ f: (Float) -> Float) {
    precondition(x.shape == y.shape, "\(x.shape) into \(y.shape)")
    guard y.count > 0 else { return }
    let walk = Walk(y.shape, y.layout.steps, x.layout.steps)
    let (to, from, _) = walk.steps
    let n = walk.count
    let (target, source) = unsafe (y.start, x.start)
    walk.forEachRun { i, j, _ in
      let (q, p) = unsafe (target + i, source + j)
      if to == 1 && from == 1 {
        for k in 0..<n { unsafe q[k] = f(p[k]) }
      } else {
        for k in 0..<n { unsafe q[k * to] = f(p[k * from]) }
      }
    }
  }

  /// `y = f(x)` with a kernel for contiguous arrays; `y` is contiguous.
  @unsafe static func map(
    _ x: View, into y: View, kernel: (Int, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?) -> Void
  ) {
    precondition(x.shape == y.shape && y.isContiguous, "\(x.shape) into \(y.shape)")
    if x.isContiguous {
      unsafe kernel(y.count, x.start, y.start)
    } else {
      y.copy(x)
      unsafe kernel(y.count, y.start, y.start)
    }
  }
}
