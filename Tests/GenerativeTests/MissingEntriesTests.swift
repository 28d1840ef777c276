import Gradients
import Networks
import Tensors
import Testing

@testable import Generative

/// What is missing from training rows teaches nothing: neither that it is the usual value, nor anything else.
@Suite struct MissingEntriesTests {
  /// Three noisy copies of one cause, of which the last is seen in three rows of ten.
  private static func copies(_ count: Int, seed: UInt64, hidden: Bool) -> DataMatrix {
    var random = RandomStream(seed: seed, stream: 71)
    var (values, mask): ([Float], [Float]) = ([], [])
    for _ in 0..<count {
      let cause = random.normal()
      for _ in 0..<3 { values.append(cause + 0.1 * random.normal()) }
      mask += [1, 1, hidden && random.uniform() < 0.7 ? 0 : 1]
    }
    for i in values.indices { values[i] *= mask[i] }
    return DataMatrix(rows: count, columns: 3, values: values, mask: hidden ? mask : nil)
  }

  private func fit(_ name: String, _ data: DataMatrix, _ settings: [String: String]) throws
    -> any TrainedModel
  {
    let entry = try #require(Catalogue.entry(named: name))
    return try entry.fit(Records(data), FitOptions(seed: 4, settings: settings, epochs: 120))
  }

  /// Of the line through the points.
  private func slope(_ x: [Float], _ y: [Float]) -> Float {
    let (mx, my) = (x.reduce(0, +) / Float(x.count), y.reduce(0, +) / Float(y.count))
    return zip(x, y).reduce(0) { $0 + ($1.0 - mx) * ($1.1 - my) } / x.reduce(0) { $0 + ($1 - mx) * ($1 - mx) }
  }

  private func column(_ values: [Float], _ place: Int) -> [Float] {
    stride(from: place, to: values.count, by: 3).map { values[$0] }
  }

  @Test func `a denoising autoencoder rebuilds what it seldom saw from its copies`() throws {
    // All of the column missing, of whose copies a part depends on them.
    var rows = Self.copies(300, seed: 2, hidden: false)
    let truth = column(rows.values, 0)
    rows.mask = rows.values.indices.map { $0 % 3 == 2 ? 0 : 1 }
    for i in stride(from: 2, to: rows.values.count, by: 3) { rows.values[i] = 0 }
    func learned(_ data: DataMatrix) throws -> Float {
      let model = try #require(
        try fit("denoising-autoencoder", data, [:]) as? any ReconstructingModel)
      return slope(truth, column(model.reconstruct(Records(rows)), 2))
    }
    let seldom = Self.copies(1000, seed: 1, hidden: true)
    var asZero = seldom
    asZero.mask = nil
    // One that was told that it is usually 0 says so.
    let (masked, told) = try (learned(seldom), learned(asZero))
    #expect(masked > 0.4 && masked > 2 * told, "\(masked) and \(told)")
  }

  @Test("samples vary as much as what was seen does", arguments: ["vae", "realnvp"])
  func spread(name: String) throws {
    let model = try fit(name, Self.copies(1000, seed: 1, hidden: true), ["batch": "50"])
    let drawn = column(model.sample(count: 4000, seed: 5), 2)
    let mean = drawn.reduce(0, +) / 4000
    let variance = drawn.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4000
    // With the usual value in its place it would be three tenths; and no spike stands there.
    #expect(variance > 0.6 && variance < 1.6, "\(variance)")
    let still = Float(drawn.count { abs($0 - mean) < 0.05 }) / 4000
    #expect(still < 0.12, "\(still)")
  }

  @Test func `a MADE learns how a bit that it seldom saw depends on others`() throws {
    var random = RandomStream(seed: 3)
    var (values, mask): ([Float], [Float]) = ([], [])
    for _ in 0..<1000 {
      let bit: Float = random.bernoulli(0.5) ? 1 : 0
      let isSeen = random.uniform() < 0.3
      values += [bit, isSeen ? (random.bernoulli(0.05) ? 1 - bit : bit) : 0]
      mask += [1, isSeen ? 1 : 0]
    }
    let entry = try #require(Catalogue.entry(named: "made"))
    let records = Records(
      DataMatrix(rows: 1000, columns: 2, values: values, mask: mask),
      form: RowForm(shape: [2], support: .binary))
    let model = try #require(
      try entry.fit(records, FitOptions(seed: 1, settings: ["rate": "0.01"], epochs: 60))
        as? any AutoregressiveModel)
    let pair = Records(DataMatrix(rows: 1, columns: 2, values: [1, 1]), form: records.form)
    // log .95; were what is missing learned too, its usual value would pull it to log .64.
    #expect(abs(model.conditionals(of: pair)[1] - VectorMath.log([0.95])[0]) < 0.06)
  }

  @Test(
    "numbers that are masked have no part in the gradient", arguments: ["sparse-autoencoder", "vae", "made"])
  func gradient(name: String) throws {
    // Outputs are foretold from what is shown only, and what is not shown asks for nothing: of a row of which nothing is shown
    // no weight of the output hears.
    let entry = try #require(Catalogue.entry(named: name))
    let values = [Float](repeating: 0, count: 64)
    let records = Records(
      DataMatrix(
        rows: 16, columns: 4, values: values, mask: [Float](repeating: 0, count: 60) + [1, 1, 1, 1]),
      form: RowForm(shape: [4], support: .binary))
    let options = FitOptions(seed: 1, settings: ["heldOut": "0"], epochs: 1)
    let fit = try #require(try entry.begin(records, options) as? any LoopFit)
    #expect(outputGradient(fit.learner, rows: Array(0..<15)) == 0)
    #expect(outputGradient(fit.learner, rows: [15]) > 0)
  }

  private func outputGradient(_ learner: some Learner, rows: [Int]) -> Float {
    var learner = learner
    _ = learner.gradient(of: rows[...], step: 0, phase: 0)
    // The bias of the outputs is as long as a row; of those the last.
    guard let bias = learner.buffer.entries.last(where: { $0.slot.isTrained && $0.slot.shape == [4] })
    else { return .nan }
    return learner.buffer.gradient(bias.slot).values.reduce(0) { $0 + abs($1) }
  }
}
