import Gradients
import Tensors
import Testing

struct ForwardPlanTests {
  @Test("a plan gives the bits of the tape, run after run", arguments: OperationCase.all)
  func bits(test: OperationCase) {
    let tape = Tape(Parameters(), seed: 3)
    let inputs = test.inputs.map { tape.input($0) }
    // Before and after the function, something that may be done in place.
    let output = tanh(test.function(inputs.map { $0 * 0.5 }) * 2)
    let plan = tape.plan(from: inputs, to: output)
    for run in 0..<3 {
      let values = test.inputs.map { $0.values.map { $0 * (1 - 0.1 * Float(run)) } }
      for i in inputs.indices {
        tape.assign(inputs[i], values[i])
        plan.inputs[i].assign(values[i])
      }
      tape.rerun(step: UInt64(run))
      plan.run()
      #expect(plan.output.values == output.value.values)
    }
  }

  @Test func `a deep network needs the memory of its widest place`() {
    func numbers(layers: Int) -> Int {
      var scope = ParameterScope(seed: 1)
      let weights = (0..<layers).map { layer in
        scope.parameter("\(layer)", [64, 64]) { random, count in random.normals(count) }
      }
      let tape = Tape(scope.parameters)
      let x = tape.input([32, 64])
      let y = weights.reduce(x) { x, weight in
        let z = matmul(x, tape[weight])
        return gelu(z + 1) * 0.5 + x
      }
      return tape.plan(from: [x], to: y).numbers
    }
    // A layer's input, the product, and what the product was made of.
    #expect(numbers(layers: 40) == numbers(layers: 2))
    #expect(numbers(layers: 2) == 2 * 32 * 64)
  }

  @Test func `what does not lead to the output is left out, and constants stay`() {
    let tape = Tape()
    let x = tape.input([1000])
    let constant = tape.input(Tensor(repeating: 3, shape: [1000]))
    _ = exp(x) * x
    let y = (x * x + constant).sum()
    let plan = tape.plan(from: [x], to: y)
    #expect(plan.numbers <= 3 * 1024)
    for value: Float in [2, 5] {
      plan.inputs[0].fill(value)
      plan.run()
      #expect(plan.output.scalar == 1000 * (value * value + 3))
    }
  }

  @Test func `an operand that is read twice in different ways is not written over`() {
    let tape = Tape()
    let x = tape.input([3, 3])
    let y = x * 2
    let z = y + y.transposed()
    let plan = tape.plan(from: [x], to: z)
    plan.inputs[0].assign([0, 1, 2, 3, 4, 5, 6, 7, 8])
    plan.run()
    #expect(plan.output.values == [0, 8, 16, 8, 16, 24, 16, 24, 32])
  }
}
