public import Tensors

/// One differentiable function of tensors; its derivative stands beside it and is made of operations on the tape.
public protocol Operation: Sendable {
  func forward(_ inputs: [Tensor]) -> Tensor

  /// Per input, the gradient of the loss by it, given the gradient by the output; nil where it is always zero.
  func backward(_ gradient: Variable, inputs: [Variable], output: Variable, on tape: inout Tape)
    -> [Variable?]
}
