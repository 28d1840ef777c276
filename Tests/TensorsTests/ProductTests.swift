import Tensors
import Testing

struct ProductTests {
  /// The definition, in double precision.
  static func naive(m: Int, n: Int, k: Int, _ a: [Float], _ ta: Bool, _ b: [Float], _ tb: Bool) -> [Double] {
    var c = [Double](repeating: 0, count: m * n)
    for i in 0..<m {
      for j in 0..<n {
        for p in 0..<k {
          c[i * n + j] += Double(ta ? a[p * m + i] : a[i * k + p]) * Double(tb ? b[j * k + p] : b[p * n + j])
        }
      }
    }
    return c
  }

  @Test(
    "products agree with their definition for all transposes and odd shapes",
    arguments: [
      (1, 1, 1), (3, 5, 7), (8, 16, 4), (9, 17, 5), (64, 12, 32), (13, 65, 33), (2, 100, 1), (31, 49, 0),
    ])
  func small(m: Int, n: Int, k: Int) {
    var random = RandomStream(seed: 3)
    let (a, b, c) = (random.normals(m * k), random.normals(k * n), random.normals(m * n))
    for ta in [false, true] {
      for tb in [false, true] {
        for accumulate in [false, true] {
          var result = c
          Product.multiply(
            m: m, n: n, k: k, a, transposed: ta, b, otherTransposed: tb, into: &result, accumulate: accumulate
          )
          let truth = Self.naive(m: m, n: n, k: k, a, ta, b, tb)
          for i in truth.indices {
            #expect(abs(Double(result[i]) - truth[i] - (accumulate ? Double(c[i]) : 0)) < 1e-4)
          }
        }
      }
    }
  }

  @Test func `a large product goes through OpenBLAS and agrees`() {
    var random = RandomStream(seed: 4)
    let (m, n, k) = (130, 170, 190)
    let (a, b) = (random.normals(m * k), random.normals(k * n))
    for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
      var result = [Float](repeating: 0, count: m * n)
      Product.multiply(m: m, n: n, k: k, a, transposed: ta, b, otherTransposed: tb, into: &result)
      let truth = Self.naive(m: m, n: n, k: k, a, ta, b, tb)
      let worst = zip(result, truth).map { abs(Double($0) - $1) }.max() ?? 1
      #expect(worst < 1e-3)
    }
  }

  @Test func `parts of arrays are named by their offset`() {
    let a: [Float] = [9, 9, 1, 2, 3, 4]
    let b: [Float] = [9, 1, 0, 0, 1]
    var c = [Float](repeating: -1, count: 6)
    Product.multiply(m: 2, n: 2, k: 2, a, at: 2, b, otherAt: 1, into: &c, at: 1)
    #expect(c == [-1, 1, 2, 3, 4, -1])
  }

  @Test func `a Cholesky factor gives the matrix back, and a singular one still has a factor`() {
    let a: [Double] = [4, 2, 0.6, 2, 3, 0.4, 0.6, 0.4, 1]
    let l = Cholesky.factor(a, n: 3, jitter: 0).map(Double.init)
    for i in 0..<3 {
      for j in 0..<3 {
        let product = (0..<3).reduce(0) { $0 + l[i * 3 + $1] * l[j * 3 + $1] }
        #expect(abs(product - a[i * 3 + j]) < 1e-5)
      }
    }
    #expect(Cholesky.factor([1, 1, 1, 1], n: 2).allSatisfy { $0.isFinite })
    #expect(Cholesky.factor([0, 0, 0, 0], n: 2).allSatisfy { $0.isFinite })
  }
}

struct ProcessorTests {
  @Test func `a kernel below what the processor offers is told from one that is right`() {
    let skx: Processor.Features = [.avx2, .avx512]
    #expect(Processor.betterKernel(than: "Prescott", with: skx) == "SkylakeX")
    #expect(Processor.betterKernel(than: "Haswell", with: skx) == "SkylakeX")
    #expect(Processor.betterKernel(than: "Prescott", with: [.avx2]) == "Haswell")
    #expect(Processor.betterKernel(than: "SkylakeX", with: skx) == nil)
    #expect(Processor.betterKernel(than: "Cooperlake", with: skx) == nil)
    #expect(Processor.betterKernel(than: "Zen", with: skx) == nil)
    #expect(Processor.betterKernel(than: "Haswell", with: [.avx2]) == nil)
    #expect(Processor.betterKernel(than: "Prescott", with: []) == nil)
  }

  @Test func `the kernel in use has a name and the summary says it`() {
    #expect(!Processor.kernel.isEmpty)
    #expect(Processor.summary.contains(Processor.kernel))
  }
}
