import Gradients
import Networks
import Tensors
import Testing

@testable import Generative

/// An autoregressive member as its tests see it: any design with weights of some spread, as if it had been trained.
struct Foreteller: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let rows: Int
  let check: @Sendable (Check, [Int], Int) throws -> Void

  enum Check: Sendable { case sums, causal, cached, samples, inpainting }

  init<Design: CategoricalDesign>(_ design: Design.Type, _ settings: [String: String], rows: Int = 3) {
    self.rows = rows
    testDescription =
      Design.name + settings.sorted { $0.key < $1.key }.map { " \($0)=\($1)" }.joined()
    check = { check, shape, classes in
      let subject = try Subject<Design>(settings, shape: shape, classes: classes)
      switch check {
      case .sums: try subject.sumsToOne()
      case .causal: subject.isCausal()
      case .cached: subject.cachedIsNaive()
      case .samples: subject.samplesFollow()
      case .inpainting: subject.inpaintingFollows()
      }
    }
  }

  static let all = [
    Foreteller(MADE.self, ["hidden": "20"]),
    Foreteller(MADE.self, ["hidden": "30", "layers": "2", "ordering": "3", "masks": "3", "direct": "false"]),
    Foreteller(NADE.self, ["hidden": "20"]), Foreteller(NADE.self, ["hidden": "20", "ordering": "4"]),
    Foreteller(PixelCNN.self, ["channels": "4", "layers": "2"]),
    Foreteller(PixelRNN<RowLSTM>.self, ["units": "3", "layers": "2"]),
    Foreteller(PixelRNN<DiagonalBiLSTM>.self, ["units": "3", "layers": "2"]),
  ]
}

private struct Subject<Design: CategoricalDesign> {
  let design: Design
  let buffer: ParameterBuffer
  let width: Int

  init(_ texts: [String: String], shape: [Int], classes: Int) throws {
    var settings = Design.Settings()
    _ = try settings.take(texts)
    var scope = ParameterScope(seed: 7)
    let form = RowForm(shape: shape, support: .binary, classes: classes)
    design = try Design(settings, form: form, in: &scope)
    width = form.width
    var parameters = scope.parameters
    // Biases and class weights begin at zero; nothing may depend on that.
    var random = RandomStream(seed: 8)
    parameters.values = parameters.values.map { 1.5 * $0 + 0.3 * random.normal() }
    buffer = ParameterBuffer(parameters)
  }

  /// All rows of bits; the first number changes last.
  var states: [Float] {
    (0..<1 << width).flatMap { state in (0..<width).map { Float(state >> (width - 1 - $0) & 1) } }
  }

  func logLikelihoods(_ rows: [Float], label: Int? = nil) -> [Double] {
    let tape = Tape(buffer)
    let count = rows.count / width
    let labels = label.map { tape.input(Tensor(repeating: Float($0), shape: [count])) }
    let x = tape.input(Tensor(rows, shape: [count, width]))
    return design.logLikelihood(Rows(x, labels: labels), samples: 1).value.values.map(Double.init)
  }

  func exp(_ x: [Double]) -> [Double] { VectorMath.exp(x.map(Float.init)).map(Double.init) }

  func sumsToOne() throws {
    for label in design.classes == 0 ? [nil] : [nil, 0, design.classes - 1] {
      let sum = exp(logLikelihoods(states, label: label)).reduce(0, +)
      #expect(abs(sum - 1) < 1e-4)
    }
    // It is no uniform distribution, else there would be nothing to see.
    let all = logLikelihoods(states)
    #expect((all.max() ?? 0) - (all.min() ?? 0) > 0.5)
  }

