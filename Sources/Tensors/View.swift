/// Numbers in memory that somebody else keeps alive (a ``Storage``), looked at through a layout.
///
/// What the kernels work on. A view does not own its memory: whoever makes one must hold the storage for as long as the view
/// is used, as a tape does for its nodes. Everything that reads or writes through it stays inside its layout.
@safe public struct View {
  let memory: UnsafeMutablePointer<Float>
  public let layout: Layout

  @unsafe init(memory: UnsafeMutablePointer<Float>, layout: Layout) {
    unsafe self.memory = memory
    self.layout = layout
  }

  public var shape: Shape { layout.shape }
  public var count: Int { layout.shape.size }
  public var isContiguous: Bool { layout.isContiguous }
  /// The address of the first element.
  @inline(__always) package var start: UnsafeMutablePointer<Float> { unsafe memory + layout.offset }

  /// The same memory under another layout.
  public func with(_ layout: Layout) -> View { unsafe View(memory: memory, layout: layout) }
  public func transposed(_ a: Int = -2, _ b: Int = -1) -> View { with(layout.transposed(a, b)) }
  public func sliced(_ axis: Int, from start: Int, count: Int, stride: Int = 1) -> View {
    with(layout.sliced(axis, from: start, count: count, stride: stride))
  }
  public func expanded(to shape: Shape) -> View { with(layout.expanded(to: shape)) }
  /// - Precondition: the elements lie so that no copy is needed.
  public func reshaped(_ shape: Shape) -> View {
    guard let layout = layout.reshaped(shape) else {
      preconditionFailure("a view of \(self.shape) that is not contiguous as \(shape)")
    }
    return with(layout)
  }

  /// All elements in row-major order.
  public var values: [Float] {
    unsafe [Float](unsafeUninitializedCapacity: count) { buffer, initialised in
      initialised = count
      guard count > 0, let base = buffer.baseAddress else { return }
      let target = unsafe View(memory: base, layout: Layout(shape))
      target.copy(self)
    }
  }

  /// The only element.
  public var scalar: Float {
    precondition(count == 1, "one number of the shape \(shape)")
    return unsafe start.pointee
  }

  /// Writes all elements, in row-major order, into a contiguous view.
  public func assign(_ values: [Float]) {
    precondition(values.count == count, "\(values.count) numbers for the shape \(shape)")
    precondition(isContiguous, "numbers for a view of \(shape) that is not contiguous")
    unsafe values.withUnsafeBufferPointer { values in
      guard let from = values.baseAddress else { return }
      unsafe start.update(from: from, count: count)
    }
  }

  /// Chosen rows of a row-major matrix; this view is contiguous and has as many rows.
  public func assign(rows: ArraySlice<Int>, of matrix: [Float]) {
    let width = count / max(rows.count, 1)
    precondition(
      isContiguous && width * rows.count == count, "\(rows.count) rows for the shape \(shape)")
    unsafe matrix.withUnsafeBufferPointer { matrix in
      guard let from = matrix.baseAddress else { return }
      var to = unsafe start
      for row in rows {
        precondition(row >= 0 && (row + 1) * width <= matrix.count, "row \(row) of too few")
        unsafe to.update(from: from + row * width, count: width)
        unsafe to += width
      }
    }
  }

  /// The first numbers, in their order, into an array; no allocation.
  ///
  /// - Precondition: the view is contiguous and holds as many, and the array has room for them.
  public func copy(_ count: Int, into values: inout [Float], at place: Int) {
    precondition(
      isContiguous && count <= self.count && place + count <= values.count,
      "\(count) numbers of \(self.count) into \(values.count) from \(place)")
    unsafe values.withUnsafeMutableBufferPointer { values in
      guard let to = values.baseAddress else { return }
      unsafe (to + place).update(from: start, count: count)
    }
  }

  public func fill(_ value: Float) {
    if isContiguous {
      unsafe start.update(repeating: value, count: count)
      return
    }
    let walk = Walk(shape, layout.steps)
    let (step, n) = (walk.steps.0, walk.count)
    walk.forEachRun { offset, _, _ in
      let y = unsafe start + offset
      for i in 0..<n { unsafe y[i * step] = value }
    }
  }

  /// Copies elements of the same shape, however either lies (they must not overlap).
  public func copy(_ x: View) {
    precondition(x.shape == shape, "elements of \(x.shape) copied to \(shape)")
    guard count > 0 else { return }
    if isContiguous && x.isContiguous {
      unsafe start.update(from: x.start, count: count)
      return
    }
    unsafe Strided.copy(self, x)
  }
}
