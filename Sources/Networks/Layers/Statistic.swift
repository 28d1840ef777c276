import Gradients
import Tensors

/// Writes its second operand over its first, whenever the tape runs: how a layer keeps a running statistic.
struct Store: Operation {
  func shape(_ x: [Shape]) -> Shape {
    precondition(x[0] == x[1], "a statistic of \(x[0]) set to \(x[1])")
    return [0]
  }
  func forward(_ x: Operands, into y: View) { x[0].copy(x[1]) }
  func derivative(_ at: Chain) -> [Variable?] { [nil, nil] }
}

extension Variable {
  /// Sets a parameter that is not trained to a value, in every run.
  func store(_ value: Variable) { _ = tape.record(Store(), [self, value]) }
}
