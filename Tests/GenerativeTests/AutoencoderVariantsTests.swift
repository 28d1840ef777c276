import Gradients
import Networks
import Tensors
import Testing

@testable import Generative

/// The eigenvalues of a symmetric matrix, largest first (Jacobi's rotations).
private func eigenvalues(_ matrix: [Double], n: Int) -> [Double] {
  var a = matrix
  for _ in 0..<30 {
    for p in 0..<n {
      for q in p + 1..<n where abs(a[p * n + q]) > 1e-14 {
        let theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q])
        let t = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
        let c = 1 / (t * t + 1).squareRoot()
        let s = t * c
        for k in 0..<n {
          let (x, y) = (a[k * n + p], a[k * n + q])
          (a[k * n + p], a[k * n + q]) = (c * x - s * y, s * x + c * y)
        }
        for k in 0..<n {
          let (x, y) = (a[p * n + k], a[q * n + k])
          (a[p * n + k], a[q * n + k]) = (c * x - s * y, s * x + c * y)
        }
      }
    }
  }
  return (0..<n).map { a[$0 * n + $0] }.sorted(by: >)
}

private let family = Catalogue.all.filter { $0.family == "autoencoders" }

struct AutoencoderVariantsTests {
  @Test func `a linear autoencoder reaches the error of principal components`() throws {
    var settings = AutoencoderSettings()
    settings.activation = "linear"
    settings.code = 3
    settings.corruption = 0
    settings.heldOut = 0
    settings.epochs = 300
    settings.patience = 300
    settings.rate = 5e-3
    let model = try Autoencoder.fit(World.training, settings: settings, seed: 3)
    let n = World.width
    let (mean, deviation) = World.training.moments(floor: 0.05)
    let z = World.training.values.enumerated().map {
      Double(($0.element - mean[$0.offset % n]) / deviation[$0.offset % n])
    }
    var correlation = [Double](repeating: 0, count: n * n)
    for row in 0..<400 {
      for i in 0..<n { for j in 0..<n { correlation[i * n + j] += z[row * n + i] * z[row * n + j] / 400 } }
    }
    let best = eigenvalues(correlation, n: n)[3...].reduce(0, +) / Double(n)
    let errors = model.meanSquaredErrors(World.training.values, mask: nil, rows: 400)
    let error = errors.reduce(0) { $0 + Double($1) } / 400
    #expect(error >= best * 0.999 && error < best * 1.05)
  }

  @Test func `shape and activation can be chosen, and unknown settings are typed errors`() throws {
    let entry = try #require(Catalogue.entry(named: "autoencoder"))
    let records = Records(World.training)
    let options = FitOptions(
      seed: 1, settings: ["hidden": "12,7", "code": "2", "activation": "relu", "epochs": "3"])
    let model = try #require(try entry.fit(records, options) as? Autoencoder)
    let facts = Dictionary(uniqueKeysWithValues: model.facts.map { ($0.name, $0.value) })
    #expect(facts["layers"] == "9 – 12 – 7 – 2 – 7 – 12 – 9")
    #expect(facts["activations"] == "relu relu identity relu relu identity")
    let copy = try Autoencoder(decoding: model.encode())
    #expect(copy.encode() == model.encode() && copy.curve == model.curve && copy.curve.count == 3)
    for wrong in [["hiden": "3"], ["activation": "gelu"], ["corruption": "1"], ["code": "x"], ["rate": "-1"]]
    {
      #expect(throws: FitError.self) { try entry.begin(records, FitOptions(settings: wrong)) }
    }
  }

  @Test func `a fit that is written down goes on bit for bit`() throws {
    for activation in ["tanh", "relu"] {
      let entry = try #require(Catalogue.entry(named: "autoencoder"))
      let options = FitOptions(seed: 4, settings: ["activation": activation, "epochs": "6"])
      let whole = try entry.begin(Records(World.training), options)
      _ = try whole.run(FitSurroundings())
      let half = try entry.begin(Records(World.training), options)
      var calls = 0
      var surroundings = FitSurroundings()
      surroundings.shouldStop = {
        calls += 1
        return calls > 18
      }
      #expect(try half.run(surroundings) == .stopped)
      let rest = try entry.begin(Records(World.training), options)
      try rest.restore(half.encode())
      _ = try rest.run(FitSurroundings())
      let isSame = rest.encode() == whole.encode()
      #expect(isSame)
      let isSameModel = try rest.model().encode() == whole.model().encode()
      #expect(isSameModel)
      #expect(throws: WeightsError.self) { try rest.restore([1, 2, 3]) }
    }
  }