  func isCausal() {
    let count = 16
    var random = RandomStream(seed: 3)
    let tape = Tape(buffer)
    let x = tape.input(Tensor(random.uniforms(count * width), shape: [count, width]))
    let classes = (0..<count).map { Float($0 % max(1, design.classes)) }
    let labels = design.classes > 0 ? tape.input(Tensor(classes, shape: [count])) : nil
    let logits = design.logits(Rows(x, labels: labels)).reshaped([count, width, design.outputs])
    var seen = 0
    for (i, place) in design.order.enumerated() {
      let foretold = logits[1, place..<place + 1].sum()
      let gradient = tape.gradients(of: foretold, by: [x])[0].value.values
      for (k, other) in design.order.enumerated() {
        let isSeen = (0..<count).contains { gradient[$0 * width + other] != 0 }
        if k >= i { #expect(!isSeen, "\(place) sees \(other)") } else if isSeen { seen += 1 }
      }
    }
    // Nothing that may be seen lies in a blind spot, but some rectifiers are shut.
    #expect(Double(seen) > 0.93 * Double(width * (width - 1) / 2), "\(seen)")
  }

  func cachedIsNaive() {
    let request = SampleRequest(count: 40, seed: 5)
    let samples = design.sample(request, buffer)
    #expect(samples == design.sampleNaively(request, buffer))
    #expect(Set(samples) == [0, 1])
  }

  func samplesFollow() {
    let count = 4000
    let samples = design.sample(SampleRequest(count: count, seed: 6, labels: nil), buffer)
    expectCounts(samples, count: count, follow: exp(logLikelihoods(states)))
  }

  /// Every other number is shown, so that exact conditionals need the sum over what is missing.
  func inpaintingFollows() {
    let count = 384
    var random = RandomStream(seed: 4)
    let shown = (0..<width).map { _ in random.bernoulli(0.5) ? Float(1) : 0 }
    let mask = (0..<width).map { Float($0 % 2) }
    let rows = (0..<count).flatMap { _ in (0..<width).map { mask[$0] == 0 ? 0.5 : shown[$0] } }
    let filled = design.inpaint(
      rows, mask: (0..<count).flatMap { _ in mask }, count: count, labels: nil, seed: 9, buffer, sweeps: 12)
    let states = states
    let probabilities = exp(logLikelihoods(states))
    var given = probabilities.indices.map { state -> Double in
      (0..<width).allSatisfy { mask[$0] == 0 || states[state * width + $0] == shown[$0] }
        ? probabilities[state] : 0
    }
    let sum = given.reduce(0, +)
    given = given.map { $0 / sum }
    expectCounts(filled, count: count, follow: given)
  }

  /// Pearson's chi-square over states, the rare ones taken together.
  func expectCounts(_ rows: [Float], count: Int, follow probabilities: [Double]) {
    var counts = [Double](repeating: 0, count: probabilities.count)
    for row in 0..<count {
      counts[(0..<width).reduce(0) { 2 * $0 + Int(rows[row * width + $1]) }] += 1
    }
    var (rest, restCount, statistic, freedom) = (0.0, 0.0, 0.0, -1.0)
    for (state, p) in probabilities.enumerated() {
      let expected = p * Double(count)
      if expected < 8 {
        rest += expected
        restCount += counts[state]
        if p == 0 { #expect(counts[state] == 0) }
      } else {
        statistic += (counts[state] - expected) * (counts[state] - expected) / expected
        freedom += 1
      }
    }
    if rest > 8 {
      statistic += (restCount - rest) * (restCount - rest) / rest
      freedom += 1
    }
    #expect(freedom >= 3)
    // Mean and variance of chi-square are the degrees of freedom and twice that; four deviations.
    #expect(statistic < freedom + 4 * (2 * freedom).squareRoot(), "\(statistic) of \(freedom)")
  }
}

@Suite struct AutoregressiveTests {
  @Test("all pictures of 3 by 3 have a probability of 1 together", arguments: Foreteller.all)
  func sums(member: Foreteller) throws {
    try member.check(.sums, [3, 3], 0)
    try member.check(.sums, [7], 0)
  }

  @Test("no logit depends on its own number or a later one", arguments: Foreteller.all)
  func causal(member: Foreteller) throws {
    try member.check(.causal, [4, 5], 0)
    try member.check(.causal, [6], 0)
    try member.check(.causal, [5, 1], 0)
  }

  @Test("what is kept between steps gives the samples of passes over whole rows", arguments: Foreteller.all)
  func cached(member: Foreteller) throws {
    try member.check(.cached, [5, 4], 0)
    try member.check(.cached, [9], 0)
  }

  @Test("samples are as frequent as they are probable", arguments: Foreteller.all)
  func samples(member: Foreteller) throws { try member.check(.samples, [2, 3], 0) }

  @Test("what is filled in follows the distribution given what is shown", arguments: Foreteller.all)
  func inpainting(member: Foreteller) throws { try member.check(.inpainting, [2, 3], 0) }

  @Test func `with classes, each has a distribution, and rows of unknown class their mixture`() throws {
    let member = Foreteller(PixelCNN.self, ["channels": "4", "layers": "2"])
    for check in [Foreteller.Check.sums, .causal, .cached, .samples, .inpainting] {
      try member.check(check, [2, 3], 3)
    }
  }
}
