import Glibc
import Tensors

// Draws in double precision, for acceptance tests and conditionals.

extension RandomStream {
  /// Uniform on the open interval (0, 1), 52 bits.
  mutating func uniformDouble() -> Double { (Double(next() >> 12) + 0.5) * 0x1p-52 }

  /// A standard normal number by Marsaglia's polar method.
  mutating func normalDouble() -> Double {
    while true {
      let u = 2 * uniformDouble() - 1
      let v = 2 * uniformDouble() - 1
      let s = u * u + v * v
      if s > 0 && s < 1 { return u * (-2 * log(s) / s).squareRoot() }
    }
  }

  /// Exponential with rate 1.
  mutating func exponential() -> Double { -log(uniformDouble()) }

  /// Gamma with scale 1 (Marsaglia & Tsang 2000).
  mutating func gamma(shape: Double) -> Double {
    precondition(shape > 0, "a gamma distribution of shape \(shape)")
    if shape < 1 { return gamma(shape: shape + 1) * pow(uniformDouble(), 1 / shape) }
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = normalDouble()
      let root = 1 + c * x
      guard root > 0 else { continue }
      let v = root * root * root
      if log(uniformDouble()) < 0.5 * x * x + d * (1 - v + log(v)) { return d * v }
    }
  }

  /// `β / Gamma(α)`, with density proportional to `x^(-α-1) e^(-β/x)`.
  mutating func inverseGamma(shape: Double, scale: Double) -> Double { scale / gamma(shape: shape) }

  /// Normal, given that it is positive (Robert 1995 where that is rare).
  mutating func positiveNormal(mean: Double, sd: Double) -> Double {
    let low = -mean / sd
    if low < 0.5 {
      while true {
        let z = normalDouble()
        if z > low { return mean + sd * z }
      }
    }
    let rate = 0.5 * (low + (low * low + 4).squareRoot())
    while true {
      let z = low + exponential() / rate
      let off = z - rate
      if log(uniformDouble()) <= -0.5 * off * off { return mean + sd * z }
    }
  }

  /// One update of a single coordinate that leaves a density invariant: slice sampling with stepping out and shrinkage
  /// (Neal 2003, §4).
  mutating func slice(
    from x: Double, width: Double, steps: Int = 20, logDensity: (Double) -> Double
  ) -> Double {
    let level = logDensity(x) - exponential()
    var low = x - width * uniformDouble()
    var high = low + width
    // The limit on the interval is split at random between both ends, so that the step is reversible.
    var left = below(steps)
    var right = steps - 1 - left
    while left > 0 && logDensity(low) > level {
      low -= width
      left -= 1
    }
    while right > 0 && logDensity(high) > level {
      high += width
      right -= 1
    }
    while true {
      let candidate = low + (high - low) * uniformDouble()
      // At x itself this holds, so the interval cannot shrink for ever.
      if logDensity(candidate) >= level { return candidate }
      if candidate < x { low = candidate } else { high = candidate }
    }
  }
}
