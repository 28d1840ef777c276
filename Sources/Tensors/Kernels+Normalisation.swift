import CVectorMath

/// The shape of rows that are normalised: each holds `channels` runs of `spatial` numbers; row `r` has the gains and shifts of
/// the channels from `(r % groups) · channels` on.
///
/// Layer norm over `n` features: `RowNorm(groups: 1, channels: n, spatial: 1)`. Group norm of `[b, c, h, w]`: `b · groups` rows
/// of `RowNorm(groups: groups, channels: c / groups, spatial: h · w)`; instance norm has `channels` 1.
package struct RowNorm: Sendable, Equatable {
  package var groups: Int
  package var channels: Int
  package var spatial: Int
  package init(groups: Int = 1, channels: Int, spatial: Int = 1) {
    self.groups = groups
    self.channels = channels
    self.spatial = spatial
  }
  package var width: Int { channels * spatial }
}

extension Kernels {
  /// `y = (x - mean) / √(variance + ε) · gain + shift` per row; gives each row's mean and `scale = 1/√(variance + ε)`. In place
  /// is allowed; nil gains are 1, nil shifts 0. A range of rows must begin at a multiple of `groups`.
  package static func normaliseRows(
    rows: Int, _ shape: RowNorm, _ x: UnsafePointer<Float>, epsilon: Float, gain: UnsafePointer<Float>?,
    shift: UnsafePointer<Float>?, into y: UnsafeMutablePointer<Float>, mean: UnsafeMutablePointer<Float>,
    scale: UnsafeMutablePointer<Float>
  ) {
    unsafe vm_norm_rows(
      rows, shape.groups, shape.channels, shape.spatial, x, epsilon, gain, shift, y, mean, scale)
  }

  /// The derivative by `x`, for rows from `first` on, at which `x`, `mean`, `scale`, `dy` and `dx` begin.
  package static func normaliseRowsBackward(
    first: Int = 0, rows: Int, _ shape: RowNorm, _ x: UnsafePointer<Float>, mean: UnsafePointer<Float>,
    scale: UnsafePointer<Float>, gain: UnsafePointer<Float>?, dy: UnsafePointer<Float>,
    into dx: UnsafeMutablePointer<Float>, accumulate: Bool
  ) {
    unsafe vm_norm_rows_backward(
      first, rows, shape.groups, shape.channels, shape.spatial, x, mean, scale, gain, dy, dx,
      accumulate ? 1 : 0)
  }

  /// Adds to the derivatives by gain and shift over all rows; `channels` is a part of `0 ..< shape.channels`.
  package static func normaliseRowsParameters(
    rows: Int, _ shape: RowNorm, channels: Range<Int>? = nil, _ x: UnsafePointer<Float>,
    mean: UnsafePointer<Float>, scale: UnsafePointer<Float>, dy: UnsafePointer<Float>,
    addToGain dGain: UnsafeMutablePointer<Float>?, shift dShift: UnsafeMutablePointer<Float>?
  ) {
    let part = channels ?? 0..<shape.channels
    unsafe vm_norm_rows_parameters(
      rows, shape.groups, shape.channels, shape.spatial, part.lowerBound, part.count, x, mean, scale, dy,
      dGain,
      dShift)
  }
}
