import CVectorMath

/// Functions of elements, view to view. Results are contiguous views of the shape of the operands (spread a smaller one
/// first); a result may be the operand's own memory where that is contiguous too.
public enum Elementwise {
  /// `y = f(x)`
  package static func apply(_ function: UnaryFunction, _ x: View, parameter: Float = 1, into y: View) {
    precondition(x.shape == y.shape && y.isContiguous, "\(x.shape) into \(y.shape)")
    if x.isContiguous {
      unsafe vm_unary(function.rawValue, y.count, x.start, parameter, y.start)
    } else {
      y.copy(x)
      unsafe vm_unary(function.rawValue, y.count, y.start, parameter, y.start)
    }
  }

  /// `dx = dy · f'`, from `x` or from `y = f(x)` as ``UnaryFunction/derivativeUsesOutput`` says; all contiguous.
  package static func derivative(
    _ function: UnaryFunction, of x: View, parameter: Float = 1, _ dy: View, into dx: View
  ) {
    precondition(
      x.isContiguous && dy.isContiguous && dx.isContiguous && x.count == dx.count && dy.count == dx.count,
      "the derivative at \(x.shape) times \(dy.shape) into \(dx.shape)")
    unsafe vm_unary_backward(
      function.rawValue, dx.count, x.start, x.start, parameter, dy.start, dx.start, 0)
  }

  /// `z (+)= x ∘ y`
  package static func combine(
    _ function: BinaryFunction, _ x: View, _ y: View, into z: View, accumulate: Bool = false
  ) {
    precondition(x.shape == z.shape && y.shape == z.shape, "\(x.shape) and \(y.shape) into \(z.shape)")
    let n = z.count
    guard n > 0 else { return }
    if x.isContiguous && y.isContiguous && z.isContiguous {
      unsafe vm_binary(
        function.rawValue, 1, n, x.start, n, 1, y.start, n, 1, z.start, n, accumulate ? 1 : 0)
      return
    }
    let walk = Walk(z.shape, z.layout.steps, x.layout.steps, y.layout.steps)
    let (step, left, right) = walk.steps
    precondition(step == 1 || walk.count == 1, "a result of \(z.shape) whose elements are apart")
    let (rows, rowStep, leftRow, rightRow) = walk.secondAxis
    let (target, first, second) = unsafe (z.start, x.start, y.start)
    walk.forEachPlane { i, j, k in
      unsafe vm_binary(
        function.rawValue, rows, walk.count, first + j, leftRow, left, second + k, rightRow, right,
        target + i,
        rowStep, accumulate ? 1 : 0)
    }
  }

  public static func add(_ x: View, _ y: View, into z: View) { combine(.add, x, y, into: z) }
  public static func subtract(_ x: View, _ y: View, into z: View) { combine(.subtract, x, y, into: z) }
  public static func multiply(_ x: View, _ y: View, into z: View) { combine(.multiply, x, y, into: z) }
  public static func divide(_ x: View, _ y: View, into z: View) { combine(.divide, x, y, into: z) }
  public static func maximum(_ x: View, _ y: View, into z: View) { combine(.maximum, x, y, into: z) }
  public static func minimum(_ x: View, _ y: View, into z: View) { combine(.minimum, x, y, into: z) }
  /// 1 where `x > y`, else 0.
  public static func greater(_ x: View, _ y: View, into z: View) { combine(.greater, x, y, into: z) }
  /// 1 where both are the same number, else 0.
  public static func equal(_ x: View, _ y: View, into z: View) { combine(.equal, x, y, into: z) }

  /// `factor · x + offset`
  public static func affine(_ x: View, factor: Float, offset: Float, into y: View) {
    precondition(x.shape == y.shape && y.isContiguous, "\(x.shape) into \(y.shape)")
    if !x.isContiguous { y.copy(x) }
    unsafe vm_affine(y.count, x.isContiguous ? x.start : y.start, factor, offset, y.start)
  }
  public static func clamp(_ x: View, from low: Float, to high: Float, into y: View) {
    precondition(x.shape == y.shape && y.isContiguous, "\(x.shape) into \(y.shape)")
    if !x.isContiguous { y.copy(x) }
    unsafe vm_clamp(y.count, x.isContiguous ? x.start : y.start, low, high, y.start)
  }
  /// 1 strictly between `low` and `high`, else 0.
  public static func between(_ x: View, _ low: Float, _ high: Float, into y: View) {
    Strided.map(x, into: y) { $0 > low && $0 < high ? 1 : 0 }
  }

  /// `y += x`, where `x` may be smaller and is spread.
  public static func accumulate(_ x: View, into y: View) { Strided.add(y, x.expanded(to: y.shape)) }
}

/// Sums and extremes along axes, view to view.
public enum Reductions {
  /// `y = Σ x` over the axes along which `y` is 1 or which it lacks in front (the opposite of spreading).
  public static func sum(_ x: View, into y: View) {
    if isReduced(.sum, x, into: y) { return }
    y.fill(0)
    guard x.count > 0 else { return }
    Strided.add(y.expanded(to: x.shape), x)
  }

  /// The largest along those axes; -inf where there is none.
  public static func maximum(_ x: View, into y: View) {
    if isReduced(.maximum, x, into: y) { return }
    y.fill(-.infinity)
    guard x.count > 0 else { return }
    Strided.maximum(y.expanded(to: x.shape), x)
  }

  /// Whether one kernel could do it: over whole rows, or all columns.
  private static func isReduced(_ kind: Reduction, _ x: View, into y: View) -> Bool {
    let spread = y.expanded(to: x.shape)
    let walk = Walk(x.shape, spread.layout.steps, x.layout.steps)
    if y.isContiguous, x.count > 0, walk.rank <= 2 {
      let (to, from, _) = walk.steps
      let (rows, toRow, fromRow, _) = walk.secondAxis
      if to == 0 && from == 1 && (walk.rank == 1 || toRow == 1) {
        unsafe vm_reduce(kind.rawValue, rows, walk.count, 1, x.start, fromRow, 1, 1, y.start, 1, 0)
        return true
      }
      if to == 1 && from == 1 && walk.rank == 2 && toRow == 0 {
        unsafe vm_reduce(
          kind.rawValue, 1, rows, walk.count, x.start, 0, fromRow, 1, y.start, walk.count, 0)
        return true
      }
    }
    return false
  }
}
