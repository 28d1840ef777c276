import Glibc
import Tensors
import Testing

/// Distance in units in the last place of the float nearest to the truth.
func ulps(_ y: Float, _ truth: Double) -> Double {
  let nearest = Float(truth)
  if y == nearest { return 0 }
  return abs(Double(y) - truth) / Double(max(abs(nearest).ulp, .leastNormalMagnitude))
}

struct ElementaryCase: Sendable, CustomTestStringConvertible {
  let name: String
  let function: @Sendable ([Float]) -> [Float]
  let truth: @Sendable (Double) -> Double
  let range: ClosedRange<Float>
  let tolerance: Double
  var testDescription: String { name }

  static let all = [
    ElementaryCase(
      name: "exp", function: VectorMath.exp, truth: { Glibc.exp($0) }, range: -87...88, tolerance: 1.1),
    ElementaryCase(
      name: "log", function: { VectorMath.log($0.map(abs)) }, truth: { Glibc.log(abs($0)) },
      range: -1000...1000,
      tolerance: 1.1),
    ElementaryCase(
      name: "tanh", function: VectorMath.tanh, truth: { Glibc.tanh($0) }, range: -12...12, tolerance: 2.5),
    ElementaryCase(
      name: "sigmoid", function: VectorMath.sigmoid, truth: { 1 / (1 + Glibc.exp(-$0)) }, range: -80...80,
      tolerance: 3),
    ElementaryCase(
      name: "softplus", function: VectorMath.softplus,
      truth: { max($0, 0) + Glibc.log1p(Glibc.exp(-abs($0))) }, range: -80...80, tolerance: 4),
  ]
}

struct VectorMathTests {
  @Test("within a few units in the last place of the double-precision truth", arguments: ElementaryCase.all)
  func accuracy(of function: ElementaryCase) {
    var random = RandomStream(seed: 1)
    let span = function.range.upperBound - function.range.lowerBound
    // Wide, near zero, and a length that fills no whole vector.
    let x =
      random.uniforms(20_001).map { function.range.lowerBound + span * $0 }
      + random.normals(10_003) + random.normals(5_000).map { $0 * 1e-4 }
    let worst = zip(function.function(x), x).map { ulps($0, function.truth(Double($1))) }.max() ?? .infinity
    #expect(worst <= function.tolerance)
  }

  @Test func `NaN passes through and infinities give their limits`() {
    let x: [Float] = [.nan, .infinity, -.infinity]
    func same(_ a: [Float], _ b: [Float]) -> Bool {
      zip(a, b).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }
    }
    #expect(same(VectorMath.exp(x), [.nan, .infinity, 0]))
    #expect(same(VectorMath.log(x), [.nan, .infinity, .nan]))
    #expect(same(VectorMath.tanh(x), [.nan, 1, -1]))
    #expect(same(VectorMath.sigmoid(x), [.nan, 1, 0]))
    #expect(same(VectorMath.softplus(x), [.nan, .infinity, 0]))
  }

  @Test func `saturation is exact, and results below the normal range come out right`() {
    #expect(VectorMath.exp([0, 89, -110]) == [1, .infinity, 0])
    #expect(ulps(VectorMath.exp([-95])[0], Glibc.exp(-95.0)) <= 1)
    #expect(VectorMath.log([1, 0, -1])[1] == -.infinity && VectorMath.log([1, 0, -1])[2].isNaN)
    #expect(VectorMath.tanh([0, 30, -30]) == [0, 1, -1])
    #expect(VectorMath.tanh([-0.0])[0].sign == .minus)
    #expect(VectorMath.sigmoid([200, -200, 0]) == [1, 0, 0.5])
    #expect(VectorMath.softplus([500, -500]) == [500, 0])
  }

  @Test func `log-sum-exp neither overflows nor underflows`() {
    #expect(abs(VectorMath.logSumExp([1000, 1000]) - (1000 + Glibc.logf(2))) < 1e-3)
    #expect(abs(VectorMath.logSumExp([-1000, -1001]) + 1000 - Glibc.log1pf(Glibc.expf(-1))) < 1e-3)
    #expect(VectorMath.logSumExp([]) == -.infinity)
  }

  @Test("sums, maxima and dot products of any length", arguments: [0, 1, 15, 16, 17, 100, 1000])
  func reductions(count: Int) {
    var random = RandomStream(seed: 2)
    let (x, y) = (random.normals(count), random.normals(count))
    #expect(abs(Double(VectorMath.sum(x)) - x.reduce(0) { $0 + Double($1) }) < 1e-4)
    #expect(
      abs(Double(VectorMath.dot(x, y)) - zip(x, y).reduce(0) { $0 + Double($1.0) * Double($1.1) }) < 1e-3)
    #expect(VectorMath.maximum(x) == x.max() ?? -.infinity)
    #expect(VectorMath.maximum(x + [.nan] + y).isNaN)
    #expect(VectorMath.allFinite(x))
    #expect(!VectorMath.allFinite(x + [.infinity]))
  }

  @Test func `a matrix is transposed and its columns summed`() {
    let x = (0..<11 * 19).map(Float.init)
    let t = VectorMath.transpose(x, rows: 11, columns: 19)
    for i in 0..<11 { for j in 0..<19 { #expect(t[j * 11 + i] == x[i * 19 + j]) } }
    let sums = VectorMath.columnSums(x, rows: 11, columns: 19)
    #expect(sums[3] == (0..<11).reduce(0) { $0 + x[$1 * 19 + 3] })
  }
}
