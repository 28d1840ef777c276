import Glibc

/// Finds the step size whose mean acceptance statistic is a target, by Nesterov's dual averaging.
///
/// Hoffman & Gelman 2014 (The No-U-Turn sampler), §3.2, eqs. 5 and 6, with their constants.
struct DualAveraging: Sendable {
  let target: Double
  private var mu = 0.0
  private var count = 0.0
  private var meanError = 0.0
  private var meanLogStep = 0.0

  init(target: Double) { self.target = target }

  /// Forgets what was learned and shrinks towards ten times this step.
  mutating func restart(from step: Double) {
    mu = log(10 * step)
    count = 0
    meanError = 0
    meanLogStep = 0
  }

  /// The step to take after one with this acceptance.
  mutating func step(after acceptance: Double) -> Double {
    let (gamma, t0, kappa) = (0.05, 10.0, 0.75)
    count += 1
    let share = 1 / (count + t0)
    meanError += share * (target - acceptance - meanError)
    let logStep = mu - meanError * count.squareRoot() / gamma
    let weight = pow(count, -kappa)
    meanLogStep = weight * logStep + (1 - weight) * meanLogStep
    return exp(logStep)
  }

  /// The averaged step, for after the warm-up.
  var averaged: Double { exp(meanLogStep) }
}
