import Tensors

/// Sums over the axes that the result has as 1 or lacks in front: the opposite of ``Expand``.
struct Sum: Operation {
  let to: Shape
  func shape(_ x: [Shape]) -> Shape { to }
  func forward(_ x: Operands, into y: View) { Reductions.sum(x[0], into: y) }
  func derivative(_ at: Chain) -> [Variable?] { [at.gradient.expanded(to: at[0].shape)] }
}

/// The largest over such axes; the gradient goes to all that are as large, in equal parts.
struct Largest: Operation {
  let to: Shape
  func shape(_ x: [Shape]) -> Shape { to }
  func forward(_ x: Operands, into y: View) { Reductions.maximum(x[0], into: y) }
  func derivative(_ at: Chain) -> [Variable?] {
    let mask = equal(at[0], at.output)
    return [mask / mask.summed(to: to) * at.gradient]
  }
}

extension Variable {
  /// The sum over what spreading to this shape from another repeats.
  func summed(to: Shape) -> Variable { to == shape ? self : record(Sum(to: to)) }

  /// The sum of all numbers.
  public func sum() -> Variable { summed(to: []) }
  /// The sum over some axes (negative ones count from the back), which are gone from the result or left as 1.
  public func sum(_ axes: Int..., keepingAxes: Bool = false) -> Variable {
    summed(to: shape.reducing(axes, keepingAxes: true)).without(axes, of: shape, keepingAxes)
  }
  /// The mean of all numbers.
  public func mean() -> Variable { sum() * (1 / Float(Swift.max(view.count, 1))) }
  public func mean(_ axes: Int..., keepingAxes: Bool = false) -> Variable {
    let to = shape.reducing(axes, keepingAxes: true)
    let count = Float(shape.size) / Float(Swift.max(to.size, 1))
    return (summed(to: to) * (1 / count)).without(axes, of: shape, keepingAxes)
  }
  /// The largest number over some axes.
  public func max(_ axes: Int..., keepingAxes: Bool = false) -> Variable {
    record(Largest(to: shape.reducing(axes, keepingAxes: true))).without(axes, of: shape, keepingAxes)
  }
  /// The variance over some axes (divided by their count).
  public func variance(_ axes: Int..., keepingAxes: Bool = false) -> Variable {
    let kept = shape.reducing(axes, keepingAxes: true)
    let share = Float(kept.size) / Float(Swift.max(shape.size, 1))
    let centred = self - summed(to: kept) * share
    return (centred.squared().summed(to: kept) * share).without(axes, of: shape, keepingAxes)
  }

  private func without(_ axes: [Int], of whole: Shape, _ keeping: Bool) -> Variable {
    keeping ? self : reshaped(whole.reducing(axes, keepingAxes: false))
  }
}
