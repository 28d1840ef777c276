import Foundation
import Tensors
import Testing

@testable import Generative

/// The control group against closed forms, enumeration and integration.
@Suite struct ReferencesTests {
  private func fit(
    _ name: String, _ records: Records, _ settings: [String: String] = [:]
  ) throws -> any LikelihoodModel {
    let entry = try #require(Catalogue.entry(named: name))
    return try #require(
      try entry.fit(records, FitOptions(seed: 5, settings: settings)) as? any LikelihoodModel)
  }

  private func mean(_ model: any LikelihoodModel, _ rows: Records) -> Double {
    let values = model.logLikelihoods(rows, samples: 1, seed: 1)
    return values.reduce(0, +) / Double(values.count)
  }

  // MARK: missing entries

  @Test("missing bits are summed out", arguments: ["independent", "bernoulli-mixture", "chow-liu"])
  func missingBits(name: String) throws {
    let model = try fit(name, LawForm.bits.records(300, seed: 1))
    let whole = LawForm.bits.records(6, seed: 2)
    var holed = whole
    holed.matrix.mask = whole.matrix.values.indices.map { [1, 4, 8].contains($0 % 9) ? 0 : 1 }
    let likelihoods = model.logLikelihoods(holed, samples: 1, seed: 1)
    var sums = [Double](repeating: 0, count: 6)
    for completion in 0..<8 {
      var filled = whole
      for row in 0..<6 {
        for (i, column) in [1, 4, 8].enumerated() {
          filled.matrix.values[row * 9 + column] = Float(completion >> i & 1)
        }
      }
      for (row, value) in model.logLikelihoods(filled, samples: 1, seed: 1).enumerated() {
        sums[row] += exp(value)
      }
    }
    for row in 0..<6 { #expect(abs(log(sums[row]) - likelihoods[row]) < 1e-4) }
  }

  @Test(
    "missing numbers are integrated out", arguments: ["independent", "gaussian", "gaussian-mixture", "pca"])
  func missingNumbers(name: String) throws {
    let model = try fit(name, LawForm.reals.records(300, seed: 1), name == "pca" ? ["components": "2"] : [:])
    let whole = LawForm.reals.records(4, seed: 2)
    var holed = whole
    holed.matrix.mask = whole.matrix.values.indices.map { $0 % 4 == 2 ? 0 : 1 }
    let likelihoods = model.logLikelihoods(holed, samples: 1, seed: 1)
    for row in 0..<4 {
      let step: Float = 0.01
      let grid = Array(stride(from: Float(-9), to: 9, by: step))
      let values = grid.flatMap { value -> [Float] in
        var tried = Array(whole.matrix.values[row * 4..<row * 4 + 4])
        tried[2] = value
        return tried
      }
      let tried = Records(
        DataMatrix(rows: grid.count, columns: 4, values: values), form: whole.form)
      let integral = model.logLikelihoods(tried, samples: 1, seed: 1).reduce(0) {
        $0 + exp($1) * Double(step)
      }
      #expect(abs(log(integral) - likelihoods[row]) < 2e-3, "\(name), row \(row)")
    }
  }

  // MARK: normal densities

  @Test func `a Gaussian finds the covariance though entries are missing`() throws {
    var random = RandomStream(seed: 4)
    var values: [Float] = []
    for _ in 0..<4000 {
      let z = random.normals(2)
      values += [1 + z[0], 2 + 0.8 * z[0] + 0.6 * z[1]]
    }
    // The second is missing more often where the first is large: means of what is there would be wrong.
    let mask = (0..<8000).map { i -> Float in
      i % 2 == 1 && values[i - 1] > 1 && random.bernoulli(0.8) ? 0 : 1
    }
    let records = Records(
      DataMatrix(rows: 4000, columns: 2, values: zip(values, mask).map { $0 * $1 }, mask: mask))
    let model = try #require(try fit("gaussian", records, ["shrinkage": "0"]) as? Gaussian)
    let scale = model.preparation.scale.map(Double.init)
    let mean = model.preparation.restored(model.density.mean)
    #expect(abs(mean[0] - 1) < 0.05 && abs(mean[1] - 2) < 0.05)
    let covariance = (0..<4).map { model.density.covariance[$0] / (scale[$0 / 2] * scale[$0 % 2]) }
    for (have, want) in zip(covariance, [1, 0.8, 0.8, 1]) { #expect(abs(have - want) < 0.08) }
    // Filling in follows the line of regression.
    let asked = Records(
      DataMatrix(
        rows: 500, columns: 2, values: (0..<1000).map { $0 % 2 == 0 ? 3 : 0 },
        mask: (0..<1000).map { $0 % 2 == 0 ? 1 : 0 }))
    let filled = model.inpaint(asked, seed: 3)
    let drawn = (0..<500).map { Double(filled[2 * $0 + 1]) }
    let average = drawn.reduce(0, +) / 500
    let variance = drawn.reduce(0) { $0 + ($1 - average) * ($1 - average) } / 500
    #expect(abs(average - 3.6) < 0.15 && abs(variance - 0.36) < 0.08)
  }

  @Test func `a Gaussian's expectation is that of the others`() throws {
    let records = LawForm.reals.records(500, seed: 1)
    let model = try #require(try fit("gaussian", records) as? Gaussian)
    let row = Array(records.matrix.values[..<4])
    let expectation = model.expectation(of: row, mask: nil)
    for j in 0..<4 {
      // With the place missing, what is expected there is the same.
      var mask: [Float] = [1, 1, 1, 1]
      mask[j] = 0
      #expect(abs(model.expectation(of: row, mask: mask).expected[j] - expectation.expected[j]) < 1e-3)
    }
  }

  @Test func `a mixture of Gaussians finds how many there are, and gains at every iteration`() throws {
    var random = RandomStream(seed: 6)
    var values: [Float] = []
    for row in 0..<600 {
      let z = random.normals(2)
      switch row % 3 {
      case 0: values += [z[0], z[1]]
      case 1: values += [8 + 0.5 * z[0], 8 + 0.5 * z[0] + 0.3 * z[1]]
      default: values += [-8 + z[0], 6 - 0.5 * z[1]]
      }
    }
    let records = Records(DataMatrix(rows: 600, columns: 2, values: values))
    let model = try #require(
      try fit("gaussian-mixture", records, ["shrinkage": "0"]) as? GaussianMixture)
    #expect(model.components >= 3 && model.components <= 6)
    #expect(zip(model.curve, model.curve.dropFirst()).allSatisfy { $1.loss <= $0.loss + 1e-4 })
    #expect(mean(model, records) > mean(try fit("gaussian", records), records) + 0.8)
  }

  // MARK: bits

  @Test func `a Chow-Liu tree is the best of all trees`() throws {
    var random = RandomStream(seed: 8)
    // 2 → 0, 2 → 3, 3 → 1
    var values: [Float] = []
    for _ in 0..<2000 {
      func follow(_ bit: Float, _ error: Float) -> Float { random.bernoulli(error) ? 1 - bit : bit }
      let c: Float = random.bernoulli(0.4) ? 1 : 0
      let (a, d) = (follow(c, 0.1), follow(c, 0.2))
      values += [a, follow(d, 0.15), c, d]
    }
    let records = Records(DataMatrix(rows: 2000, columns: 4, values: values))
    let model = try #require(try fit("chow-liu", records) as? ChowLiuTree)
    let edges = Set(
      model.tree.parent.enumerated().filter { $0.element >= 0 }.map { Set([$0.offset, $0.element]) })
    #expect(edges == [[0, 2], [2, 3], [1, 3]])
    // Its likelihood is the entropies less the information of its edges (Chow & Liu 1968, equation 11).
    let counts = PairCounts(values, model.preparation, nil, pseudoCount: 1)
    let information = edges.reduce(0.0) { sum, edge in
      let ends = edge.sorted()
      return sum + counts.mutualInformation(ends[0], ends[1])
    }
    let alone = TrainingLaws.independent(records.matrix, isBinary: true)
    #expect(abs(mean(model, records) - (alone + information)) < 2e-3)
    // What is filled in is as frequent as Bayes says: bit 3 from bits 1 and 2.
    let asked = Records(
      DataMatrix(
        rows: 2000, columns: 4, values: (0..<8000).map { [0, 1, 1, 0][$0 % 4] },
        mask: (0..<8000).map { [0, 1, 1, 0][$0 % 4] }))
    let filled = model.inpaint(asked, seed: 2)
    let share = (0..<2000).reduce(0.0) { $0 + Double(filled[4 * $1 + 3]) } / 2000
    let truth = 0.8 * 0.85 / (0.8 * 0.85 + 0.2 * 0.15)
    #expect(abs(share - truth) < 0.03)
  }

  @Test func `a mixture of Bernoullis gains at every iteration and finds its components`() throws {
    var random = RandomStream(seed: 9)
    let values = (0..<600).flatMap { row in
      (0..<12).map { j -> Float in random.bernoulli(j % 3 == row % 3 ? 0.9 : 0.1) ? 1 : 0 }
    }
    let records = Records(DataMatrix(rows: 600, columns: 12, values: values))
    let model = try #require(
      try fit("bernoulli-mixture", records, ["components": "3"]) as? BernoulliMixture)
    #expect(zip(model.curve, model.curve.dropFirst()).allSatisfy { $1.loss <= $0.loss + 1e-4 })
    for component in 0..<3 {
      let own = (0..<12).map { model.coins.probability[component * 12 + $0] }
      #expect(own.filter { $0 > 0.8 }.count == 4 && own.filter { $0 < 0.2 }.count == 8)
      #expect(abs(model.coins.weights[component] - 1 / 3) < 0.05)
    }
  }

  // MARK: principal components

  @Test func `principal components have the density of W Wᵀ + σ² I and rebuild the nearest row`() throws {
    let records = LawForm.greyPicture.records(200, seed: 1)
    let model = try #require(
      try fit("pca", records, ["components": "3"]) as? PrincipalComponents)
    let (n, k) = (64, 3)
    var covariance = [Double](repeating: 0, count: n * n)
    for i in 0..<n {
      covariance[i * n + i] = Double(model.noise)
      for j in 0..<n {
        for a in 0..<k {
          let own = Double(model.variances[a] - model.noise)
          covariance[i * n + j] += own * Double(model.axes[i * k + a] * model.axes[j * k + a])
        }
      }
    }
    let density = try GaussianDensity(mean: model.mean.map(Double.init), covariance: covariance)
    var space = WorkingSpace()
    density.reserve(&space, rows: 4)
    space.rows = Array(records.matrix.values[..<(4 * n)])
    let likelihoods = model.logLikelihoods(records, samples: 1, seed: 1)
    density.logDensities(&space, count: 4) { row, value, _ in
      #expect(abs(value - likelihoods[row]) < 0.02)
    }
    // What is left lies across all axes.
    let left = zip(records.matrix.values, model.reconstruct(records)).map { $0 - $1 }
    for a in 0..<k {
      let along = (0..<n).reduce(Float(0)) { $0 + left[$1] * model.axes[$1 * k + a] }
      #expect(abs(along) < 1e-4)
    }
    let codes = model.codes(of: records)
    #expect(model.decode(codes: codes, count: 200, labels: nil) == model.reconstruct(records))
  }

  // MARK: n-grams

  @Test func `n-grams are smoothed as Witten and Bell did`() throws {
    // a b a b / a b a c
    let text: [Float] = [0, 1, 0, 1, 0, 1, 0, 2]
    let records = Records(
      DataMatrix(rows: 2, columns: 4, values: text), form: RowForm(shape: [4], support: .real))
    let model = try #require(try fit("ngram", records, ["order": "1"]) as? NGram)
    #expect(model.alphabet == 3)
    // Without context: a 4, b 3, c 1 of 8 with 3 types; after a: b 3, c 1 of 4 with 2 types.
    let a = (4 + 3.0 / 3) / 11
    let c = (1 + 3.0 / 3) / 11
    let asked = Records(
      DataMatrix(rows: 1, columns: 4, values: [0, 2, 2, 2]), form: records.form)
    let conditionals = model.conditionals(of: asked).map { Double($0) }
    #expect(abs(conditionals[0] - log(a)) < 1e-5)
    #expect(abs(conditionals[1] - log((1 + 2 * c) / (4 + 2))) < 1e-5)
    // After c nothing was ever seen.
    #expect(abs(conditionals[2] - log(c)) < 1e-5)
    // Any row of the alphabet: they sum to one.
    let all = (0..<81).flatMap { state in [1, 3, 9, 27].map { Float(state / $0 % 3) } }
    let states = Records(DataMatrix(rows: 81, columns: 4, values: all), form: records.form)
    let sum = model.logLikelihoods(states, samples: 1, seed: 1).reduce(0) { $0 + exp($1) }
    #expect(abs(sum - 1) < 1e-6)
  }

  // MARK: public data

  /// What others computed on the same files.
  @Test(
    "known figures are reached",
    .enabled(if: PublicBits.areThere, "the data of ../shared/data/generative are not here"),
    arguments: [
      PublicFigure("nltcs", "independent", -9.234, 0.005), PublicFigure("nltcs", "chow-liu", -6.759, 0.005),
      PublicFigure("dna", "independent", -100.39, 0.05), PublicFigure("dna", "chow-liu", -87.70, 0.1),
    ])
  func figures(figure: PublicFigure) throws {
    let model = try fit(figure.model, try PublicBits.records("\(figure.data).train"))
    let have = mean(model, try PublicBits.records("\(figure.data).test"))
    #expect(abs(have - figure.value) <= figure.tolerance, "\(figure.data) \(figure.model): \(have)")
  }
}

/// A mean test log-likelihood.
struct PublicFigure: Sendable, CustomTestStringConvertible {
  let data: String
  let model: String
  let value: Double
  let tolerance: Double
  var testDescription: String { "\(data) \(model)" }

  init(_ data: String, _ model: String, _ value: Double, _ tolerance: Double) {
    self.data = data
    self.model = model
    self.value = value
    self.tolerance = tolerance
  }
}

/// The binary sets beside the project.
enum PublicBits {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "shared/data/generative/binary")

  static var areThere: Bool {
    FileManager.default.fileExists(atPath: folder.appending(path: "nltcs.train.csv.gz").path)
  }

  static func records(_ name: String) throws -> Records {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/gzip")
    process.arguments = ["-dc", folder.appending(path: "\(name).csv.gz").path]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let bytes = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    // A line of names, then digits with commas between them.
    let lines = bytes.split(separator: UInt8(ascii: "\n")).dropFirst()
    let values = lines.flatMap { line in line.filter { $0 != UInt8(ascii: ",") }.map { Float($0 & 1) } }
    return Records(DataMatrix(rows: lines.count, columns: values.count / lines.count, values: values))
  }
}
