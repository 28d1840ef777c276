import Foundation
import Gradients
import Networks
import Tensors
import Testing

@testable import Generative

@Suite struct NADETests {
  /// Values of Fixtures/make_nade.py, which goes from number to number.
  @Test func `logits and gradients are those of PyTorch going step by step`() throws {
    var settings = NADESettings()
    settings.hidden = 4
    var scope = ParameterScope(seed: 1)
    let design = try NADE(settings, form: RowForm(shape: [5], support: .binary), in: &scope)
    var parameters = scope.parameters
    for (slot, phase) in [
      (design.input, 0.1), (design.output, 0.2), (design.bias, 0.3), (design.hiddenBias, 0.4),
    ] {
      parameters[slot] = Tensor(
        (0..<slot.shape.size).map { Float(sin(1.7 * Double($0) + phase)) }, shape: slot.shape)
    }
    let buffer = ParameterBuffer(parameters)
    let tape = Tape(buffer)
    let rows = Rows(tape.input(Tensor([1, 0, 1, 1, 0, 0, 1, 1, 0, 1], shape: [2, 5])))
    expect(
      design.logits(rows).value.values,
      [
        0.648776, 1.583464, -0.033657, -0.281926, 0.965805, 0.648776, 1.327502, 0.136608, -0.146296, 0.895413,
      ])
    let loss = design.loss(rows)
    expect([loss.scalar], [3.964954])
    tape.backward(loss)
    expect(
      buffer.gradient(design.input).values,
      [
        -0.015609, 0.005136, -0.000220, 0.008381, -0.030384, -0.002646, 0.027396, -0.002657, -0.009827,
        -0.017153,
        0.007868, 0.035832, 0.021325, -0.029399, -0.010434, 0.057305, 0, 0, 0, 0,
      ])
    expect(
      buffer.gradient(design.output).values,
      [
        0.093436, 0.110236, 0.055113, 0.051814, 0.194709, 0.284148, 0.077796, 0.035686, -0.326408, -0.413020,
        -0.117092, -0.095291, -0.027513, -0.053399, -0.015674, 0.003597, 0.206103, 0.190210, 0.006597,
        0.053339,
      ])
    expect(buffer.gradient(design.bias).values, [0.156735, 0.310061, -0.487157, -0.053264, 0.217144])
    expect(buffer.gradient(design.hiddenBias).values, [-0.055071, 0.018942, 0.031140, -0.012717])
  }

  private func expect(_ values: [Float], _ truth: [Float]) {
    #expect(values.count == truth.count)
    for (value, truth) in zip(values, truth) { #expect(abs(value - truth) < 2e-6) }
  }
}
