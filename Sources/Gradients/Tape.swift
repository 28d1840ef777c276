public import Tensors

/// A place on a ``Tape``: the result of one operation, or a value put there.
public struct Variable: Sendable, Hashable {
  public let index: Int
}

/// What was computed, in order, so that it can be differentiated in reverse.
///
/// A value without global state: copy it, print it, throw it away. Derivatives are recorded on the same tape, so a
/// gradient is a variable like any other and can be differentiated again.
public struct Tape: Sendable, CustomStringConvertible {
  struct Node: Sendable {
    let value: Tensor
    let operation: (any Operation)?
    let inputs: [Variable]
  }
  private(set) var nodes: [Node] = []

  public init() {}

  public var count: Int { nodes.count }

  /// Puts a value on the tape: a parameter, an input, a constant.
  public mutating func variable(_ value: Tensor) -> Variable {
    nodes.append(Node(value: value, operation: nil, inputs: []))
    return Variable(index: nodes.count - 1)
  }

  /// Applies an operation and records it.
  public mutating func record(_ operation: some Operation, _ inputs: Variable...) -> Variable {
    let value = operation.forward(inputs.map { nodes[$0.index].value })
    nodes.append(Node(value: value, operation: operation, inputs: inputs))
    return Variable(index: nodes.count - 1)
  }

  public subscript(variable: Variable) -> Tensor { nodes[variable.index].value }

  /// The gradients of a one-number variable by others, as new variables of this tape (zero where it does not depend).
  public mutating func gradients(of loss: Variable, by parameters: [Variable]) -> [Variable] {
    precondition(self[loss].count == 1, "the gradient of \(self[loss].shape), not of one number")
    // Only what depends on a parameter is walked back through.
    var depends = [Bool](repeating: false, count: loss.index + 1)
    for parameter in parameters where parameter.index <= loss.index { depends[parameter.index] = true }
    for index in 0...loss.index where nodes[index].inputs.contains(where: { depends[$0.index] }) {
      depends[index] = true
    }
    var gradients = [Variable?](repeating: nil, count: loss.index + 1)
    gradients[loss.index] = variable(Tensor(repeating: 1, shape: self[loss].shape))
    for index in stride(from: loss.index, through: 0, by: -1) where depends[index] {
      let node = nodes[index]
      guard let gradient = gradients[index], let operation = node.operation else { continue }
      let parts = operation.backward(
        gradient, inputs: node.inputs, output: Variable(index: index), on: &self)
      for (input, part) in zip(node.inputs, parts) where depends[input.index] {
        guard let part else { continue }
        precondition(
          self[part].shape == self[input].shape,
          "\(operation) gives a gradient of shape \(self[part].shape) for an input of \(self[input].shape)")
        gradients[input.index] = gradients[input.index].map { add($0, part) } ?? part
      }
    }
    return parameters.map { parameter in
      (parameter.index <= loss.index ? gradients[parameter.index] : nil)
        ?? variable(Tensor(repeating: 0, shape: self[parameter].shape))
    }
  }

  public var description: String {
    nodes.enumerated().map { index, node in
      let from = node.inputs.map { "v\($0.index)" }.joined(separator: ", ")
      let name = node.operation.map { "\(type(of: $0))(\(from))" } ?? "value"
      return "v\(index) \(node.value.shape) = \(name)"
    }.joined(separator: "\n")
  }
}
