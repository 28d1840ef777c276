import Foundation
import Tensors
import Testing

/// Pointers for a kernel under test.
enum Buffers {
  static func zeros(_ count: Int) -> [Float] { [Float](repeating: 0, count: count) }

  /// A fresh array of `count` numbers, all `filled`, that the body writes.
  static func made(_ count: Int, filled: Float = 0, _ body: (UnsafeMutablePointer<Float>) -> Void) -> [Float]
  {
    var values = [Float](repeating: filled, count: max(count, 1))
    unsafe values.withUnsafeMutableBufferPointer { if let p = $0.baseAddress { unsafe body(p) } }
    return Array(values.prefix(count))
  }

  static func worst(_ a: [Float], _ b: [Double]) -> Double {
    a.count == b.count
      ? zip(a, b).reduce(0) { max($0, abs(Double($1.0) - $1.1) / max(1, abs($1.1))) } : .infinity
  }
}

struct KernelsElementwiseTests {
  static func truth(_ function: UnaryFunction, _ x: Double, _ p: Double) -> Double {
    switch function {
    case .exp: exp(x)
    case .log: log(x)
    case .tanh: tanh(x)
    case .sigmoid: 1 / (1 + exp(-x))
    case .softplus: log1p(exp(-abs(x))) + max(x, 0)
    case .relu: max(x, 0)
    case .gelu: x * 0.5 * erfc(-x / 2.0.squareRoot())
    case .geluTanh: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .silu: x / (1 + exp(-x))
    case .sqrt: x.squareRoot()
    case .reciprocalSqrt: 1 / x.squareRoot()
    case .square: x * x
    case .abs: abs(x)
    case .sign: x > 0 ? 1 : x < 0 ? -1 : 0
    case .sin: sin(x)
    case .cos: cos(x)
    case .erf: erf(x)
    case .negate: -x
    case .reciprocal: 1 / x
    case .leakyRelu: x < 0 ? p * x : x
    case .elu: x < 0 ? p * (exp(x) - 1) : x
    case .identity: x
    case .floor: x.rounded(.down)
    }
  }

  static func domain(_ function: UnaryFunction) -> [Float] {
    let positive = [.log, .sqrt, .reciprocalSqrt, .reciprocal].contains(function)
    return (0..<203).map { positive ? 0.01 + Float($0) * 0.05 : Float($0 - 101) * 0.0779 + 0.003 }
  }

  @Test("functions agree with double precision", arguments: UnaryFunction.allCases)
  func forward(function: UnaryFunction) {
    let x = Self.domain(function)
    let y = unsafe Buffers.made(x.count) { y in
      unsafe Kernels.unary(function, x.count, x, parameter: 0.3, into: y)
    }
    let truth = x.map { Self.truth(function, Double($0), 0.3) }
    #expect(Buffers.worst(y, truth) < 8e-7)
  }

  @Test("derivatives agree with central differences in double precision", arguments: UnaryFunction.allCases)
  func backward(function: UnaryFunction) {
    let x = Self.domain(function)
    let n = x.count
    let y = x.map { Float(Self.truth(function, Double($0), 0.3)) }
    let dy = x.indices.map { 1 + Float($0 % 7) }
    for accumulate in [false, true] {
      let dx = unsafe Buffers.made(n, filled: 5) { dx in
        unsafe Kernels.unaryBackward(
          function, n, x: x, y: y, parameter: 0.3, dy: dy, into: dx, accumulate: accumulate)
      }
      let h = 1e-5
      let truth = x.indices.map { i in
        (accumulate ? 5 : 0) + Double(dy[i])
          * (Self.truth(function, Double(x[i]) + h, 0.3) - Self.truth(function, Double(x[i]) - h, 0.3))
          / (2 * h)
      }
      #expect(Buffers.worst(dx, truth) < 5e-6)
    }
  }

  @Test func `erf, sine and cosine at the ends of their range`() {
    let x: [Float] = [-9, -3.9, -1e-9, 0, 1e-30, 0.927734375, 0.93, 2, 3.8, 40, .infinity]
    let erf = unsafe Buffers.made(x.count) { y in unsafe Kernels.unary(.erf, x.count, x, into: y) }
    for i in x.indices {
      let truth = Foundation.erf(Double(x[i]))
      #expect(abs(Double(erf[i]) - truth) <= 2e-7 * abs(truth))
    }
    let wide: [Float] = [-90000, -1234.5, -3.1415927, 0, 1.5707964, 100, 54321.12]
    let sine = unsafe Buffers.made(wide.count) { y in unsafe Kernels.unary(.sin, wide.count, wide, into: y) }
    let cosine = unsafe Buffers.made(wide.count) { y in unsafe Kernels.unary(.cos, wide.count, wide, into: y)
    }
    #expect(Buffers.worst(sine, wide.map { sin(Double($0)) }) < 3e-7)
    #expect(Buffers.worst(cosine, wide.map { cos(Double($0)) }) < 3e-7)
    let bad = unsafe Buffers.made(1) { y in unsafe Kernels.unary(.erf, 1, [Float.nan], into: y) }
    #expect(bad[0].isNaN)
  }

  static func truth(_ function: BinaryFunction, _ a: Float, _ b: Float) -> Float {
    switch function {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    case .maximum: max(a, b)
    case .minimum: min(a, b)
    case .greater: a > b ? 1 : 0
    case .greaterOrEqual: a >= b ? 1 : 0
    case .less: a < b ? 1 : 0
    case .lessOrEqual: a <= b ? 1 : 0
    case .equal: a == b ? 1 : 0
    case .notEqual: a != b ? 1 : 0
    }
  }

  @Test("operands broadcast as rows, columns and scalars", arguments: BinaryFunction.allCases)
  func broadcasting(function: BinaryFunction) {
    for (rows, columns) in [(1, 1), (1, 37), (5, 1), (4, 3), (50, 7), (9, 64), (700, 2), (3, 70)] {
      let a = (0..<rows * columns).map { Float(($0 * 7919) % 11) - 5 }
      let b = (0..<rows * columns).map { Float(($0 * 104_729) % 13) - 6.5 }
      let kinds: [Steps] = [.contiguous(columns), .oneRow, .oneColumn, .scalar, Steps(row: 1, column: rows)]
      for s in kinds {
        for t in [Steps.contiguous(columns), s == .contiguous(columns) ? .oneRow : s, .scalar] {
          for accumulate in [false, true] {
            let z = unsafe Buffers.made(rows * columns, filled: 2) { z in
              unsafe Kernels.binary(
                function, rows: rows, columns: columns, a, s, b, t, into: z, accumulate: accumulate)
            }
            let truth = (0..<rows * columns).map { i in
              let (r, c) = (i / columns, i % columns)
              return (accumulate ? 2 : 0)
                + Self.truth(function, a[r * s.row + c * s.column], b[r * t.row + c * t.column])
            }
            #expect(zip(z, truth).allSatisfy { abs($0 - $1) <= 1e-6 * max(1, abs($1)) })
          }
        }
      }
    }
  }

  @Test func `a NaN wins a maximum from either side`() {
    let z = unsafe Buffers.made(3) { z in
      unsafe Kernels.binary(.maximum, 3, [.nan, 1, 2], [1, .nan, 3], into: z)
    }
    #expect(z[0].isNaN && z[1].isNaN && z[2] == 3)
  }
}
