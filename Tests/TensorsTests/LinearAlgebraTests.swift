import Tensors
import Testing

struct LinearAlgebraTests {
  static func positive(_ n: Int, _ random: inout RandomStream) -> [Float] {
    let g = random.normals(n * n)
    var a = ProductTests.naive(m: n, n: n, k: n, g, false, g, true).map(Float.init)
    for i in 0..<n { a[i * n + i] += 1 }
    return a
  }

  @Test("a Cholesky factor gives the matrix back, and triangles are solved", arguments: [1, 2, 17, 60])
  func cholesky(n: Int) throws {
    var random = RandomStream(seed: 61)
    let a = Self.positive(n, &random)
    let l = try LinearAlgebra.cholesky(a, n: n)
    for i in 0..<n { for j in i + 1..<max(n, i + 1) { #expect(l[i * n + j] == 0) } }
    let back = ProductTests.naive(m: n, n: n, k: n, l, false, l, true)
    #expect(Buffers.worst(a, back) < 1e-5)
    let b = random.normals(n * 3)
    for transposed in [false, true] {
      let x = try LinearAlgebra.solve(triangle: l, n: n, isLower: true, transposed: transposed, b, columns: 3)
      #expect(Buffers.worst(b, ProductTests.naive(m: n, n: 3, k: n, l, transposed, x, false)) < 1e-4)
    }
  }

  @Test func `matrices that have no factor say why`() {
    #expect(throws: LinearAlgebraError.notPositiveDefinite(order: 2, size: 2)) {
      try LinearAlgebra.cholesky([1, 2, 2, 1], n: 2)
    }
    #expect(throws: LinearAlgebraError.notFinite(operation: "a Cholesky factor")) {
      try LinearAlgebra.cholesky([.nan], n: 1)
    }
    #expect(throws: LinearAlgebraError.singular(index: 1, size: 2)) {
      try LinearAlgebra.solve(triangle: [1, 0, 1, 0], n: 2, isLower: true, [1, 1], columns: 1)
    }
    #expect("\(LinearAlgebraError.notPositiveDefinite(order: 2, size: 3))".contains("order 2"))
  }

  /// Eigenvalues 1 and 3 with (1, -1)/√2 and (1, 1)/√2.
  @Test func `eigenvalues and eigenvectors of symmetric matrices`() throws {
    let small = try LinearAlgebra.symmetricEigen([2, 99, 1, 2], n: 2)
    #expect(Buffers.worst(small.values, [1, 3]) < 1e-6)
    #expect(abs(abs(small.vectors[2]) - Float(0.5).squareRoot()) < 1e-6)
    var random = RandomStream(seed: 62)
    let n = 40
    let a = Self.positive(n, &random)
    let (values, vectors) = try LinearAlgebra.symmetricEigen(a, n: n)
    #expect(values == values.sorted())
    var scaled = vectors
    for i in 0..<n { for j in 0..<n { scaled[i * n + j] *= values[i] } }
    #expect(Buffers.worst(a, ProductTests.naive(m: n, n: n, k: n, scaled, true, vectors, false)) < 1e-4)
  }

  @Test("singular values, tall, wide and square", arguments: [(7, 3), (3, 7), (30, 30), (1, 5), (5, 1)])
  func singular(rows: Int, columns: Int) throws {
    var random = RandomStream(seed: 63)
    let a = random.normals(rows * columns)
    let (u, s, vt) = try LinearAlgebra.singularValues(a, rows: rows, columns: columns)
    let r = min(rows, columns)
    #expect(s == s.sorted(by: >) && s.allSatisfy { $0 >= 0 })
    var scaled = u
    for i in 0..<rows { for j in 0..<r { scaled[i * r + j] *= s[j] } }
    let back = ProductTests.naive(m: rows, n: columns, k: r, scaled, false, vt, false)
    #expect(Buffers.worst(a, back) < 1e-5)
    let unit = ProductTests.naive(m: r, n: r, k: rows, u, true, u, false)
    for i in 0..<r { for j in 0..<r { #expect(abs(unit[i * r + j] - (i == j ? 1 : 0)) < 1e-5) } }
  }
}
