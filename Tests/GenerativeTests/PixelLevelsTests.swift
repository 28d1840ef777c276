import Gradients
import Networks
import Tensors
import Testing

@testable import Generative

/// Pictures of grey levels instead of bits.
@Suite struct PixelLevelsTests {
  private func check<Design: CategoricalDesign>(_ design: Design.Type, _ settings: Design.Settings) throws {
    var scope = ParameterScope(seed: 4)
    let model = try Design(settings, form: RowForm(shape: [2, 3], support: .unit), in: &scope)
    var parameters = scope.parameters
    var random = RandomStream(seed: 5)
    parameters.values = parameters.values.map { $0 + 0.4 * random.normal() }
    let buffer = ParameterBuffer(parameters)
    let levels = model.levels
    // The middles of all cells, each 1/3⁶ of the space.
    var cells: [Float] = []
    for state in 0..<729 {
      var rest = state
      for _ in 0..<6 {
        cells.append((Float(rest % levels) + 0.5) / Float(levels))
        rest /= levels
      }
    }
    // A density that is constant in cells, given the cells before: with what is seen of a pixel its level only in the last one.
    let tape = Tape(buffer)
    let x = tape.input(Tensor(cells, shape: [729, 6]))
    let conditionals = model.conditionals(Rows(x)).value.values
    let last = VectorMath.exp((0..<729).map { conditionals[$0 * 6 + 5] })
    // The last pixel's three levels of the same begin lie 243 apart.
    for begin in 0..<243 {
      let sum = last[begin] + last[begin + 243] + last[begin + 486]
      #expect(abs(sum / 3 - 1) < 1e-4)
    }
    let request = SampleRequest(count: 30, seed: 6)
    let samples = model.sample(request, buffer)
    #expect(samples.allSatisfy { $0 > 0 && $0 < 1 } && Set(samples.map { Int($0 * 3) }).count == 3)
    for (kept, whole) in zip(samples, model.sampleNaively(request, buffer)) {
      #expect(abs(kept - whole) < 1e-5)
    }
    // What is shown stays.
    let mask = (0..<180).map { Float($0 % 6 < 3 ? 1 : 0) }
    let filled = model.inpaint(samples, mask: mask, count: 30, labels: nil, seed: 1, buffer)
    for i in 0..<180 where mask[i] == 1 { #expect(filled[i] == samples[i]) }
    #expect(filled != samples)
  }

  @Test func `a PixelCNN of three levels is a density, and its samples follow their steps`() throws {
    var settings = PixelCNNSettings()
    (settings.channels, settings.layers, settings.levels) = (4, 2, 3)
    try check(PixelCNN.self, settings)
  }

  @Test func `with a mixture of logistic distributions they are too`() throws {
    var settings = PixelCNNSettings()
    (settings.channels, settings.layers, settings.levels, settings.mixture) = (4, 2, 3, 2)
    try check(PixelCNN.self, settings)
    var recurrent = PixelRNNSettings()
    (recurrent.units, recurrent.layers, recurrent.levels, recurrent.mixture) = (3, 1, 3, 2)
    try check(PixelRNN<RowLSTM>.self, recurrent)
  }

  @Test func `draws of a mixture of logistic distributions are as frequent as it says`() {
    let distribution = LevelDistribution(levels: 16, parts: 2)
    // Two parts, the first twice as probable; one narrow, one beyond the end of the levels.
    let given: [Float] = [0.7, 0, 0.1, 0.7, -1, 0.2]
    let tape = Tape(Parameters())
    let x = tape.input(Tensor((0..<16).map { (Float($0) + 0.5) / 16 }, shape: [16, 1]))
    let all = tape.input(Tensor([[Float]](repeating: given, count: 16).flatMap { $0 }, shape: [16, 1, 6]))
    let densities = VectorMath.exp(distribution.logDensity(x, given: all).value.values)
    #expect(abs(densities.reduce(0, +) / 16 - 1) < 1e-4)
    var random = RandomStream(seed: 8)
    let drawn = distribution.draw([[Float]](repeating: given, count: 16000).flatMap { $0 }, &random)
    var counts = [Double](repeating: 0, count: 16)
    for value in drawn { counts[Int(value * 16)] += 1 }
    #expect(LikelihoodLaws.chiSquareDeviate(counts, densities.map { Double($0) * 1000 }) < 4.5)
  }

  @Test func `a mixture learns grey pictures from fewer outputs`() throws {
    let records = LawForm.greyPicture.records(120, seed: 2)
    let small = Records(
      DataMatrix(
        rows: 120, columns: 16, values: (0..<120).flatMap { records.matrix.values[$0 * 64..<$0 * 64 + 16] }),
      form: RowForm(shape: [2, 8], support: .unit))
    let entry = try #require(Catalogue.entry(named: "pixelcnn"))
    func mean(_ mixture: Int) throws -> Double {
      let settings = [
        "levels": "64", "mixture": "\(mixture)", "channels": "8", "layers": "2", "heldOut": "0",
      ]
      let model = try entry.fit(small, FitOptions(seed: 1, settings: settings, epochs: 40))
      return try #require(model as? any LikelihoodModel).logLikelihoods(small, samples: 1, seed: 1)
        .reduce(0, +) / 120
    }
    let mixture = try mean(3)
    // Levels of which each has to be learned for itself know nothing of their neighbours yet.
    let separate = try mean(0)
    #expect(mixture > 8 && mixture > separate, "\(mixture) and \(separate)")
  }

  @Test func `PixelRNNs of three levels too`() throws {
    var settings = PixelRNNSettings()
    (settings.units, settings.layers, settings.levels) = (3, 1, 3)
    try check(PixelRNN<RowLSTM>.self, settings)
    try check(PixelRNN<DiagonalBiLSTM>.self, settings)
  }

  @Test func `bits, grey values and real numbers get the levels that suit them`() throws {
    let shape = [2, 3]
    #expect(PixelLevels.support(for: RowForm(shape: shape, support: .unit), 0) == .binary)
    #expect(PixelLevels.support(for: RowForm(shape: shape, support: .unit), 16) == .unit)
    #expect(PixelLevels.support(for: RowForm(shape: shape, support: .real), 0) == .unit)
    #expect(PixelLevels.count(RowForm(shape: shape, support: .unit), 0) == 32)
    var settings = PixelCNNSettings()
    settings.levels = 1
    #expect(throws: FitError.self) { try settings.check() }
  }
}
