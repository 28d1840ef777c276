public import Gradients
import Tensors

/// The transpose of a convolution, which makes images larger: x `[rows, inputs, height, width]`, weight `[inputs, outputs,
/// size, size]`, out `(height - 1) · stride + size - 2 · padding`, likewise the width.
public struct TransposedConvolution2D: Sendable {
  public let weight: Slot
  public let bias: Slot?
  public let stride: Int
  /// Rows and columns that are cut off on every side.
  public let padding: Int
  public let activation: Activation

  public init(
    _ name: String, _ inputs: Int, _ outputs: Int, size: Int, stride: Int, padding: Int = 0,
    activation: Activation = .identity, hasBias: Bool = true, initializer: Initializer? = nil,
    in scope: inout ParameterScope
  ) {
    precondition(
      size > 0 && stride > 0 && padding >= 0 && 2 * padding < size,
      "a transposed convolution of size \(size), stride \(stride), padding \(padding)")
    self.stride = stride
    self.padding = padding
    self.activation = activation
    (weight, bias) = scope.within(name) { scope in
      transposedWeight(
        [inputs, outputs, size, size], stride * stride, initializer ?? activation.initializer, hasBias,
        in: &scope)
    }
  }

  public func callAsFunction(_ x: Variable) -> Variable {
    let full = convolve2dTransposed(x, x.tape[weight], stride: stride)
    let y = full.cropped(padding, axes: [2, 3])
    return activation(bias.map { y + x.tape[$0].along(1, of: y) } ?? y)
  }
}

/// The same for sequences: x `[rows, inputs, times]`, weight `[inputs, outputs, size]`.
public struct TransposedConvolution1D: Sendable {
  public let weight: Slot
  public let bias: Slot?
  public let stride: Int
  public let padding: Int
  public let activation: Activation

  public init(
    _ name: String, _ inputs: Int, _ outputs: Int, size: Int, stride: Int, padding: Int = 0,
    activation: Activation = .identity, hasBias: Bool = true, initializer: Initializer? = nil,
    in scope: inout ParameterScope
  ) {
    precondition(
      size > 0 && stride > 0 && padding >= 0 && 2 * padding < size,
      "a transposed convolution of size \(size), stride \(stride), padding \(padding)")
    self.stride = stride
    self.padding = padding
    self.activation = activation
    (weight, bias) = scope.within(name) { scope in
      transposedWeight(
        [inputs, outputs, size], stride, initializer ?? activation.initializer, hasBias, in: &scope)
    }
  }

  public func callAsFunction(_ x: Variable) -> Variable {
    // As images of one line: a stride over lines moves nothing where there is one.
    let full = convolve2dTransposed(x.inserting(2), x.tape[weight].inserting(2), stride: stride)
    let y = full.reshaped([full.shape[0], full.shape[1], full.shape[3]]).cropped(padding, axes: [2])
    return activation(bias.map { y + x.tape[$0].along(1, of: y) } ?? y)
  }
}

/// Each output sees a part of the kernel only: one in `stride` places per axis.
private func transposedWeight(
  _ shape: Shape, _ strides: Int, _ initializer: Initializer, _ hasBias: Bool, in scope: inout ParameterScope
) -> (Slot, Slot?) {
  let area = shape.size / (shape[0] * shape[1])
  let seen = max(area / strides, 1)
  let weight = scope.parameter("weight", shape) { random, count in
    initializer.values(count, inputs: shape[0] * seen, outputs: shape[1] * seen, random: &random)
  }
  return (weight, hasBias ? scope.parameter("bias", [shape[1]]) : nil)
}

extension Variable {
  /// Without `count` indices at both ends of some axes.
  func cropped(_ count: Int, axes: [Int]) -> Variable {
    count == 0 ? self : axes.reduce(self) { $0[$1, count..<$0.shape[$1] - count] }
  }
}
