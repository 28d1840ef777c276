import Gradients
import Networks
import Tensors
import Testing

@testable import Generative

struct VariationalQuantizedTests {
  /// A codebook of given vectors.
  private static func quantizer(_ book: [Float], codes: Int) -> (VectorQuantizer, Parameters) {
    var scope = ParameterScope(seed: 1)
    let quantizer = VectorQuantizer(codes: codes, dimension: book.count / codes, in: &scope)
    var parameters = scope.parameters
    parameters.statistics = [Float](repeating: 2, count: codes) + book.map { 2 * $0 }
    return (quantizer, parameters)
  }

  @Test func `each vector gets the nearest code, as searching finds it`() {
    var random = RandomStream(seed: 2)
    let (book, vectors) = (random.normals(7 * 3), random.normals(50 * 3))
    let (quantizer, parameters) = Self.quantizer(book, codes: 7)
    let tape = Tape(parameters)
    let choice = quantizer.nearest(tape.input(Tensor(vectors, shape: [50, 3])))
    let found = quantizer.indices(choice).value.values
    let given = quantizer.vectors(choice).value.values
    for row in 0..<50 {
      func distance(_ code: Int) -> Float {
        (0..<3).reduce(Float(0)) {
          let d = vectors[row * 3 + $1] - book[code * 3 + $1]
          return $0 + d * d
        }
      }
      let nearest = (0..<7).min { distance($0) < distance($1) } ?? 0
      #expect(found[row] == Float(nearest))
      for i in 0..<3 { #expect(abs(given[row * 3 + i] - book[nearest * 3 + i]) < 1e-6) }
    }
  }

  @Test func `of equally near codes the first is taken, and numbers in between are rounded`() {
    let (quantizer, parameters) = Self.quantizer([1, 1, 1, 1, -1, -1], codes: 3)
    let tape = Tape(parameters)
    let choice = quantizer.nearest(tape.input(Tensor([0.9, 1.1, -3, 0], shape: [2, 2])))
    #expect(choice.value.values == [1, 0, 0, 0, 0, 1])
    let rounded = quantizer.chosen(tape.input(Tensor([-4, 0.8, 99], shape: [1, 3])))
    #expect(quantizer.indices(rounded).value.values == [0, 1, 2])
  }

  @Test func `codes follow the mean of what is nearest, and dead ones begin anew`() {
    let (quantizer, parameters) = Self.quantizer([0, 10], codes: 2)
    let buffer = ParameterBuffer(parameters)
    let tape = Tape(buffer)
    let z = tape.input(Tensor([1, 2, 3, 12], shape: [4, 1]))
    quantizer.follow(z, quantizer.nearest(z))
    // counts 2 · 0.99 + 0.01 · (3, 1); sums (0, 20) · 0.99 + 0.01 · (6, 12)
    let expected: [Float] = [2.01, 1.99, 0.06, 19.92]
    for (mine, truth) in zip(buffer.statistics.values, expected) { #expect(abs(mine - truth) < 1e-5) }

    var nothing = parameters
    nothing.statistics = [0, 0, 0, 0]
    let fresh = ParameterBuffer(nothing)
    let other = Tape(fresh)
    let x = other.input(Tensor([1, 2, 3, 12], shape: [4, 1]))
    quantizer.follow(x, quantizer.nearest(x))
    // All went to the first code; the second, with no share, is a vector of the batch with a fair count.
    #expect(abs(fresh.statistics.values[1] - 2) < 1e-6 && abs(fresh.statistics.values[3] / 2 - 3) < 1e-6)
  }

  @Test func `gradients pass the codes straight through`() throws {
    var settings = VQVAESettings()
    settings.commitment = 0
    settings.prior = 4
    var scope = ParameterScope(seed: 1)
    let design = try VQVAE(settings, form: RowForm(shape: [6], support: .real), in: &scope)
    var parameters = scope.parameters
    var random = RandomStream(seed: 5)
    parameters.statistics = random.normals(parameters.statistics.count).map { abs($0) + 0.1 }
    let buffer = ParameterBuffer(parameters)
    let tape = Tape(buffer)
    let x = tape.input(Tensor(random.normals(12), shape: [2, 6]))
    tape.backward(design.loss(Rows(x)))
    // Without the way around the codes nothing at all would reach the encoder.
    let range = parameters.range(under: "encoder.")
    #expect(buffer.gradient.values[range].contains { $0 != 0 })
  }

  @Test func `the prior sums to one and looks only back`() {
    var scope = ParameterScope(seed: 3)
    let prior = CodePrior(codes: 3, height: 2, width: 2, channels: 5, in: &scope)
    let tape = Tape(scope.parameters)
    // All 81 grids of four places.
    let grids = (0..<81).map { n in [n / 27, n / 9 % 3, n / 3 % 3, n % 3] }
    let choice = grids.flatMap { $0.flatMap { code in (0..<3).map { $0 == code ? Float(1) : 0 } } }
    let input = tape.input(Tensor(choice, shape: [81 * 4, 3]))
    let probabilities = VectorMath.exp(prior.logProbability(input).value.values)
    #expect(abs(probabilities.reduce(0, +) - 1) < 1e-4)
    let logits = prior.logits(input).value.values
    for (a, b) in [(0, 1), (0, 3), (0, 9), (0, 27)] {
      // Grids that differ at one place: what is foretold up to and including it is the same.
      let place = (0..<4).first { grids[a][$0] != grids[b][$0] } ?? 0
      let same = (place + 1) * 3
      #expect(Array(logits[a * 12..<a * 12 + same]) == Array(logits[b * 12..<b * 12 + same]))
      if place < 3 { #expect(logits[a * 12..<a * 12 + 12] != logits[b * 12..<b * 12 + 12]) }
    }
  }

  @Test func `samples of the prior are distributed as it says`() {
    var scope = ParameterScope(seed: 4)
    let prior = CodePrior(codes: 2, height: 1, width: 2, channels: 4, in: &scope)
    let quantizer = VectorQuantizer(codes: 2, dimension: 1, in: &scope)
    let buffer = ParameterBuffer(scope.parameters)
    let choice: [Float] = [1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1]
    let exact = VectorMath.exp(
      prior.logProbability(Tape(buffer).input(Tensor(choice, shape: [8, 2]))).value.values)
    var random = RandomStream(seed: 6)
    let drawn = prior.sample(4000, random: &random, quantizer, buffer)
    for (n, probability) in exact.enumerated() {
      let share = Float((0..<4000).count { drawn[$0 * 2] * 2 + drawn[$0 * 2 + 1] == Float(n) }) / 4000
      let error = (probability * (1 - probability) / 4000).squareRoot()
      #expect(abs(share - probability) < 4 * error)
    }
  }

  @Test func `a trained codebook is in use, and codes decode to the reconstruction`() throws {
    let model = try #require(Catalogue.entry(named: "vq-vae")).fit(World.training, 3)
    let facts = try #require(model as? any Inspectable).facts
    let perplexity = try #require(facts.first { $0.name == "perplexity of the codebook" }?.value)
    #expect((Float(perplexity.prefix { $0 != " " }) ?? 0) > 8)
    let coder = try #require(model as? any EncodingModel & ReconstructingModel)
    let rows = Records(DataMatrix(rows: 20, columns: World.width, values: World.rows(20, seed: 2)))
    let codes = coder.codes(of: rows)
    #expect(codes.allSatisfy { $0 == $0.rounded() && (0..<64).contains($0) })
    let decoded = coder.decode(codes: codes, count: 20, labels: nil)
    #expect(zip(decoded, coder.reconstruct(rows)).allSatisfy { abs($0 - $1) < 1e-4 })
  }
}
