import Gradients
import Networks
import Tensors
import Testing

@testable import Generative

/// What training promises, whatever is trained.
@Suite struct TrainingLaws {
  /// Members whose gradient is not that of the number they report.
  private static let estimated: [String: String] = [
    "rbm": "contrastive divergence", "gaussian-rbm": "contrastive divergence",
    "dbn": "contrastive divergence",
    "dbm": "mean field and persistent chains", "boltzmann-machine": "persistent chains",
    "vq-vae": "straight-through estimate",
  ]

  @Test("gradients are what differences of the loss say", arguments: Catalogue.tested)
  func gradients(entry: Catalogue.Entry) throws {
    guard Self.estimated[entry.name] == nil else { return }
    let fit = try entry.begin(entry.lawRecords(entry.naturalForm), entry.smallOptions)
    guard let loopFit = fit as? any LoopFit else { return }
    check(loopFit.learner, entry.name)
  }

  private func check(_ learner: some Learner, _ name: String) {
    var learner = learner
    let buffer = learner.buffer
    let rows = Array(0..<16)
    func loss() -> Float { learner.gradient(of: rows[...], step: 3, phase: 0) }
    // Away from zeros of the beginning, where layers hide those before them; and a first look at the rows.
    _ = loss()
    var random = RandomStream(seed: 17)
    let point = zip(buffer.weights.values, random.normals(buffer.count)).map { $0 + 0.05 * $1 }
    buffer.weights.assign(point)
    let size = abs(loss())
    let gradient = buffer.gradient.values
    let typical = VectorMath.dot(gradient, gradient).squareRoot() / Float(buffer.count).squareRoot()
    #expect(typical > 0, "\(name) has no gradient at all")

    // Some parameters one by one, then all of them together along random lines.
    var directions = (0..<12).map { _ in
      var direction = [Float](repeating: 0, count: buffer.count)
      direction[random.below(buffer.count)] = 1
      return direction
    }
    for _ in 0..<4 {
      let normals = random.normals(buffer.count)
      let length = VectorMath.dot(normals, normals).squareRoot()
      directions.append(normals.map { $0 / length })
    }
    for direction in directions {
      let slope = VectorMath.dot(gradient, direction)
      let errors = [Float(0.03), 0.01, 0.003, 0.001].map { h -> Float in
        func at(_ step: Float) -> Float {
          buffer.weights.assign(zip(point, direction).map { $0 + step * $1 })
          return loss()
        }
        let truth = (at(h) - at(-h)) / (2 * h)
        // Rounding of the loss, and a kink between the two points, are no error of the gradient: of rectified features many are.
        return abs(truth - slope) / (0.02 * abs(truth) + 0.02 * typical + 4e-7 * size / h)
      }
      #expect((errors.min() ?? .infinity) <= 1, "\(name): \(slope), errors \(errors)")
    }
  }

  @Test("one thread and two give the same bits", arguments: Catalogue.tested)
  func threads(entry: Catalogue.Entry) throws {
    let records = entry.lawRecords(entry.naturalForm)
    var options = entry.smallOptions
    options.epochs = 5
    let files = try [1, 2, 2].map { threads in
      options.threads = threads
      return try entry.fit(records, options).encode()
    }
    #expect(files[0] == files[1] && files[1] == files[2])
  }

  @Test("a NaN in a batch is a typed error, and what was good before it is kept", arguments: Catalogue.tested)
  func diverged(entry: Catalogue.Entry) throws {
    let records = entry.lawRecords(entry.naturalForm)
    for planted in PoisonedLearner<TapeLearner>.Place.allCases {
      guard let fit = try entry.begin(records, entry.smallOptions) as? any LoopFit else { return }
      #expect(throws: FitError.diverged(step: 7)) { try poison(fit, planted, at: 7) }
      let other = try entry.begin(records, entry.smallOptions)
      var surroundings = FitSurroundings()
      var asked = 0
      surroundings.shouldStop = {
        asked += 1
        return asked > 7
      }
      #expect(try other.run(surroundings) == .stopped)
      let (model, good) = (try fit.model(), try other.model())
      #expect(model.encode() == good.encode())
      let rows = records.matrix.values
      #expect(scores(model, rows) == scores(good, rows) && scores(model, rows).allSatisfy { $0.isFinite })
      // It goes on from there as if nothing had happened.
      #expect(fit.encode() == other.encode())
    }
  }

