public import Gradients
import Tensors

/// The transpose of a convolution, which makes images larger: x `[rows, inputs, height, width]`, weight `[inputs, outputs,
/// size, size]`, out `(height - 1) · stride + size - 2 · padding`, likewise the width.
public struct TransposedConvolution2D: Sendable {
  let kernel: TransposedKernel

  /// - Parameter padding: rows and columns that are cut off on every side.
  public init(
    _ name: String, _ inputs: Int, _ outputs: Int, size: Int, stride: Int, padding: Int = 0,
    activation: Activation = .identity, hasBias: Bool = true, initializer: Initializer? = nil,
    in scope: inout ParameterScope
  ) {
    kernel = TransposedKernel(
      name, [inputs, outputs, size, size], stride: stride, padding: padding, activation: activation,
      hasBias: hasBias, initializer: initializer, in: &scope)
  }

  public func callAsFunction(_ x: Variable) -> Variable {
    kernel.completed(convolve2dTransposed(x, x.tape[kernel.weight], stride: kernel.stride))
  }
}

/// The same for sequences: x `[rows, inputs, times]`, weight `[inputs, outputs, size]`.
public struct TransposedConvolution1D: Sendable {
  let kernel: TransposedKernel

  /// - Parameter padding: times that are cut off at both ends.
  public init(
    _ name: String, _ inputs: Int, _ outputs: Int, size: Int, stride: Int, padding: Int = 0,
    activation: Activation = .identity, hasBias: Bool = true, initializer: Initializer? = nil,
    in scope: inout ParameterScope
  ) {
    kernel = TransposedKernel(
      name, [inputs, outputs, size], stride: stride, padding: padding, activation: activation,
      hasBias: hasBias, initializer: initializer, in: &scope)
  }

  public func callAsFunction(_ x: Variable) -> Variable {
    // As images of one line: a stride over lines moves nothing where there is one.
    let lines = convolve2dTransposed(
      x.inserting(2), x.tape[kernel.weight].inserting(2), stride: kernel.stride)
    return kernel.completed(lines.reshaped([lines.shape[0], lines.shape[1], lines.shape[3]]))
  }
}

/// What transposed convolutions of any number of axes share: weight `[inputs, outputs, size, …]`, bias `[outputs]`, and what
/// follows the product.
struct TransposedKernel: Sendable {
  let weight: Slot
  let bias: Slot?
  let stride: Int
  let padding: Int
  let activation: Activation

  init(
    _ name: String, _ shape: Shape, stride: Int, padding: Int, activation: Activation, hasBias: Bool,
    initializer: Initializer?, in scope: inout ParameterScope
  ) {
    let size = shape[2]
    precondition(
      size > 0 && stride > 0 && padding >= 0 && 2 * padding < size,
      "a transposed convolution of size \(size), stride \(stride), padding \(padding)")
    self.stride = stride
    self.padding = padding
    self.activation = activation
    let initializer = initializer ?? activation.initializer
    // Each output sees a part of the kernel only: one in `stride` places per axis.
    let strides = (2..<shape.rank).reduce(1) { product, _ in product * stride }
    let seen = max(shape.size / (shape[0] * shape[1] * strides), 1)
    (weight, bias) = scope.within(name) { scope in
      let weight = scope.parameter("weight", shape) { random, count in
        initializer.values(count, inputs: shape[0] * seen, outputs: shape[1] * seen, random: &random)
      }
      return (weight, hasBias ? scope.parameter("bias", [shape[1]]) : nil)
    }
  }

  /// The whole product `[rows, outputs, …]` without its borders, with bias and activation.
  func completed(_ whole: Variable) -> Variable {
    let y = (2..<whole.shape.rank).reduce(whole) { y, axis in
      padding == 0 ? y : y[axis, padding..<y.shape[axis] - padding]
    }
    return activation(bias.map { y + y.tape[$0].along(1, of: y) } ?? y)
  }
}
