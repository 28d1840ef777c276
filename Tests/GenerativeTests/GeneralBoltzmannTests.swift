import Foundation
import Gradients
import Networks
import Tensors
import Testing

@testable import Generative

/// A general machine of four visible units and some hidden ones, with every sum over states written out in double precision.
struct TinyGeneralMachine {
  let design: BoltzmannMachine
  var parameters: Parameters
  var units: Int { design.units }

  init(hidden: Int = 0, objective: BoltzmannMachineSettings.Objective = .automatic, seed: UInt64 = 1) throws {
    var settings = BoltzmannMachineSettings()
    settings.hidden = hidden
    settings.objective = objective
    settings.particles = 2000
    var scope = ParameterScope(seed: 1)
    design = try BoltzmannMachine(settings, form: RowForm(shape: [4], support: .binary), in: &scope)
    parameters = scope.parameters
    var random = RandomStream(seed: seed, stream: 51)
    let units = design.units
    parameters[design.weight] = Tensor(random.normals(units * units), shape: [units, units])
    parameters[design.bias] = Tensor(random.normals(units), shape: [units])
  }

  func agreement(_ x: [Double]) -> Double {
    let j = design.couplings(parameters).map(Double.init)
    let b = parameters[design.bias].values.map(Double.init)
    var sum = 0.0
    for i in 0..<units {
      sum += b[i] * x[i]
      for k in 0..<i { sum += j[i * units + k] * x[i] * x[k] }
    }
    return sum
  }

  /// `log Σ_h e^-E(v, h)` of all states of the visible units.
  var logWeights: [Double] {
    bitStates(4).map { v in logSumExp(bitStates(units - 4).map { agreement(v + $0) }) }
  }
  var logProbabilities: [Double] {
    let partition = logSumExp(logWeights)
    return logWeights.map { $0 - partition }
  }
  func loss(_ rows: [Float]) -> Double {
    let counts = counts(rows, width: 4)
    return -zip(counts, logProbabilities).reduce(0) { $0 + $1.0 * $1.1 } / counts.reduce(0, +)
  }

  func exactGradient(_ rows: [Float]) -> [Double] {
    parameters.values.indices.map { i in
      var (up, down) = (self, self)
      up.parameters.values[i] += 0.02
      down.parameters.values[i] -= 0.02
      return (up.loss(rows) - down.loss(rows)) / 0.04
    }
  }
}

struct GeneralBoltzmannTests {
  let rows: [Float] = {
    var random = RandomStream(seed: 52)
    return BipartiteMachine.random(4, 3, scale: 1, seed: 53).exactSample(count: 500, random: &random)
  }()

  @Test(arguments: [0, 1, 3])
  func `free energy and log Z are those of sums over everything`(hidden: Int) throws {
    let tiny = try TinyGeneralMachine(hidden: hidden)
    let tape = Tape(tiny.parameters)
    #expect(abs(Double(tiny.design.logPartition(tape).scalar) - logSumExp(tiny.logWeights)) < 1e-5)
    let states = tape.input(BoltzmannMachine.states(4))
    for (mine, truth) in zip(tiny.design.freeEnergy(states).value.values, tiny.logWeights) {
      #expect(abs(Double(mine) + truth) < 1e-5)
    }
  }

