import Tensors

/// A plain recurrence over all times: of `z`, the recurrent weights, and the hidden state before the first time.
struct PlainRecurrence: Operation {
  let nonlinearity: Nonlinearity
  func shape(_ x: [Shape]) -> Shape { sequence(x, gates: 1, states: x[2...2]) }
  func forward(_ x: Operands, into y: View) {
    Recurrence.plain(nonlinearity.function, x[0], x[1], hidden: x[2], into: y, workers: x.workers)
  }
  func derivative(_ at: Chain) -> [Variable?] {
    at.through { x in
      var h = x[2]
      let outputs = (0..<x[0].shape[1]).map { t -> Variable in
        h = nonlinearity(x[0].time(t) + matmul(h, x[1]))
        return h.inserting(1)
      }
      return concatenate(outputs, axis: 1)
    }
  }
  func fastDerivative(_ at: Chain) -> [Variable?]? {
    let dz = at[1].record(
      PlainRecurrenceBackward(nonlinearity: nonlinearity), at.output, at.gradient.contiguous())
    return [dz, at.by(1) { at[2].record(RecurrentWeights(), at.output, dz) }, dz.saved]
  }
  var name: String { "RNN(\(nonlinearity))" }
}

struct PlainRecurrenceBackward: Terminal {
  let nonlinearity: Nonlinearity
  func shape(_ x: [Shape]) -> Shape { x[1] }
  func savedShape(_ x: [Shape]) -> Shape? { x[1].removing(1) }
  func forward(_ x: Operands, into y: View) {
    Recurrence.plainBackward(
      nonlinearity.function, x[0], output: x[1], x[2], into: y, first: x.saved, workers: x.workers)
  }
  var name: String { "Derivative of RNN(\(nonlinearity))" }
}

/// An LSTM over all times: of `z`, the recurrent weights, and the hidden state and cell before the first time; saves the gates
/// and cells.
struct LongShortTermMemory: Operation {
  func shape(_ x: [Shape]) -> Shape { sequence(x, gates: 4, states: x[2...3]) }
  func savedShape(_ x: [Shape]) -> Shape? { x[0].replacing(2, with: 5 * x[1][0]) }
  func forward(_ x: Operands, into y: View) {
    Recurrence.lstm(x[0], x[1], hidden: x[2], cell: x[3], into: y, saved: x.saved, workers: x.workers)
  }
  func derivative(_ at: Chain) -> [Variable?] {
    at.throughTimes { x in
      var (h, c) = (x[2], x[3])
      let outputs = (0..<x[0].shape[1]).map { t -> Variable in
        let gates = (x[0].time(t) + matmul(h, x[1])).split(1, into: 4)
        c = sigmoid(gates[1]) * c + sigmoid(gates[0]) * tanh(gates[2])
        h = sigmoid(gates[3]) * tanh(c)
        return h.inserting(1)
      }
      return (concatenate(outputs, axis: 1), c)
    }
  }
  func fastDerivative(_ at: Chain) -> [Variable?]? {
    guard let saved = at.saved else { return nil }
    let dy = at.gradient.contiguous()
    let last = at.lastGradient?.contiguous() ?? dy.tape.input(at[3].shape, "zero")
    let dz = at[1].record(LongShortTermMemoryBackward(), at[3], saved, dy, last)
    let first = dz.saved
    return [
      at.by(0) { dz }, at.by(1) { at[2].record(RecurrentWeights(), at.output, dz) },
      at.by(2) { first[0, 0..<1].reshaped(at[2].shape) }, at.by(3) { first[0, 1..<2].reshaped(at[3].shape) },
    ]
  }
  var name: String { "LSTM" }
}

