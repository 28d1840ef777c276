import Glibc

/// An ARMA(1,1) process of observations y:
///
///     μ ~ N(0, 10)   φ ~ N(0, 2)   θ ~ N(0, 2)   σ ~ half-Cauchy(0, 2.5)
///     ν₁ = μ + φ μ   νₜ = μ + φ yₜ₋₁ + θ εₜ₋₁   εₜ = yₜ - νₜ ~ N(0, σ)
public struct AutoregressiveMovingAverage: Sendable, Equatable, Codable {
  public var y: [Double]

  public init(y: [Double]) {
    precondition(!y.isEmpty, "a process without observations")
    self.y = y
  }

  /// The gradient is that of the recursion, carried forward beside it: two hundred steps are cheaper so than on a tape.
  public var density: Density {
    let y = y
    var density = Density(
      "arma11", [.init("mu"), .init("phi"), .init("theta"), .init("sigma", .positive)],
      withGradient: { x, gradient in
        let (mu, phi, theta, sigma) = (x[0], x[1], x[2], x[3])
        var error = y[0] - mu - phi * mu
        var (byMu, byPhi, byTheta) = (-1 - phi, -mu, 0.0)
        var squares = error * error
        var (sumMu, sumPhi, sumTheta) = (error * byMu, error * byPhi, 0.0)
        for t in 1..<y.count {
          byMu = -1 - theta * byMu
          byPhi = -y[t - 1] - theta * byPhi
          byTheta = -error - theta * byTheta
          error = y[t] - mu - phi * y[t - 1] - theta * error
          squares += error * error
          sumMu += error * byMu
          sumPhi += error * byPhi
          sumTheta += error * byTheta
        }
        let precision = 1 / (sigma * sigma)
        gradient[0] = -mu / 100 - sumMu * precision
        gradient[1] = -phi / 4 - sumPhi * precision
        gradient[2] = -theta / 4 - sumTheta * precision
        gradient[3] =
          -2 * sigma / (6.25 + sigma * sigma) - Double(y.count) / sigma + squares * precision / sigma
        return -mu * mu / 200 - phi * phi / 8 - theta * theta / 8 - log1p(sigma * sigma / 6.25)
          - Double(y.count) * log(sigma) - 0.5 * squares * precision
      })
    density.conditionals = conditionals
    return density
  }

  private static func errors(_ y: [Double], mu: Double, phi: Double, theta: Double) -> [Double] {
    var errors = [y[0] - mu - phi * mu]
    errors.reserveCapacity(y.count)
    for t in 1..<y.count { errors.append(y[t] - mu - phi * y[t - 1] - theta * errors[t - 1]) }
    return errors
  }

  /// The errors are linear in μ and in φ, so both are normal given the rest; σ² is inverse gamma given a scale of its own
  /// (Wand et al. 2011); θ has no conditional with a name and is updated by a slice.
  private var conditionals: [Conditional] {
    let y = y
    /// A coefficient with the prior `N(0, sd)`, of which the errors are `at0 + c (at1 - at0)`.
    @Sendable func coefficient(
      _ at0: [Double], _ at1: [Double], sigma: Double, sd: Double, _ normal: Double
    ) -> Double {
      var (precision, sum) = (1 / (sd * sd), 0.0)
      for (a, b) in zip(at0, at1) {
        let slope = b - a
        precision += slope * slope / (sigma * sigma)
        sum -= a * slope / (sigma * sigma)
      }
      return sum / precision + normal / precision.squareRoot()
    }
    return [
      Conditional("mu given phi, theta, sigma") { x, random in
        x[0] = coefficient(
          Self.errors(y, mu: 0, phi: x[1], theta: x[2]), Self.errors(y, mu: 1, phi: x[1], theta: x[2]),
          sigma: x[3], sd: 10, random.normalDouble())
      },
      Conditional("phi given mu, theta, sigma") { x, random in
        x[1] = coefficient(
          Self.errors(y, mu: x[0], phi: 0, theta: x[2]), Self.errors(y, mu: x[0], phi: 1, theta: x[2]),
          sigma: x[3], sd: 2, random.normalDouble())
      },
      Conditional("theta given mu, phi, sigma") { x, random in
        let (mu, phi, sigma) = (x[0], x[1], x[3])
        x[2] = random.slice(from: x[2], width: 0.2) { theta in
          let squares = Self.errors(y, mu: mu, phi: phi, theta: theta).reduce(0) { $0 + $1 * $1 }
          let value = -theta * theta / 8 - 0.5 * squares / (sigma * sigma)
          return value.isNaN ? -.infinity : value
        }
      },
      Conditional("sigma given mu, phi, theta") { x, random in
        let squares = Self.errors(y, mu: x[0], phi: x[1], theta: x[2]).reduce(0) { $0 + $1 * $1 }
        let scale = random.inverseGamma(shape: 1, scale: 1 / 6.25 + 1 / (x[3] * x[3]))
        let shape = 0.5 * Double(y.count + 1)
        x[3] = random.inverseGamma(shape: shape, scale: 0.5 * squares + 1 / scale).squareRoot()
      },
    ]
  }
}
