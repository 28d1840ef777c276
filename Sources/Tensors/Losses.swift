import CVectorMath

/// Losses with their derivatives in one pass each.
public enum Losses {
  /// `loss[r] = log Σ e^x[r] - x[r, class]`; leaves the softmax.
  public static func crossEntropy(_ x: View, classes: View, softmax: View, into loss: View) {
    Softmax.logSoftmax(x, into: softmax)
    let n = x.shape[1]
    for row in 0..<loss.count {
      let column = unsafe Int(classes.start[row])
      precondition(column >= 0 && column < n, "class \(column) of \(n)")
      unsafe loss.start[row] = -softmax.start[row * n + column]
    }
    Elementwise.apply(.exp, softmax, into: softmax)
  }

  /// `dx = d_loss (softmax - onehot)`
  public static func crossEntropyBackward(softmax: View, classes: View, _ gradient: View, into dx: View) {
    let n = softmax.shape[1]
    for row in 0..<classes.count {
      let (p, q) = unsafe (softmax.start + row * n, dx.start + row * n)
      let factor = unsafe gradient.start[row]
      for i in 0..<n { unsafe q[i] = factor * p[i] }
      unsafe q[Int(classes.start[row])] -= factor
    }
  }

  /// `softplus(x) - x t`
  public static func binaryCrossEntropy(_ x: View, targets t: View, into y: View) {
    precondition(x.isContiguous && t.isContiguous, "a loss of views that are not contiguous")
    unsafe vm_binary_cross_entropy(y.count, x.start, t.start, y.start)
  }

  /// `dx = d_loss (σ(x) - t)`; the gradient is contiguous or one number spread.
  public static func binaryCrossEntropyBackward(_ x: View, targets t: View, _ gradient: View, into dx: View) {
    let n = dx.count
    let isOne = gradient.layout.steps == .zero
    precondition(
      x.isContiguous && t.isContiguous && (isOne || gradient.isContiguous),
      "a loss of views that are not contiguous")
    unsafe vm_binary_cross_entropy_backward(
      1, n, x.start, t.start, 1, gradient.start, 0, isOne ? 0 : 1, dx.start, 0)
  }
}