struct LongShortTermMemoryBackward: Terminal {
  func shape(_ x: [Shape]) -> Shape { x[3].replacing(2, with: x[0][1]) }
  func savedShape(_ x: [Shape]) -> Shape? { [2, x[1][0], x[1][1]] }
  func forward(_ x: Operands, into y: View) {
    Recurrence.lstmBackward(
      x[0], cell: x[1], saved: x[2], x[3], lastCell: x[4], into: y, first: x.saved, workers: x.workers)
  }
  var name: String { "Derivative of LSTM" }
}

/// A GRU over all times: of `z`, the recurrent weights and bias, and the hidden state before the first time; saves the gates.
struct GatedRecurrence: Operation {
  func shape(_ x: [Shape]) -> Shape {
    precondition(x[2] == [x[1][1]], "a GRU with weights \(x[1]) and bias \(x[2])")
    return sequence(x, gates: 3, states: x[3...3])
  }
  func savedShape(_ x: [Shape]) -> Shape? { x[0].replacing(2, with: 4 * x[1][0]) }
  func forward(_ x: Operands, into y: View) {
    Recurrence.gru(x[0], x[1], bias: x[2], hidden: x[3], into: y, saved: x.saved, workers: x.workers)
  }
  func derivative(_ at: Chain) -> [Variable?] {
    at.throughTimes { x in
      var h = x[3]
      let outputs = (0..<x[0].shape[1]).map { t -> Variable in
        let own = x[0].time(t).split(1, into: 3)
        let other = (matmul(h, x[1]) + x[2]).split(1, into: 3)
        let fresh = tanh(own[2] + sigmoid(own[0] + other[0]) * other[2])
        h = fresh + sigmoid(own[1] + other[1]) * (h - fresh)
        return h.inserting(1)
      }
      return (concatenate(outputs, axis: 1), h)
    }
  }
  func fastDerivative(_ at: Chain) -> [Variable?]? {
    guard let saved = at.saved else { return nil }
    let w = at[1].shape[0]
    let d = at[1].record(
      GatedRecurrenceBackward(), at[3], at.output, saved, at.gradient.contiguous())
    let recurrent = d[2, 3 * w..<6 * w]
    return [
      at.by(0) { d[2, 0..<3 * w] },
      at.by(1) { at[3].record(RecurrentWeights(), at.output, recurrent) },
      at.by(2) { recurrent.sum(0, 1) }, at.by(3) { d.saved },
    ]
  }
  var name: String { "GRU" }
}

struct GatedRecurrenceBackward: Terminal {
  func shape(_ x: [Shape]) -> Shape { x[4].replacing(2, with: 6 * x[0][0]) }
  func savedShape(_ x: [Shape]) -> Shape? { x[1] }
  func forward(_ x: Operands, into y: View) {
    Recurrence.gruBackward(
      x[0], hidden: x[1], output: x[2], saved: x[3], x[4], into: y, first: x.saved, workers: x.workers)
  }
  var name: String { "Derivative of GRU" }
}

/// The loss by recurrent weights, of the first hidden state, all outputs and the loss before the gates.
struct RecurrentWeights: Terminal {
  func shape(_ x: [Shape]) -> Shape { [x[1][2], x[2][2]] }
  func forward(_ x: Operands, into y: View) {
    Recurrence.weights(hidden: x[0], output: x[1], x[2], into: y, workers: x.workers)
  }
}

/// A plain recurrence (Elman 1990) over a sequence: `h = f(z + h U)`.
///
/// - Parameters:
///   - z: `[rows, times, width]`: all times' `x W + b`.
///   - u: `[width, width]`.
///   - hidden: `[rows, width]` before the first time; nil for zeros.
/// - Returns: the hidden states `[rows, times, width]`.
public func rnn(_ z: Variable, _ u: Variable, hidden: Variable? = nil, _ f: Nonlinearity = .tanh) -> Variable
{
  let h = hidden ?? z.tape.input([z.shape[0], u.shape[0]], "zero")
  return z.contiguous().record(PlainRecurrence(nonlinearity: f), u.contiguous(), h.contiguous())
}

