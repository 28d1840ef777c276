/// How a tensor lies in memory: where it begins and how far apart neighbours along each axis are.
///
/// All that only looks at numbers differently – transposed, sliced, reshaped, spread – is a new layout.
public struct Layout: Sendable, Hashable {
  public let shape: Shape
  /// Elements from the begin of the memory to the first element.
  public let offset: Int
  /// Elements between neighbours along each axis; 0 where the axis is spread.
  var steps: SIMD8<Int32>
  /// Row-major without gaps.
  public let isContiguous: Bool

  init(shape: Shape, steps: SIMD8<Int32>, offset: Int) {
    self.shape = shape
    self.steps = steps
    self.offset = offset
    var expected: Int32 = 1
    var dense = true
    for axis in shape.indices.reversed() where shape.lanes[axis] != 1 {
      if steps[axis] != expected { dense = false }
      expected &*= shape.lanes[axis]
    }
    isContiguous = dense || shape.size == 0
  }

  /// Row-major from `offset` on.
  public init(_ shape: Shape, offset: Int = 0) {
    var steps = SIMD8<Int32>()
    var step: Int32 = 1
    for axis in shape.indices.reversed() {
      steps[axis] = step
      step &*= shape.lanes[axis]
    }
    self.shape = shape
    self.steps = steps
    self.offset = offset
    isContiguous = true
  }

  /// One number everywhere.
  package var isOneSpread: Bool { steps == .zero }

  public func step(_ axis: Int) -> Int { Int(steps[shape.axis(axis)]) }

  /// Two axes exchanged.
  public func transposed(_ a: Int = -2, _ b: Int = -1) -> Layout {
    let (a, b) = (shape.axis(a), shape.axis(b))
    var order = Array(shape.indices)
    order.swapAt(a, b)
    return permuted(order)
  }

  /// Axis `i` of the result is axis `order[i]` of this.
  public func permuted(_ order: [Int]) -> Layout {
    precondition(order.sorted() == Array(shape.indices), "\(order) is no order of the axes of \(shape)")
    var turned = SIMD8<Int32>()
    for (i, axis) in order.enumerated() { turned[i] = steps[axis] }
    return Layout(shape: Shape(order.map { shape[$0] }), steps: turned, offset: offset)
  }

  /// `count` of the indices of one axis, from `start` on, every `stride`-th.
  public func sliced(_ axis: Int, from start: Int, count: Int, stride: Int = 1) -> Layout {
    let axis = shape.axis(axis)
    precondition(
      start >= 0 && count >= 0 && stride >= 1 && (count == 0 || start + (count - 1) * stride < shape[axis]),
      "\(count) indices from \(start) by \(stride) of axis \(axis) of \(shape)")
    var sparse = steps
    sparse[axis] *= Int32(stride)
    return Layout(
      shape: shape.replacing(axis, with: count), steps: sparse, offset: offset + start * Int(steps[axis]))
  }

  /// The same elements in the same order under another shape; nil when that needs a copy.
  public func reshaped(_ other: Shape) -> Layout? {
    precondition(other.size == shape.size, "the shape \(shape) has not as many elements as \(other)")
    if isContiguous { return Layout(other, offset: offset) }
    // Groups of axes with the same number of elements on both sides must each lie evenly.
    var result = SIMD8<Int32>()
    var (i, j) = (0, 0)
    let old = shape.indices.filter { shape[$0] != 1 }
    while i < old.count || j < other.rank {
      if i == old.count {
        guard other[j] == 1 else { return nil }
        result[j] = 1
        j += 1
        continue
      }
      var (end, next) = (i + 1, j + 1)
      var (have, want) = (shape[old[i]], j < other.rank ? other[j] : 0)
      guard j < other.rank else { return nil }
      while have != want {
        if have < want {
          guard end < old.count else { return nil }
          have *= shape[old[end]]
          end += 1
        } else {
          guard next < other.rank else { return nil }
          want *= other[next]
          next += 1
        }
      }
      for k in i..<(end - 1) where Int(steps[old[k]]) != Int(steps[old[k + 1]]) * shape[old[k + 1]] {
        return nil
      }
      var step = steps[old[end - 1]]
      for k in (j..<next).reversed() {
        result[k] = step
        step &*= other.lanes[k]
      }
      (i, j) = (end, next)
    }
    return Layout(shape: other, steps: result, offset: offset)
  }

