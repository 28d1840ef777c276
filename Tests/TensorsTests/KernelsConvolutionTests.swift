import Tensors
import Testing

struct KernelsConvolutionTests {
  /// The definition, every index of every loop, in double precision.
  struct Plain {
    let shape: ConvolutionShape
    let batch: Int

    /// Every multiplication `y[at] += w[weight] · x[from]`.
    func each(_ body: (_ y: Int, _ w: Int, _ x: Int) -> Void) {
      let s = shape
      let (inner, outer) = (s.channels / s.groups, s.outputs / s.groups)
      for b in 0..<batch {
        for o in 0..<s.outputs {
          for r in 0..<s.outputHeight {
            for q in 0..<s.outputWidth {
              for c in 0..<inner {
                for ky in 0..<s.kernelHeight {
                  for kx in 0..<s.kernelWidth {
                    let tap = ky * s.kernelWidth + kx
                    let y = r * s.strideHeight + ky * s.dilationHeight - s.top
                    let x = q * s.strideWidth + kx * s.dilationWidth - s.left
                    guard y >= 0, y < s.height, x >= 0, x < s.width, s.taps.isEmpty || s.taps[tap] != 0
                    else { continue }
                    let channel = b * s.channels + o / outer * inner + c
                    body(
                      ((b * s.outputs + o) * s.outputHeight + r) * s.outputWidth + q,
                      (o * inner + c) * s.kernelHeight * s.kernelWidth + tap,
                      (channel * s.height + y) * s.width + x)
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  static var shapes: [ConvolutionShape] {
    var shapes: [ConvolutionShape] = []
    func add(_ base: ConvolutionShape, _ change: (inout ConvolutionShape) -> Void = { _ in }) {
      var shape = base
      change(&shape)
      shapes.append(shape)
    }
    let image = ConvolutionShape(
      channels: 4, height: 9, width: 11, outputs: 6, kernelHeight: 3, kernelWidth: 3)
    add(image)
    add(image) { ($0.top, $0.bottom, $0.left, $0.right) = (1, 1, 1, 1) }
    add(image) { ($0.top, $0.left, $0.taps) = (2, 1, [1, 1, 1, 1, 1, 0, 0, 0, 0]) }
    add(image) { ($0.strideHeight, $0.strideWidth, $0.top, $0.right) = (2, 2, 1, 2) }
    add(image) { ($0.strideHeight, $0.strideWidth, $0.dilationWidth, $0.left) = (3, 2, 3, 4) }
    add(image) { ($0.groups, $0.dilationHeight, $0.top, $0.bottom) = (2, 2, 2, 1) }
    add(image) { ($0.kernelHeight, $0.kernelWidth, $0.strideHeight, $0.strideWidth) = (2, 2, 3, 3) }
    add(image) { ($0.kernelHeight, $0.kernelWidth) = (1, 1) }
    add(image) { ($0.kernelHeight, $0.kernelWidth, $0.strideWidth, $0.groups) = (4, 4, 2, 2) }
    let series = ConvolutionShape(channels: 3, width: 40, outputs: 5, kernelWidth: 3)
    add(series) { ($0.dilationWidth, $0.left) = (4, 8) }
    add(series) { ($0.strideWidth, $0.left, $0.right) = (2, 2, 1) }
    add(series) { ($0.channels, $0.outputs, $0.groups, $0.left) = (6, 6, 6, 2) }
    return shapes
  }

  @Test("forwards, by the input and by the weights, against the definition", arguments: shapes.indices)
  func directions(index: Int) {
    let shape = Self.shapes[index]
    shape.check()
    var random = RandomStream(seed: 31)
    let batch = 2
    let x = random.normals(batch * shape.inputCount)
    let w = random.normals(shape.weightCount)
    let bias = random.normals(shape.outputs)
    let dy = random.normals(batch * shape.outputCount)
    var space = [Float](repeating: .nan, count: shape.space)
    let plain = Plain(shape: shape, batch: batch)
    let pixels = shape.outputHeight * shape.outputWidth

    var yTruth = dy.indices.map { Double(bias[$0 / pixels % shape.outputs]) }
    var xTruth = [Double](repeating: 2, count: x.count)
    var wTruth = [Double](repeating: 3, count: w.count)
    plain.each { y, v, from in
      yTruth[y] += Double(w[v]) * Double(x[from])
      xTruth[from] += Double(w[v]) * Double(dy[y])
      wTruth[v] += Double(x[from]) * Double(dy[y])
    }
    let y = unsafe Buffers.made(dy.count, filled: .nan) { y in
      unsafe Kernels.convolve(shape, batch: batch, x, w, bias: bias, into: y, space: &space)
    }
    #expect(Buffers.worst(y, yTruth) < 1e-5)
    let dx = unsafe Buffers.made(x.count, filled: 2) { dx in
      unsafe Kernels.convolveBackwardInput(
        shape, batch: batch, w, dy: dy, into: dx, accumulate: true, space: &space)
    }
    #expect(Buffers.worst(dx, xTruth) < 1e-5)
    let fresh = unsafe Buffers.made(x.count, filled: .nan) { dx in
      unsafe Kernels.convolveBackwardInput(
        shape, batch: batch, w, dy: dy, into: dx, accumulate: false, space: &space)
    }
    #expect(Buffers.worst(fresh, xTruth.map { $0 - 2 }) < 1e-5)
    var db = [Float](repeating: 1, count: shape.outputs)
    let dw = unsafe Buffers.made(w.count, filled: 3) { dw in
      unsafe Kernels.convolveBackwardWeights(
        shape, batch: batch, x, dy: dy, addTo: dw, bias: &db, space: &space)
    }
    #expect(Buffers.worst(dw, wTruth) < 1e-5)
    for o in 0..<shape.outputs {
      let truth = dy.indices.filter { $0 / pixels % shape.outputs == o }.reduce(1) { $0 + Double(dy[$1]) }
      #expect(abs(Double(db[o]) - truth) < 1e-4)
    }
    // A range of outputs computed alone has the same bits.
    let parts = unsafe Buffers.made(w.count, filled: 3) { dw in
      let cut = shape.outputs / 2 - 1
      for part in [0..<cut, cut..<shape.outputs] {
        unsafe Kernels.convolveBackwardWeights(
          shape, batch: batch, outputs: part, x, dy: dy, addTo: dw, bias: nil, space: &space)
      }
    }
    #expect(parts == dw)
  }

  @Test func `images as columns give the same products, and their transpose the same pixels`() {
    var shape = ConvolutionShape(
      channels: 2, height: 5, width: 6, outputs: 3, kernelHeight: 3, kernelWidth: 2)
    (shape.top, shape.left, shape.strideWidth) = (1, 1, 2)
    var random = RandomStream(seed: 32)
    let (x, w) = (random.normals(shape.inputCount), random.normals(shape.weightCount))
    let (depth, pixels) = (shape.weightCount / shape.outputs, shape.outputHeight * shape.outputWidth)
    let columns = unsafe Buffers.made(depth * pixels) { c in unsafe Kernels.imageToColumns(shape, x, into: c)
    }
    var space = Buffers.zeros(shape.space)
    let y = unsafe Buffers.made(shape.outputCount) { y in
      unsafe Kernels.convolve(shape, batch: 1, x, w, bias: nil, into: y, space: &space)
    }
    let truth = ProductTests.naive(m: shape.outputs, n: pixels, k: depth, w, false, columns, false)
    #expect(Buffers.worst(y, truth) < 1e-5)
    let other = random.normals(columns.count)
    let back = unsafe Buffers.made(x.count) { x in unsafe Kernels.columnsToImage(shape, other, addTo: x) }
    let (left, right) = (VectorMath.dot(columns, other), VectorMath.dot(x, back))
    #expect(abs(left - right) < 1e-4 * max(1, abs(left)))
  }
}
