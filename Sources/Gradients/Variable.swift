public import Tensors

/// A place on a ``Tape``: the result of one operation, or a value put there. Operators and functions of variables record on
/// its tape and run at once.
public struct Variable {
  public let tape: Tape
  public let index: Int

  public var shape: Shape { tape.view(index).shape }
  /// The numbers that are here now, copied.
  public var value: Tensor { Tensor(tape.view(index)) }
  /// The only number.
  public var scalar: Float { tape.view(index).scalar }
  /// The numbers where they lie, valid while the tape holds this variable.
  public var view: View { tape.view(index) }

  /// What its operation saved beside it.
  var saved: Variable {
    precondition(tape.nodes[index].saved >= 0, "v\(index) saved nothing")
    return Variable(tape: tape, index: Int(tape.nodes[index].saved))
  }

  func record(_ operation: some Operation, _ others: Variable...) -> Variable {
    tape.record(operation, [self] + others)
  }
}