  /// Spread over a larger shape: axes are aligned at the back, axes of 1 repeat.
  public func expanded(to other: Shape) -> Layout {
    if shape == other { return self }
    precondition(
      shape.broadcast(with: other) == other, "the shape \(shape) does not spread to \(other)")
    var spread = SIMD8<Int32>()
    let more = other.rank - shape.rank
    for axis in shape.indices where shape[axis] == other[axis + more] && shape[axis] != 1 {
      spread[axis + more] = steps[axis]
    }
    return Layout(shape: other, steps: spread, offset: offset)
  }
}

/// A nested loop over one shape with the steps of up to three operands; neighbouring axes that lie evenly in all of
/// them are one loop, so that the innermost is as long as can be.
struct Walk {
  private(set) var rank = 0
  /// Innermost first.
  private var extents = SIMD8<Int32>(repeating: 1)
  private var a = SIMD8<Int32>()
  private var b = SIMD8<Int32>()
  private var c = SIMD8<Int32>()

  init(_ shape: Shape, _ x: SIMD8<Int32>, _ y: SIMD8<Int32> = .zero, _ z: SIMD8<Int32> = .zero) {
    for axis in shape.indices.reversed() where shape.lanes[axis] != 1 {
      let n = shape.lanes[axis]
      if rank > 0 {
        let inner = rank - 1
        if x[axis] == a[inner] &* extents[inner], y[axis] == b[inner] &* extents[inner],
          z[axis] == c[inner] &* extents[inner]
        {
          extents[inner] &*= n
          continue
        }
      }
      extents[rank] = n
      a[rank] = x[axis]
      b[rank] = y[axis]
      c[rank] = z[axis]
      rank += 1
    }
    if rank == 0 { rank = 1 }
  }

  /// The length of the innermost loop and the operands' steps in it.
  var count: Int { Int(extents[0]) }
  var steps: (Int, Int, Int) { (Int(a[0]), Int(b[0]), Int(c[0])) }
  /// The length of the loop around the innermost, and the operands' steps in it.
  var secondAxis: (Int, Int, Int, Int) {
    rank < 2 ? (1, 0, 0, 0) : (Int(extents[1]), Int(a[1]), Int(b[1]), Int(c[1]))
  }
  /// Calls with the operands' offsets of every innermost loop, in row-major order.
  @inline(__always)
  func forEachRun(_ body: (Int, Int, Int) -> Void) { forEach(from: 1, body) }

  /// Calls with the operands' offsets of every pair of innermost loops, in row-major order.
  @inline(__always)
  func forEachPlane(_ body: (Int, Int, Int) -> Void) { forEach(from: 2, body) }

  @inline(__always)
  private func forEach(from inner: Int, _ body: (Int, Int, Int) -> Void) {
    if rank <= inner {
      body(0, 0, 0)
      return
    }
    var left = 1
    for axis in inner..<rank { left *= Int(extents[axis]) }
    var index = SIMD8<Int32>()
    var (x, y, z) = (0, 0, 0)
    while left > 0 {
      left -= 1
      body(x, y, z)
      var axis = inner
      while axis < rank {
        index[axis] += 1
        x += Int(a[axis])
        y += Int(b[axis])
        z += Int(c[axis])
        if index[axis] < extents[axis] { break }
        x -= Int(a[axis] &* extents[axis])
        y -= Int(b[axis] &* extents[axis])
        z -= Int(c[axis] &* extents[axis])
        index[axis] = 0
        axis += 1
      }
    }
  }
}
