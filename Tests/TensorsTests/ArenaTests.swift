import Tensors
import Testing

/// Every fused kernel against its definition in plain Swift, for widths that fill no whole vector too.
struct ArenaTests {
  static func close(_ a: [Float], _ b: [Float], _ tolerance: Float = 1e-4) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * max(1, abs($1)) }
  }

  @Test("rows are standardised, bounded and masked", arguments: [1, 7, 16, 33])
  func standardise(columns: Int) {
    var random = RandomStream(seed: 1)
    let rows = 5
    let x = random.normals((rows + 2) * columns).map { $0 * 3 }
    let mask = random.uniforms((rows + 2) * columns).map { $0 < 0.3 ? Float(0) : 1 }
    let (shift, scale) = (random.normals(columns), random.uniforms(columns))
    var arena = Arena()
    let z = arena.reserve(rows * columns)
    for mask in [nil, mask] {
      arena.standardise(x, mask: mask, first: 2, rows: rows, shift: shift, scale: scale, bound: 1.5, into: z)
      let truth = (0..<rows * columns).map { i in
        mask?[2 * columns + i] == 0
          ? 0 : max(-1.5, min(1.5, (x[2 * columns + i] - shift[i % columns]) * scale[i % columns]))
      }
      #expect(Self.close(arena[z], truth))
    }
  }

  @Test("squared errors by rows", arguments: [1, 7, 16, 33])
  func squaredErrors(columns: Int) {
    var random = RandomStream(seed: 2)
    let rows = 6
    var arena = Arena()
    let (x, y) = (arena.reserve(rows * columns), arena.reserve(rows * columns))
    let (sum, count) = (arena.reserve(rows), arena.reserve(rows))
    arena[x] = random.normals(rows * columns)
    arena[y] = random.normals(rows * columns)
    let weight = random.uniforms(columns)
    let mask = random.uniforms((rows + 1) * columns).map { $0 < 0.3 ? Float(0) : 1 }
    let (a, b) = (arena[x], arena[y])
    for (mask, weight, other) in [
      (nil, nil, false), (mask, nil, true), (nil, weight, true), (mask, weight, true), (mask, weight, false),
    ] {
      arena.squaredErrorRows(
        rows: rows, columns: columns, x, other ? y : nil, weight: weight, mask: mask, first: 1, sum: sum,
        count: count)
      var (sums, counts) = ([Float](repeating: 0, count: rows), [Float](repeating: 0, count: rows))
      for i in 0..<rows * columns where mask?[columns + i] != 0 {
        let d = a[i] - (other ? b[i] : 0)
        sums[i / columns] += d * d * (weight?[i % columns] ?? 1)
        counts[i / columns] += 1
      }
      #expect(Self.close(arena[sum], sums) && arena[count] == counts)
    }
  }

  @Test("the masked error and its derivative", arguments: [1, 7, 16, 33])
  func maskedError(columns: Int) {
    var random = RandomStream(seed: 3)
    let rows = 4
    var arena = Arena()
    let regions = (0..<4).map { _ in arena.reserve(rows * columns) }
    arena[regions[0]] = random.normals(rows * columns)
    arena[regions[1]] = random.normals(rows * columns)
    arena[regions[2]] = random.uniforms(rows * columns).map { $0 < 0.3 ? Float(0) : 1 }
    for masked in [false, true] {
      let total = arena.maskedError(
        rows: rows, columns: columns, target: regions[0], output: regions[1], mask: masked ? regions[2] : nil,
        delta: regions[3])
      let (x, y, mask) = (arena[regions[0]], arena[regions[1]], arena[regions[2]])
      let delta = x.indices.map { (y[$0] - x[$0]) * (masked ? mask[$0] : 1) }
      #expect(Self.close(arena[regions[3]], delta))
      #expect(Self.close([total], [delta.reduce(0) { $0 + $1 * $1 }]))
    }
  }

  @Test("functions of one, sums and affine maps, by rows", arguments: [1, 7, 16, 33])
  func rows(columns: Int) {
    var random = RandomStream(seed: 4)
    let rows = 3
    var arena = Arena()
    let (x, noise) = (arena.reserve(rows * columns), arena.reserve(rows * columns))
    let (shift, scale, sum) = (arena.reserve(columns), arena.reserve(columns), arena.reserve(rows))
    let values = random.normals(rows * columns)
    arena[noise] = random.normals(rows * columns)
    arena[shift] = random.normals(columns)
    arena[scale] = random.normals(columns)
    let (e, b, s) = (arena[noise], arena[shift], arena[scale])

    arena[x] = values
    arena.softplusSumRows(rows: rows, columns: columns, x, sum: sum)
    let soft = VectorMath.softplus(values)
    #expect(Self.close(arena[sum], (0..<rows).map { soft[$0 * columns..<($0 + 1) * columns].reduce(0, +) }))
    arena.affineRows(rows: rows, columns: columns, x, shift: shift, scale: scale, noise: noise)
    #expect(
      Self.close(arena[x], values.indices.map { b[$0 % columns] + s[$0 % columns] * (values[$0] + e[$0]) }))
    arena[x] = values
    arena.scaleRows(rows: rows, columns: columns, x, by: scale)
    #expect(Self.close(arena[x], values.indices.map { s[$0 % columns] * values[$0] }))
    arena[x] = values
    arena.columnSums(rows: rows, columns: columns, x, scale: -2, into: shift)
    #expect(
      Self.close(arena[shift], VectorMath.columnSums(values, rows: rows, columns: columns).map { -2 * $0 }))
    arena.tanh(x)
    #expect(arena[x] == VectorMath.tanh(values))
    arena[x] = values
    arena.add(x, noise, factor: 3)
    arena.multiply(x, by: noise)
    #expect(Self.close(arena[x], values.indices.map { (values[$0] + 3 * e[$0]) * e[$0] }))
  }

  @Test func `rows are gathered from a matrix that lies elsewhere`() {
    var arena = Arena()
    _ = arena.reserve(3)
    let region = arena.reserve(4)
    arena.gather([0, 1, 2, 3, 4, 5], columns: 2, rows: [2, 0], into: region)
    #expect(arena[region] == [4, 5, 0, 1])
    #expect(arena.count == 7)
  }

  /// Algorithm 1 of Kingma & Ba 2015 in double precision.
  @Test func `Adam follows its algorithm`() {
    var random = RandomStream(seed: 5)
    var arena = Arena()
    let n = 37
    let regions = (0..<4).map { _ in arena.reserve(n) }
    arena[regions[0]] = random.normals(n)
    var (w, m, v) = (
      arena[regions[0]].map(Double.init), [Double](repeating: 0, count: n), [Double](repeating: 0, count: n)
    )
    for step in 1...5 {
      let g = random.normals(n)
      arena[regions[1]] = g
      arena.adam(
        regions[0], gradient: regions[1], first: regions[2], second: regions[3], rate: 0.01, beta1: 0.9,
        beta2: 0.999, epsilon: 1e-8, step: step, scale: 0.5, decay: 0.1)
      var (power1, power2) = (1.0, 1.0)
      for _ in 0..<step { (power1, power2) = (power1 * 0.9, power2 * 0.999) }
      for i in 0..<n {
        let gradient = 0.5 * Double(g[i]) + 0.1 * w[i]
        m[i] = 0.9 * m[i] + 0.1 * gradient
        v[i] = 0.999 * v[i] + 0.001 * gradient * gradient
        w[i] -= 0.01 * (m[i] / (1 - power1)) / ((v[i] / (1 - power2)).squareRoot() + 1e-8)
      }
    }
    #expect(Self.close(arena[regions[0]], w.map(Float.init), 1e-5))
  }
}
