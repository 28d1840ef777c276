import Foundation
import Tensors
import Testing

struct KernelsRecurrentTests {
  static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  /// One LSTM cell in double precision: gates i, f, g, o.
  static func lstm(_ g: [Double], _ before: [Double]) -> (hidden: [Double], cell: [Double]) {
    let n = before.count
    let cell = (0..<n).map { c in
      sigmoid(g[n + c]) * before[c] + sigmoid(g[c]) * tanh(g[2 * n + c])
    }
    return ((0..<n).map { sigmoid(g[3 * n + $0]) * tanh(cell[$0]) }, cell)
  }

  @Test func `an LSTM cell forwards and backwards`() {
    var random = RandomStream(seed: 41)
    let (rows, n) = (3, 21)
    let sums = random.normals(rows * 4 * n)
    let before = random.normals(rows * n)
    let (weightHidden, weightCell) = (random.normals(rows * n), random.normals(rows * n))
    var (gates, cell, hidden) = (sums, Buffers.zeros(rows * n), Buffers.zeros(rows * n))
    unsafe Kernels.lstm(
      rows: rows, n: n, gates: WritableRows(&gates, step: 4 * n), before: Rows(before, step: n),
      cell: WritableRows(&cell, step: n), hidden: WritableRows(&hidden, step: n))
    var dCell = weightCell
    var dGates = Buffers.zeros(rows * 4 * n)
    unsafe Kernels.lstmBackward(
      rows: rows, n: n, gates: Rows(gates, step: 4 * n), before: Rows(before, step: n),
      cell: Rows(cell, step: n), dHidden: Rows(weightHidden, step: n), dCell: WritableRows(&dCell, step: n),
      dGates: WritableRows(&dGates, step: 4 * n))
    for r in 0..<rows {
      let g = sums[r * 4 * n..<(r + 1) * 4 * n].map(Double.init)
      let b = before[r * n..<(r + 1) * n].map(Double.init)
      func loss(_ g: [Double], _ b: [Double]) -> Double {
        let out = Self.lstm(g, b)
        return (0..<n).reduce(0) {
          $0 + Double(weightHidden[r * n + $1]) * out.hidden[$1] + Double(weightCell[r * n + $1])
            * out.cell[$1]
        }
      }
      let out = Self.lstm(g, b)
      #expect(Buffers.worst(Array(hidden[r * n..<(r + 1) * n]), out.hidden) < 1e-6)
      #expect(Buffers.worst(Array(cell[r * n..<(r + 1) * n]), out.cell) < 1e-6)
      let slopes = Self.slopes(g) { loss($0, b) }
      #expect(Buffers.worst(Array(dGates[r * 4 * n..<(r + 1) * 4 * n]), slopes) < 1e-5)
      let slopesBefore = Self.slopes(b) { loss(g, $0) }
      #expect(Buffers.worst(Array(dCell[r * n..<(r + 1) * n]), slopesBefore) < 1e-5)
    }
  }

  static func slopes(_ x: [Double], _ f: ([Double]) -> Double) -> [Double] {
    x.indices.map { i in
      var (up, down) = (x, x)
      up[i] += 1e-5
      down[i] -= 1e-5
      return (f(up) - f(down)) / 2e-5
    }
  }

  static func gru(_ x: [Double], _ h: [Double], _ before: [Double]) -> [Double] {
    let n = before.count
    return (0..<n).map { c in
      let (r, z) = (sigmoid(x[c] + h[c]), sigmoid(x[n + c] + h[n + c]))
      return (1 - z) * tanh(x[2 * n + c] + r * h[2 * n + c]) + z * before[c]
    }
  }

  @Test func `a GRU cell forwards and backwards`() {
    var random = RandomStream(seed: 42)
    let (rows, n) = (2, 19)
    let (x, h) = (random.normals(rows * 3 * n), random.normals(rows * 3 * n))
    let (before, weight) = (random.normals(rows * n), random.normals(rows * n))
    var (kept, hidden) = (x, Buffers.zeros(rows * n))
    unsafe Kernels.gru(
      rows: rows, n: n, x: WritableRows(&kept, step: 3 * n), h: Rows(h, step: 3 * n),
      before: Rows(before, step: n), hidden: WritableRows(&hidden, step: n))
    var (dX, dH) = (Buffers.zeros(rows * 3 * n), Buffers.zeros(rows * 3 * n))
    var dBefore = [Float](repeating: 1, count: rows * n)
    unsafe Kernels.gruBackward(
      rows: rows, n: n, x: Rows(kept, step: 3 * n), h: Rows(h, step: 3 * n), before: Rows(before, step: n),
      dHidden: Rows(weight, step: n), dX: WritableRows(&dX, step: 3 * n), dH: WritableRows(&dH, step: 3 * n),
      dBefore: WritableRows(&dBefore, step: n), accumulate: true)
    for r in 0..<rows {
      let (wide, thin) = (r * 3 * n..<(r + 1) * 3 * n, r * n..<(r + 1) * n)
      let (a, b, c) = (x[wide].map(Double.init), h[wide].map(Double.init), before[thin].map(Double.init))
      func loss(_ a: [Double], _ b: [Double], _ c: [Double]) -> Double {
        zip(Self.gru(a, b, c), weight[thin]).reduce(0) { $0 + $1.0 * Double($1.1) }
      }
      #expect(Buffers.worst(Array(hidden[thin]), Self.gru(a, b, c)) < 1e-6)
      #expect(Buffers.worst(Array(dX[wide]), Self.slopes(a) { loss($0, b, c) }) < 1e-5)
      #expect(Buffers.worst(Array(dH[wide]), Self.slopes(b) { loss(a, $0, c) }) < 1e-5)
      #expect(Buffers.worst(Array(dBefore[thin]), Self.slopes(c) { loss(a, b, $0) }.map { 1 + $0 }) < 1e-5)
    }
  }
}

