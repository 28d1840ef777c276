import Foundation
import Tensors
import Testing

struct KernelsNormalisationTests {
  /// Normalises sets of indices: `y = (x - mean)/√(variance + ε)`.
  static func normalised(_ x: [Double], _ sets: [[Int]], _ epsilon: Double) -> [Double] {
    var y = x
    for set in sets {
      let mean = set.reduce(0) { $0 + x[$1] } / Double(set.count)
      let variance = set.reduce(0) { $0 + (x[$1] - mean) * (x[$1] - mean) } / Double(set.count)
      for i in set { y[i] = (x[i] - mean) / (variance + epsilon).squareRoot() }
    }
    return y
  }

  /// ∂/∂x of `Σ dy · gain · normalised(x)` by central differences.
  static func slopes(_ x: [Double], _ sets: [[Int]], _ weight: [Double]) -> [Double] {
    x.indices.map { i in
      var (up, down) = (x, x)
      up[i] += 1e-5
      down[i] -= 1e-5
      let set = sets.filter { $0.contains(i) }
      let (a, b) = (normalised(up, set, 1e-5), normalised(down, set, 1e-5))
      return set[0].reduce(0) { $0 + weight[$1] * (a[$1] - b[$1]) } / 2e-5
    }
  }

  @Test(
    "layer, group and instance norm, forwards and backwards",
    arguments: [(3, 1, 37, 1), (4, 2, 3, 5), (6, 3, 1, 20), (2, 1, 16, 1)])
  func rows(rows: Int, groups: Int, channels: Int, spatial: Int) {
    var random = RandomStream(seed: 15)
    let shape = RowNorm(groups: groups, channels: channels, spatial: spatial)
    let n = shape.width
    let x = random.normals(rows * n).map { $0 * 2 + 1 }
    let dy = random.normals(rows * n)
    let (gain, shift) = (random.normals(groups * channels), random.normals(groups * channels))
    let channel = (0..<rows * n).map { $0 / n % groups * channels + $0 % n / spatial }
    let sets = (0..<rows).map { r in Array(r * n..<(r + 1) * n) }
    let hat = Self.normalised(x.map(Double.init), sets, 1e-5)
    for affine in [true, false] {
      var (mean, scale) = (Buffers.zeros(rows), Buffers.zeros(rows))
      let y = unsafe Buffers.made(rows * n) { y in
        unsafe Kernels.normaliseRows(
          rows: rows, shape, x, epsilon: 1e-5, gain: affine ? gain : nil, shift: affine ? shift : nil,
          into: y, mean: &mean, scale: &scale)
      }
      let truth = hat.indices.map {
        affine ? hat[$0] * Double(gain[channel[$0]]) + Double(shift[channel[$0]]) : hat[$0]
      }
      #expect(Buffers.worst(y, truth) < 5e-6)
      let weight = dy.indices.map { Double(dy[$0]) * (affine ? Double(gain[channel[$0]]) : 1) }
      let slopes = Self.slopes(x.map(Double.init), sets, weight)
      let dx = unsafe Buffers.made(rows * n, filled: 1) { dx in
        unsafe Kernels.normaliseRowsBackward(
          rows: rows, shape, x, mean: mean, scale: scale, gain: affine ? gain : nil, dy: dy, into: dx,
          accumulate: true)
      }
      #expect(Buffers.worst(dx, slopes.map { 1 + $0 }) < 2e-5)
      var dShift = [Float](repeating: 1, count: gain.count)
      let dGain = unsafe Buffers.made(gain.count, filled: 1) { dGain in
        unsafe Kernels.normaliseRowsParameters(
          rows: rows, shape, x, mean: mean, scale: scale, dy: dy, addToGain: dGain, shift: &dShift)
      }
      var (g, b) = ([Double](repeating: 1, count: gain.count), [Double](repeating: 1, count: gain.count))
      for i in hat.indices {
        g[channel[i]] += Double(dy[i]) * hat[i]
        b[channel[i]] += Double(dy[i])
      }
      #expect(Buffers.worst(dGain, g) < 1e-5 && Buffers.worst(dShift, b) < 1e-5)
    }
  }
}