  private func poison<F: LoopFit>(
    _ fit: F, _ place: PoisonedLearner<TapeLearner>.Place, at step: Int
  ) throws(FitError) {
    var learner = PoisonedLearner(base: fit.learner, step: step, inLoss: place == .loss)
    _ = try fit.run(FitSurroundings(), with: &learner)
  }

  /// The share of the way from the independent bits (0) to the rows by heart (1) that a member must go; half of it unless it is said
  /// here why it cannot.
  private static let shares: [String: Double] = [
    // One number for each column: there is nothing else to learn.
    "independent": -0.01
  ]

  /// The mean log-likelihood of bits under their own frequencies, among those of the same class where there are classes.
  private static func byHeart(_ records: Records) -> Double {
    let (matrix, labels) = (records.matrix, records.labels ?? [Int](repeating: 0, count: records.count))
    let rows = (0..<matrix.rows).map { Array(matrix.values[$0 * matrix.columns..<($0 + 1) * matrix.columns]) }
    let logs = rows.indices.map { row in
      let alike = rows.indices.filter { labels[$0] == labels[row] }
      return VectorMath.log([Float(alike.count { rows[$0] == rows[row] }) / Float(alike.count)])[0]
    }
    return Double(logs.reduce(0, +)) / Double(rows.count)
  }

  @Test("sixteen rows are learned by heart, as far as a member can", arguments: Catalogue.tested)
  func overfits(entry: Catalogue.Entry) throws {
    let share = Self.shares[entry.name] ?? 0.5
    if entry.capabilities.contains(.likelihood) {
      let form = entry.naturalForm.isBinary ? entry.binaryForm : entry.naturalForm
      let records = form.records(
        16, seed: 4, noise: form.isBinary ? 0 : 0.05,
        classes: entry.capabilities.contains(.conditional) ? 2 : 0)
      guard let model = try entry.fit(records, entry.eagerOptions) as? any LikelihoodModel else { return }
      let likelihoods = model.logLikelihoods(records, samples: 32, seed: 1)
      let mean = likelihoods.reduce(0, +) / 16
      let alone = Self.independent(records.matrix, isBinary: form.isBinary)
      // Each row as often as it occurs: no model of bits can give them more. Of numbers one nat is a lot: one half of the
      // variance each.
      let most = form.isBinary ? Self.byHeart(records) : alone + 1
      #expect(mean >= alone + share * (most - alone), "\(entry.name): \(mean) of \(alone)...\(most)")
      if form.isBinary { #expect(mean <= most + 1e-3) }
    }
    if entry.capabilities.contains(.reconstruct) {
      let form = entry.naturalForm
      let records = form.records(16, seed: 4, noise: form.isBinary ? 0 : 0.05)
      guard let model = try entry.fit(records, entry.eagerOptions) as? any ReconstructingModel else { return }
      let error = zip(model.reconstruct(records), records.matrix.values).reduce(0.0) {
        $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1))
      }
      let moments = records.matrix.moments(floor: 0)
      let variance = moments.deviation.reduce(0.0) { $0 + 16 * Double($1 * $1) }
      #expect(error <= (1 - share) * variance, "\(entry.name): \(error) of \(variance)")
    }
  }

  /// The mean log-likelihood of rows under the best model of independent columns.
  static func independent(_ data: DataMatrix, isBinary: Bool) -> Double {
    let moments = data.moments(floor: 0)
    return zip(moments.mean, moments.deviation).reduce(0.0) { sum, column in
      let logs = VectorMath.log([column.0, 1 - column.0, column.1 * column.1 * 2 * .pi]).map(Double.init)
      guard isBinary else { return sum - 0.5 * (logs[2] + 1) }
      let p = Double(column.0)
      return sum + (p > 0 ? p * logs[0] : 0) + (p < 1 ? (1 - p) * logs[1] : 0)
    }
  }
}

/// Meets a NaN among the numbers of a batch at one step.
struct PoisonedLearner<Base: Learner>: Learner {
  enum Place: CaseIterable, Sendable {
    case loss
    case gradient
  }
  var base: Base
  let step: Int
  let inLoss: Bool

  var buffer: ParameterBuffer { base.buffer }

  mutating func gradient(of rows: ArraySlice<Int>, step: Int, phase: Int) -> Float {
    let loss = base.gradient(of: rows, step: step, phase: phase)
    guard step >= self.step else { return loss }
    buffer.gradient.fill(.nan)
    return inLoss ? .nan : loss
  }
  mutating func moved(rate: Float) { base.moved(rate: rate) }
  mutating func heldOutLoss() -> Float? { base.heldOutLoss() }
}
