import CVectorMath

/// What remains of an axis.
package enum Reduction: Int32, Sendable, CaseIterable {
  case sum
  /// NaN wins.
  case maximum
}

extension Kernels {
  /// `y[o, i] (+)= factor · reduction over k of x[o, k, i]`: the last axis has `inner` 1, the first `outer` 1; a mean is a sum
  /// with the factor `1 / n`.
  ///
  /// Outer indices and columns may be divided between threads; for columns, `x` and `y` begin at the first one and the
  /// steps of the whole are given.
  package static func reduce(
    _ kind: Reduction, outer: Int, n: Int, inner: Int, _ x: UnsafePointer<Float>, outerStep: Int? = nil,
    step: Int? = nil, factor: Float = 1, into y: UnsafeMutablePointer<Float>, rowStep: Int? = nil,
    accumulate: Bool = false
  ) {
    unsafe vm_reduce(
      kind.rawValue, outer, n, inner, x, outerStep ?? n * inner, step ?? inner, factor, y, rowStep ?? inner,
      accumulate ? 1 : 0)
  }

  /// `y[o, k, i] (+)= Σ x[o, l, i]` over `l ≤ k`, or over `l ≥ k` when reversed (which is the derivative).
  package static func cumulativeSum(
    outer: Int, n: Int, inner: Int, _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>,
    reversed: Bool = false, accumulate: Bool = false
  ) {
    unsafe vm_cumulative_sum(outer, n, inner, x, y, reversed ? 1 : 0, accumulate ? 1 : 0)
  }
}

// MARK: softmax and losses

extension Kernels {
  /// Rows of `n`: `y = eˣ / Σ eˣ`; -∞ counts as absent. In place is allowed.
  package static func softmax(
    rows: Int, n: Int, _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>
  ) {
    unsafe vm_softmax(rows, n, x, y)
  }

  /// `dx (+)= y (dy - Σ y dy)`
  package static func softmaxBackward(
    rows: Int, n: Int, y: UnsafePointer<Float>, dy: UnsafePointer<Float>,
    into dx: UnsafeMutablePointer<Float>, accumulate: Bool
  ) {
    unsafe vm_softmax_backward(rows, n, y, dy, dx, accumulate ? 1 : 0)
  }

  /// Rows of `n`: `y = x - log Σ eˣ`. In place is allowed.
  package static func logSoftmax(
    rows: Int, n: Int, _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>
  ) {
    unsafe vm_log_softmax(rows, n, x, y)
  }

  /// `dx (+)= dy - eʸ Σ dy`
  package static func logSoftmaxBackward(
    rows: Int, n: Int, y: UnsafePointer<Float>, dy: UnsafePointer<Float>,
    into dx: UnsafeMutablePointer<Float>, accumulate: Bool
  ) {
    unsafe vm_log_softmax_backward(rows, n, y, dy, dx, accumulate ? 1 : 0)
  }

  /// `loss = softplus(x) - x · target`: the binary cross entropy of logits, element by element.
  package static func binaryCrossEntropy(
    _ count: Int, _ x: UnsafePointer<Float>, target: UnsafePointer<Float>,
    into loss: UnsafeMutablePointer<Float>
  ) {
    unsafe vm_binary_cross_entropy(count, x, target, loss)
  }

  /// `dx[r, c] (+)= factor · (dLoss or 1) · (sigmoid(x) - target)`; `steps` say how `dLoss` is read.
  package static func binaryCrossEntropyBackward(
    rows: Int, n: Int, _ x: UnsafePointer<Float>, target: UnsafePointer<Float>, factor: Float,
    dLoss: UnsafePointer<Float>?, steps: Steps = .scalar, into dx: UnsafeMutablePointer<Float>,
    accumulate: Bool
  ) {
    unsafe vm_binary_cross_entropy_backward(
      rows, n, x, target, factor, dLoss, steps.row, steps.column, dx, accumulate ? 1 : 0)
  }
}
