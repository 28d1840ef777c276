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

  private static var gap: Int { 16 }
  private static func compactSpace(_ rows: Int, _ width: Int) -> Int { rows * (width + gap) }

  /// Rows of one time side by side: those of a sequence lie a power of two apart, where they would push each other out of the
  /// caches.
  @unsafe private struct Compact {
    let rows: Int
    let width: Int
    let base: UnsafeMutablePointer<Float>
    var step: Int { unsafe width + Recurrence.gap }
    func fill(from source: UnsafePointer<Float>, step sourceStep: Int) {
      for r in 0..<(unsafe rows) {
        unsafe (base + r * step).update(from: source + r * sourceStep, count: width)
      }
    }

    func copy(into target: UnsafeMutablePointer<Float>, step targetStep: Int) {
      for r in 0..<(unsafe rows) {
        unsafe (target + r * targetStep).update(from: base + r * step, count: width)
      }
    }
  }

  /// `h = f(z + h U)`, where the derivative of `f` comes from its result.
  ///
  /// - Parameters:
  ///   - z, y: `[rows, times, width]`; u: `[width, width]`; hidden: `[rows, width]`, before the first time.
  package static func plain(
    _ f: UnaryFunction, _ z: View, _ u: View, hidden: View, into y: View, workers: Workers
  ) {
    let (rows, times, w) = (y.shape[0], y.shape[1], y.shape[2])
    let space = workers.space(w * w)
    let panels = unsafe Panels(u.start, k: w, n: w, row: w, column: 1, at: space.base)
    let h = unsafe y.start
    unsafe h.update(from: z.start, count: y.count)
    for t in 0..<times {
      let before = unsafe t == 0 ? hidden.start : h + (t - 1) * w
      unsafe panels.multiply(
        m: rows, before, row: t == 0 ? w : times * w, into: h + t * w, row: times * w, accumulate: true)
      for r in 0..<rows {
        let now = unsafe h + (r * times + t) * w
        unsafe vm_unary(f.rawValue, w, now, 1, now)
      }
    }
  }

  /// The loss by `z`, given that by `y`; leaves that by the first hidden state in `first` `[rows, width]`.
  package static func plainBackward(
    _ f: UnaryFunction, _ u: View, output y: View, _ dy: View, into dz: View, first: View, workers: Workers
  ) {
    let (rows, times, w) = (y.shape[0], y.shape[1], y.shape[2])
    let space = workers.space(w * w)
    let panels = unsafe Panels(u.start, k: w, n: w, row: 1, column: w, at: space.base)
    let dh = unsafe first.start
    first.fill(0)
    for t in (0..<times).reversed() {
      for r in 0..<rows {
        let at = (r * times + t) * w
        unsafe vm_axpy(w, 1, dy.start + at, dh + r * w)
        let now = unsafe y.start + at
        unsafe vm_unary_backward(f.rawValue, w, now, now, 1, dh + r * w, dz.start + at, 0)
      }
      unsafe panels.multiply(
        m: rows, dz.start + t * w, row: times * w, into: dh, row: w, accumulate: false)
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
    let gatesSpace = compactSpace(rows, 4 * w)
    let space = workers.space(4 * w * w + gatesSpace + compactSpace(rows, w))
    let panels = unsafe Panels(u.start, k: w, n: 4 * w, row: 4 * w, column: 1, at: space.base)
    let gates = unsafe Compact(rows: rows, width: 4 * w, base: space.base + 4 * w * w)
    let h = unsafe Compact(rows: rows, width: w, base: gates.base + gatesSpace)
    unsafe h.fill(from: hidden.start, step: w)
    for t in 0..<times {
      unsafe gates.fill(from: z.start + t * 4 * w, step: times * 4 * w)
      unsafe panels.multiply(
        m: rows, h.base, row: h.step, into: gates.base, row: gates.step, accumulate: true)
      let c = unsafe saved.start + t * 5 * w + 4 * w
      let last = unsafe t == 0 ? UnsafePointer(cell.start) : UnsafePointer(c - 5 * w)
      unsafe vm_lstm(
        rows, w, gates.base, gates.step, last, t == 0 ? w : times * 5 * w, c, times * 5 * w, h.base, h.step)
      unsafe gates.copy(into: c - 4 * w, step: times * 5 * w)
      unsafe h.copy(into: y.start + t * w, step: times * w)
    }
  }

  /// The loss by `z`, given that by `y` and by the last cell; leaves that by the first hidden state and cell in `first`
  /// `[2, rows, width]`.
  public static func lstmBackward(
    _ u: View, cell: View, saved: View, _ dy: View, lastCell: View, into dz: View, first: View,
    workers: Workers
  ) {
    let (rows, times, w) = (dy.shape[0], dy.shape[1], dy.shape[2])
    let space = workers.space(4 * w * w + compactSpace(rows, 4 * w))
    let panels = unsafe Panels(u.start, k: 4 * w, n: w, row: 1, column: 4 * w, at: space.base)
    let d = unsafe Compact(rows: rows, width: 4 * w, base: space.base + 4 * w * w)
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
        d.base, d.step)
      unsafe d.copy(into: dz.start + t * 4 * w, step: times * 4 * w)
      unsafe panels.multiply(m: rows, d.base, row: d.step, into: dh, row: w, accumulate: false)
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
      let gates = unsafe saved.start + t * 4 * w
      for r in 0..<rows {
        let at = r * times + t
        unsafe (saved.start + at * 4 * w).update(from: z.start + at * 3 * w, count: 3 * w)
        unsafe (saved.start + at * 4 * w + 3 * w).update(from: recurrent + r * 3 * w + 2 * w, count: w)
      }
      unsafe vm_gru(
        rows, w, gates, times * 4 * w, recurrent, 3 * w, before, step, y.start + t * w, times * w)
    }
  }

  /// The loss by both sums of the gates `[rows, times, 6 · width]`: by those of `z`, then by those of `p`; leaves that by the
  /// first hidden state in `first` `[rows, width]`.
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
      for r in 0..<rows { unsafe vm_axpy(w, 1, dy.start + (r * times + t) * w, dh + r * w) }
      let gates = unsafe saved.start + t * 4 * w
      let last = unsafe t == 0 ? hidden.start : y.start + (t - 1) * w
      let dz = unsafe d.start + t * 6 * w
      unsafe vm_gru_backward(
        rows, w, gates, times * 4 * w, gates + w, times * 4 * w, last, t == 0 ? w : times * w, dh, w, dz,
        times * 6 * w, dz + 3 * w, times * 6 * w, dh, w, 0)
      unsafe panels.multiply(m: rows, dz + 3 * w, row: times * 6 * w, into: dh, row: w, accumulate: true)
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
