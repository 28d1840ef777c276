public import Tensors

// The three products of image, kernel and output: each is linear in both operands and the other two are its derivatives.

/// The shapes that the operations share, so that they stay small.
final class SharedWindow: Sendable {
  let shape: ConvolutionShape
  /// Of the image and the kernel.
  let image: Shape
  let kernel: Shape
  let output: Shape
  init(_ window: Window, image: Shape, kernel: Shape, groups: Int = 1, taps: [Bool] = []) {
    precondition(
      image.rank == 4 && kernel.rank == 4 && image[1] == kernel[1] * groups
        && kernel[2] == Int(window.rows.size) && kernel[3] == Int(window.columns.size),
      "a convolution of \(image) with \(kernel) in \(groups) groups")
    var shape = ConvolutionShape(
      channels: image[1], height: image[2], width: image[3], outputs: kernel[0], kernelHeight: kernel[2],
      kernelWidth: kernel[3])
    (shape.strideHeight, shape.strideWidth) = (Int(window.rows.stride), Int(window.columns.stride))
    (shape.dilationHeight, shape.dilationWidth) = (Int(window.rows.dilation), Int(window.columns.dilation))
    (shape.top, shape.bottom) = (Int(window.rows.before), Int(window.rows.after))
    (shape.left, shape.right) = (Int(window.columns.before), Int(window.columns.after))
    shape.groups = groups
    shape.taps = taps.map { $0 ? 1 : 0 }
    shape.check()
    self.shape = shape
    self.image = image
    self.kernel = kernel
    output = [image[0], kernel[0], window.rows.places(image[2]), window.columns.places(image[3])]
  }
}

/// `x ⋆ w (+ b)`
struct Convolve: Operation {
  let shared: SharedWindow
  func shape(_ x: [Shape]) -> Shape { shared.output }
  func forward(_ x: Operands, into y: View) {
    Convolution.forward(
      x[0], x[1], bias: x.count > 2 ? x[2] : nil, shared.shape, into: y, workers: x.workers)
  }
  func derivative(_ at: Chain) -> [Variable?] {
    let g = at.gradient.contiguous()
    let parts = [
      at.by(0) { g.record(ConvolveTransposed(shared: shared), at[1]) },
      at.by(1) { at[0].record(ConvolveKernel(shared: shared), g) },
    ]
    return at.inputs.count == 2 ? parts : parts + [at.by(2) { g.sum(0, 2, 3) }]
  }
}

/// From the output `y` and the kernel to the image.
struct ConvolveTransposed: Operation {
  let shared: SharedWindow
  func shape(_ x: [Shape]) -> Shape { shared.image }
  func forward(_ x: Operands, into y: View) {
    Convolution.transposed(x[0], x[1], shared.shape, into: y, workers: x.workers)
  }
  func derivative(_ at: Chain) -> [Variable?] {
    let g = at.gradient.contiguous()
    return [
      at.by(0) { g.record(Convolve(shared: shared), at[1]) },
      at.by(1) { g.record(ConvolveKernel(shared: shared), at[0]) },
    ]
  }
}

/// From the image and the output to the kernel.
struct ConvolveKernel: Operation {
  let shared: SharedWindow
  func shape(_ x: [Shape]) -> Shape { shared.kernel }
  func forward(_ x: Operands, into y: View) {
    Convolution.kernel(x[0], x[1], shared.shape, into: y, workers: x.workers)
  }
  func derivative(_ at: Chain) -> [Variable?] {
    let g = at.gradient.contiguous()
    return [
      at.by(0) { at[1].record(ConvolveTransposed(shared: shared), g) },
      at.by(1) { at[0].record(Convolve(shared: shared), g) },
    ]
  }
}

/// `y[n, o] = Σ_c w[o, c] ⋆ x[n, c] + b[o]`: x `[rows, channels, height, width]`, w `[outputs, channels / groups, size, size]`, b
/// `[outputs]`, with a window of the kernel's size (zeros around the image are its `before` and `after`).
///
/// - Parameter taps: which places of the kernel are used, in reading order (masked kernels); the others are not computed, and
///   their weights have a gradient of zero. Empty for all.
public func convolve2d(
  _ x: Variable, _ w: Variable, bias: Variable? = nil, window: Window, groups: Int = 1, taps: [Bool] = []
) -> Variable {
  let shared = SharedWindow(window, image: x.shape, kernel: w.shape, groups: groups, taps: taps)
  let operands = [x.contiguous(), w.contiguous()] + (bias.map { [$0.contiguous()] } ?? [])
  return x.tape.record(Convolve(shared: shared), operands)
}

/// The same with one stride, dilation and number of zeros for all sides.
public func convolve2d(
  _ x: Variable, _ w: Variable, bias: Variable? = nil, stride: Int = 1, dilation: Int = 1, padding: Int = 0,
  groups: Int = 1, taps: [Bool] = []
) -> Variable {
  func axis(_ size: Int) -> Window.Axis {
    // An axis of one place does not move.
    size == 1
      ? Window.Axis(size: 1, stride: stride, before: padding, after: padding)
      : Window.Axis(size: size, stride: stride, dilation: dilation, before: padding, after: padding)
  }
  precondition(w.shape.rank == 4, "a kernel of \(w.shape)")
  let window = Window(rows: axis(w.shape[2]), columns: axis(w.shape[3]))
  return convolve2d(x, w, bias: bias, window: window, groups: groups, taps: taps)
}

/// The transpose of a convolution: x `[rows, inputs, height, width]`, w `[inputs, outputs, size, size]`, gives
/// `[rows, outputs, (height - 1) · stride + size, …]`.
public func convolve2dTransposed(_ x: Variable, _ w: Variable, stride: Int = 1) -> Variable {
  let window = Window(
    rows: .init(size: w.shape[2], stride: stride), columns: .init(size: w.shape[3], stride: stride))
  let image: Shape = [
    x.shape[0], w.shape[1], (x.shape[2] - 1) * stride + w.shape[2], (x.shape[3] - 1) * stride + w.shape[3],
  ]
  let shared = SharedWindow(window, image: image, kernel: w.shape)
  return x.contiguous().record(ConvolveTransposed(shared: shared), w.contiguous())
}

/// The same for sequences `[rows, channels, times]` and kernels `[outputs, channels, size]`, with zeros before and after.
public func convolve1d(
  _ x: Variable, _ w: Variable, stride: Int = 1, dilation: Int = 1, before: Int = 0, after: Int = 0
) -> Variable {
  let axis = Window.Axis(
    size: w.shape[2], stride: stride, dilation: dilation, before: before, after: after)
  let y = convolve2d(x.inserting(2), w.inserting(2), window: Window(rows: .init(size: 1), columns: axis))
  return y.reshaped([y.shape[0], y.shape[1], y.shape[3]])
}

/// With zeros before and after some axes.
public func padded(_ x: Variable, _ amounts: (before: Int, after: Int), axes: [Int]) -> Variable {
  if amounts == (0, 0) { return x }
  return axes.reduce(x) { x, axis in
    let axis = x.shape.axis(axis)
    let whole = x.shape.replacing(axis, with: x.shape[axis] + amounts.before + amounts.after)
    let place = Slice(axis: Int32(axis), start: Int32(amounts.before), count: Int32(x.shape[axis]), stride: 1)
    return Assemble.sum([.placed(x, place)], shape: whole, on: x.tape)
  }
}
