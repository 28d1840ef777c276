import Gradients
import Networks
import Tensors
import Testing

@testable import Generative

/// A design with its parameters, small enough to follow by hand.
private struct Drawn<Design: NetworkDesign> {
  let design: Design
  let parameters: Parameters

  /// Parameters that are all normal numbers, so that nothing is special about them.
  init(
    _ settings: Design.Settings, width: Int, support: Support, classes: Int = 0, deviation: Float = 0.5,
    seed: UInt64 = 1
  ) throws {
    var scope = ParameterScope(seed: 1)
    design = try Design(
      settings, form: RowForm(shape: [width], support: support, classes: classes), in: &scope)
    var parameters = scope.parameters
    var random = RandomStream(seed: seed)
    parameters.values = random.normals(parameters.count).map { $0 * deviation }
    self.parameters = parameters
  }

  func tape(seed: UInt64 = 7) -> Tape { Tape(parameters, seed: seed) }

  subscript(name: String) -> [Double] { (parameters[name]?.values ?? []).map(Double.init) }
}

struct VariationalTests {
  @Test func `the divergence from the prior is the closed form`() throws {
    let tape = Tape()
    let mean: [Float] = [0.3, -1.2, 0, 2]
    let logVariance: [Float] = [0, -2, 0.5, 1]
    let posterior = VariationalNetwork.Posterior(
      mean: tape.input(Tensor(mean, shape: [2, 2])),
      logVariance: tape.input(Tensor(logVariance, shape: [2, 2])))
    for (i, divergence) in posterior.divergence.value.values.enumerated() {
      let (m, s) = (mean[i], logVariance[i])
      let truth = (m * m + VectorMath.exp([s])[0] - 1 - s) / 2
      #expect(abs(divergence - truth) < 1e-5)
    }
  }

  /// Of a decoder without hidden layers rows are normal: mean b, covariance W Wᵀ + diag σ² (Tipping & Bishop 1999).
  @Test func `bounds grow with their draws up to the exact likelihood of probabilistic PCA`() throws {
    var settings = VAESettings()
    settings.linear = true
    settings.code = 2
    let drawn = try Drawn<VAE>(settings, width: 3, support: .real)
    let row: [Float] = [0.4, -0.9, 0.2]
    let exact = Self.exactLogLikelihood(row.map(Double.init), drawn)
    func bound(_ k: Int) -> Double {
      let tape = drawn.tape()
      let x = tape.input(Tensor((0..<400).flatMap { _ in row }, shape: [400, 3]))
      let values = drawn.design.logLikelihood(Rows(x), samples: k).value.values
      return values.reduce(0) { $0 + Double($1) } / 400
    }
    let bounds = [1, 4, 64].map(bound)
    #expect(bounds[0] < bounds[1] - 0.01 && bounds[1] < bounds[2])
    #expect(bounds[2] <= exact + 0.01 && bounds[2] > exact - 0.1)
    // With very many draws per row the bound is the likelihood.
    let tape = drawn.tape()
    let many = drawn.design.logLikelihood(Rows(tape.input(Tensor(row, shape: [1, 3]))), samples: 40_000)
    #expect(abs(Double(many.scalar) - exact) < 0.03)
  }

  private static func exactLogLikelihood(_ row: [Double], _ drawn: Drawn<VAE>) -> Double {
    let (w, b) = (drawn["decoder.0.weight"], drawn["decoder.0.bias"])
    let variance = (drawn.parameters["logVariance"]?.values ?? []).map { raw -> Double in
      let low: Float = 2 * -3.506_558
      return Double(VectorMath.exp([VectorMath.softplus([raw - low])[0] + low])[0])
    }
    let n = row.count
    var covariance = [Double](repeating: 0, count: n * n)
    for i in 0..<n {
      for j in 0..<n {
        covariance[i * n + j] = w[i] * w[j] + w[n + i] * w[n + j] + (i == j ? variance[i] : 0)
      }
    }
    // log N from the Cholesky factor: solve L y = x - b.
    let l = Cholesky.factor(covariance, n: n, jitter: 0).map(Double.init)
    var (y, logDeterminant) = ([Double](), 0.0)
    for i in 0..<n {
      let sum = (0..<i).reduce(row[i] - b[i]) { $0 - l[i * n + $1] * y[$1] }
      y.append(sum / l[i * n + i])
      logDeterminant += Double(VectorMath.log([Float(l[i * n + i])])[0])
    }
    return -0.5 * (y.reduce(0) { $0 + $1 * $1 } + Double(n) * 1.837_877_1) - logDeterminant
  }

  @Test func `loss and gradient are those of PyTorch`() throws {
    var settings = VAESettings()
    settings.hidden = [4]
    settings.code = 2
    var drawn = try Drawn<VAE>(settings, width: 5, support: .binary).parameters
    let design = try Drawn<VAE>(settings, width: 5, support: .binary).design
    drawn.values = VariationalFixture.parameters
    let buffer = ParameterBuffer(drawn)
    let tape = Tape(buffer)
    let x = tape.input(Tensor(VariationalFixture.rows, shape: [3, 5]))
    let loss = design.strangeness(Rows(x)).mean()
    #expect(abs(loss.scalar - VariationalFixture.loss) < 1e-5)
    tape.backward(loss)
    for (mine, theirs) in zip(buffer.gradient.values, VariationalFixture.gradient) {
      #expect(abs(mine - theirs) < 1e-5)
    }
  }

