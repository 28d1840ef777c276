import CVectorMath

/// The shape of a convolution of `[batch, channels, height, width]`; in one dimension the heights are 1.
///
/// Correlation as everywhere in deep learning: `y[o] = Σ w[o, i, tap] · x[i, stride · out + dilation · tap - padding]`, with
/// weights `[outputs, channels / groups, kernelHeight, kernelWidth]`.
package struct ConvolutionShape: Sendable, Equatable {
  package var channels: Int
  package var height: Int
  package var width: Int
  package var outputs: Int
  package var kernelHeight: Int
  package var kernelWidth: Int
  package var strideHeight = 1
  package var strideWidth = 1
  package var dilationHeight = 1
  package var dilationWidth = 1
  package var top = 0
  package var bottom = 0
  package var left = 0
  package var right = 0
  package var groups = 1
  /// `kernelHeight · kernelWidth` flags; a 0 leaves that tap out in all directions (masked kernels): it is not computed, and its
  /// weight's derivative stays untouched. Empty is all.
  package var taps: [UInt8] = []

  package init(
    channels: Int, height: Int = 1, width: Int, outputs: Int, kernelHeight: Int = 1, kernelWidth: Int
  ) {
    self.channels = channels
    self.height = height
    self.width = width
    self.outputs = outputs
    self.kernelHeight = kernelHeight
    self.kernelWidth = kernelWidth
  }

  package var outputHeight: Int {
    Self.output(height + top + bottom, dilationHeight * (kernelHeight - 1) + 1, strideHeight)
  }
  package var outputWidth: Int {
    Self.output(width + left + right, dilationWidth * (kernelWidth - 1) + 1, strideWidth)
  }
  private static func output(_ padded: Int, _ reach: Int, _ stride: Int) -> Int {
    padded < reach ? 0 : (padded - reach) / stride + 1
  }
  package var inputCount: Int { channels * height * width }
  package var outputCount: Int { outputs * outputHeight * outputWidth }
  package var weightCount: Int { outputs * (channels / groups) * kernelHeight * kernelWidth }

  /// Floats of working space that each of the three directions needs, for each thread.
  package var space: Int { unsafe with { unsafe vm_convolution_space($0) } }

  /// - Precondition: extents, strides and dilations are positive, paddings are not negative, groups divide both sides, taps fit.
  package func check() {
    precondition(
      channels > 0 && outputs > 0 && height > 0 && width > 0 && kernelHeight > 0 && kernelWidth > 0
        && min(strideHeight, strideWidth, dilationHeight, dilationWidth) > 0
        && min(top, bottom, left, right) >= 0,
      "a convolution of \(self)")
    precondition(
      groups > 0 && channels % groups == 0 && outputs % groups == 0,
      "\(groups) groups of \(channels) channels and \(outputs) outputs")
    precondition(
      taps.isEmpty || taps.count == kernelHeight * kernelWidth,
      "\(taps.count) taps for a kernel of \(kernelHeight) × \(kernelWidth)")
  }

  @inline(__always)
  fileprivate func with<R>(_ body: (UnsafePointer<vm_convolution>) -> R) -> R {
    unsafe taps.withUnsafeBufferPointer { taps in
      let flags = taps.isEmpty ? nil : taps.baseAddress
      var shape = unsafe vm_convolution(
        channels: channels, height: height, width: width, outputs: outputs, groups: groups,
        kernel_height: kernelHeight, kernel_width: kernelWidth, stride_height: strideHeight,
        stride_width: strideWidth, dilation_height: dilationHeight, dilation_width: dilationWidth, top: top,
        bottom: bottom, left: left, right: right, taps: flags)
      return unsafe withUnsafePointer(to: &shape) { unsafe body($0) }
    }
  }
}

extension Kernels {
  /// `y = x ∗ w + bias` for `batch` images; `space` has `shape.space` floats. Images may be divided between threads.
  package static func convolve(
    _ shape: ConvolutionShape, batch: Int, _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>,
    bias: UnsafePointer<Float>?, into y: UnsafeMutablePointer<Float>, space: UnsafeMutablePointer<Float>
  ) {
    unsafe shape.with { unsafe vm_convolve($0, batch, x, w, bias, y, space) }
  }

  /// `dx (+)= ∂L/∂x`, which is also the transposed convolution of `dy`. Images may be divided between threads.
  package static func convolveBackwardInput(
    _ shape: ConvolutionShape, batch: Int, _ w: UnsafePointer<Float>, dy: UnsafePointer<Float>,
    into dx: UnsafeMutablePointer<Float>, accumulate: Bool, space: UnsafeMutablePointer<Float>
  ) {
    unsafe shape.with { unsafe vm_convolve_input($0, batch, w, dy, dx, accumulate ? 1 : 0, space) }
  }

  /// Adds the derivatives by weights and bias over the batch; a range of output channels may go to each thread.
  package static func convolveBackwardWeights(
    _ shape: ConvolutionShape, batch: Int, outputs: Range<Int>? = nil, _ x: UnsafePointer<Float>,
    dy: UnsafePointer<Float>, addTo dw: UnsafeMutablePointer<Float>, bias db: UnsafeMutablePointer<Float>?,
    space: UnsafeMutablePointer<Float>
  ) {
    let part = outputs ?? 0..<shape.outputs
    unsafe shape.with {
      unsafe vm_convolve_weights($0, batch, part.lowerBound, part.count, x, dy, dw, db, space)
    }
  }

  /// One image as a matrix `[channels · kernelHeight · kernelWidth, outputHeight · outputWidth]`, all taps.
  package static func imageToColumns(
    _ shape: ConvolutionShape, _ x: UnsafePointer<Float>, into columns: UnsafeMutablePointer<Float>
  ) {
    unsafe shape.with { unsafe vm_im2col($0, x, columns) }
  }

  /// The transpose of ``imageToColumns(_:_:into:)``: adds every column entry to its pixel.
  package static func columnsToImage(
    _ shape: ConvolutionShape, _ columns: UnsafePointer<Float>, addTo x: UnsafeMutablePointer<Float>
  ) {
    unsafe shape.with { unsafe vm_col2im($0, columns, x) }
  }
}
