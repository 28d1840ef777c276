import Tensors

/// Rows of a table `[n, …]` chosen by whole numbers.
struct Gather: Operation {
  func shape(_ x: [Shape]) -> Shape { Shape(Array(x[1]) + x[0].dropFirst()) }
  func forward(_ x: Operands, into y: View) { Indexing.gather(x[0], x[1], into: y) }
  func derivative(_ at: Chain) -> [Variable?] {
    let g = at.gradient.contiguous()
    return [at.by(0) { g.record(Scatter(rows: at[0].shape[0]), at[1]) }, nil]
  }
}

/// Rows added up at the places of a table of so many rows.
struct Scatter: Operation {
  let rows: Int
  func shape(_ x: [Shape]) -> Shape { Shape([rows] + x[0].dropFirst(x[1].rank)) }
  func forward(_ x: Operands, into y: View) { Indexing.scatter(x[0], x[1], into: y) }
  func derivative(_ at: Chain) -> [Variable?] {
    [at.by(0) { at.gradient.contiguous().record(Gather(), at[1]) }, nil]
  }
}

/// Sums so far along the last axis.
struct CumulativeSum: Operation {
  let reversed: Bool
  func forward(_ x: Operands, into y: View) { Indexing.cumulativeSum(x[0], reversed: reversed, into: y) }
  func derivative(_ at: Chain) -> [Variable?] {
    [at.gradient.contiguous().record(CumulativeSum(reversed: !reversed))]
  }
}

/// Writes its second operand over its first: how running statistics are kept.
struct Store: Operation {
  var passesGradient: Bool { false }
  func shape(_ x: [Shape]) -> Shape {
    precondition(x[0] == x[1], "a statistic of \(x[0]) set to \(x[1])")
    return [0]
  }
  func forward(_ x: Operands, into y: View) { x[0].copy(x[1]) }
  func derivative(_ at: Chain) -> [Variable?] { [nil, nil] }
}

/// Rows of a table `[n, …]`, chosen by an input of whole numbers `[…]`: an embedding. Gives `[…, …]`.
public func gather(_ table: Variable, _ indices: Variable) -> Variable {
  table.contiguous().record(Gather(), indices.contiguous())
}

/// The sums up to each place along one axis, or from each place on when reversed.
public func cumulativeSum(_ x: Variable, axis: Int = -1, reversed: Bool = false) -> Variable {
  let (axis, last) = (x.shape.axis(axis), x.shape.rank - 1)
  let rows = axis == last ? x.contiguous() : x.transposed(axis, last).contiguous()
  let sums = rows.record(CumulativeSum(reversed: reversed))
  return axis == last ? sums : sums.transposed(axis, last)
}

extension Variable {
  /// The indices of one axis in another order, or some of them again.
  public func taking(_ indices: [Int], axis: Int) -> Variable {
    let axis = shape.axis(axis)
    let table = axis == 0 ? self : transposed(0, axis)
    let chosen = gather(table, tape.input(Tensor(indices.map(Float.init), shape: [indices.count])))
    return axis == 0 ? chosen : chosen.transposed(0, axis)
  }
}

extension Tape {
  /// Sets what is kept but not trained to a value, in every run.
  public func update(_ slot: Slot, _ value: Variable) {
    precondition(!slot.isTrained, "a trained parameter is set by its optimizer")
    _ = record(Store(), [self[slot], value])
  }
}
