import Gradients
import Networks

/// What remembers in a ``RecurrentSequence``.
protocol RecurrentCell: Sendable {
  static var name: String { get }
  /// How many numbers its state has for each unit.
  static var parts: Int { get }
  init(_ name: String, _ inputs: Int, _ width: Int, in scope: inout ParameterScope)

  /// - Parameters:
  ///   - x: `[rows, times, inputs]`
  ///   - state: before the first time, `[rows, parts · width]`; nil for zeros.
  /// - Returns: what it puts out at every time, `[rows, times, width]`, and its state after the last.
  func run(_ x: Variable, from state: Variable?) -> (outputs: Variable, state: Variable)
}

/// With gated recurrent units.
struct GatedCell: RecurrentCell {
  static let name = "gru"
  static let parts = 1
  private let layer: GRU

  init(_ name: String, _ inputs: Int, _ width: Int, in scope: inout ParameterScope) {
    layer = GRU(name, inputs, width, in: &scope)
  }

  func run(_ x: Variable, from state: Variable?) -> (outputs: Variable, state: Variable) {
    let (outputs, last) = layer(x, initial: state)
    return (outputs, last)
  }
}

/// With long short-term memory; its state is the hidden one, then the cell's.
struct LongMemoryCell: RecurrentCell {
  static let name = "lstm"
  static let parts = 2
  private let layer: LSTM

  init(_ name: String, _ inputs: Int, _ width: Int, in scope: inout ParameterScope) {
    layer = LSTM(name, inputs, width, in: &scope)
  }

  func run(_ x: Variable, from state: Variable?) -> (outputs: Variable, state: Variable) {
    let initial = state.map { state in
      let parts = state.split(-1, into: 2)
      return LSTM.State(hidden: parts[0].contiguous(), cell: parts[1].contiguous())
    }
    let (outputs, last) = layer(x, initial: initial)
    return (outputs, concatenate([last.hidden, last.cell], axis: -1))
  }
}
