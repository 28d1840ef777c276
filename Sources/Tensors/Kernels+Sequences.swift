import CVectorMath

/// Rows of an array that are `step` numbers apart.
@unsafe package struct Rows {
  package let base: UnsafePointer<Float>
  package let step: Int
  package init(_ base: UnsafePointer<Float>, step: Int) {
    unsafe self.base = base
    unsafe self.step = step
  }
}

/// Rows that are written.
@unsafe package struct WritableRows {
  package let base: UnsafeMutablePointer<Float>
  package let step: Int
  package init(_ base: UnsafeMutablePointer<Float>, step: Int) {
    unsafe self.base = base
    unsafe self.step = step
  }
}

// MARK: recurrent cells

extension Kernels {
  /// The pointwise part of an LSTM (Hochreiter and Schmidhuber 1997), gates in PyTorch's order i, f, g, o.
  ///
  /// `gates` is `rows × 4n` and holds the sums `W x + U h + b`; it keeps σ(i), σ(f), tanh(g), σ(o) for the backward pass.
  /// `cell = σ(f) · before + σ(i) · tanh(g)`, `hidden = σ(o) · tanh(cell)`; `cell` may be `before`.
  package static func lstm(
    rows: Int, n: Int, gates: WritableRows, before: Rows, cell: WritableRows, hidden: WritableRows
  ) {
    unsafe vm_lstm(
      rows, n, gates.base, gates.step, before.base, before.step, cell.base, cell.step, hidden.base,
      hidden.step)
  }

  /// From `dHidden` and `dCell` (in place: what the next step gave becomes what goes to the step before), the derivatives by
  /// the sums in `dGates`, which may be `gates`. `before` and `cell` are the states around this step.
  package static func lstmBackward(
    rows: Int, n: Int, gates: Rows, before: Rows, cell: Rows, dHidden: Rows, dCell: WritableRows,
    dGates: WritableRows
  ) {
    unsafe vm_lstm_backward(
      rows, n, gates.base, gates.step, before.base, before.step, cell.base, cell.step, dHidden.base,
      dHidden.step, dCell.base, dCell.step, dGates.base, dGates.step)
  }

  /// The pointwise part of a GRU (Cho et al. 2014), gates in PyTorch's order r, z, n.
  ///
  /// `x` and `h` are `rows × 3n`: the products with biases of the input and of the hidden state. `x` keeps σ(r), σ(z) and
  /// `n = tanh(xₙ + σ(r) · hₙ)`; `hidden = (1 - σ(z)) · n + σ(z) · before`.
  package static func gru(rows: Int, n: Int, x: WritableRows, h: Rows, before: Rows, hidden: WritableRows) {
    unsafe vm_gru(
      rows, n, x.base, x.step, h.base, h.step, before.base, before.step, hidden.base, hidden.step)
  }

  /// The derivatives by both sums, `rows × 3n` each (`dX` may be `x`), and `dBefore (+)= σ(z) · dHidden`; what `before` gets
  /// through `h` is the product of `dH` and the weights.
  package static func gruBackward(
    rows: Int, n: Int, x: Rows, h: Rows, before: Rows, dHidden: Rows, dX: WritableRows, dH: WritableRows,
    dBefore: WritableRows, accumulate: Bool
  ) {
    unsafe vm_gru_backward(
      rows, n, x.base, x.step, h.base, h.step, before.base, before.step, dHidden.base, dHidden.step, dX.base,
      dX.step, dH.base, dH.step, dBefore.base, dBefore.step, accumulate ? 1 : 0)
  }
}

// MARK: attention

/// One head of attention: how many queries and keys of which width.
package struct AttentionShape: Sendable, Equatable {
  package var queries: Int
  package var keys: Int
  package var width: Int
  /// Positive; `1/√width` as a rule.
  package var scale: Float
  /// Query `i` sees the keys up to `i + keys - queries`.
  package var isCausal: Bool
  package init(queries: Int, keys: Int, width: Int, scale: Float? = nil, isCausal: Bool) {
    precondition(!isCausal || keys >= queries, "\(queries) causal queries see only \(keys) keys")
    self.queries = queries
    self.keys = keys
    self.width = width
    self.scale = scale ?? 1 / Float(width).squareRoot()
    self.isCausal = isCausal
  }
}

extension Kernels {
  /// `out[i] = Σ_j softmax_j(scale · q[i]·k[j]) · v[j]` for one head; steps let heads lie interleaved in `[t, heads · width]`.
  ///
  /// `p` receives the probabilities, `queries × keys`, for the backward pass; beyond the mask of a band of 32 queries it is
  /// not read. One query with the keys so far is a step of decoding with a key-value cache. Heads are independent.
  package static func attention(
    _ shape: AttentionShape, q: Rows, k: Rows, v: Rows, p: UnsafeMutablePointer<Float>, into out: WritableRows
  ) {
    unsafe vm_attention(
      shape.queries, shape.keys, shape.width, shape.scale, shape.isCausal ? 1 : 0, q.base, q.step, k.base,
      k.step, v.base, v.step, p, out.base, out.step)
  }

  /// Adds to `dQ`, `dK` and `dV`; `space` holds `queries × keys`.
  package static func attentionBackward(
    _ shape: AttentionShape, q: Rows, k: Rows, v: Rows, p: UnsafePointer<Float>, dOut: Rows,
    addToQ dQ: WritableRows, k dK: WritableRows, v dV: WritableRows, space: UnsafeMutablePointer<Float>
  ) {
    unsafe vm_attention_backward(
      shape.queries, shape.keys, shape.width, shape.scale, shape.isCausal ? 1 : 0, q.base, q.step, k.base,
      k.step, v.base, v.step, p, dOut.base, dOut.step, dQ.base, dQ.step, dK.base, dK.step, dV.base, dV.step,
      space)
  }

  /// Rows of scores: `x = softmax(scale · x)`, of which row `i` counts the first `i + 1 + keys - queries` when causal.
  package static func maskedSoftmax(
    queries: Int, keys: Int, scale: Float, isCausal: Bool, _ x: UnsafeMutablePointer<Float>
  ) {
    unsafe vm_masked_softmax(queries, keys, scale, isCausal ? 1 : 0, x)
  }
}
