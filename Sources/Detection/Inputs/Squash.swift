import Glibc

/// Lets values far out grow only logarithmically: the identity up to `limit`, then `limit · (1 + ln(|z| / limit))`.
///
/// Smooth (the derivative is 1 at the limit), odd and strictly increasing, so that order is kept and 10³⁰ stays a modest
/// number: a single absurd value neither overflows nor drowns everything else.
func squash(_ z: Float, limit: Float) -> Float {
  let size = abs(z)
  if !(size > limit) { return z }
  let squashed = limit * (1 + logf(min(size, 1e37) / limit))
  return z < 0 ? -squashed : squashed
}

/// The inverse of ``squash(_:limit:)``.
func unsquash(_ z: Float, limit: Float) -> Float {
  let size = abs(z)
  if !(size > limit) { return z }
  let full = limit * expf(min(size / limit - 1, 88))
  return z < 0 ? -full : full
}
