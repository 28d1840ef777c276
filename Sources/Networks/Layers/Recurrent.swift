public import Gradients
import Tensors

/// `h = f(x W + h U + b)` over time (Elman 1990): x `[rows, times, inputs]`, outputs `[rows, times, width]`.
public struct RNN: Sendable {
  let weights: RecurrentWeights
  let nonlinearity: Nonlinearity

  public init(
    _ name: String, _ inputs: Int, _ width: Int, _ nonlinearity: Nonlinearity = .tanh,
    in scope: inout ParameterScope
  ) {
    weights = RecurrentWeights(name, inputs, width, gates: 1, in: &scope)
    self.nonlinearity = nonlinearity
  }

  /// - Parameter initial: the hidden state before the first time, `[rows, width]`; nil for zeros.
  /// - Returns: the hidden state after every time, and after the last.
  public func callAsFunction(_ x: Variable, initial: Variable? = nil) -> (outputs: Variable, last: Variable) {
    let outputs = rnn(weights.project(x), x.tape[weights.recurrent], hidden: initial, nonlinearity)
    return (outputs, outputs.last)
  }
}

/// Long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate (Gers et al. 2000):
/// `i, f, g, o = split(x W + h U + b)`, `c = σ(f) c + σ(i) tanh(g)`, `h = σ(o) tanh(c)`.
public struct LSTM: Sendable {
  /// What is handed from one time to the next.
  public struct State {
    /// `[rows, width]` each.
    public var hidden: Variable
    public var cell: Variable
    public init(hidden: Variable, cell: Variable) {
      self.hidden = hidden
      self.cell = cell
    }
  }
  let weights: RecurrentWeights

  public init(_ name: String, _ inputs: Int, _ width: Int, in scope: inout ParameterScope) {
    weights = RecurrentWeights(name, inputs, width, gates: 4, in: &scope)
  }

  /// x `[rows, times, inputs]`; outputs `[rows, times, width]`.
  public func callAsFunction(_ x: Variable, initial: State? = nil) -> (outputs: Variable, last: State) {
    let (outputs, cell) = lstm(
      weights.project(x), x.tape[weights.recurrent], hidden: initial?.hidden, cell: initial?.cell)
    return (outputs, State(hidden: outputs.last, cell: cell))
  }
}

/// A gated recurrent unit (Cho et al. 2014) in the form of cuDNN: `r, z = σ(split(x W + b + h U + d))`,
/// `n = tanh(x W' + b' + r (h U' + d'))`, `h = (1 - z) n + z h`.
public struct GRU: Sendable {
  let weights: RecurrentWeights
  /// `[3 · width]`
  let recurrentBias: Slot

  public init(_ name: String, _ inputs: Int, _ width: Int, in scope: inout ParameterScope) {
    weights = RecurrentWeights(name, inputs, width, gates: 3, in: &scope)
    recurrentBias = scope.within(name) { $0.parameter("recurrentBias", [3 * width]) }
  }

  /// x `[rows, times, inputs]`; outputs `[rows, times, width]`.
  public func callAsFunction(_ x: Variable, initial: Variable? = nil) -> (outputs: Variable, last: Variable) {
    let outputs = gru(
      weights.project(x), x.tape[weights.recurrent], bias: x.tape[recurrentBias], hidden: initial)
    return (outputs, outputs.last)
  }
}

/// The weights that recurrent layers share: input and recurrent weights of some gates, side by side.
struct RecurrentWeights: Sendable {
  /// `[inputs, gates · width]`, `[width, gates · width]`, `[gates · width]`
  let input: Slot
  let recurrent: Slot
  let bias: Slot
  let width: Int

  init(_ name: String, _ inputs: Int, _ width: Int, gates: Int, in scope: inout ParameterScope) {
    self.width = width
    (input, recurrent, bias) = scope.within(name) { scope in
      let bound = 1 / Float(width).squareRoot()
      func values(_ random: inout RandomStream, _ count: Int) -> [Float] {
        Initializer.uniform(bound: bound).values(count, inputs: inputs, outputs: width, random: &random)
      }
      return (
        scope.parameter("input", [inputs, gates * width], values),
        scope.parameter("recurrent", [width, gates * width], values),
        scope.parameter("bias", [gates * width])
      )
    }
  }

  /// All times' `x W + b` in one product: `[rows, times, gates · width]`.
  func project(_ x: Variable) -> Variable {
    precondition(x.shape.rank == 3, "a sequence is [rows, times, inputs], not \(x.shape)")
    return dense(x, x.tape[input], x.tape[bias], Activation.identity)
  }
}

extension Variable {
  /// The last time of `[rows, times, width]`, as `[rows, width]`.
  fileprivate var last: Variable { self[1, shape[1] - 1..<shape[1]].reshaped(shape.removing(1)) }
}
