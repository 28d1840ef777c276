import CVectorMath

/// The neural autoregressive distribution estimator over all places at once; all views contiguous.
public enum Nade {
  /// Multiplications from which another thread pays.
  private static var worthSplitting: Int { 500_000 }

  /// `logits[j] = b[j] + v[j] · σ(c + Σ_{i < j} x[i] w[i])` of rows x `[rows, n]`, with w and v `[n, hidden]`.
  ///
  /// - Parameter sums: the sum over all places, `[rows, hidden]`, for the way back.
  public static func forward(
    _ x: View, _ w: View, _ c: View, _ v: View, _ b: View, into logits: View, sums: View, workers: Workers
  ) {
    let (n, hidden) = (w.shape[0], w.shape[1])
    let space = vm_nade_space(hidden)
    workers.reserve(space)
    workers.split(x.shape[0], grain: max(4, worthSplitting / max(n * hidden, 1))) { worker, part in
      let first = part.lowerBound
      unsafe vm_nade(
        part.count, n, hidden, x.start + first * n, w.start, c.start, v.start, b.start,
        logits.start + first * n, sums.start + first * hidden, workers.space(space, worker: worker).base)
    }
  }

  /// The loss by w, c and v, behind one another in `d`. Hidden units are independent of one another: each thread has some.
  public static func backward(
    _ x: View, _ w: View, _ v: View, sums: View, _ gradient: View, into d: View, workers: Workers
  ) {
    let (rows, n, hidden) = (x.shape[0], w.shape[0], w.shape[1])
    let space = vm_nade_space(hidden)
    d.fill(0)
    workers.reserve(space)
    workers.split(hidden, grain: max(16, worthSplitting / max(rows * n, 1))) { worker, part in
      unsafe vm_nade_backward(
        rows, n, hidden, part.lowerBound, part.count, x.start, w.start, v.start, sums.start, gradient.start,
        d.start, d.start + n * hidden, d.start + n * hidden + hidden,
        workers.space(space, worker: worker).base)
    }
  }
}
