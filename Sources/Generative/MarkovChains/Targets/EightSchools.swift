import Gradients
import Tensors

/// The effects of coaching in eight schools (Rubin 1981; Gelman et al. 2013, §5.5), non-centred:
///
///     μ ~ N(0, 5)   τ ~ half-Cauchy(0, 5)   θ̃ⱼ ~ N(0, 1)   θⱼ = μ + τ θ̃ⱼ   yⱼ ~ N(θⱼ, σⱼ)
public struct EightSchools: Sendable, Equatable, Codable {
  public var y: [Double]
  public var sigma: [Double]

  /// The data of the paper.
  public init() {
    y = [28, 8, -3, 7, -1, 1, 18, 12]
    sigma = [15, 10, 16, 11, 9, 11, 10, 18]
  }

  public var density: Density {
    let schools = y.count
    let effects = Tensor(y.map(Float.init), shape: [1, schools])
    let precisions = Tensor(sigma.map { Float(1 / ($0 * $0)) }, shape: [1, schools])
    var density = Density(
      "eight-schools",
      (1...schools).map { .init("theta_trans[\($0)]") } + [.init("mu"), .init("tau", .positive)]
    ) { x in
      let standard = x[-1, 0..<schools]
      let mu = x[-1, schools..<schools + 1]
      let tau = x[-1, schools + 1..<schools + 2]
      let theta = mu + tau * standard
      let likelihood = ((x.tape.input(effects) - theta).squared() * x.tape.input(precisions)).sum(1) * -0.5
      let prior = standard.squared().sum(1) * -0.5 - mu.squared().sum(1) * (0.5 / 25)
      return likelihood + prior - log(1 + tau.squared() * (1 / 25)).sum(1)
    }
    density.derived = .init((1...schools).map { "theta[\($0)]" }) { x in
      (0..<schools).map { x[schools] + x[schools + 1] * x[$0] }
    }
    density.conditionals = conditionals
    return density
  }

  /// A half-Cauchy τ is `N⁺(0, 25/w)` with `w ~ Gamma(½, ½)`: given w everything is normal, and w given τ exponential.
  private var conditionals: [Conditional] {
    let (y, sigma, n) = (y, sigma, y.count)
    let weight = sigma.map { 1 / ($0 * $0) }
    return [
      Conditional("theta_trans given mu, tau") { x, random in
        let (mu, tau) = (x[n], x[n + 1])
        for j in 0..<n {
          let precision = 1 + tau * tau * weight[j]
          let mean = tau * weight[j] * (y[j] - mu) / precision
          x[j] = mean + random.normalDouble() / precision.squareRoot()
        }
      },
      Conditional("mu given theta_trans, tau") { x, random in
        var (precision, sum) = (1.0 / 25, 0.0)
        for j in 0..<n {
          precision += weight[j]
          sum += weight[j] * (y[j] - x[n + 1] * x[j])
        }
        x[n] = sum / precision + random.normalDouble() / precision.squareRoot()
      },
      Conditional("tau given theta_trans, mu") { x, random in
        let w = 2 * random.exponential() / (1 + x[n + 1] * x[n + 1] / 25)
        var (precision, sum) = (w / 25, 0.0)
        for j in 0..<n {
          precision += weight[j] * x[j] * x[j]
          sum += weight[j] * x[j] * (y[j] - x[n])
        }
        x[n + 1] = random.positiveNormal(mean: sum / precision, sd: 1 / precision.squareRoot())
      },
    ]
  }
}
