import Gradients
import Tensors
import Testing

struct GradientsTests {
  @Test("the gradient is that of central differences", arguments: OperationCase.all)
  func firstOrder(test: OperationCase) {
    #expect(GradientCheck().firstOrder(at: test.inputs, test.function) < 1)
    #expect(GradientCheck().firstOrderDifferentiable(at: test.inputs, test.function) < 1)
  }

  @Test(
    "the gradient of the gradient is that of central differences",
    arguments: OperationCase.all.filter(\.secondOrder))
  func secondOrder(test: OperationCase) {
    #expect(GradientCheck().secondOrder(at: test.inputs, test.function) < 1)
  }

  @Test func `what a loss does not depend on has a gradient of zeros`() {
    let tape = Tape()
    let x = tape.input(Tensor([1, 2], shape: [2]))
    let y = tape.input(Tensor([3, 4], shape: [2]))
    let gradients = tape.gradients(of: x.sum(), by: [x, y])
    #expect(gradients[0].value.values == [1, 1])
    #expect(gradients[1].value.values == [0, 0])
  }

  @Test func `a variable used twice gathers both parts`() {
    let tape = Tape()
    let x = tape.input(Tensor([3], shape: [1]))
    let y = x * x + x * 5
    #expect(tape.gradients(of: y.sum(), by: [x])[0].value.values == [11])
  }

  @Test func `a tape prints itself`() {
    let tape = Tape()
    let x = tape.input(Tensor([1, 2], shape: [2]), "x")
    _ = tanh(x)
    #expect(tape.description == "v0 [2] = x\nv1 [2] = Tanh(v0)")
  }
}
