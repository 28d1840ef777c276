import CVectorMath

/// Recurrent layers over all times at once. Sequences are `[rows, times, …]`, all views contiguous; what does not depend on the
/// state (`x W + b`) comes in for all times.
public enum Recurrence {
  /// A `k × n` matrix in panels of 48 columns, so that a product by few rows runs through it from front to back.
  @unsafe private struct Panels {
    let k: Int
    let n: Int
    let base: UnsafeMutablePointer<Float>

    init(
      _ w: UnsafePointer<Float>, k: Int, n: Int, row: Int, column: Int, at base: UnsafeMutablePointer<Float>
    ) {
      unsafe self.k = k
      unsafe self.n = n
      unsafe self.base = base
      for start in stride(from: 0, to: n, by: 48) {
        let wide = min(48, n - start)
        let panel = unsafe base + start * k
        if column == 1 {
          for p in 0..<k { unsafe (panel + p * wide).update(from: w + p * row + start, count: wide) }
        } else {
          for p in 0..<k {
            for j in 0..<wide { unsafe panel[p * wide + j] = w[p * row + (start + j) * column] }
          }
        }
      }
    }

    /// `c (+)= a · w (+ bias)` for `m` rows this far apart.
    func multiply(
      m: Int, _ a: UnsafePointer<Float>, row: Int, bias: UnsafePointer<Float>? = nil,
      into c: UnsafeMutablePointer<Float>, row cRow: Int, accumulate: Bool
    ) {
      let (k, n) = unsafe (self.k, self.n)
      for start in stride(from: 0, to: n, by: 48) {
        let wide = min(48, n - start)
        unsafe vm_product(
          m, wide, k, a, row, 1, base + start * k, wide, bias.map { unsafe $0 + start }, c + start, cRow,
          accumulate ? 1 : 0)
      }
    }
  }

  /// LSTM: `i, f, g, o = z + h U`; `c = σ(f) c + σ(i) tanh(g)`; `h = σ(o) tanh(c)`.
  ///
  /// - Parameters:
  ///   - z: `[rows, times, 4 · width]`; u: `[width, 4 · width]`; hidden, cell: `[rows, width]`, before the first time.
  ///   - y: the hidden states `[rows, times, width]`.
  ///   - saved: `[rows, times, 5 · width]`: the four gates and the cell of every time.
  public static func lstm(
    _ z: View, _ u: View, hidden: View, cell: View, into y: View, saved: View, workers: Workers
  ) {
    let (rows, times, w) = (y.shape[0], y.shape[1], y.shape[2])
    let space = workers.space(4 * w * w)
    let panels = unsafe Panels(u.start, k: w, n: 4 * w, row: 4 * w, column: 1, at: space.base)
    let (from, to, kept) = unsafe (z.start, y.start, saved.start)
    for t in 0..<times {
      for r in 0..<rows {
        unsafe (kept + (r * times + t) * 5 * w).update(from: from + (r * times + t) * 4 * w, count: 4 * w)
      }
      let before = unsafe t == 0 ? UnsafePointer(hidden.start) : UnsafePointer(to + (t - 1) * w)
      unsafe panels.multiply(
        m: rows, before, row: t == 0 ? w : times * w, into: kept + t * 5 * w, row: times * 5 * w,
        accumulate: true)
      let gates = unsafe kept + t * 5 * w
      let c = unsafe gates + 4 * w
      let last = unsafe t == 0 ? UnsafePointer(cell.start) : UnsafePointer(c - 5 * w)
      unsafe vm_lstm(
        rows, w, gates, times * 5 * w, last, t == 0 ? w : times * 5 * w, c, times * 5 * w, to + t * w,
        times * w)
    }
  }

  /// The loss by `z`, given that by `y` and by the last cell; leaves that by the first hidden state and cell in `first`
  /// `[2, rows, width]`.
  public static func lstmBackward(
    _ u: View, cell: View, saved: View, _ dy: View, lastCell: View, into dz: View, first: View,
    workers: Workers
  ) {
    let (rows, times, w) = (dy.shape[0], dy.shape[1], dy.shape[2])
    let space = workers.space(4 * w * w)
    let panels = unsafe Panels(u.start, k: 4 * w, n: w, row: 1, column: 4 * w, at: space.base)
    let (dh, dc) = unsafe (first.start, first.start + rows * w)
    first.sliced(0, from: 0, count: 1).fill(0)
    unsafe dc.update(from: lastCell.start, count: rows * w)
    for t in (0..<times).reversed() {
      for r in 0..<rows { unsafe vm_axpy(w, 1, dy.start + (r * times + t) * w, dh + r * w) }
      let gates = unsafe saved.start + t * 5 * w
      let c = unsafe gates + 4 * w
      let last = unsafe t == 0 ? cell.start : c - 5 * w
      unsafe vm_lstm_backward(
        rows, w, gates, times * 5 * w, last, t == 0 ? w : times * 5 * w, c, times * 5 * w, dh, w, dc, w,
        dz.start + t * 4 * w, times * 4 * w)
      unsafe panels.multiply(
        m: rows, dz.start + t * 4 * w, row: times * 4 * w, into: dh, row: w, accumulate: false)
    }
  }