/// An LSTM (Hochreiter & Schmidhuber 1997) over a sequence: `i, f, g, o = z + h U`, `c = σ(f) c + σ(i) tanh(g)`, `h = σ(o) tanh(c)`.
///
/// - Parameters:
///   - z: `[rows, times, 4 · width]`: all times' `x W + b`.
///   - u: `[width, 4 · width]`.
///   - hidden: `[rows, width]` before the first time; nil for zeros.
///   - cell: the same.
/// - Returns: the hidden states `[rows, times, width]` and the cell after the last time.
public func lstm(_ z: Variable, _ u: Variable, hidden: Variable? = nil, cell: Variable? = nil)
  -> (outputs: Variable, cell: Variable)
{
  let width = u.shape[0]
  let zero = hidden == nil || cell == nil ? z.tape.input([z.shape[0], width], "zero") : nil
  guard let h = hidden ?? zero, let c = cell ?? zero else { preconditionFailure("no state") }
  let y = z.contiguous().record(
    LongShortTermMemory(), u.contiguous(), h.contiguous(), c.contiguous())
  let times = z.shape[1]
  let last = y.saved[1, times - 1..<times][2, 4 * width..<5 * width].reshaped([z.shape[0], width])
  return (y, last)
}

/// A GRU (Cho et al. 2014) over a sequence, with the reset gate after the product, as PyTorch has it: `p = h U + b`,
/// `r = σ(z₀ + p₀)`, `s = σ(z₁ + p₁)`, `n = tanh(z₂ + r p₂)`, `h = n + s (h - n)`.
///
/// - Parameters:
///   - z: `[rows, times, 3 · width]`: all times' `x W + b`.
///   - u: `[width, 3 · width]`; bias: `[3 · width]`.
///   - hidden: `[rows, width]` before the first time; nil for zeros.
/// - Returns: the hidden states `[rows, times, width]`.
public func gru(_ z: Variable, _ u: Variable, bias: Variable, hidden: Variable? = nil) -> Variable {
  let h = hidden ?? z.tape.input([z.shape[0], u.shape[0]], "zero")
  return z.contiguous().record(GatedRecurrence(), u.contiguous(), bias.contiguous(), h.contiguous())
}

extension Operation {
  /// The shape of all hidden states, of sums `z` of some gates, recurrent weights and the states before the first time.
  fileprivate func sequence(_ x: [Shape], gates: Int, states: ArraySlice<Shape>) -> Shape {
    let (z, u) = (x[0], x[1])
    precondition(
      z.rank == 3 && u.rank == 2 && z[2] == u[1] && u[1] == gates * u[0]
        && states.allSatisfy { $0 == [z[0], u[0]] },
      "\(name) over \(z) with weights \(u) from states of \(Array(states))")
    return z.replacing(2, with: u[0])
  }
}

extension Variable {
  /// One time of `[rows, times, n]`, as `[rows, n]`.
  fileprivate func time(_ t: Int) -> Variable { self[1, t..<t + 1].reshaped(shape.removing(1)) }
}

extension Chain {
  /// The loss by the cell after the last time, which lies among what an LSTM saved.
  fileprivate var lastGradient: Variable? {
    guard let all = savedGradient else { return nil }
    let (times, width) = (output.shape[1], output.shape[2])
    return all[1, times - 1..<times][2, 4 * width..<5 * width].reshaped([output.shape[0], width])
  }

  /// Through a recurrence composed of single times, which gives its outputs and the last cell.
  fileprivate func throughTimes(_ composed: ([Variable]) -> (outputs: Variable, last: Variable))
    -> [Variable?]
  {
    let last = savedGradient == nil ? nil : lastGradient
    return throughResults { x -> [(Variable, Variable)] in
      let result = composed(x)
      return [(result.outputs, gradient)] + (last.map { [(result.last, $0)] } ?? [])
    }
  }
}
