import CVectorMath

/// Functions of elements, view to view. Results are contiguous views of the same shape as the operands (spread a smaller one
/// first); a result may be the operand's own memory.
public enum Elementwise {
  public static func add(_ x: View, _ y: View, into z: View) { Strided.combine(x, y, into: z) { $0 + $1 } }
  public static func subtract(_ x: View, _ y: View, into z: View) {
    Strided.combine(x, y, into: z) { $0 - $1 }
  }
  public static func multiply(_ x: View, _ y: View, into z: View) {
    Strided.combine(x, y, into: z) { $0 * $1 }
  }
  public static func divide(_ x: View, _ y: View, into z: View) { Strided.combine(x, y, into: z) { $0 / $1 } }
  public static func maximum(_ x: View, _ y: View, into z: View) {
    Strided.combine(x, y, into: z) { $0 > $1 ? $0 : $1 }
  }
  public static func minimum(_ x: View, _ y: View, into z: View) {
    Strided.combine(x, y, into: z) { $0 < $1 ? $0 : $1 }
  }
  /// 1 where `x > y`, else 0.
  public static func greater(_ x: View, _ y: View, into z: View) {
    Strided.combine(x, y, into: z) { $0 > $1 ? 1 : 0 }
  }
  /// 1 where both are the same number, else 0.
  public static func equal(_ x: View, _ y: View, into z: View) {
    Strided.combine(x, y, into: z) { $0 == $1 ? 1 : 0 }
  }

  /// `factor · x + offset`
  public static func affine(_ x: View, factor: Float, offset: Float, into y: View) {
    Strided.map(x, into: y) { factor * $0 + offset }
  }
  public static func square(_ x: View, into y: View) { Strided.map(x, into: y) { $0 * $0 } }
  public static func reciprocal(_ x: View, into y: View) { Strided.map(x, into: y) { 1 / $0 } }
  public static func squareRoot(_ x: View, into y: View) { Strided.map(x, into: y) { $0.squareRoot() } }
  public static func magnitude(_ x: View, into y: View) { Strided.map(x, into: y) { abs($0) } }
  /// 1 above 0, -1 below, 0 at 0.
  public static func sign(_ x: View, into y: View) {
    Strided.map(x, into: y) { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }
  }
  public static func relu(_ x: View, into y: View) { Strided.map(x, into: y) { $0 > 0 ? $0 : 0 } }
  public static func clamp(_ x: View, from low: Float, to high: Float, into y: View) {
    Strided.map(x, into: y) { min(max($0, low), high) }
  }
  /// 1 strictly between `low` and `high`, else 0.
  public static func between(_ x: View, _ low: Float, _ high: Float, into y: View) {
    Strided.map(x, into: y) { $0 > low && $0 < high ? 1 : 0 }
  }

  public static func exp(_ x: View, into y: View) { unsafe Strided.map(x, into: y, kernel: vm_exp) }
  public static func log(_ x: View, into y: View) { unsafe Strided.map(x, into: y, kernel: vm_log) }
  public static func tanh(_ x: View, into y: View) { unsafe Strided.map(x, into: y, kernel: vm_tanh) }
  public static func sigmoid(_ x: View, into y: View) { unsafe Strided.map(x, into: y, kernel: vm_sigmoid) }
  public static func softplus(_ x: View, into y: View) { unsafe Strided.map(x, into: y, kernel: vm_softplus) }

  /// `y += x`, where `x` may be smaller and is spread.
  public static func accumulate(_ x: View, into y: View) { Strided.add(y, x.expanded(to: y.shape)) }
}

/// Sums and extremes along axes, view to view.
public enum Reduction {
  /// `y = Σ x` over the axes along which `y` is 1 or which it lacks in front (the opposite of spreading).
  public static func sum(_ x: View, into y: View) {
    y.fill(0)
    guard x.count > 0 else { return }
    Strided.add(y.expanded(to: x.shape), x)
  }

  /// The largest along those axes; -inf where there is none.
  public static func maximum(_ x: View, into y: View) {
    y.fill(-.infinity)
    guard x.count > 0 else { return }
    Strided.maximum(y.expanded(to: x.shape), x)
  }
}

extension Elementwise {
  /// `1 / keep` where a uniform number is below `keep`, else 0.
  public static func keep(_ uniform: View, _ keep: Float, into y: View) {
    Strided.map(uniform, into: y) { $0 < keep ? 1 / keep : 0 }
  }
}