  /// GRU as PyTorch has it: `p = h U + b`; `r = σ(z₀ + p₀)`; `s = σ(z₁ + p₁)`; `n = tanh(z₂ + r p₂)`; `h = n + s (h - n)`.
  ///
  /// - Parameter saved: `[rows, times, 4 · width]`: r, s, n and `p₂` of every time.
  public static func gru(
    _ z: View, _ u: View, bias: View, hidden: View, into y: View, saved: View, workers: Workers
  ) {
    let (rows, times, w) = (y.shape[0], y.shape[1], y.shape[2])
    let space = workers.space(3 * w * w + rows * 3 * w)
    let panels = unsafe Panels(u.start, k: w, n: 3 * w, row: 3 * w, column: 1, at: space.base)
    let recurrent = unsafe space.base + 3 * w * w
    for t in 0..<times {
      let before = unsafe t == 0 ? hidden.start : y.start + (t - 1) * w
      let step = t == 0 ? w : times * w
      unsafe panels.multiply(
        m: rows, before, row: step, bias: bias.start, into: recurrent, row: 3 * w, accumulate: false)
      for r in 0..<rows {
        let at = r * times + t
        let (own, other) = unsafe (z.start + at * 3 * w, recurrent + r * 3 * w)
        let gates = unsafe saved.start + at * 4 * w
        let (h, last) = unsafe (y.start + at * w, before + r * step)
        for j in 0..<2 * w { unsafe gates[j] = own[j] + other[j] }
        unsafe vm_sigmoid(2 * w, gates, gates)
        for j in 0..<w {
          unsafe gates[3 * w + j] = other[2 * w + j]
          unsafe gates[2 * w + j] = own[2 * w + j] + gates[j] * other[2 * w + j]
        }
        unsafe vm_tanh(w, gates + 2 * w, gates + 2 * w)
        for j in 0..<w {
          unsafe h[j] = gates[2 * w + j] + gates[w + j] * (last[j] - gates[2 * w + j])
        }
      }
    }
  }

  /// The loss before the gates `[rows, times, 4 · width]`: by `z₂`, then by `p₀` (and `z₀`), `p₁` (and `z₁`), `p₂`; leaves that by
  /// the first hidden state in `first` `[rows, width]`.
  public static func gruBackward(
    _ u: View, hidden: View, output y: View, saved: View, _ dy: View, into d: View, first: View,
    workers: Workers
  ) {
    let (rows, times, w) = (dy.shape[0], dy.shape[1], dy.shape[2])
    let space = workers.space(3 * w * w)
    let panels = unsafe Panels(u.start, k: 3 * w, n: w, row: 1, column: 3 * w, at: space.base)
    let dh = unsafe first.start
    first.fill(0)
    for t in (0..<times).reversed() {
      for r in 0..<rows {
        let at = r * times + t
        let gates = unsafe saved.start + at * 4 * w
        let last = unsafe t == 0 ? hidden.start + r * w : y.start + (at - 1) * w
        let (g, h, out) = unsafe (dy.start + at * w, dh + r * w, d.start + at * 4 * w)
        for j in 0..<w {
          let (a, s) = unsafe (gates[j], gates[w + j])
          let (n, p) = unsafe (gates[2 * w + j], gates[3 * w + j])
          let e = unsafe g[j] + h[j]
          let bent = e * (1 - s) * (1 - n * n)
          unsafe out[j] = bent
          unsafe out[w + j] = bent * p * a * (1 - a)
          unsafe out[2 * w + j] = e * (last[j] - n) * s * (1 - s)
          unsafe out[3 * w + j] = bent * a
          unsafe h[j] = e * s
        }
      }
      unsafe panels.multiply(
        m: rows, d.start + t * 4 * w + w, row: times * 4 * w, into: dh, row: w, accumulate: true)
    }
  }

  /// The loss by the recurrent weights, `Σ hᵀ d` over rows and times with the states before each time: d is `[rows, times, n]`,
  /// its columns side by side.
  public static func weights(hidden: View, output y: View, _ d: View, into u: View, workers: Workers) {
    let (rows, times, w) = (y.shape[0], y.shape[1], y.shape[2])
    let n = u.shape[1]
    let step = d.layout.step(1)
    precondition(
      d.layout.step(2) == 1 && d.layout.step(0) == times * step, "the gradient of gates that lie apart")
    let space = workers.space(rows * times * w)
    for r in 0..<rows {
      let to = unsafe space.base + r * times * w
      unsafe to.update(from: hidden.start + r * w, count: w)
      unsafe (to + w).update(from: y.start + r * times * w, count: (times - 1) * w)
    }
    unsafe vm_gemm(w, n, rows * times, 1, space.base, 1, w, d.start, step, 1, nil, u.start, n, 0)
  }
}
