import CVectorMath

/// How a kernel moves over an image: its size, steps, the gaps within it and the zeros around the image.
public struct Window: Sendable, Hashable {
  public struct Axis: Sendable, Hashable {
    public var size: Int32
    public var stride: Int32
    public var dilation: Int32
    /// Zeros before and after.
    public var before: Int32
    public var after: Int32

    public init(size: Int, stride: Int = 1, dilation: Int = 1, before: Int = 0, after: Int = 0) {
      precondition(
        size > 0 && stride > 0 && dilation > 0 && before >= 0 && after >= 0,
        "a window of size \(size), stride \(stride), dilation \(dilation), zeros \(before) and \(after)")
      self.size = Int32(size)
      self.stride = Int32(stride)
      self.dilation = Int32(dilation)
      self.before = Int32(before)
      self.after = Int32(after)
    }

    /// How many places the kernel takes along so many inputs.
    public func places(_ inputs: Int) -> Int {
      let reach = Int(size - 1) * Int(dilation) + 1
      let room = inputs + Int(before) + Int(after) - reach
      precondition(room >= 0, "a window that reaches over \(reach) of \(inputs) inputs")
      return room / Int(stride) + 1
    }

    /// The outputs whose input at kernel place `i` lies inside.
    func inside(_ i: Int, inputs: Int, places: Int) -> Range<Int> {
      let shift = i * Int(dilation) - Int(before)
      let first = shift >= 0 ? 0 : (-shift + Int(stride) - 1) / Int(stride)
      let last = inputs - 1 - shift < 0 ? -1 : (inputs - 1 - shift) / Int(stride)
      return Swift.min(first, places)..<Swift.max(Swift.min(first, places), Swift.min(last + 1, places))
    }
  }
  public var rows: Axis
  public var columns: Axis
  public init(rows: Axis, columns: Axis) {
    self.rows = rows
    self.columns = columns
  }
}

/// Convolutions of images `[count, channels, height, width]` with kernels `[outputs, channels, size, size]`, and the two
/// products that are their derivatives: each is linear in both operands. All views are contiguous.
public enum Convolution {
  /// `y[n, o] = Σ_c w[o, c] ⋆ x[n, c]`
  public static func forward(_ x: View, _ w: View, _ window: Window, into y: View, workers: Workers) {
    let shapes = Extents(x.shape, w.shape, y.shape, window)
    let (k, places) = (shapes.kernel, shapes.places)
    workers.reserve(k * places)
    workers.split(shapes.count) { worker, part in
      let columns = unsafe workers.space(k * places, worker: worker).base
      for n in part {
        unsafe unfold(x.start + n * shapes.image, shapes, window, into: columns)
        unsafe vm_gemm(
          shapes.outputs, places, k, 1, w.start, k, 1, columns, places, 1, nil,
          y.start + n * shapes.outputs * places, places, 0)
      }
    }
  }

  /// `x[n, c] = Σ_o w[o, c] ∗ y[n, o]`: the derivative by the image.
  public static func transposed(_ y: View, _ w: View, _ window: Window, into x: View, workers: Workers) {
    let shapes = Extents(x.shape, w.shape, y.shape, window)
    let (k, places) = (shapes.kernel, shapes.places)
    x.fill(0)
    workers.reserve(k * places)
    workers.split(shapes.count) { worker, part in
      let columns = unsafe workers.space(k * places, worker: worker).base
      for n in part {
        unsafe vm_gemm(
          k, places, shapes.outputs, 1, w.start, 1, k, y.start + n * shapes.outputs * places, places, 1, nil,
          columns, places, 0)
        unsafe fold(columns, shapes, window, into: x.start + n * shapes.image)
      }
    }
  }

  /// `w[o, c] = Σ_n y[n, o] ⋆ x[n, c]`: the derivative by the kernel.
  public static func kernel(_ x: View, _ y: View, _ window: Window, into w: View, workers: Workers) {
    let shapes = Extents(x.shape, w.shape, y.shape, window)
    let (k, places) = (shapes.kernel, shapes.places)
    // Transposed, so that the smaller operand is the one to be packed.
    let m = shapes.outputs
    unsafe withSpace(k * places + k * m, workers) { columns in
      let turned = unsafe columns + k * places
      for n in 0..<shapes.count {
        unsafe unfold(x.start + n * shapes.image, shapes, window, into: columns)
        unsafe vm_gemm(
          k, m, places, 1, columns, places, 1, y.start + n * m * places, 1, places, nil, turned, m,
          n == 0 ? 0 : 1)
      }
      unsafe vm_transpose(k, m, turned, w.start)
    }
  }

