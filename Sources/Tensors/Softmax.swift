import CVectorMath

/// Softmax and its relatives along the last axis; all views are contiguous.
public enum Softmax {
  static func rows(_ x: View) -> (rows: Int, columns: Int) {
    precondition(x.isContiguous && x.shape.rank >= 1, "rows of a view of \(x.shape) that is not contiguous")
    let columns = x.shape[x.shape.rank - 1]
    return (columns == 0 ? 0 : x.count / columns, columns)
  }

  /// `y = e^x / Σ e^x`
  public static func softmax(_ x: View, into y: View) {
    let (rows, n) = rows(x)
    unsafe vm_softmax(rows, n, x.start, y.start)
  }

  /// `y = softmax(x · factor)` of matrices `[…, queries, keys]`; when causal, without keys after the query, the last query
  /// standing at the last key.
  public static func attention(_ x: View, factor: Float, isCausal: Bool, into y: View) {
    let (rows, keys) = rows(x)
    let queries = x.shape[x.shape.rank - 2]
    precondition(!isCausal || keys >= queries, "\(queries) causal queries see only \(keys) keys")
    y.copy(x)
    for first in stride(from: 0, to: rows, by: max(queries, 1)) {
      unsafe vm_masked_softmax(queries, keys, factor, isCausal ? 1 : 0, y.start + first * keys)
    }
  }

  /// `y = x - log Σ e^x`
  public static func logSoftmax(_ x: View, into y: View) {
    let (rows, n) = rows(x)
    unsafe vm_log_softmax(rows, n, x.start, y.start)
  }

  /// `dx = y (dy - Σ y dy)`
  public static func softmaxBackward(output y: View, _ dy: View, into dx: View) {
    let (rows, n) = rows(y)
    precondition(dy.isContiguous, "rows of a view of \(dy.shape) that is not contiguous")
    unsafe vm_softmax_backward(rows, n, y.start, dy.start, dx.start, 0)
  }

  /// `dx = dy - e^y Σ dy`
  public static func logSoftmaxBackward(output y: View, _ dy: View, into dx: View) {
    let (rows, n) = rows(y)
    precondition(dy.isContiguous, "rows of a view of \(dy.shape) that is not contiguous")
    unsafe vm_log_softmax_backward(rows, n, y.start, dy.start, dx.start, 0)
  }
}
