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

/// The shape of a batch whose channels are normalised: `[batch, channels, spatial]` with items `step` numbers apart. To
/// divide the channels between threads, point at the first one and keep the step of the whole.
package struct ChannelNorm: Sendable, Equatable {
  package var batch: Int
  package var channels: Int
  package var spatial: Int
  package var step: Int
  package init(batch: Int, channels: Int, spatial: Int = 1, step: Int? = nil) {
    self.batch = batch
    self.channels = channels
    self.spatial = spatial
    self.step = step ?? channels * spatial
  }
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

  /// Mean and variance (divided by their number) of each channel over batch and space.
  package static func channelMoments(
    _ shape: ChannelNorm, _ x: UnsafePointer<Float>, mean: UnsafeMutablePointer<Float>,
    variance: UnsafeMutablePointer<Float>
  ) {
    unsafe vm_channel_moments(
      shape.batch, shape.channels, shape.spatial, shape.step, x, mean, variance)
  }

  /// `y = (x - mean) · scale · gain + shift` per channel, with `scale = 1/√(variance + ε)`.
  package static func normaliseChannels(
    _ shape: ChannelNorm, _ x: UnsafePointer<Float>, mean: UnsafePointer<Float>,
    scale: UnsafePointer<Float>, gain: UnsafePointer<Float>?, shift: UnsafePointer<Float>?,
    into y: UnsafeMutablePointer<Float>
  ) {
    unsafe vm_channel_affine(
      shape.batch, shape.channels, shape.spatial, shape.step, x, mean, scale, gain, shift, y)
  }

  /// `dShift = Σ dy` and `dGain = Σ dy x̂` per channel (written, not added).
  package static func channelSums(
    _ shape: ChannelNorm, _ x: UnsafePointer<Float>, mean: UnsafePointer<Float>,
    scale: UnsafePointer<Float>, dy: UnsafePointer<Float>, dGain: UnsafeMutablePointer<Float>,
    dShift: UnsafeMutablePointer<Float>
  ) {
    unsafe vm_channel_sums(
      shape.batch, shape.channels, shape.spatial, shape.step, x, mean, scale, dy, dGain, dShift)
  }

  /// `dx (+)= gain · scale · (dy - (dShift + x̂ dGain)/n)`; nil sums leave the moments constant (evaluation).
  package static func normaliseChannelsBackward(
    _ shape: ChannelNorm, _ x: UnsafePointer<Float>, mean: UnsafePointer<Float>,
    scale: UnsafePointer<Float>, gain: UnsafePointer<Float>?, dGain: UnsafePointer<Float>?,
    dShift: UnsafePointer<Float>?, dy: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>,
    accumulate: Bool
  ) {
    unsafe vm_channel_backward(
      shape.batch, shape.channels, shape.spatial, shape.step, x, mean, scale, gain, dGain, dShift, dy, dx,
      accumulate ? 1 : 0)
  }
}
