public import Tensors

// Looking at the same numbers differently: nothing is computed. The derivative of a look is the opposite look.

struct Transpose: ViewOperation {
  let a: Int8
  let b: Int8
  func layout(_ x: Layout) -> Layout { x.transposed(Int(a), Int(b)) }
  func derivative(_ at: Chain) -> [Variable?] { [at.gradient.transposed(Int(a), Int(b))] }
}

/// A reshape of something that lies so that it needs no copy.
struct Reshape: ViewOperation {
  let to: Shape
  func layout(_ x: Layout) -> Layout {
    guard let layout = x.reshaped(to) else {
      preconditionFailure("a view of \(x.shape) that is not contiguous as \(to)")
    }
    return layout
  }
  func derivative(_ at: Chain) -> [Variable?] { [at.gradient.reshaped(at[0].shape)] }
}

/// Spread over a larger shape. Its derivative sums what was spread.
struct Expand: ViewOperation {
  let to: Shape
  func layout(_ x: Layout) -> Layout { x.expanded(to: to) }
  func derivative(_ at: Chain) -> [Variable?] { [at.gradient.summed(to: at[0].shape)] }
}

/// `count` of the indices of one axis, from `start` on, every `stride`-th.
struct Slice: ViewOperation {
  let axis: Int32
  let start: Int32
  let count: Int32
  let stride: Int32
  func layout(_ x: Layout) -> Layout {
    x.sliced(Int(axis), from: Int(start), count: Int(count), stride: Int(stride))
  }
  // Gathered by the walk back: see Assemble.
  func derivative(_ at: Chain) -> [Variable?] {
    [Assemble.sum([.placed(at.gradient, self)], shape: at[0].shape, on: at.gradient.tape)]
  }
}

/// The same numbers, contiguous.
struct Copy: Operation {
  func forward(_ x: Operands, into y: View) { y.copy(x[0]) }
  func derivative(_ at: Chain) -> [Variable?] { [at.gradient] }
}

/// A tensor put together from parts: each is added as a whole or at a slice of it, zero elsewhere. The opposite of ``Slice``,
/// the sum of gradients, and (with parts side by side) concatenation.
struct Assemble: Operation {
  enum Part {
    case whole(Variable)
    case placed(Variable, Slice)
    /// The product of two matrices, not computed yet.
    case product(Variable, Variable)
    var variables: [Variable] {
      switch self {
      case .whole(let x), .placed(let x, _): [x]
      case .product(let a, let b): [a, b]
      }
    }
  }
  final class Plan: Sendable {
    let shape: Shape
    /// Where each part lies; nil for the whole.
    let slices: [Slice?]
    /// Whether the parts leave nothing uncovered and do not overlap.
    let covers: Bool
    init(shape: Shape, slices: [Slice?]) {
      self.shape = shape
      self.slices = slices
      let placed = slices.compactMap { $0 }
      let sameAxis = placed.count == slices.count && Set(placed.map(\.axis)).count == 1
      if sameAxis, let axis = placed.first?.axis {
        var taken = [Bool](repeating: false, count: shape[Int(axis)])
        var overlap = false
        for slice in placed {
          for i in 0..<slice.count {
            let at = Int(slice.start + i * slice.stride)
            overlap = overlap || taken[at]
            taken[at] = true
          }
        }
        covers = !overlap && !taken.contains(false)
      } else {
        covers = false
      }
    }
  }
  let plan: Plan

  func shape(_ x: [Shape]) -> Shape { plan.shape }
  func forward(_ x: Operands, into y: View) {
    var filled = plan.covers
    if !filled {
      if let first = plan.slices.first, first == nil {
        // The sum of the first two in one go where they are whole.
        if x.count > 1, let second = plan.slices.dropFirst().first, second == nil {
          Elementwise.add(x[0], x[1], into: y)
          for i in 2..<max(x.count, 2) { add(x[i], i, y) }
          return
        }
        y.copy(x[0])
        for i in 1..<max(x.count, 1) { add(x[i], i, y) }
        return
      }
      y.fill(0)
      filled = false
    }
    for i in 0..<x.count {
      if filled, let slice = plan.slices[i] {
        y.with(slice.layout(y.layout)).copy(x[i])
      } else {
        add(x[i], i, y)
      }
    }
  }
  private func add(_ x: View, _ i: Int, _ y: View) {
    let place = plan.slices[i].map { y.with($0.layout(y.layout)) } ?? y
    Elementwise.accumulate(x, into: place)
  }
  func derivative(_ at: Chain) -> [Variable?] {
    plan.slices.indices.map { i in
      at.by(i) { plan.slices[i].map { Variable.look($0, at.gradient) } ?? at.gradient }
    }
  }
  var name: String { plan.covers ? "Concatenate" : "Sum of parts" }

