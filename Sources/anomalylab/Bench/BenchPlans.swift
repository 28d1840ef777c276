import CAllocations
import Gradients
import Networks
import Tensors

/// What a compiled plan asks of memory when it runs again: nothing, whatever it is made of.
struct PlanBench {
  let run: BenchRun

  func allocations() {
    var scope = ParameterScope(seed: 5)
    let picture = Convolution2D("picture", 1, 6, size: 3, activation: .relu, in: &scope)
    let batch = BatchNorm("batch", channels: 6, in: &scope)
    let memory = LSTM("memory", 36, 16, in: &scope)
    let cell = GRU("cell", 16, 12, in: &scope)
    let attention = MultiHeadAttention("attention", width: 12, heads: 3, in: &scope)
    let even = LayerNorm("even", 12, in: &scope)
    let last = Dense("last", 12, 2, activation: .tanh, in: &scope)
    func measure(_ name: String, _ shape: Shape, _ network: (Variable) -> Variable) {
      let tape = Tape(scope.parameters)
      let x = tape.input(shape)
      let plan = tape.plan(from: [x], to: network(x))
      plan.run()
      let before = allocations_count_here()
      for _ in 0..<100 { plan.run() }
      run.report("plan of \(name)", Double(allocations_count_here() - before) / 100, "allocations a run")
    }
    measure("a convolution", [8, 1, 6, 6]) { picture($0) }
    measure("batch norm", [8, 6, 6, 6]) { batch($0, isTraining: false) }
    measure("an LSTM", [8, 6, 36]) { memory($0).outputs }
    measure("a GRU", [8, 6, 16]) { cell($0).outputs }
    measure("attention", [8, 6, 12]) { attention($0) }
    measure("layer norm", [8, 6, 12]) { even($0) }
    measure("a dense layer", [8, 12]) { last($0) }
    measure("a mean", [8, 6, 12]) { $0.mean(1) }
    measure("softmax", [8, 6]) { softmax($0) }
  }
}