  @Test func `beta weighs the divergence and nothing else`() throws {
    func loss(_ beta: Float) throws -> Float {
      var settings = BetaVAESettings()
      settings.beta = beta
      settings.code = 2
      let drawn = try Drawn<BetaVAE>(settings, width: 4, support: .real, deviation: 0.3)
      let x = drawn.tape().input(Tensor((0..<12).map { Float($0) / 6 - 1 }, shape: [3, 4]))
      return drawn.design.loss(Rows(x)).scalar
    }
    let (zero, one, four) = (try loss(0), try loss(1), try loss(4))
    #expect(one - zero > 0.01)
    #expect(abs((four - zero) - 4 * (one - zero)) < 1e-3)
  }

  @Test func `active units are those whose mean varies, and a collapse is told`() throws {
    func facts(_ entry: String, _ settings: [String: String]) throws -> (
      model: any TrainedModel, [String: String]
    ) {
      let entry = try #require(Catalogue.entry(named: entry))
      let options = FitOptions(seed: 2, settings: settings.merging(["code": "4", "hidden": "16"]) { $1 })
      let model = try entry.fit(Records(World.training), options)
      let facts = try #require(model as? any Inspectable).facts
      return (model, Dictionary(uniqueKeysWithValues: facts.map { ($0.name, $0.value) }))
    }
    func leading(_ text: String?) -> Float { Float((text ?? "").prefix { $0 != " " }) ?? -1 }
    let (model, found) = try facts("vae", [:])
    let codes = try #require(model as? any EncodingModel).codes(of: Records(World.training))
    let active = (0..<4).count { unit in
      let column = (0..<400).map { codes[$0 * 4 + unit] }
      let mean = column.reduce(0, +) / 400
      return column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 400 > 0.01
    }
    #expect(leading(found["active latent units"]) == Float(active) && active >= 2)
    let units = (found["KL per latent unit"] ?? "").split(separator: " ").compactMap { Float($0) }
    #expect(units.count == 4 && abs(units.reduce(0, +) - leading(found["KL per row"])) < 0.05)
    #expect(leading(found["KL per row"]) > 2)
    // When the divergence costs far too much no unit says anything.
    let (_, collapsed) = try facts("beta-vae", ["beta": "1000"])
    #expect(leading(collapsed["KL per row"]) < 0.1)
  }

  @Test func `the score is without noise, and at least the bound's negative on average`() throws {
    let model = try #require(Catalogue.entry(named: "vae")).fit(World.training, 3)
    let rows = World.rows(100, seed: 2)
    #expect(scores(model, rows) == scores(model, rows))
    let likelihood = try #require(model as? any LikelihoodModel)
    #expect(likelihood.likelihoodKind == .lowerBound)
    let records = Records(
      DataMatrix(rows: 100, columns: World.width, values: rows),
      form: RowForm(shape: [World.width], support: .real))
    let loose = likelihood.logLikelihoods(records, samples: 1, seed: 1).reduce(0, +) / 100
    let tight = likelihood.logLikelihoods(records, samples: 50, seed: 1).reduce(0, +) / 100
    #expect(loose < tight && tight < loose + 3)
    // Rows of the same kind as those learned from: far above what independent columns reach.
    let (means, deviations) = World.training.moments(floor: 0)
    let simple = rows.indices.reduce(0.0) { sum, i in
      let z = (rows[i] - means[i % World.width]) / deviations[i % World.width]
      return sum + Double(0.5 * z * z + VectorMath.log([deviations[i % World.width]])[0] + 0.9189) / 100
    }
    #expect(-tight < simple - 5)
  }

  @Test func `rows of a class can be drawn, and a class is told from its rows`() throws {
    var random = RandomStream(seed: 3)
    let labels = (0..<600).map { $0 % 3 }
    let noise = random.normals(600 * 4)
    let values = noise.enumerated().map { i, noise -> Float in
      let middle = 4 * labels[i / 4] - i % 4
      return 0.3 * noise + Float(middle)
    }
    let records = Records(DataMatrix(rows: 600, columns: 4, values: values), labels: labels)
    let entry = try #require(Catalogue.entry(named: "conditional-vae"))
    let model = try entry.fit(records, FitOptions(seed: 1))
    let conditional = try #require(model as? any ConditionalModel)
    #expect(conditional.classes == 3)
    for label in 0..<3 {
      let drawn = conditional.sample(classes: [Int](repeating: label, count: 200), seed: 5)
      let mean = (0..<200).reduce(Float(0)) { $0 + drawn[$1 * 4] / 200 }
      #expect(abs(mean - Float(label) * 4) < 1)
    }
    // The class matters to the bound, and rows without one are known too.
    let likelihood = try #require(model as? any LikelihoodModel)
    func bound(_ labels: [Int]?) -> Double {
      let rows = Records(records.matrix, form: records.form, labels: labels)
      return likelihood.logLikelihoods(rows, samples: 8, seed: 1).reduce(0, +) / 600
    }
    let right = bound(labels)
    #expect(right > bound(labels.map { ($0 + 1) % 3 }) + 2)
    #expect(bound(nil) > right - 4 && bound(nil).isFinite)
  }
}
