/// The extents of a tensor, outermost first; `[]` is a scalar. At most six axes, held without heap.
///
/// A collection of its extents: `shape.count` is the number of axes, ``size`` the number of elements.
public struct Shape: Sendable, Hashable, RandomAccessCollection, ExpressibleByArrayLiteral,
  CustomStringConvertible
{
  public static let mostAxes = 6
  /// Lanes 0 ..< 6 hold the extents (1 beyond the last), lane 7 the number of axes.
  var lanes = SIMD8<Int32>(1, 1, 1, 1, 1, 1, 1, 0)

  /// - Precondition: at most six extents, none below 0.
  public init(_ extents: some Sequence<Int>) {
    var rank = 0
    for extent in extents {
      precondition(rank < Shape.mostAxes, "a shape of more than \(Shape.mostAxes) axes")
      precondition(extent >= 0 && extent <= Int32.max, "an axis of \(extent)")
      lanes[rank] = Int32(extent)
      rank += 1
    }
    lanes[7] = Int32(rank)
  }

  public init(arrayLiteral elements: Int...) { self.init(elements) }

  public var startIndex: Int { 0 }
  @inlinable public var endIndex: Int { rank }
  /// The number of axes.
  public var rank: Int { Int(lanes[7]) }
  /// The number of elements: the product of all extents.
  public var size: Int {
    var product = 1
    for axis in 0..<rank { product *= Int(lanes[axis]) }
    return product
  }

  public subscript(axis: Int) -> Int {
    get {
      precondition(axis >= 0 && axis < rank, "axis \(axis) of the shape \(self)")
      return Int(lanes[axis])
    }
    set {
      precondition(axis >= 0 && axis < rank, "axis \(axis) of the shape \(self)")
      precondition(newValue >= 0 && newValue <= Int32.max, "an axis of \(newValue)")
      lanes[axis] = Int32(newValue)
    }
  }

  /// The axis counted from the front, or for -1, -2, … from the back.
  public func axis(_ axis: Int) -> Int {
    let counted = axis < 0 ? axis + rank : axis
    precondition(counted >= 0 && counted < rank, "axis \(axis) of the shape \(self)")
    return counted
  }

  /// With one more axis before `axis`; negative ones count from the end of the result, -1 is the last.
  public func inserting(_ extent: Int, at axis: Int) -> Shape {
    let counted = axis < 0 ? axis + rank + 1 : axis
    precondition(counted >= 0 && counted <= rank, "a new axis \(axis) in the shape \(self)")
    var extents = Array(self)
    extents.insert(extent, at: counted)
    return Shape(extents)
  }

  /// Without one axis.
  public func removing(_ axis: Int) -> Shape {
    var extents = Array(self)
    extents.remove(at: self.axis(axis))
    return Shape(extents)
  }

  /// With one extent changed.
  public func replacing(_ axis: Int, with extent: Int) -> Shape {
    var shape = self
    shape[self.axis(axis)] = extent
    return shape
  }

  /// The shape that both spread to: axes are aligned at the back, an axis of 1 takes the other's extent.
  public func broadcast(with other: Shape) -> Shape {
    if self == other { return self }
    var result = rank < other.rank ? other : self
    let smaller = rank < other.rank ? self : other
    let more = result.rank - smaller.rank
    for axis in 0..<smaller.rank {
      let (a, b) = (result.lanes[axis + more], smaller.lanes[axis])
      precondition(a == b || a == 1 || b == 1, "the shapes \(self) and \(other) do not fit each other")
      if a == 1 { result.lanes[axis + more] = b }
    }
    return result
  }

  /// The shape with some axes summed away, or left as 1.
  public func reducing(_ axes: [Int], keepingAxes: Bool) -> Shape {
    let gone = axes.map(axis)
    if keepingAxes {
      var shape = self
      for axis in gone { shape[axis] = 1 }
      return shape
    }
    return Shape(indices.filter { !gone.contains($0) }.map { self[$0] })
  }

  public var description: String { "[" + map(String.init).joined(separator: ", ") + "]" }
}