  private struct Extents {
    let count: Int
    let channels: Int
    let height: Int
    let width: Int
    let outputs: Int
    let outHeight: Int
    let outWidth: Int
    /// Numbers of one image, of one output's kernel; places of the window.
    let image: Int
    let kernel: Int
    let places: Int
    init(_ x: Shape, _ w: Shape, _ y: Shape, _ window: Window) {
      precondition(
        x.rank == 4 && w.rank == 4 && y.rank == 4 && x[1] == w[1] && y[0] == x[0] && y[1] == w[0]
          && w[2] == Int(window.rows.size) && w[3] == Int(window.columns.size)
          && y[2] == window.rows.places(x[2]) && y[3] == window.columns.places(x[3]),
        "a convolution of \(x) with \(w) to \(y)")
      (count, channels, height, width) = (x[0], x[1], x[2], x[3])
      (outputs, outHeight, outWidth) = (y[1], y[2], y[3])
      image = channels * height * width
      kernel = w[1] * w[2] * w[3]
      places = outHeight * outWidth
    }
  }

  @unsafe private static func withSpace(
    _ count: Int, _ workers: Workers, _ body: (UnsafeMutablePointer<Float>) -> Void
  ) {
    let space = workers.space(count)
    unsafe body(space.base)
  }

  /// Every place's inputs as a column: `[channels · size · size, places]`.
  @unsafe private static func unfold(
    _ x: UnsafePointer<Float>, _ e: Extents, _ window: Window, into columns: UnsafeMutablePointer<Float>
  ) {
    var to = unsafe columns
    for c in 0..<e.channels {
      let plane = unsafe x + c * e.height * e.width
      for i in 0..<Int(window.rows.size) {
        let inRows = window.rows.inside(i, inputs: e.height, places: e.outHeight)
        for j in 0..<Int(window.columns.size) {
          let inColumns = window.columns.inside(j, inputs: e.width, places: e.outWidth)
          let shift = j * Int(window.columns.dilation) - Int(window.columns.before)
          let stride = Int(window.columns.stride)
          for row in 0..<e.outHeight {
            let out = unsafe to + row * e.outWidth
            guard inRows.contains(row) else {
              unsafe out.update(repeating: 0, count: e.outWidth)
              continue
            }
            let at = row * Int(window.rows.stride) + i * Int(window.rows.dilation) - Int(window.rows.before)
            let line = unsafe plane + at * e.width
            for l in 0..<inColumns.lowerBound { unsafe out[l] = 0 }
            if stride == 1 {
              unsafe (out + inColumns.lowerBound).update(
                from: line + inColumns.lowerBound + shift, count: inColumns.count)
            } else {
              for l in inColumns { unsafe out[l] = line[l * stride + shift] }
            }
            for l in inColumns.upperBound..<e.outWidth { unsafe out[l] = 0 }
          }
          unsafe to += e.places
        }
      }
    }
  }

  /// Adds every column back to the inputs that it came from.
  @unsafe private static func fold(
    _ columns: UnsafePointer<Float>, _ e: Extents, _ window: Window, into x: UnsafeMutablePointer<Float>
  ) {
    var from = unsafe columns
    for c in 0..<e.channels {
      let plane = unsafe x + c * e.height * e.width
      for i in 0..<Int(window.rows.size) {
        let inRows = window.rows.inside(i, inputs: e.height, places: e.outHeight)
        for j in 0..<Int(window.columns.size) {
          let inColumns = window.columns.inside(j, inputs: e.width, places: e.outWidth)
          let shift = j * Int(window.columns.dilation) - Int(window.columns.before)
          let stride = Int(window.columns.stride)
          for row in inRows {
            let at = row * Int(window.rows.stride) + i * Int(window.rows.dilation) - Int(window.rows.before)
            let line = unsafe plane + at * e.width + shift
            let part = unsafe from + row * e.outWidth
            if stride == 1 {
              for l in inColumns { unsafe line[l] += part[l] }
            } else {
              for l in inColumns { unsafe line[l * stride] += part[l] }
            }
          }
          unsafe from += e.places
        }
      }
    }
  }
}
