import CVectorMath

/// Rows brought to mean 0 and variance 1, with gains and shifts; all views contiguous. `moments` is `[2, rows]`: each row's
/// mean, then its `1 / √(variance + ε)`.
public enum Normalisation {
  private static func rows(_ x: View, _ shape: RowNorm) -> Int {
    precondition(x.isContiguous && x.count % shape.width == 0, "rows of \(shape.width) in \(x.shape)")
    return x.count / shape.width
  }

  package static func forward(
    _ x: View, _ shape: RowNorm, epsilon: Float, gain: View, shift: View, into y: View, moments: View
  ) {
    let rows = rows(x, shape)
    unsafe vm_norm_rows(
      rows, shape.groups, shape.channels, shape.spatial, x.start, epsilon, gain.start, shift.start, y.start,
      moments.start, moments.start + rows)
  }

  /// The loss by `x`.
  package static func backward(
    _ x: View, _ shape: RowNorm, moments: View, gain: View, _ dy: View, into dx: View
  ) {
    let rows = rows(x, shape)
    precondition(dy.isContiguous, "the gradient of rows that is not contiguous")
    unsafe vm_norm_rows_backward(
      0, rows, shape.groups, shape.channels, shape.spatial, x.start, moments.start, moments.start + rows,
      gain.start, dy.start, dx.start, 0)
  }

  /// The loss by gains and shifts: `[2, groups · channels]`.
  package static func parameters(_ x: View, _ shape: RowNorm, moments: View, _ dy: View, into d: View) {
    let rows = rows(x, shape)
    precondition(dy.isContiguous, "the gradient of rows that is not contiguous")
    d.fill(0)
    unsafe vm_norm_rows_parameters(
      rows, shape.groups, shape.channels, shape.spatial, 0, shape.channels, x.start, moments.start,
      moments.start + rows, dy.start, d.start, d.start + shape.groups * shape.channels)
  }
}
