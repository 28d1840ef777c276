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
}
