import Tensors
import Testing

struct KernelsCopyTests {
  /// The definition: every index of every axis.
  static func plain(
    _ extents: [Int], _ x: [Float], _ s: [Int], _ y: inout [Float], _ t: [Int], _ accumulate: Bool
  ) {
    let total = extents.reduce(1, *)
    for flat in 0..<total {
      var (rest, from, to) = (flat, 0, 0)
      for d in extents.indices.reversed() {
        (from, to) = (from + rest % extents[d] * s[d], to + rest % extents[d] * t[d])
        rest /= extents[d]
      }
      y[to] = (accumulate ? y[to] : 0) + x[from]
    }
  }

  static func contiguous(_ extents: [Int]) -> [Int] {
    var strides = extents
    var step = 1
    for d in extents.indices.reversed() {
      strides[d] = step
      step *= extents[d]
    }
    return strides
  }

  @Test(
    "permuted axes are copied to their places",
    arguments: [
      ([17, 33], [1, 0]), ([64, 200], [1, 0]), ([2, 5, 3, 8], [0, 2, 1, 3]), ([2, 5, 3, 8], [0, 2, 3, 1]),
      ([3, 9, 20], [2, 1, 0]), ([3, 9, 20], [1, 0, 2]), ([4, 1, 6, 1, 7], [4, 3, 2, 1, 0]), ([7], [0]),
      ([2, 3, 4, 5, 2, 3], [5, 0, 3, 2, 4, 1]), ([16, 24, 40], [0, 2, 1]),
    ])
  func permuted(from shape: [Int], order: [Int]) {
    let count = shape.reduce(1, *)
    let x = (0..<count).map { Float($0) }
    let strides = Self.contiguous(shape)
    let extents = order.map { shape[$0] }
    for accumulate in [false, true] {
      let y = unsafe Buffers.made(count, filled: 1) { y in
        unsafe Kernels.copy(
          rank: extents.count, extents: extents, x, strides: order.map { strides[$0] }, into: y,
          strides: Self.contiguous(extents), accumulate: accumulate)
      }
      var truth = [Float](repeating: 1, count: count)
      Self.plain(extents, x, order.map { strides[$0] }, &truth, Self.contiguous(extents), accumulate)
      #expect(y == truth)
      // And back into the first order: the strided side is now the written one.
      let z = unsafe Buffers.made(count, filled: 1) { z in
        unsafe Kernels.copy(
          rank: extents.count, extents: extents, x, strides: Self.contiguous(extents), into: z,
          strides: order.map { strides[$0] }, accumulate: accumulate)
      }
      truth = [Float](repeating: 1, count: count)
      Self.plain(extents, x, Self.contiguous(extents), &truth, order.map { strides[$0] }, accumulate)
      #expect(z == truth)
    }
  }

  @Test func `slices and expansion are views of strides`() {
    let x = (0..<60).map { Float($0) }
    let slice = unsafe Buffers.made(6) { y in
      unsafe x.withUnsafeBufferPointer { x in
        guard let x = x.baseAddress else { return }
        unsafe Kernels.copy(rank: 2, extents: [2, 3], x + 14, strides: [12, 2], into: y, strides: [3, 1])
      }
    }
    #expect(slice == [14, 16, 18, 26, 28, 30])
    let expanded = unsafe Buffers.made(12) { y in
      unsafe Kernels.copy(rank: 3, extents: [2, 3, 2], x, strides: [0, 1, 0], into: y, strides: [6, 2, 1])
    }
    #expect(expanded == [0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2])
    let empty = unsafe Buffers.made(1, filled: 3) { y in
      unsafe Kernels.copy(rank: 2, extents: [0, 4], x, strides: [4, 1], into: y, strides: [4, 1])
    }
    #expect(empty == [3])
  }

  @Test func `transposes of parts of matrices`() {
    let x = (0..<30 * 50).map { Float($0) }
    let y = unsafe Buffers.made(40 * 32, filled: -1) { y in
      unsafe Kernels.transpose(rows: 27, columns: 35, x, rowStep: 50, into: y, rowStep: 32)
    }
    for r in 0..<27 { for c in 0..<35 { #expect(y[c * 32 + r] == x[r * 50 + c]) } }
    #expect(y[27] == -1)
  }

  @Test func `clamping and affine maps`() {
    let x: [Float] = [-3, -1, 0, 0.5, 2, .nan]
    let clamped = unsafe Buffers.made(6) { y in unsafe Kernels.clamp(6, x, from: -1, to: 1, into: y) }
    #expect(clamped[0...4] == [-1, -1, 0, 0.5, 1] && clamped[5].isNaN)
    let affine = unsafe Buffers.made(2) { y in unsafe Kernels.affine(2, [1, 2], factor: 3, shift: 1, into: y)
    }
    #expect(affine == [4, 7])
  }
}
