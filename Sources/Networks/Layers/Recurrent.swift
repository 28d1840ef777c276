public import Gradients
import Tensors

/// `h = tanh(x W + h U + b)` over time (Elman 1990): x `[rows, times, inputs]`, outputs `[rows, times, width]`.
public struct RNN: Sendable {
  let cell: RecurrentWeights

  public init(_ name: String, _ inputs: Int, _ width: Int, in scope: inout ParameterScope) {
    cell = RecurrentWeights(name, inputs, width, gates: 1, in: &scope)
  }

  /// - Parameter initial: the hidden state before the first time, `[rows, width]`; nil for zeros.
  /// - Returns: the hidden state after every time, and after the last.
  public func callAsFunction(_ x: Variable, initial: Variable? = nil) -> (outputs: Variable, last: Variable) {
    let steps = cell.project(x)
    var h = initial
    let outputs = steps.map { step -> Variable in
      let y = tanh(h.map { step + cell.recur($0) } ?? step)
      h = y
      return y
    }
    return RecurrentWeights.stacked(outputs)
  }
}

/// Long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate (Gers et al. 2000):
/// `i, f, g, o = split(x W + h U + b)`, `c = σ(f) c + σ(i) tanh(g)`, `h = σ(o) tanh(c)`.
public struct LSTM: Sendable {
  public struct State {
    /// `[rows, width]` each.
    public var hidden: Variable
    public var cell: Variable
    public init(hidden: Variable, cell: Variable) {
      self.hidden = hidden
      self.cell = cell
    }
  }
  let cell: RecurrentWeights

  public init(_ name: String, _ inputs: Int, _ width: Int, in scope: inout ParameterScope) {
    cell = RecurrentWeights(name, inputs, width, gates: 4, in: &scope)
  }

  /// x `[rows, times, inputs]`; outputs `[rows, times, width]`.
  public func callAsFunction(_ x: Variable, initial: State? = nil) -> (outputs: Variable, last: State) {
    let steps = cell.project(x)
    var state = initial
    let outputs = steps.map { step -> Variable in
      let gates = state.map { step + cell.recur($0.hidden) } ?? step
      let parts = gates.split(1, into: 4)
      let fresh = sigmoid(parts[0]) * tanh(parts[2])
      let c = state.map { sigmoid(parts[1]) * $0.cell + fresh } ?? fresh
      let h = sigmoid(parts[3]) * tanh(c)
      state = State(hidden: h, cell: c)
      return h
    }
    let (all, last) = RecurrentWeights.stacked(outputs)
    return (all, state ?? State(hidden: last, cell: last))
  }
}

/// A gated recurrent unit (Cho et al. 2014) in the form of cuDNN: `r, z = σ(split(x W + b + h U + d))`,
/// `n = tanh(x W' + b' + r (h U' + d'))`, `h = (1 - z) n + z h`.
public struct GRU: Sendable {
  let cell: RecurrentWeights
  /// `[3 · width]`
  let recurrentBias: Slot

  public init(_ name: String, _ inputs: Int, _ width: Int, in scope: inout ParameterScope) {
    cell = RecurrentWeights(name, inputs, width, gates: 3, in: &scope)
    recurrentBias = scope.within(name) { $0.parameter("recurrentBias", [3 * width]) }
  }

  /// x `[rows, times, inputs]`; outputs `[rows, times, width]`.
  public func callAsFunction(_ x: Variable, initial: Variable? = nil) -> (outputs: Variable, last: Variable) {
    let steps = cell.project(x)
    let bias = x.tape[recurrentBias]
    var h = initial
    let outputs = steps.map { step -> Variable in
      let own = step.split(1, into: 3)
      // Without a state, only the bias recurs.
      let other =
        h.map { (cell.recur($0) + bias).split(1, into: 3) }
        ?? bias.reshaped([1, bias.shape[0]]).split(1, into: 3)
      let reset = sigmoid(own[0] + other[0])
      let update = sigmoid(own[1] + other[1])
      let fresh = tanh(own[2] + reset * other[2])
      let y = h.map { fresh + update * ($0 - fresh) } ?? (1 - update) * fresh
      h = y
      return y
    }
    return RecurrentWeights.stacked(outputs)
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

  /// All times' `x W + b` in one product, as one `[rows, gates · width]` per time.
  func project(_ x: Variable) -> [Variable] {
    precondition(x.shape.rank == 3, "a sequence is [rows, times, inputs], not \(x.shape)")
    let all = matmul(x, x.tape[input]) + x.tape[bias]
    return (0..<x.shape[1]).map { all[1, $0..<$0 + 1].reshaped([x.shape[0], all.shape[2]]) }
  }

  func recur(_ h: Variable) -> Variable { matmul(h, h.tape[recurrent]) }

  /// Hidden states of all times as `[rows, times, width]`, and the last one.
  static func stacked(_ states: [Variable]) -> (Variable, Variable) {
    precondition(!states.isEmpty, "a sequence without times")
    return (concatenate(states.map { $0.inserting(1) }, axis: 1), states[states.count - 1])
  }
}
