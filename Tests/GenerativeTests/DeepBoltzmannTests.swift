import Foundation
import Gradients
import Networks
import Tensors
import Testing

@testable import Generative

struct DeepBoltzmannTests {
  /// Four visible units and layers above, with random weights.
  static func machine(_ hidden: [Int], scale: Float = 1, seed: UInt64 = 61) throws -> (
    DeepBoltzmannMachine, Parameters
  ) {
    var settings = DeepBoltzmannSettings()
    settings.hidden = hidden
    settings.meanField = 50
    var scope = ParameterScope(seed: 1)
    let design = try DeepBoltzmannMachine(
      settings, form: RowForm(shape: [4], support: .binary), in: &scope)
    var parameters = scope.parameters
    let random = BipartiteMachine.random(design.layer.visible, design.layer.hidden, scale: scale, seed: seed)
    let connected = design.layer.connected?.values ?? random.weights.map { _ in 1 }
    parameters[design.layer.weight] = Tensor(
      zip(random.weights, connected).map { $0 * $1 }, shape: design.layer.weight.shape)
    parameters[design.layer.visibleBias] = Tensor(random.visibleBias, shape: [random.visible])
    parameters[design.layer.hiddenBias] = Tensor(random.hiddenBias, shape: [random.hidden])
    return (design, design.completed(parameters, seed: 1))
  }

  static func model(_ design: DeepBoltzmannMachine, _ parameters: Parameters) -> NetworkModel<
    DeepBoltzmannMachine
  > {
    let records = states(4)
    return NetworkModel(
      design, parameters, settings: design.settings, training: DeepBoltzmannMachine.training,
      preparation: Preparation(records, wanted: .binary), columns: ColumnSummary(records.matrix), curve: [])
  }

  static func states(_ width: Int) -> Records {
    Records(
      DataMatrix(
        rows: 1 << width, columns: width, values: bitStates(width).flatMap { $0.map { Float($0) } }))
  }

