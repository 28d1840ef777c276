import Tensors

/// An LSTM over all times: of `z`, the recurrent weights, and the hidden state and cell before the first time; saves the gates
/// and cells.
struct LongShortTermMemory: Operation {
  func shape(_ x: [Shape]) -> Shape {
    precondition(
      x[0].rank == 3 && x[1].rank == 2 && x[0][2] == x[1][1] && x[1][1] == 4 * x[1][0]
        && x[2] == [x[0][0], x[1][0]] && x[3] == x[2],
      "an LSTM over \(x[0]) with weights \(x[1]) from \(x[2]) and \(x[3])")
    return x[0].replacing(2, with: x[1][0])
  }
  func savedShape(_ x: [Shape]) -> Shape? { x[0].replacing(2, with: 5 * x[1][0]) }
  func forward(_ x: Operands, into y: View) {
    Recurrence.lstm(x[0], x[1], hidden: x[2], cell: x[3], into: y, saved: x.saved, workers: x.workers)
  }
  func derivative(_ at: Chain) -> [Variable?] {
    at.throughTimes { x in
      var (h, c) = (x[2], x[3])
      let outputs = (0..<x[0].shape[1]).map { t -> Variable in
        let step = x[0][1, t..<t + 1].reshaped([x[0].shape[0], x[0].shape[2]])
        let gates = (step + matmul(h, x[1])).split(1, into: 4)
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
    precondition(
      x[0].rank == 3 && x[1].rank == 2 && x[0][2] == x[1][1] && x[1][1] == 3 * x[1][0] && x[2] == [x[1][1]]
        && x[3] == [x[0][0], x[1][0]],
      "a GRU over \(x[0]) with weights \(x[1]), bias \(x[2]) from \(x[3])")
    return x[0].replacing(2, with: x[1][0])
  }
  func savedShape(_ x: [Shape]) -> Shape? { x[0].replacing(2, with: 4 * x[1][0]) }
  func forward(_ x: Operands, into y: View) {
    Recurrence.gru(x[0], x[1], bias: x[2], hidden: x[3], into: y, saved: x.saved, workers: x.workers)
  }
  func derivative(_ at: Chain) -> [Variable?] {
    at.throughTimes { x in
      var h = x[3]
      let outputs = (0..<x[0].shape[1]).map { t -> Variable in
        let own = x[0][1, t..<t + 1].reshaped([x[0].shape[0], x[0].shape[2]]).split(1, into: 3)
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
    let recurrent = d[2, w..<4 * w]
    return [
      at.by(0) { concatenate([d[2, w..<3 * w], d[2, 0..<w]], axis: 2) },
      at.by(1) { at[3].record(RecurrentWeights(), at.output, recurrent) },
      at.by(2) { recurrent.sum(0, 1) }, at.by(3) { d.saved },
    ]
  }
  var name: String { "GRU" }
}

struct GatedRecurrenceBackward: Terminal {
  func shape(_ x: [Shape]) -> Shape { x[4].replacing(2, with: 4 * x[0][0]) }
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

/// An LSTM (Hochreiter & Schmidhuber 1997) over a sequence: `i, f, g, o = z + h U`, `c = σ(f) c + σ(i) tanh(g)`, `h = σ(o) tanh(c)`.
///
/// - Parameters:
///   - z: `[rows, times, 4 · width]`: all times' `x W + b`.
///   - u: `[width, 4 · width]`.
///   - hidden, cell: `[rows, width]` before the first time; nil for zeros.
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
