import Gradients
import Networks
import Tensors

/// A convolution that sees, of a picture `[rows, inputs, height, width]`, so many places above, to the left and to the right of
/// each place, and the place itself.
struct PixelConvolution: Sendable {
  let weight: Slot
  let bias: Slot
  let above: Int
  let left: Int
  let right: Int

  init(
    _ name: String, _ inputs: Int, _ outputs: Int, above: Int = 0, left: Int = 0, right: Int = 0,
    initializer: Initializer = .glorot, in scope: inout ParameterScope
  ) {
    self.above = above
    self.left = left
    self.right = right
    let size = (above + 1) * (left + 1 + right)
    (weight, bias) = scope.within(name) { scope in
      (
        scope.parameter("weight", [outputs, inputs, above + 1, left + 1 + right]) { random, count in
          initializer.values(count, inputs: inputs * size, outputs: outputs * size, random: &random)
        }, scope.parameter("bias", [outputs])
      )
    }
  }

  var inputs: Int { weight.shape[1] }
  var outputs: Int { weight.shape[0] }

  /// - Parameter hasPast: whether x begins with the places above, or to the left, that the first result needs; otherwise zeros
  ///   lie there.
  func callAsFunction(_ x: Variable, hasPast: Bool = false) -> Variable {
    convolve2d(
      x, x.tape[weight], bias: x.tape[bias],
      window: Window(
        rows: .init(size: above + 1, before: hasPast ? 0 : above),
        columns: .init(
          size: left + 1 + right, before: hasPast && above == 0 ? 0 : left, after: right)))
  }
}