  /// The sum of the parts in a tensor of the shape; one whole part is itself.
  static func sum(_ parts: [Part], shape: Shape, on tape: Tape) -> Variable {
    // Whole parts first: they fill what the others are added to.
    var whole: [Variable] = []
    var placed: [(Variable, Slice)] = []
    var factors: [Variable] = []
    for part in parts {
      switch part {
      case .whole(let x): whole.append(x)
      case .placed(let x, let slice): placed.append((x, slice))
      case .product(let a, let b): factors += [a, b]
      }
    }
    if !factors.isEmpty { whole.append(tape.record(SumOfProducts(), factors)) }
    if placed.isEmpty, whole.count == 1 { return whole[0] }
    let slices = whole.map { _ in Slice?.none } + placed.map { Optional($0.1) }
    return tape.record(
      Assemble(plan: Plan(shape: shape, slices: slices)), whole + placed.map(\.0))
  }
}

extension Variable {
  static func look(_ operation: some ViewOperation, _ x: Variable) -> Variable {
    x.tape.record(operation, [x])
  }

  /// Two axes exchanged; nothing is copied.
  public func transposed(_ a: Int = -2, _ b: Int = -1) -> Variable {
    .look(Transpose(a: Int8(shape.axis(a)), b: Int8(shape.axis(b))), self)
  }

  /// Itself when row-major without gaps, a copy otherwise.
  public func contiguous() -> Variable { view.isContiguous ? self : record(Copy()) }

  /// The same numbers in the same order under another shape; copied only when they lie otherwise.
  public func reshaped(_ to: Shape) -> Variable {
    if to == shape { return self }
    return view.layout.reshaped(to) == nil
      ? .look(Reshape(to: to), record(Copy())) : .look(Reshape(to: to), self)
  }

  /// Spread: axes are aligned at the back, axes of 1 repeat; nothing is copied.
  public func expanded(to: Shape) -> Variable { to == shape ? self : .look(Expand(to: to), self) }

  /// `count` of the indices of one axis, from `start` on, every `stride`-th; nothing is copied.
  public func sliced(_ axis: Int, from start: Int, count: Int, stride: Int = 1) -> Variable {
    let axis = shape.axis(axis)
    return .look(
      Slice(axis: Int32(axis), start: Int32(start), count: Int32(count), stride: Int32(stride)), self)
  }

  /// Some of the indices of one axis: `x[1, 0..<4]` is Python's `x[:, 0:4]`.
  public subscript(axis: Int, range: Range<Int>) -> Variable {
    sliced(axis, from: range.lowerBound, count: range.count)
  }

  /// One axis in equal parts, side by side.
  public func split(_ axis: Int, into parts: Int) -> [Variable] {
    let extent = shape[shape.axis(axis)]
    precondition(extent % parts == 0, "an axis of \(extent) in \(parts) parts")
    return (0..<parts).map { sliced(axis, from: $0 * (extent / parts), count: extent / parts) }
  }

  /// One more axis of 1.
  public func inserting(_ axis: Int) -> Variable { reshaped(shape.inserting(1, at: axis)) }
}

/// Side by side along one axis.
public func concatenate(_ parts: [Variable], axis: Int) -> Variable {
  precondition(!parts.isEmpty, "nothing side by side")
  let axis = parts[0].shape.axis(axis)
  var at = 0
  let placed = parts.map { part -> Assemble.Part in
    let count = part.shape[axis]
    precondition(
      part.shape.removing(axis) == parts[0].shape.removing(axis),
      "\(part.shape) beside \(parts[0].shape) along axis \(axis)")
    defer { at += count }
    return .placed(part, Slice(axis: Int32(axis), start: Int32(at), count: Int32(count), stride: 1))
  }
  return Assemble.sum(placed, shape: parts[0].shape.replacing(axis, with: at), on: parts[0].tape)
}