  @Test func `pictures get a deep network on grey values as they are`() throws {
    var random = RandomStream(seed: 1)
    let values = (0..<40 * 64).map { $0 % 64 / 8 == $0 / 64 % 8 ? 0.5 + 0.5 * random.uniform() : 0 }
    let records = Records(DataMatrix(rows: 40, columns: 64, values: values), shape: [8, 8])
    let settings = ["hidden": "24,12", "code": "8", "epochs": "400", "rate": "0.005", "corruption": "0"]
    let entry = try #require(Catalogue.entry(named: "autoencoder"))
    let model = try #require(try entry.fit(records, FitOptions(settings: settings)) as? Autoencoder)
    #expect(model.plan.network.layers.map(\.activation) == [.relu, .relu, .identity, .relu, .relu, .sigmoid])
    let rebuilt = model.reconstruct(records)
    #expect(rebuilt.allSatisfy { $0 >= 0 && $0 <= 1 })
    #expect(Self.error(rebuilt, values) < 0.3 * Self.error(Self.meanRow(values, 64), values))
  }

  private static func error(_ x: [Float], _ y: [Float]) -> Float {
    zip(x, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Float(y.count)
  }
  private static func meanRow(_ values: [Float], _ width: Int) -> [Float] {
    let rows = values.count / width
    let sums = VectorMath.columnSums(values, rows: rows, columns: width)
    return (0..<values.count).map { sums[$0 % width] / Float(rows) }
  }

  @Test func `the contraction is the squared length of the encoder's Jacobian`() throws {
    var settings = ContractiveSettings()
    settings.code = 5
    var scope = ParameterScope(seed: 2)
    let design = try ContractiveAutoencoder(settings, form: RowForm(shape: [4], support: .real), in: &scope)
    let tape = Tape(scope.parameters)
    var random = RandomStream(seed: 3)
    let x = tape.input(Tensor(random.normals(12), shape: [3, 4]))
    let code = design.encode(Rows(x))
    var squares = [Float](repeating: 0, count: 3)
    for unit in 0..<5 {
      let slopes = tape.gradients(of: code[1, unit..<unit + 1].sum(), by: [x])[0].value.values
      for i in slopes.indices { squares[i / 4] += slopes[i] * slopes[i] }
    }
    for (mine, truth) in zip(design.contraction(code).value.values, squares) {
      #expect(abs(mine - truth) < 1e-5 * max(1, truth))
    }
  }

  @Test func `a heavier contraction makes codes less sensitive`() throws {
    func contraction(_ weight: String) throws -> Float {
      let entry = try #require(Catalogue.entry(named: "contractive-autoencoder"))
      let model = try #require(
        try entry.fit(
          Records(World.training), FitOptions(seed: 1, settings: ["weight": weight, "epochs": "60"]))
          as? NetworkModel<ContractiveAutoencoder>)
      let x = Tape(model.parameters).input(
        Tensor(model.preparation(World.training), shape: [400, World.width]))
      return model.design.contraction(model.design.encode(Rows(x))).mean().scalar
    }
    #expect(try contraction("1") < 0.5 * contraction("0"))
  }

  @Test func `the sparse penalty is the divergence of the mean activations from the target`() throws {
    let codes: [Float] = [0.1, 0.9, 0.5, 0.3, 0.2, 0.7]
    func penalty(_ kind: String) throws -> Float {
      var settings = SparseSettings()
      settings.code = 3
      settings.target = 0.2
      settings.penalty = kind
      var scope = ParameterScope(seed: 2)
      let design = try SparseAutoencoder(settings, form: RowForm(shape: [2], support: .real), in: &scope)
      return design.penalty(Tape(scope.parameters).input(Tensor(codes, shape: [2, 3]))).scalar
    }
    let log = { (x: Float) in VectorMath.log([x])[0] }
    let truth = [0.2, 0.55, 0.6].reduce(Float(0)) {
      $0 + 0.2 * log(0.2 / $1) + 0.8 * log(0.8 / (1 - $1))
    }
    #expect(abs(try penalty("kl") - truth) < 1e-5)
    #expect(abs(try penalty("l1") - 2.7 / 2) < 1e-6)
  }

