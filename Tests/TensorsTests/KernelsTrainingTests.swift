import Foundation
import Tensors
import Testing

/// Optimizers against their algorithms in double precision.
struct KernelsOptimizerTests {
  static let n = 37

  /// Runs five steps of a kernel and of its definition on random gradients.
  static func run(
    _ kernel: (_ w: inout [Float], _ g: [Float], _ a: inout [Float], _ b: inout [Float], _ step: Int) -> Void,
    _ definition: (_ w: inout Double, _ g: Double, _ a: inout Double, _ b: inout Double, _ step: Int) -> Void
  ) -> Double {
    var random = RandomStream(seed: 51)
    var w = random.normals(n)
    var (a, b) = (Buffers.zeros(n), Buffers.zeros(n))
    var truth = w.map(Double.init)
    var (c, d) = ([Double](repeating: 0, count: n), [Double](repeating: 0, count: n))
    for step in 1...5 {
      let g = random.normals(n)
      kernel(&w, g, &a, &b, step)
      for i in 0..<n { definition(&truth[i], Double(g[i]), &c[i], &d[i], step) }
    }
    return Buffers.worst(w, truth)
  }

  @Test(
    "gradient descent, with momentum, and Nesterov's", arguments: [(0.0, false), (0.9, false), (0.9, true)])
  func sgd(momentum: Double, isNesterov: Bool) {
    let worst = Self.run(
      { w, g, v, _, _ in
        unsafe v.withUnsafeMutableBufferPointer { v in
          unsafe Kernels.sgd(
            Self.n, &w, gradient: g, velocity: momentum == 0 ? nil : v.baseAddress, rate: 0.1,
            momentum: Float(momentum), isNesterov: isNesterov, decay: 0.01, scale: 0.5)
        }
      },
      { w, g, v, _, _ in
        let g = 0.5 * g + 0.01 * w
        v = momentum * v + g
        w -= 0.1 * (isNesterov ? g + momentum * v : v)
      })
    #expect(worst < 1e-6)
  }

  @Test("Adam, and AdamW", arguments: [false, true])
  func adam(isDecoupled: Bool) {
    let worst = Self.run(
      { w, g, m, v, step in
        unsafe Kernels.adam(
          Self.n, &w, gradient: g, first: &m, second: &v, step: step, rate: 0.01, decay: 0.1,
          isDecoupled: isDecoupled, scale: 0.5)
      },
      { w, g, m, v, step in
        var g = 0.5 * g
        if isDecoupled { w -= 0.01 * 0.1 * w } else { g += 0.1 * w }
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        w -=
          0.01 * (m / (1 - pow(0.9, Double(step))))
          / ((v / (1 - pow(0.999, Double(step)))).squareRoot() + 1e-8)
      })
    #expect(worst < 2e-6)
  }

  @Test("RMSProp, with and without momentum", arguments: [0.0, 0.9])
  func rmsProp(momentum: Double) {
    let worst = Self.run(
      { w, g, s, v, _ in
        unsafe v.withUnsafeMutableBufferPointer { v in
          unsafe Kernels.rmsProp(
            Self.n, &w, gradient: g, square: &s, velocity: momentum == 0 ? nil : v.baseAddress, rate: 0.01,
            momentum: Float(momentum), decay: 0.01, scale: 0.5)
        }
      },
      { w, g, s, v, _ in
        let g = 0.5 * g + 0.01 * w
        s = 0.99 * s + 0.01 * g * g
        v = momentum * v + g / (s.squareRoot() + 1e-8)
        w -= 0.01 * v
      })
    #expect(worst < 2e-6)
  }

  @Test func `norms, clipping, averages and finiteness`() {
    let x = (0..<10_000).map { Float($0 % 7) }
    let truth = x.reduce(0.0) { $0 + Double($1) * Double($1) }
    let norm = unsafe Kernels.sumOfSquares(x.count, x)
    #expect(norm == truth)
    #expect(abs(Kernels.clipScale(sumOfSquares: 100, limit: 2) - 0.2) < 1e-6)
    #expect(Kernels.clipScale(sumOfSquares: 100, limit: 11) == 1)
    let average = unsafe Buffers.made(2, filled: 1) { a in
      unsafe Kernels.average(2, decay: 0.75, [2, 4], into: a)
    }
    #expect(average == [1.25, 1.75])
    let (good, bad) = unsafe (Kernels.allFinite(2, [1, 2]), Kernels.allFinite(2, [1, .infinity]))
    #expect(good && !bad)
  }
}
