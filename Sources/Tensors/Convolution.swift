import CVectorMath

/// How a kernel moves over an image: its size, steps, the gaps within it and the zeros around the image.
public struct Window: Sendable, Hashable {
  /// How the kernel moves along one axis.
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
  }
  public var rows: Axis
  public var columns: Axis
  public init(rows: Axis, columns: Axis) {
    self.rows = rows
    self.columns = columns
  }
}

/// Convolutions of images `[count, channels, height, width]` with kernels `[outputs, channels / groups, size, size]`, and the two
/// products that are their derivatives: each is linear in both operands. All views are contiguous.
package enum Convolution {
  /// `y[n, o] = Σ_c w[o, c] ⋆ x[n, c] (+ bias[o])`
  package static func forward(
    _ x: View, _ w: View, bias: View?, _ shape: ConvolutionShape, into y: View, workers: Workers
  ) {
    check(x, w, y, shape)
    let space = shape.space
    workers.reserve(space)
    workers.split(x.shape[0]) { worker, part in
      unsafe Kernels.convolve(
        shape, batch: part.count, x.start + part.lowerBound * shape.inputCount, w.start,
        bias: bias.map { unsafe UnsafePointer($0.start) },
        into: y.start + part.lowerBound * shape.outputCount,
        space: workers.space(space, worker: worker).base)
    }
  }

  /// `x[n, c] = Σ_o w[o, c] ∗ y[n, o]`: the derivative by the image.
  package static func transposed(
    _ y: View, _ w: View, _ shape: ConvolutionShape, into x: View, workers: Workers
  ) {
    check(x, w, y, shape)
    let space = shape.space
    workers.reserve(space)
    workers.split(x.shape[0]) { worker, part in
      unsafe Kernels.convolveBackwardInput(
        shape, batch: part.count, w.start, dy: y.start + part.lowerBound * shape.outputCount,
        into: x.start + part.lowerBound * shape.inputCount, accumulate: false,
        space: workers.space(space, worker: worker).base)
    }
  }

  /// `w[o, c] = Σ_n y[n, o] ⋆ x[n, c]`: the derivative by the kernel.
  package static func kernel(
    _ x: View, _ y: View, _ shape: ConvolutionShape, into w: View, workers: Workers
  ) {
    check(x, w, y, shape)
    let space = shape.space
    workers.reserve(space)
    w.fill(0)
    workers.split(shape.groups == 1 ? shape.outputs : 1) { worker, part in
      unsafe Kernels.convolveBackwardWeights(
        shape, batch: x.shape[0], outputs: shape.groups == 1 ? part : nil, x.start, dy: y.start,
        addTo: w.start,
        bias: nil, space: workers.space(space, worker: worker).base)
    }
  }

  private static func check(_ x: View, _ w: View, _ y: View, _ shape: ConvolutionShape) {
    precondition(
      x.isContiguous && w.isContiguous && y.isContiguous && x.count == x.shape[0] * shape.inputCount
        && y.count == x.shape[0] * shape.outputCount && w.count == shape.weightCount,
      "a convolution of \(x.shape) with \(w.shape) to \(y.shape)")
  }
}