  @Test func `a sparse code is as active as it was asked to be`() throws {
    let entry = try #require(Catalogue.entry(named: "sparse-autoencoder"))
    let settings = ["weight": "1", "target": "0.1"]
    let model = try #require(
      try entry.fit(Records(World.training), FitOptions(seed: 1, settings: settings)) as? any Inspectable)
    let fact = try #require(model.facts.first { $0.name == "mean activation" }?.value)
    #expect(abs((Float(fact.prefix { $0 != " " }) ?? 1) - 0.1) < 0.05)
  }

  @Test(
    "corruption hides, shifts or floods as many numbers as it was told",
    arguments: ["masking", "gaussian", "salt"])
  func corruption(noise: String) throws {
    var settings = DenoisingSettings()
    settings.noise = noise
    settings.amount = 0.3
    var scope = ParameterScope(seed: 2)
    let design = try DenoisingAutoencoder(settings, form: RowForm(shape: [50], support: .unit), in: &scope)
    let tape = Tape(scope.parameters, seed: 3)
    let x = tape.input(Tensor(repeating: 0.6, shape: [200, 50]))
    let changes = design.corrupted(x).value.values.map { $0 - 0.6 }
    let changed = changes.filter { abs($0) > 1e-6 }
    if noise == "gaussian" {
      let squares = changes.reduce(0) { $0 + $1 * $1 } / Float(changes.count)
      #expect(abs(squares.squareRoot() - 0.3) < 0.01)
    } else {
      #expect(abs(Float(changed.count) / 10_000 - 0.3) < 0.02)
      let kinds = Set(changed.map { ($0 * 10).rounded() / 10 })
      #expect(kinds == (noise == "salt" ? [-0.6, 0.4] : [-0.6]))
    }
  }

  @Test(
    "pictures of odd sizes and of one line are rebuilt", arguments: [[5, 7], [1, 6], [14, 14], [3, 1]])
  func pictures(shape: [Int]) throws {
    let width = shape[0] * shape[1]
    let place = { (row: Int) in row % width }
    let values = (0..<60 * width).map { abs($0 % width - place($0 / width)) < 2 ? Float(0.9) : 0.1 }
    let records = Records(DataMatrix(rows: 60, columns: width, values: values), shape: shape)
    let entry = try #require(Catalogue.entry(named: "convolutional-autoencoder"))
    let settings = ["channels": "4,6", "code": "8", "batch": "30", "rate": "0.01", "heldOut": "0"]
    let model = try #require(
      try entry.fit(records, FitOptions(settings: settings, epochs: 400)) as? any ReconstructingModel)
    let rebuilt = model.reconstruct(records)
    #expect(rebuilt.count == values.count)
    #expect(Self.error(rebuilt, values) < 0.5 * Self.error(Self.meanRow(values, width), values))
    let cube = Records(
      DataMatrix(rows: 60, columns: width, values: values),
      form: RowForm(shape: [1] + shape, support: .unit))
    #expect(throws: FitError.self) { try entry.begin(cube, FitOptions()) }
  }

  @Test func `sequences of several features come back through a code of a few numbers`() throws {
    var random = RandomStream(seed: 8)
    var values: [Float] = []
    for _ in 0..<200 {
      let (begin, slope) = (random.normal(), random.normal())
      for step in 0..<6 { values += [begin + slope * Float(step), slope * Float(5 - step)] }
    }
    let records = Records(DataMatrix(rows: 200, columns: 12, values: values), shape: [6, 2])
    let entry = try #require(Catalogue.entry(named: "recurrent-autoencoder"))
    let settings = ["code": "2", "hidden": "16", "rate": "0.01"]
    let model = try #require(
      try entry.fit(records, FitOptions(settings: settings)) as? any ReconstructingModel)
    #expect(
      Self.error(model.reconstruct(records), values) < 0.1 * Self.error(Self.meanRow(values, 12), values))
  }

  @Test(
    "codes decode to the reconstruction, and what is missing is filled in from the rest", arguments: family)
  func capabilities(entry: Catalogue.Entry) throws {
    let model = try #require(
      try entry.fit(World.training, 3) as? any EncodingModel & ReconstructingModel & InpaintingModel)
    let values = World.rows(100, seed: 2)
    let form = RowForm(shape: [World.width], support: .real)
    let rows = Records(DataMatrix(rows: 100, columns: World.width, values: values), form: form)
    let codes = model.codes(of: rows)
    #expect(codes.count == 100 * model.codeWidth)
    let rebuilt = model.reconstruct(rows)
    let decoded = model.decode(codes: codes, count: 100, labels: nil)
    #expect(zip(decoded, rebuilt).allSatisfy { abs($0 - $1) < 1e-4 })
    var (mask, hidden) = ([Float](repeating: 1, count: values.count), values)
    for row in 0..<100 {
      mask[row * World.width + 1] = 0
      hidden[row * World.width + 1] = 0
    }
    let holes = Records(
      DataMatrix(rows: 100, columns: World.width, values: hidden, mask: mask), form: form)
    let filled = model.inpaint(holes, seed: 1)
    #expect(filled.indices.allSatisfy { mask[$0] == 0 || filled[$0] == values[$0] })
    let places = (0..<100).map { $0 * World.width + 1 }
    let truth = places.map { values[$0] }
    #expect(
      Self.error(places.map { filled[$0] }, truth) < 0.7 * Self.error(Self.meanRow(truth, 1), truth))
    #expect(filled == model.inpaint(holes, seed: 1) && filled != model.inpaint(holes, seed: 2))
  }
}
