import Foundation
import Gradients
import Networks
import Tensors
import Testing

@testable import Generative

/// The greedy begin of a deep Boltzmann machine.
@Suite struct DeepBoltzmannPretrainingTests {
  private func fit(_ records: Records, _ more: [String: String], steps: Int = .max) throws
    -> NetworkModel<DeepBoltzmannMachine>
  {
    let entry = try #require(Catalogue.entry(named: "dbm"))
    let settings = ["hidden": "8,4", "heldOut": "0", "rate": "0.1"].merging(more) { $1 }
    let fit = try entry.begin(records, FitOptions(seed: 2, settings: settings, epochs: 200))
    var surroundings = FitSurroundings()
    var asked = 0
    surroundings.shouldStop = {
      asked += 1
      return asked > steps
    }
    _ = try fit.run(surroundings)
    return try #require(try fit.model() as? NetworkModel<DeepBoltzmannMachine>)
  }

  private func mean(_ model: NetworkModel<DeepBoltzmannMachine>, _ records: Records) -> Double {
    model.exactLogLikelihoods(records).reduce(0, +) / Double(records.count)
  }

  @Test func `each machine moves its own weights only`() throws {
    let (design, parameters) = try DeepBoltzmannTests.machine([3, 2, 2], scale: 0.6)
    let states = Tensor(DeepBoltzmannTests.states(4).matrix.values, shape: [16, 4])
    for machine in 0..<3 {
      let buffer = ParameterBuffer(parameters)
      let tape = Tape(buffer, seed: 3)
      tape.backward(DeepBoltzmannPretraining(design, tape).loss(tape.input(states), machine: machine))
      let gradient = buffer.gradient(design.layer.weight).values
      // v (4) and h₂ (2) stand against h₁ (3) and h₃ (2): machine 0 owns 4 × 3, machine 1 h₂ × h₁, machine 2 h₂ × h₃.
      for unit in 0..<6 {
        for other in 0..<5 {
          let owner = other < 3 ? (unit < 4 ? 0 : 1) : (unit < 4 ? nil : 2)
          if owner != machine { #expect(gradient[unit * 5 + other] == 0) }
        }
      }
      #expect(gradient.contains { $0 != 0 })
    }
  }

  @Test func `what both sides will say to a layer counts twice where there is one of them`() throws {
    // The lowest machine of two: p(h = 1 | v) = σ(c + 2 Wᵀv). Given its gradient at one row, that of the bias of the hidden units
    // is half of -p for the row and +p for its reconstruction.
    let (design, parameters) = try DeepBoltzmannTests.machine([3, 2], scale: 0.6)
    let v: [Float] = [1, 0, 1, 1]
    let machine = design.layer.machine(parameters)
    let buffer = ParameterBuffer(parameters)
    let tape = Tape(buffer, seed: 3)
    tape.backward(
      DeepBoltzmannPretraining(design, tape).loss(tape.input(Tensor(v, shape: [1, 4])), machine: 0))
    let gradient = buffer.gradient(design.layer.hiddenBias).values
    // The reconstruction is one of sixteen.
    let candidates = bitStates(4).map { state in
      (0..<3).map { j -> Float in
        func p(_ v: [Double]) -> Double {
          let input = (0..<4).reduce(Double(machine.hiddenBias[j])) {
            $0 + 2 * v[$1] * Double(machine.weights[$1 * 3 + j])
          }
          return 1 / (1 + exp(-input))
        }
        return Float((p(state) - p(v.map(Double.init))) / 2)
      }
    }
    #expect(candidates.contains { zip($0, gradient).allSatisfy { abs($0 - $1) < 1e-5 } })
  }

  @Test func `after it alone the machine knows more than single bits, and layers are trained in turn`() throws
  {
    let records = causedBits(600, seed: 62)
    // A third of 1,200 steps for either layer.
    let begun = try fit(records, ["pretraining": "0.66"], steps: 790)
    let independent = TrainingLaws.independent(records.matrix, isBinary: true)
    #expect(mean(begun, records) > independent + 0.3)
    let first = try fit(records, ["pretraining": "0.66"], steps: 390)
    // Not before its turn: the upper layer is as it began.
    let before = try fit(records, ["pretraining": "0.66"], steps: 1)
    func upper(_ model: NetworkModel<DeepBoltzmannMachine>) -> [Float] {
      let layer = model.design.layer
      return Array(model.parameters[layer.weight].values[(6 * layer.hidden)...])
    }
    #expect(upper(first) == upper(before) && upper(begun) != upper(first))
  }

  @Test("all layers together go on from it", arguments: ["true", "false"])
  func together(centred: String) throws {
    let records = causedBits(600, seed: 62)
    let settings = ["centred": centred, "pretraining": "0.5"]
    let begun = try mean(fit(records, settings, steps: 600), records)
    let whole = try mean(fit(records, settings), records)
    #expect(whole > begun + 0.1, "\(begun) and \(whole)")
  }

  @Test func `stages take their shares of the steps`() {
    let stages = TrainingStages(shares: [1, 1, 2], steps: 10)
    #expect((0..<10).map { stages.place(of: $0).stage } == [0, 0, 0, 1, 1, 2, 2, 2, 2, 2])
    #expect((0...3).map { stages.begin(of: $0) } == [0, 3, 5, 10])
    #expect(stages.place(of: 4).share == 0.5)
    #expect(TrainingStages(shares: [], steps: 5).place(of: 4).stage == 0)
  }
}
