import Foundation
import Tensors
import Testing

struct KernelsReductionTests {
  static func truth(_ kind: Reduction, _ x: [Double]) -> Double {
    switch kind {
    case .sum: x.reduce(0, +)
    case .maximum: x.max() ?? -.infinity
    }
  }

  static func truths(_ kind: Reduction, _ outer: Int, _ n: Int, _ inner: Int, _ x: [Double]) -> [Double] {
    (0..<outer * inner).map { at in
      let (o, i) = (at / inner, at % inner)
      return truth(kind, (0..<n).map { x[(o * n + $0) * inner + i] })
    }
  }

  static let shapes = [(5, 37, 1), (1, 30, 20), (3, 4, 70), (2, 1, 5), (4, 16, 1), (2, 9, 64), (1, 30, 66)]

  @Test("last, first and middle axes", arguments: Reduction.allCases)
  func axes(kind: Reduction) {
    var random = RandomStream(seed: 11)
    for (outer, n, inner) in Self.shapes {
      let x = random.normals(outer * n * inner)
      let wide = x.map(Double.init)
      let truth = Self.truths(kind, outer, n, inner, wide)
      let plain = unsafe Buffers.made(outer * inner) { y in
        unsafe Kernels.reduce(kind, outer: outer, n: n, inner: inner, x, into: y)
      }
      #expect(Buffers.worst(plain, truth) < 1e-5)
      let added = unsafe Buffers.made(outer * inner, filled: 2) { y in
        unsafe Kernels.reduce(
          kind, outer: outer, n: n, inner: inner, x, factor: 0.5, into: y, accumulate: true)
      }
      #expect(Buffers.worst(added, truth.map { 2 + 0.5 * $0 }) < 1e-5)
    }
  }

  @Test func `NaN wins a maximum`() {
    let top = unsafe Buffers.made(2) { y in
      unsafe Kernels.reduce(.maximum, outer: 2, n: 3, inner: 1, [1, .nan, 2, -5, -7, -6], into: y)
    }
    #expect(top[0].isNaN && top[1] == -5)
  }

  @Test func `parts of columns are reduced alone with the same bits`() {
    var random = RandomStream(seed: 12)
    let x = random.normals(50 * 100)
    for kind in Reduction.allCases {
      let whole = unsafe Buffers.made(100) { y in
        unsafe Kernels.reduce(kind, outer: 1, n: 50, inner: 100, x, into: y)
      }
      let parts = unsafe Buffers.made(100) { y in
        unsafe x.withUnsafeBufferPointer { x in
          guard let x = x.baseAddress else { return }
          for part in [0..<7, 7..<80, 80..<100] {
            unsafe Kernels.reduce(
              kind, outer: 1, n: 50, inner: part.count, x + part.lowerBound, outerStep: 0, step: 100,
              into: y + part.lowerBound)
          }
        }
      }
      #expect(whole == parts)
    }
  }

  @Test func `cumulative sums both ways`() {
    let x: [Float] = [1, 2, 3, 4, 5, 6]
    let forward = unsafe Buffers.made(6) { y in
      unsafe Kernels.cumulativeSum(outer: 1, n: 3, inner: 2, x, into: y)
    }
    #expect(forward == [1, 2, 4, 6, 9, 12])
    let back = unsafe Buffers.made(6, filled: 1) { y in
      unsafe Kernels.cumulativeSum(outer: 2, n: 3, inner: 1, x, into: y, reversed: true, accumulate: true)
    }
    #expect(back == [7, 6, 4, 16, 12, 7])
  }
}

struct KernelsLossTests {
  @Test("softmax and its logarithm, forwards and backwards", arguments: [1, 5, 16, 65, 200])
  func softmax(n: Int) {
    var random = RandomStream(seed: 13)
    let rows = 4
    let x = random.normals(rows * n).map { $0 * 20 }
    let dy = random.normals(rows * n)
    func softmax(_ x: [Double]) -> [Double] {
      let top = x.max() ?? 0
      let e = x.map { exp($0 - top) }
      return e.map { $0 / e.reduce(0, +) }
    }
    var (p, dp, dl): ([Double], [Double], [Double]) = ([], [], [])
    for r in 0..<rows {
      let q = softmax(x[r * n..<(r + 1) * n].map(Double.init))
      let d = dy[r * n..<(r + 1) * n].map(Double.init)
      let mean = zip(q, d).reduce(0) { $0 + $1.0 * $1.1 }
      p += q
      dp += zip(q, d).map { $0 * ($1 - mean) }
      dl += zip(q, d).map { $1 - $0 * d.reduce(0, +) }
    }
    let y = unsafe Buffers.made(rows * n) { y in unsafe Kernels.softmax(rows: rows, n: n, x, into: y) }
    let l = unsafe Buffers.made(rows * n) { y in unsafe Kernels.logSoftmax(rows: rows, n: n, x, into: y) }
    #expect(Buffers.worst(y, p) < 2e-6)
    #expect(Buffers.worst(l, p.map { log($0) }) < 2e-6)
    for accumulate in [false, true] {
      let start = accumulate ? 3.0 : 0
      let dx = unsafe Buffers.made(rows * n, filled: 3) { dx in
        unsafe Kernels.softmaxBackward(rows: rows, n: n, y: y, dy: dy, into: dx, accumulate: accumulate)
      }
      #expect(Buffers.worst(dx, dp.map { start + $0 }) < 5e-6)
      let dz = unsafe Buffers.made(rows * n, filled: 3) { dx in
        unsafe Kernels.logSoftmaxBackward(rows: rows, n: n, y: l, dy: dy, into: dx, accumulate: accumulate)
      }
      #expect(Buffers.worst(dz, dl.map { start + $0 }) < 5e-6)
    }
  }

  @Test("binary cross entropy of logits", arguments: [1, 19, 784])
  func binary(n: Int) {
    var random = RandomStream(seed: 14)
    let x = random.normals(2 * n).map { $0 * 10 }
    let t = random.uniforms(2 * n)
    let truth = zip(x.map(Double.init), t.map(Double.init)).map { (x: Double, t: Double) -> Double in
      let soft = log1p(exp(-abs(x)))
      return max(x, 0) + soft - x * t
    }
    let loss = unsafe Buffers.made(2 * n) { y in
      unsafe Kernels.binaryCrossEntropy(2 * n, x, target: t, into: y)
    }
    #expect(Buffers.worst(loss, truth) < 3e-6)
    for (steps, d) in [(Steps.scalar, [Float(2)]), (.oneColumn, [2, 3]), (.contiguous(n), x)] {
      let dx = unsafe Buffers.made(2 * n, filled: 1) { dx in
        unsafe Kernels.binaryCrossEntropyBackward(
          rows: 2, n: n, x, target: t, factor: 0.5, dLoss: d, steps: steps, into: dx, accumulate: true)
      }
      let slopes = x.indices.map { (i: Int) -> Double in
        let weight = Double(d[i / n * steps.row + i % n * steps.column])
        let chance = 1 / (1 + exp(-Double(x[i])))
        return 1 + 0.5 * weight * (chance - Double(t[i]))
      }
      #expect(Buffers.worst(dx, slopes) < 3e-6)
    }
  }
}