  @Test(arguments: [0, 2])
  func `the gradient of the likelihood is what its differences say`(hidden: Int) throws {
    let tiny = try TinyGeneralMachine(hidden: hidden)
    #expect(tiny.design.objective == .likelihood)
    let mine = tiny.design.meanGradient(tiny.parameters, rows: rows, width: 4, steps: 0..<1)
    for (mine, truth) in zip(mine, tiny.exactGradient(rows)) { #expect(abs(mine - truth) < 1e-3) }
  }

  @Test(arguments: [0, 2])
  func `the gradient of mixed chains is that of the enumerated likelihood`(hidden: Int) throws {
    let tiny = try TinyGeneralMachine(hidden: hidden, objective: .persistent)
    let sampled = tiny.design.meanGradient(tiny.parameters, rows: rows, width: 4, steps: 15..<55)
    for (mine, truth) in zip(sampled, tiny.exactGradient(rows)) { #expect(abs(mine - truth) < 0.015) }
  }

  @Test func `the pseudo-likelihood is the sum of all conditionals`() throws {
    let tiny = try TinyGeneralMachine(objective: .pseudolikelihood)
    let logs = tiny.logProbabilities
    for state in [0, 6, 15] {
      let truth = (0..<4).reduce(0.0) {
        $0 - (logs[state] - logSumExp([logs[state], logs[state ^ 1 << $1]]))
      }
      let tape = Tape(tiny.parameters)
      let x = tape.input(Tensor((0..<4).map { Float(state >> $0 & 1) }, shape: [1, 4]))
      #expect(abs(Double(tiny.design.loss(Rows(x), stage: 0).scalar) - truth) < 1e-5)
    }
  }

  @Test func `a fully visible machine reaches the optimum: its pairs are as frequent as the data's`() throws {
    let records = causedBits(400, seed: 54)
    let entry = try #require(Catalogue.entry(named: "boltzmann-machine"))
    let options = FitOptions(seed: 1, settings: ["heldOut": "0"], epochs: 1500)
    let model = try #require(try entry.fit(records, options) as? NetworkModel<BoltzmannMachine>)
    #expect(model.likelihoodKind == .exact)
    let states = bitStates(6).map { $0.map { Float($0) } }
    let probabilities = model.logLikelihoods(
      Records(DataMatrix(rows: 64, columns: 6, values: states.flatMap { $0 })), samples: 1, seed: 1
    ).map { exp($0) }
    #expect(abs(probabilities.reduce(0, +) - 1) < 1e-4)
    let data = counts(records.matrix.values, width: 6).map { $0 / 400 }
    for i in 0..<6 {
      for k in 0...i {
        func moment(_ p: [Double]) -> Double {
          zip(p, states).reduce(0) { $0 + $1.0 * Double($1.1[i] * $1.1[k]) }
        }
        #expect(abs(moment(probabilities) - moment(data)) < 1e-3)
      }
    }
  }

  @Test func `annealed importance sampling agrees with enumeration within its standard error`() throws {
    var deviates: [Double] = []
    for seed in 1...10 as ClosedRange<UInt64> {
      let tiny = try TinyGeneralMachine(hidden: 2, seed: seed)
      let sampler = AnnealedImportanceSampling(chains: 50, temperatures: 100)
      let estimate = tiny.design.logPartition(tiny.parameters, sampler, seed: seed)
      let error = estimate.value - logSumExp(tiny.logWeights)
      #expect(abs(error) < 0.3)
      deviates.append(error / estimate.standardError)
    }
    #expect(deviates.filter { abs($0) > 2.5 }.count <= 1)
    let square = deviates.reduce(0) { $0 + $1 * $1 } / 10
    #expect(square > 0.2 && square < 3)
  }

  @Test func `draws by the states, Gibbs chains and chains with some units held are as frequent as probable`()
    throws
  {
    let tiny = try TinyGeneralMachine(hidden: 2)
    let logs = tiny.logProbabilities
    let drawn = tiny.design.sample(
      SampleRequest(count: 5000, seed: 2), ParameterBuffer(tiny.parameters))
    #expect(chiSquareExcess(drawn, width: 4, logProbabilities: logs) < 4)
    var random = RandomStream(seed: 3)
    let plan = SamplingPlan(sweeps: 60, base: [Float](repeating: 0, count: 6))
    let chains = tiny.design.gibbs(0..<3000, random: &random, plan, tiny.parameters)
    #expect(chiSquareExcess(chains, width: 4, logProbabilities: logs) < 4)
    let rows = tiny.design.inpaint(
      (0..<3000).flatMap { _ in [Float(0), 1, 0, 0] }, mask: (0..<3000).flatMap { _ in [Float(1), 1, 0, 0] },
      count: 3000, labels: nil, seed: 4, ParameterBuffer(tiny.parameters))
    for row in 0..<3000 { #expect(rows[4 * row] == 0 && rows[4 * row + 1] == 1) }
    let joint = (0..<4).map { logs[2 | $0 << 2] }
    let free = (0..<3000).flatMap { rows[4 * $0 + 2..<4 * $0 + 4] }
    #expect(chiSquareExcess(free, width: 2, logProbabilities: joint.map { $0 - logSumExp(joint) }) < 4)
  }

  @Test func `what cannot be is a typed error that says what can`() throws {
    let entry = try #require(Catalogue.entry(named: "boltzmann-machine"))
    let wide = Records(DataMatrix(rows: 40, columns: 21, values: [Float](repeating: 1, count: 840)))
    for (name, value) in [("hidden", "11"), ("objective", "likelihood"), ("objective", "nothing")] {
      #expect(throws: FitError.self) {
        _ = try entry.begin(wide, FitOptions(seed: 1, settings: [name: value]))
      }
    }
  }
}