struct KernelsAttentionTests {
  struct Truth {
    let shape: AttentionShape
    func out(_ q: [Double], _ k: [Double], _ v: [Double]) -> [Double] {
      let (n, m, w) = (shape.queries, shape.keys, shape.width)
      var out = [Double](repeating: 0, count: n * w)
      for i in 0..<n {
        let seen = shape.isCausal ? i + m - n + 1 : m
        let e = (0..<seen).map { j in
          exp(Double(shape.scale) * (0..<w).reduce(0) { $0 + q[i * w + $1] * k[j * w + $1] })
        }
        let total = e.reduce(0, +)
        for j in 0..<seen { for c in 0..<w { out[i * w + c] += e[j] / total * v[j * w + c] } }
      }
      return out
    }
  }

  @Test(
    "attention of one head forwards and backwards",
    arguments: [(5, 5, 7, true), (6, 9, 4, false), (1, 12, 16, true), (34, 36, 2, true), (33, 33, 1, false)])
  func head(queries: Int, keys: Int, width: Int, isCausal: Bool) {
    let shape = AttentionShape(queries: queries, keys: keys, width: width, isCausal: isCausal)
    let truth = Truth(shape: shape)
    var random = RandomStream(seed: 43)
    let (q, k, v) = (
      random.normals(queries * width), random.normals(keys * width), random.normals(keys * width)
    )
    let d = random.normals(queries * width)
    // In memory, heads are interleaved: rows of 2 · width of which this head is the second half.
    let step = 2 * width
    func interleaved(_ x: [Float], _ rows: Int) -> [Float] {
      (0..<rows * step).map { $0 % step < width ? 99 : x[$0 / step * width + $0 % step - width] }
    }
    func taken(_ x: [Float]) -> [Float] { x.indices.filter { $0 % step >= width }.map { x[$0] } }
    let (a, b, c) = (interleaved(q, queries), interleaved(k, keys), interleaved(v, keys))
    let e = interleaved(d, queries)
    var p = [Float](repeating: .nan, count: queries * keys)
    var space = p
    var out = [Float](repeating: 5, count: queries * step)
    var (dQ, dK, dV) = (
      out, [Float](repeating: 5, count: keys * step), [Float](repeating: 5, count: keys * step)
    )
    func rows(_ x: UnsafePointer<Float>) -> Rows { unsafe Rows(x + width, step: step) }
    func written(_ x: UnsafeMutablePointer<Float>) -> WritableRows {
      unsafe WritableRows(x + width, step: step)
    }
    unsafe Kernels.attention(shape, q: rows(a), k: rows(b), v: rows(c), p: &p, into: written(&out))
    unsafe Kernels.attentionBackward(
      shape, q: rows(a), k: rows(b), v: rows(c), p: p, dOut: rows(e), addToQ: written(&dQ), k: written(&dK),
      v: written(&dV), space: &space)
    let (x, y, z) = (q.map(Double.init), k.map(Double.init), v.map(Double.init))
    #expect(Buffers.worst(taken(out), truth.out(x, y, z)) < 2e-6)
    #expect(out[0] == 5 && dK[0] == 5)
    func loss(_ x: [Double], _ y: [Double], _ z: [Double]) -> Double {
      zip(truth.out(x, y, z), d).reduce(0) { $0 + $1.0 * Double($1.1) }
    }
    let slopes = KernelsRecurrentTests.slopes
    #expect(Buffers.worst(taken(dQ), slopes(x) { loss($0, y, z) }.map { 5 + $0 }) < 1e-5)
    #expect(Buffers.worst(taken(dK), slopes(y) { loss(x, $0, z) }.map { 5 + $0 }) < 1e-5)
    #expect(Buffers.worst(taken(dV), slopes(z) { loss(x, y, $0) }.map { 5 + $0 }) < 1e-5)
  }

  @Test func `masked softmax of scores`() {
    var x: [Float] = [1, 9, 9, 1, 2, 9, 3, 3, 3]
    unsafe Kernels.maskedSoftmax(queries: 3, keys: 3, scale: 2, isCausal: true, &x)
    let e = exp(2.0)
    let truth = [1, 0, 0, 1 / (1 + e), e / (1 + e), 0, 1.0 / 3, 1.0 / 3, 1.0 / 3]
    #expect(Buffers.worst(x, truth) < 1e-6)
  }
}
