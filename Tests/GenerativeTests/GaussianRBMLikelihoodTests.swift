import Foundation
import Tensors
import Testing

@testable import Generative

/// The normalised density of a Gaussian-Bernoulli RBM against independent truths.
@Suite struct GaussianRBMLikelihoodTests {
  /// Of two visible units, so that its density can be summed over a grid.
  private static func machine(_ width: Int, _ hidden: Int, scale: Float, seed: UInt64) -> GaussianBernoulliRBM
  {
    var random = RandomStream(seed: seed)
    return GaussianBernoulliRBM(
      bias: random.normals(width), inverseSigma: random.uniforms(width).map { 1 / (0.3 + $0) },
      weights: random.normals(width * hidden).map { scale * $0 }, hiddenBias: random.normals(hidden),
      spread: [Float](repeating: 1, count: width), usual: [Float](repeating: 0, count: width))
  }

  private func densities(_ model: GaussianBernoulliRBM, _ rows: [Float]) -> [Double] {
    model.logLikelihoods(
      Records(DataMatrix(rows: rows.count / model.width, columns: model.width, values: rows)), samples: 1,
      seed: 1
    ).map { exp($0) }
  }

  @Test func `its density integrates to one`() {
    let model = Self.machine(2, 3, scale: 1, seed: 2)
    #expect(model.likelihoodKind == .exact)
    // 600 × 600 places from -15 to 15.
    let step: Float = 0.05
    let places = (0..<600).map { -15 + (Float($0) + 0.5) * step }
    let sum = places.reduce(0.0) { sum, x in
      sum + densities(model, places.flatMap { [x, $0] }).reduce(0, +)
    }
    #expect(abs(sum * Double(step * step) - 1) < 1e-3)
  }

  @Test func `annealed importance sampling finds the partition function that enumeration does`() {
    let model = Self.machine(8, 12, scale: 0.5, seed: 3)
    let exact = model.found(AnnealedImportanceSampling(), seed: 1)
    #expect(exact.isExact)
    var estimate = model.annealed(AnnealedImportanceSampling(chains: 200, temperatures: 2000), seed: 4)
    estimate.value += model.inverseSigma.reduce(0) { $0 - log(Double($1)) }
    #expect(!estimate.isExact && estimate.standardError < 0.1)
    #expect(abs(estimate.value - exact.value) < 0.02 + 4 * estimate.standardError)
  }

  @Test func `more hidden units than can be written out are estimated`() {
    let model = Self.machine(4, 21, scale: 0.2, seed: 5)
    #expect(model.likelihoodKind == .estimate)
    let found = model.found(AnnealedImportanceSampling(chains: 100, temperatures: 500), seed: 1)
    #expect(!found.isExact && found.standardError > 0)
    // With weights this small nearly that of a machine whose units do not know of each other.
    let alone = GaussianBernoulliRBM(
      bias: model.bias, inverseSigma: model.inverseSigma,
      weights: [Float](repeating: 0, count: 84), hiddenBias: model.hiddenBias, spread: model.spread,
      usual: model.usual
    ).found(AnnealedImportanceSampling(chains: 10, temperatures: 10), seed: 1)
    #expect(abs(alone.standardError) < 1e-4 && found.value > alone.value)
  }

  @Test func `fitted to normal rows it comes near their entropy, and its file keeps the partition function`()
    throws
  {
    var random = RandomStream(seed: 6)
    let values = (0..<800).flatMap { _ -> [Float] in
      let cause = random.normal()
      return (0..<4).map { _ in 3 * cause + random.normal() }
    }
    let records = Records(DataMatrix(rows: 800, columns: 4, values: values))
    let entry = try #require(Catalogue.entry(named: "gaussian-rbm"))
    let model = try #require(
      try entry.fit(
        records, FitOptions(seed: 1, settings: ["hidden": "16", "learnsSigma": "true"], epochs: 200))
        as? GaussianBernoulliRBM)
    let mean = model.logLikelihoods(records, samples: 1, seed: 1).reduce(0, +) / 800
    let independent = try #require(Catalogue.entry(named: "independent"))
    let alone = try #require(try independent.fit(records) as? any LikelihoodModel)
    #expect(mean > alone.logLikelihoods(records, samples: 1, seed: 1).reduce(0, +) / 800 + 1)
    // The density that the rows are of: covariance 9 + the identity, determinant 37.
    let truth = -2 * log(2 * Double.pi) - 0.5 * log(37.0) - 2
    #expect(mean < truth + 0.1, "\(mean) against \(truth)")
    let copy = try GaussianBernoulliRBM(decoding: model.encode())
    #expect(copy.logPartition == model.logPartition && copy.logPartition?.isExact == true)
  }

  @Test func `what is missing is drawn given what is there`() throws {
    let records = Records(World.training)
    let entry = try #require(Catalogue.entry(named: "gaussian-rbm"))
    let model = try #require(try entry.fit(records) as? any InpaintingModel)
    var rows = DataMatrix(rows: 100, columns: World.width, values: World.rows(100, seed: 9))
    let truth = rows.values
    rows.mask = rows.values.indices.map { $0 % World.width == 3 ? 0 : 1 }
    for i in stride(from: 3, to: rows.values.count, by: World.width) { rows.values[i] = 0 }
    let filled = model.inpaint(Records(rows), seed: 1)
    func error(_ values: [Float]) -> Float {
      stride(from: 3, to: truth.count, by: World.width).reduce(0) {
        $0 + (values[$1] - truth[$1]) * (values[$1] - truth[$1])
      }
    }
    // Against draws that know nothing of the row: the column of other rows.
    let others = error(World.rows(100, seed: 10))
    #expect(error(filled) < 0.7 * others, "\(error(filled)) of \(others)")
  }
}
