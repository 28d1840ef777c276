import Glibc
import Tensors
import Testing

struct RandomStreamTests {
  /// The known answers of Random123 (tests/kat_vectors, philox4x32 with 10 rounds).
  @Test func `Philox gives the known answers`() {
    #expect(
      Philox.block(counter: 0, stream: 0, key: 0) == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    #expect(
      Philox.block(counter: .max, stream: .max, key: .max) == [
        0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd,
      ])
    #expect(
      Philox.block(counter: 0x85a3_08d3_243f_6a88, stream: 0x0370_7344_1319_8a2e, key: 0x299f_31d0_a409_3822)
        == [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
  }

  @Test func `many blocks at once are the single blocks in order`() {
    let words = Philox.words(blocks: 37, from: 5, stream: 6, key: 7)
    #expect(words == (0..<37).flatMap { Philox.block(counter: 5 + $0, stream: 6, key: 7) })
  }

  @Test func `the same seed gives the same bits, another seed or stream others`() {
    var (a, b) = (RandomStream(seed: 8), RandomStream(seed: 8))
    #expect(a.normals(1001) == b.normals(1001))
    #expect(a.uniform() == b.uniform())
    var (c, d) = (RandomStream(seed: 9), RandomStream(seed: 8, stream: 1))
    var fresh = RandomStream(seed: 8)
    let first = fresh.uniforms(10)
    #expect(c.uniforms(10) != first && d.uniforms(10) != first)
  }

  @Test func `single draws and bulk draws are the same sequence`() {
    var (single, bulk) = (RandomStream(seed: 10), RandomStream(seed: 10))
    #expect((0..<600).map { _ in single.uniform() } == bulk.uniforms(600))
    (single, bulk) = (RandomStream(seed: 11), RandomStream(seed: 11))
    #expect((0..<600).map { _ in single.normal() } == bulk.normals(600))
  }

  /// Box and Muller's formula in double precision, on the same words.
  @Test func `normal numbers are the transform of their words`() {
    var random = RandomStream(seed: 12)
    let normals = random.normals(4000)
    let words = Philox.words(blocks: 1000, from: 0, stream: 0, key: 12)
    for pair in 0..<2000 {
      let u = (Double(words[2 * pair] >> 9) + 0.5) * 0x1p-23
      let w = words[2 * pair + 1]
      let angle = Double(Int32(bitPattern: w << 2) >> 8) * 0x1p-24 * .pi / 2 + Double(w >> 30) * .pi / 2
      let radius = (-2 * Glibc.log(u)).squareRoot()
      #expect(abs(Double(normals[2 * pair]) - radius * cos(angle)) < 2e-6)
      #expect(abs(Double(normals[2 * pair + 1]) - radius * sin(angle)) < 2e-6)
    }
  }

  @Test func `normal numbers follow the normal distribution`() {
    var random = RandomStream(seed: 13)
    let n = 100_000
    let x = random.normals(n).sorted()
    let distance =
      x.indices.map { i in
        let cdf = 0.5 * erfc(-Double(x[i]) / 2.0.squareRoot())
        return max(abs(cdf - Double(i) / Double(n)), abs(cdf - Double(i + 1) / Double(n)))
      }.max() ?? 1
    // Kolmogorov-Smirnov at the 0.1 % level
    #expect(distance < 1.95 / Double(n).squareRoot())
  }

  @Test func `uniform numbers lie in the open interval and fill it evenly`() {
    var random = RandomStream(seed: 14)
    let x = random.uniforms(100_000)
    #expect(x.allSatisfy { $0 > 0 && $0 < 1 })
    var bins = [Int](repeating: 0, count: 20)
    for value in x { bins[Int(value * 20)] += 1 }
    let chiSquare = bins.reduce(0.0) { $0 + (Double($1) - 5000) * (Double($1) - 5000) / 5000 }
    #expect(chiSquare < 43.8)  // 19 degrees of freedom, 0.1 %
    #expect(abs(Double((0..<10_000).count { _ in random.bernoulli(0.3) }) - 3000) < 200)
  }

  @Test func `a permutation holds every index once, and bounded numbers are even`() {
    var random = RandomStream(seed: 15)
    #expect(random.permutation(1000).sorted() == Array(0..<1000))
    #expect(random.permutation(1000) != Array(0..<1000))
    var counts = [Int](repeating: 0, count: 7)
    for _ in 0..<7000 { counts[random.below(7)] += 1 }
    #expect(counts.allSatisfy { abs($0 - 1000) < 150 })
  }

  @Test(
    "mean and variance are those of the distribution",
    arguments: [Distribution.uniform, .normal, .dropout(kept: 0.8), .gumbel])
  func moments(distribution: Distribution) {
    let n = 200_000
    var random = RandomStream(seed: 1)
    let storage = Storage(capacity: n)
    random.fill(storage.view([n]), distribution)
    let x = storage.view([n]).values
    let mean = x.reduce(0.0) { $0 + Double($1) } / Double(n)
    let variance = x.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(n)
    let truth: (mean: Double, variance: Double) =
      switch distribution {
      case .uniform: (0.5, 1.0 / 12)
      case .normal: (0, 1)
      case .dropout: (1, 0.25)
      case .gumbel: (0.5772156649, Double.pi * Double.pi / 6)
      }
    #expect(abs(mean - truth.mean) < 5 * (truth.variance / Double(n)).squareRoot())
    #expect(abs(variance / truth.variance - 1) < 0.03)
  }

  @Test func `classes follow their probabilities`() {
    let logits: [Float] = [0, 1, -.infinity, 2]
    let rows = 20_000
    var random = RandomStream(seed: 52)
    let chosen = random.classes((0..<rows).flatMap { _ in logits }, of: 4)
    let e = logits.map { exp(Double($0)) }
    for symbol in 0..<4 {
      let p = e[symbol] / e.reduce(0, +)
      let found = Double(chosen.count { $0 == symbol }) / Double(rows)
      #expect(abs(found - p) <= 5 * (p * (1 - p) / Double(rows)).squareRoot())
    }
  }
}
