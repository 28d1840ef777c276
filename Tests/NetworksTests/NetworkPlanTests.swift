import CAllocations
import Gradients
import Networks
import Tensors
import Testing

struct NetworkPlanTests {
  @Test func `a plan gives what a fresh tape gives, for any number of rows, and follows the weights`() {
    var scope = ParameterScope(seed: 1)
    let first = Convolution2D("first", 1, 4, size: 3, activation: .relu, in: &scope)
    let norm = BatchNorm("norm", channels: 4, in: &scope)
    let last = Dense("last", 4 * 5 * 5, 3, in: &scope)
    @Sendable func network(_ x: Variable) -> Variable {
      last(norm(first(x), isTraining: false).reshaped([x.shape[0], 100]))
    }
    let buffer = ParameterBuffer(scope.parameters)
    let plan = NetworkPlan(buffer, row: [1, 5, 5], network: network)
    var random = RandomStream(seed: 2)
    let values = random.normals(10 * 25)
    func truth(_ rows: [Int]) -> [Float] {
      let tape = Tape(buffer)
      let x = rows.flatMap { values[25 * $0..<25 * ($0 + 1)] }
      return network(tape.input(Tensor(x, shape: [rows.count, 1, 5, 5]))).value.values
    }
    for rows in [[0, 1, 2], [7], [9, 3, 4], [5]] {
      #expect(plan.run(values, rows: rows[...]).values == truth(rows))
    }
    buffer.weights.assign(buffer.weights.values.map { 0.5 * $0 })
    #expect(plan.run(values, rows: [2, 4, 6]).values == truth([2, 4, 6]))
    #expect(plan.inputs == 25)
  }

  @Test func `plans of several threads share their parameters`() async {
    var scope = ParameterScope(seed: 3)
    let cell = GRU("cell", 6, 16, in: &scope)
    let last = Dense("last", 16, 2, activation: .gelu, in: &scope)
    @Sendable func network(_ x: Variable) -> Variable { last(cell(x).last) }
    var random = RandomStream(seed: 4)
    let values = random.normals(40 * 5 * 6)
    let frozen = FrozenParameters(scope.parameters)
    @Sendable func scores() -> [Float] {
      let plan = NetworkPlan(frozen, row: [5, 6], network: network)
      return (0..<8).flatMap { plan.run(values, rows: Array(5 * $0..<5 * $0 + 5)[...]).values }
    }
    let truth = network(Tape(scope.parameters).input(Tensor(values, shape: [40, 5, 6]))).value.values
    let all = await withTaskGroup(of: [Float].self) { group in
      for _ in 0..<4 { group.addTask { scores() } }
      return await group.reduce(into: []) { $0.append($1) }
    }
    for one in all { #expect(one == truth) }
  }

  @Test func `a plan that runs again asks for no memory`() {
    var scope = ParameterScope(seed: 5)
    let picture = Convolution2D("picture", 1, 6, size: 3, activation: .relu, in: &scope)
    let norm = BatchNorm("norm", channels: 6, in: &scope)
    let memory = LSTM("memory", 36, 16, in: &scope)
    let cell = GRU("cell", 16, 12, in: &scope)
    let attention = MultiHeadAttention("attention", width: 12, heads: 3, in: &scope)
    let even = LayerNorm("even", 12, in: &scope)
    let last = Dense("last", 12, 2, activation: .tanh, in: &scope)
    let tape = Tape(scope.parameters)
    let x = tape.input([8, 1, 6, 6])
    let seen = norm(picture(x), isTraining: false).reshaped([8, 6, 36])
    let y = last(even(attention(cell(memory(seen).outputs).outputs)).mean(1))
    let plan = tape.plan(from: [x], to: softmax(y))
    var random = RandomStream(seed: 6)
    let values = random.normals(8 * 36)
    // A run may write over its inputs.
    func result() -> [Float] {
      plan.inputs[0].assign(values)
      plan.run()
      return plan.output.values
    }
    let first = result()
    let before = allocations_count_here()
    for _ in 0..<10 { plan.run() }
    let allocations = allocations_count_here() - before
    // Without optimisation each call of an operation through its protocol asks for a box.
    let isOptimised = !_isDebugAssertConfiguration()
    #expect(isOptimised ? allocations == 0 : allocations < 10 * 100)
    #expect(result() == first)
  }
}