  @Test func `layers that are not neighbours are not connected`() throws {
    let (design, _) = try Self.machine([3, 2, 2])
    // v (4) and h₂ (2) against h₁ (3) and h₃ (2): the visible units do not see h₃.
    let connected = try #require(design.layer.connected)
    for unit in 0..<6 {
      for other in 0..<5 { #expect(connected.values[unit * 5 + other] == (unit < 4 && other >= 3 ? 0 : 1)) }
    }
    #expect(try Self.machine([3, 2]).0.layer.connected == nil)
  }

  @Test(arguments: [[3, 2], [3, 2, 2]])
  func `likelihoods are those of sums over all layers, and the bound lies below`(hidden: [Int]) throws {
    let (design, parameters) = try Self.machine(hidden)
    let machine = design.layer.machine(parameters)
    let rest = machine.visible - 4
    let logs = bitStates(4).map { v in
      logSumExp(
        bitStates(rest).flatMap { even in
          bitStates(machine.hidden).map { machine.agreement(v + even, $0) }
        })
    }
    let partition = logSumExp(logs)
    let model = Self.model(design, parameters)
    #expect(abs(model.logPartition.value - partition) < 1e-4 && model.logPartition.isExact)
    let exact = model.exactLogLikelihoods(Self.states(4))
    let bounds = model.logLikelihoods(Self.states(4), samples: 1, seed: 1)
    #expect(model.likelihoodKind == .lowerBound)
    for state in 0..<16 {
      #expect(abs(exact[state] - (logs[state] - partition)) < 1e-4)
      #expect(bounds[state] <= exact[state] + 1e-4 && bounds[state] > exact[state] - 1)
    }
  }

  @Test func `mean field is the best product of units, as trying all neighbours shows`() throws {
    let (design, parameters) = try Self.machine([3, 2], scale: 0.7)
    let machine = design.layer.machine(parameters)
    let v: [Float] = [1, 0, 1, 1]
    let tape = Tape(parameters)
    let field = design.meanField(tape.input(Tensor(v, shape: [1, 4])))
    let odd = field.odd.value.values.map(Double.init)
    let even = sigmoid(try #require(field.evenInput)).value.values.map(Double.init)
    func bound(_ odd: [Double], _ even: [Double]) -> Double {
      let entropy = (odd + even).reduce(0) { $0 - $1 * log($1) - (1 - $1) * log(1 - $1) }
      return machine.agreement(v.map(Double.init) + even, odd) + entropy
    }
    let best = bound(odd, even)
    let mine = -design.variationalFreeEnergy(tape.input(Tensor(v, shape: [1, 4]))).value.values[0]
    #expect(abs(Double(mine) - best) < 1e-4)
    for i in odd.indices {
      for step in [-0.02, 0.02] {
        var moved = odd
        moved[i] = min(0.999, max(0.001, moved[i] + step))
        #expect(bound(moved, even) < best)
      }
    }
    for i in even.indices {
      for step in [-0.02, 0.02] {
        var moved = even
        moved[i] = min(0.999, max(0.001, moved[i] + step))
        #expect(bound(odd, moved) < best)
      }
    }
  }

  @Test func `with nothing above the first layer the bound is tight`() throws {
    var (design, parameters) = try Self.machine([3, 2])
    var weights = parameters[design.layer.weight].values
    for i in 12..<weights.count { weights[i] = 0 }
    parameters[design.layer.weight] = Tensor(weights, shape: design.layer.weight.shape)
    let model = Self.model(design, design.completed(parameters, seed: 1))
    let exact = model.exactLogLikelihoods(Self.states(4))
    for (bound, log) in zip(model.logLikelihoods(Self.states(4), samples: 1, seed: 1), exact) {
      #expect(abs(bound - log) < 1e-4)
    }
  }

  @Test func `samples are as frequent as they are probable, given some of them too`() throws {
    let (design, parameters) = try Self.machine([3, 2])
    let model = Self.model(design, parameters)
    let logs = model.exactLogLikelihoods(Self.states(4))
    #expect(chiSquareExcess(model.sample(count: 5000, seed: 1), width: 4, logProbabilities: logs) < 4)
    var given = Self.states(4)
    given.matrix = DataMatrix(
      rows: 3000, columns: 4, values: (0..<3000).flatMap { _ in [Float(1), 0, 0, 0] },
      mask: (0..<3000).flatMap { _ in [Float(1), 0, 0, 0] })
    let rows = model.inpaint(given, seed: 2)
    let joint = (0..<8).map { logs[1 | $0 << 1] }
    let free = (0..<3000).flatMap { rows[4 * $0 + 1..<4 * $0 + 4] }
    #expect(chiSquareExcess(free, width: 3, logProbabilities: joint.map { $0 - logSumExp(joint) }) < 4)
  }

  @Test func `training brings the exact likelihood close to the entropy of the rows`() throws {
    let records = causedBits(600, seed: 62)
    let entry = try #require(Catalogue.entry(named: "dbm"))
    let options = FitOptions(
      seed: 2, settings: ["hidden": "8,4", "heldOut": "0", "rate": "0.1", "momentum": "0.9"], epochs: 300)
    let model = try #require(try entry.fit(records, options) as? NetworkModel<DeepBoltzmannMachine>)
    let exact = model.exactLogLikelihoods(records).reduce(0, +) / 600
    let bound = model.logLikelihoods(records, samples: 1, seed: 1).reduce(0, +) / 600
    let entropy = counts(records.matrix.values, width: 6).reduce(0) {
      $1 == 0 ? $0 : $0 - $1 / 600 * log($1 / 600)
    }
    #expect(exact > -entropy - 0.2)
    #expect(exact <= -entropy + 1e-3)
    #expect(bound <= exact + 1e-4 && bound > exact - 0.5)
  }
}

struct DeepBeliefBoltzmannTests {
  /// A network whose second layer begins as the first one turned over.
  static func tied(training: String? = nil) throws -> (DeepBeliefNetwork, Parameters) {
    var settings = DeepBeliefSettings()
    settings.hidden = [3, 4]
    var scope = ParameterScope(seed: 1)
    let design = try DeepBeliefNetwork(
      settings, form: RowForm(shape: [4], support: .binary), in: &scope)
    var parameters = scope.parameters
    let machine = BipartiteMachine.random(4, 3, scale: 1, seed: 63)
    parameters[design.layers[0].weight] = Tensor(machine.weights, shape: [4, 3])
    parameters[design.layers[0].visibleBias] = Tensor(machine.visibleBias, shape: [4])
    parameters[design.layers[0].hiddenBias] = Tensor(machine.hiddenBias, shape: [3])
    return (design, parameters)
  }

  static func model(_ design: DeepBeliefNetwork, _ parameters: Parameters) -> NetworkModel<DeepBeliefNetwork>
  {
    let records = DeepBoltzmannTests.states(4)
    return NetworkModel(
      design, parameters, settings: design.settings, training: DeepBeliefNetwork.training,
      preparation: Preparation(records, wanted: .binary), columns: ColumnSummary(records.matrix), curve: [])
  }

  @Test func `a tied second layer is the machine below it, and the bound is tight`() throws {
    let (design, parameters) = try Self.tied()
    let model = Self.model(design, design.completed(parameters, seed: 1))
    let truth = design.layers[0].machine(parameters).logProbabilities
    let states = DeepBoltzmannTests.states(4)
    let exact = model.exactLogLikelihoods(states)
    let bounds = model.logLikelihoods(states, samples: 4000, seed: 1)
    for state in 0..<16 {
      #expect(abs(exact[state] - truth[state]) < 1e-4)
      #expect(abs(bounds[state] - truth[state]) < 0.05)
    }
  }

  @Test func `with any top the bound lies below the likelihood, and samples are as frequent as probable`()
    throws
  {
    let (design, begin) = try Self.tied()
    var parameters = design.completed(begin, seed: 1)
    let top = BipartiteMachine.random(3, 4, scale: 1.5, seed: 64)
    parameters[design.top.weight] = Tensor(top.weights, shape: [3, 4])
    let model = Self.model(design, design.completed(parameters, seed: 1))
    let states = DeepBoltzmannTests.states(4)
    let exact = model.exactLogLikelihoods(states)
    #expect(abs(exact.reduce(0) { $0 + exp($1) } - 1) < 1e-4)
    // The network, term by term.
    let lower = design.layers[0].machine(parameters)
    let prior = BipartiteMachine(
      visibleBias: parameters[design.top.visibleBias].values,
      hiddenBias: parameters[design.top.hiddenBias].values, weights: top.weights
    ).logProbabilities
    for (state, v) in bitStates(4).enumerated() {
      let terms = bitStates(3).enumerated().map { index, h in
        prior[index] + lower.agreement(v, h) - logSumExp(bitStates(4).map { lower.agreement($0, h) })
      }
      #expect(abs(exact[state] - logSumExp(terms)) < 1e-4)
    }
    let bounds = model.logLikelihoods(states, samples: 2000, seed: 1)
    for state in 0..<16 { #expect(bounds[state] < exact[state] + 0.1) }
    #expect(bounds.reduce(0, +) < exact.reduce(0, +))
    #expect(chiSquareExcess(model.sample(count: 5000, seed: 1), width: 4, logProbabilities: exact) < 4)
  }

  @Test func `training the tied layer gains what is to be gained above the machine below it`() throws {
    // A lower machine that is right about p(v | h) and wrong about p(h): its units go together in the data and not in its prior.
    // What a layer above can gain at most is the divergence of that prior from what q makes of the data; a lower machine at its own
    // optimum would leave next to nothing of it (.0005 nats of those bits that two causes make).
    let lower = BipartiteMachine.random(4, 3, scale: 3, seed: 63)
    var random = RandomStream(seed: 65)
    let units = (0..<600).flatMap { _ -> [Float] in
      let all: Float = random.bernoulli(0.5) ? 1 : 0
      return (0..<3).map { _ in random.bernoulli(0.05) ? 1 - all : all }
    }
    var gibbs = BlockGibbs(visible: 4, hidden: 3, chains: 600)
    gibbs.load(lower)
    gibbs.hiddenUnits = units
    gibbs.sampleVisible(&random)
    let records = Records(DataMatrix(rows: 600, columns: 4, values: gibbs.visibleUnits))

    let entry = try #require(Catalogue.entry(named: "dbn"))
    let settings = ["hidden": "3,4", "heldOut": "0", "rate": "0.1"]
    let options = FitOptions(seed: 2, settings: settings, epochs: 400)
    let fit = try #require(try entry.begin(records, options) as? NetworkFit<DeepBeliefNetwork>)
    // The first half of the steps, those of the lower layer, are over.
    let layer = try Self.tied().0.layers[0]
    fit.training.state.step = 1200
    fit.training.state.parameters[layer.weight] = Tensor(lower.weights, shape: [4, 3])
    fit.training.state.parameters[layer.visibleBias] = Tensor(lower.visibleBias, shape: [4])
    fit.training.state.parameters[layer.hiddenBias] = Tensor(lower.hiddenBias, shape: [3])
    func likelihoods() throws -> (exact: Double, bound: Double) {
      let model = try #require(try fit.model() as? NetworkModel<DeepBeliefNetwork>)
      return (
        model.exactLogLikelihoods(records).reduce(0, +) / 600,
        model.logLikelihoods(records, samples: 100, seed: 1).reduce(0, +) / 600
      )
    }
    let half = try likelihoods()
    let most = Self.divergence(lower, records.matrix.values)
    #expect(most > 0.2)
    _ = try fit.run(FitSurroundings())
    let whole = try likelihoods()
    #expect(whole.bound > half.bound + 0.7 * most, "\(half) \(whole) of \(most)")
    // But for the noise of the bounds.
    #expect(whole.bound < half.bound + most + 0.02)
    #expect(whole.bound <= whole.exact + 0.01)
  }

  /// `KL(mean q(h | v) ‖ p(h))` of a machine on rows, all states of its hidden units written out.
  private static func divergence(_ machine: BipartiteMachine, _ rows: [Float]) -> Double {
    let (n, m) = (machine.visible, machine.hidden)
    let prior = machine.exchanged.logWeights().map(Double.init)
    let partition = logSumExp(prior)
    var posterior = [Double](repeating: 0, count: 1 << m)
    let count = rows.count / n
    for row in 0..<count {
      let p = (0..<m).map { j -> Double in
        var input = machine.hiddenBias[j]
        for i in 0..<n { input += rows[row * n + i] * machine.weights[i * m + j] }
        return 1 / (1 + exp(-Double(input)))
      }
      for state in posterior.indices {
        var probability = 1.0
        for j in 0..<m { probability *= state >> j & 1 == 1 ? p[j] : 1 - p[j] }
        posterior[state] += probability / Double(count)
      }
    }
    return posterior.indices.reduce(0) {
      $0 + posterior[$1] * (log(posterior[$1]) - (prior[$1] - partition))
    }
  }
}
