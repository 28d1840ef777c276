import Tensors
import Testing

struct KernelsProductTests {
  @Test(
    "products of small and packed sizes, all transposes, agree with their definition",
    arguments: [
      (1, 1, 1), (5, 3, 0), (7, 19, 33), (37, 64, 20), (40, 112, 420), (300, 130, 90), (33, 49, 400),
      (16, 16, 30),
      (17, 97, 1000),
    ])
  func sizes(m: Int, n: Int, k: Int) {
    var random = RandomStream(seed: 21)
    let (a, b, bias) = (random.normals(m * k), random.normals(k * n), random.normals(n))
    for ta in [false, true] {
      for tb in [false, true] {
        let truth = ProductTests.naive(m: m, n: n, k: k, a, ta, b, tb)
        let s = ta ? MatrixSteps.transposed(m) : .plain(k)
        let t = tb ? MatrixSteps.transposed(k) : .plain(n)
        let plain = unsafe Buffers.made(m * n, filled: 9) { c in
          unsafe Kernels.product(m: m, n: n, k: k, a, s, b, t, into: c)
        }
        #expect(Buffers.worst(plain, truth) < 1e-4)
        let added = unsafe Buffers.made(m * n, filled: 2) { c in
          unsafe Kernels.product(m: m, n: n, k: k, alpha: -0.5, a, s, b, t, into: c, accumulate: true)
        }
        #expect(Buffers.worst(added, truth.map { 2 - 0.5 * $0 }) < 1e-4)
        let shifted = unsafe Buffers.made(m * n) { c in
          unsafe Kernels.product(m: m, n: n, k: k, a, s, b, t, bias: bias, into: c)
        }
        #expect(Buffers.worst(shifted, truth.indices.map { truth[$0] + Double(bias[$0 % n]) }) < 1e-4)
      }
    }
  }

  @Test func `any part computed alone has the same bits`() {
    var random = RandomStream(seed: 22)
    let (m, n, k) = (70, 130, 450)
    let (a, b) = (random.normals(m * k), random.normals(k * n))
    for (s, t) in [
      (MatrixSteps.plain(k), MatrixSteps.plain(n)), (.transposed(m), .plain(n)), (.plain(k), .transposed(k)),
    ] {
      let whole = unsafe Buffers.made(m * n) { c in
        unsafe Kernels.product(m: m, n: n, k: k, a, s, b, t, into: c)
      }
      let parts = unsafe Buffers.made(m * n) { c in
        unsafe a.withUnsafeBufferPointer { a in
          unsafe b.withUnsafeBufferPointer { b in
            guard let a = a.baseAddress, let b = b.baseAddress else { return }
            for rows in [0..<3, 3..<40, 40..<70] {
              for columns in [0..<50, 50..<129, 129..<130] {
                unsafe Kernels.product(
                  m: rows.count, n: columns.count, k: k, a + rows.lowerBound * s.row, s,
                  b + columns.lowerBound * t.column, t, into: c + rows.lowerBound * n + columns.lowerBound,
                  rowStep: n)
              }
            }
          }
        }
      }
      #expect(whole == parts)
    }
  }

  @Test func `very large products have the same bits at any number of threads`() {
    var random = RandomStream(seed: 23)
    // Beyond the least size, with an odd end: rows in slabs, then columns.
    for (m, n, k) in [(1030, 1024, 960), (520, 2051, 960)] {
      let memory = [m * k, k * n, n, m * n, m * n].map { Storage(capacity: $0) }
      let (x, y) = (memory[0].view([m, k]), memory[1].view([n, k]))
      for view in [x, y, memory[2].view([n])] { random.fill(view, .normal) }
      for (which, count) in [(3, 1), (4, 2)] {
        Product.multiply(
          x, y.transposed(), factor: 0.5, bias: memory[2].view([n]), into: memory[which].view([m, n]),
          workers: Workers(count: count))
      }
      let (one, two) = (memory[3].view([m, n]), memory[4].view([m, n]))
      #expect(one.values == two.values)
      for (i, j) in [(0, 0), (m - 1, n - 1), (511, 512), (513, 7)] {
        let (left, right) = (x.sliced(0, from: i, count: 1).values, y.sliced(0, from: j, count: 1).values)
        let truth = zip(left, right).reduce(0.0) { $0 + 0.5 * Double($1.0) * Double($1.1) }
        let mine = one.sliced(0, from: i, count: 1).sliced(1, from: j, count: 1).scalar
        let bias = memory[2].view([n]).sliced(0, from: j, count: 1).scalar
        #expect(abs(Double(mine) - truth - Double(bias)) < 1e-3)
      }
    }
  }
}
