import Glibc
import Gradients
import Tensors

/// Densities with known moments, to see what a kernel does.
public enum StudyDensities {
  private static func coordinates(_ count: Int) -> [Density.Coordinate] {
    (1...count).map { .init("x[\($0)]") }
  }

  private static func moments(_ pairs: [(mean: Double, sd: Double)]) -> [String: Density.Moments] {
    Dictionary(
      uniqueKeysWithValues: pairs.enumerated().map {
        ("x[\($0 + 1)]", Density.Moments(mean: $1.mean, sd: $1.sd))
      })
  }

  /// `N(0, 1)` in each of some dimensions.
  public static func standardNormal(dimension: Int = 10) -> Density {
    var density = Density("standard-normal", coordinates(dimension)) { $0.squared().sum(1) * -0.5 }
    density.conditionals = [
      Conditional("all") { x, random in for i in x.indices { x[i] = random.normalDouble() } }
    ]
    density.reference = moments((0..<dimension).map { _ in (0, 1) })
    return density
  }

  /// `z₁ ~ N(0, 1)`, `zᵢ ~ N(ρ zᵢ₋₁, 1 - ρ²)`, `xᵢ = i zᵢ`: neighbours are correlated by ρ, scales differ.
  public static func correlatedNormal(dimension: Int = 5, correlation: Double = 0.9) -> Density {
    let inverse = Tensor((1...dimension).map { 1 / Float($0) }, shape: [1, dimension])
    let rest = 1 - correlation * correlation
    var density = Density("correlated-normal", coordinates(dimension)) { x in
      let z = x * x.tape.input(inverse)
      let first = z[1, 0..<1].squared().sum(1)
      guard dimension > 1 else { return first * -0.5 }
      let move = z[1, 1..<dimension] - z[1, 0..<dimension - 1] * Float(correlation)
      return (first + move.squared().sum(1) * Float(1 / rest)) * -0.5
    }
    density.conditionals = (0..<dimension).map { i in
      let neighbours = [i - 1, i + 1].filter { $0 >= 0 && $0 < dimension }
      // The ends have one neighbour, those between two.
      let isInner = neighbours.count == 2
      let variance = isInner ? rest / (1 + correlation * correlation) : dimension == 1 ? 1 : rest
      let weight = isInner ? correlation / (1 + correlation * correlation) : correlation
      return Conditional("x[\(i + 1)] given its neighbours") { x, random in
        let sum = neighbours.reduce(0) { $0 + x[$1] / Double($1 + 1) }
        x[i] = Double(i + 1) * (weight * sum + variance.squareRoot() * random.normalDouble())
      }
    }
    density.reference = moments((1...dimension).map { (0, Double($0)) })
    return density
  }

  /// Rosenbrock's banana as a density: `x₁ ~ N(1, ½)`, `x₂ ~ N(x₁², ⅒)` (variances).
  public static func rosenbrock() -> Density {
    var density = Density("rosenbrock", coordinates(2)) { x in
      let (a, b) = (x[1, 0..<1], x[1, 1..<2])
      return ((a - 1).squared() * -1 - (b - a.squared()).squared() * 5).sum(1)
    }
    density.conditionals = [
      Conditional("x[1] given x[2]") { x, random in
        let b = x[1]
        x[0] = random.slice(from: x[0], width: 1) { -($0 - 1) * ($0 - 1) - 5 * (b - $0 * $0) * (b - $0 * $0) }
      },
      Conditional("x[2] given x[1]") { x, random in
        x[1] = x[0] * x[0] + 0.1.squareRoot() * random.normalDouble()
      },
    ]
    density.reference = moments([(1, 0.5.squareRoot()), (1.5, 2.6.squareRoot())])
    return density
  }

  /// Neal's funnel: `x₁ ~ N(0, 9)`, the others `N(0, eˣ¹)` (variances). Its neck is where step sizes fail.
  public static func funnel(dimension: Int = 10) -> Density {
    var density = Density("funnel", coordinates(dimension)) { x in
      let v = x[1, 0..<1]
      let others = x[1, 1..<dimension].squared().sum(1, keepingAxes: true)
      let scale = exp(-v) * others + v * Float(dimension - 1)
      return ((v.squared() * (1 / 9) + scale) * -0.5).sum(1)
    }
    density.reference = moments(
      (0..<dimension).map { $0 == 0 ? (0, 3) : (0, exp(2.25)) })
    return density
  }

  /// Eight normal densities of standard deviation .5/√2 on a circle of radius 4/√2, as often used for samplers and flows.
  public static func eightGaussians() -> Density {
    let (radius, deviation) = (4 / 2.0.squareRoot(), 0.5 / 2.0.squareRoot())
    let centers = (0..<8).map { Double($0) * .pi / 4 }.map { (radius * cos($0), radius * sin($0)) }
    let a = Tensor(centers.map { Float($0.0) }, shape: [1, 8])
    let b = Tensor(centers.map { Float($0.1) }, shape: [1, 8])
    var density = Density("eight-gaussians", coordinates(2)) { x in
      let distance =
        (x[1, 0..<1] - x.tape.input(a)).squared() + (x[1, 1..<2] - x.tape.input(b)).squared()
      return logSumExp(distance * Float(-0.5 / (deviation * deviation)), axis: 1)
    }
    density.conditionals = [
      Conditional("the two given which of the eight") { x, random in
        let weights = centers.map {
          exp(-0.5 * (pow(x[0] - $0.0, 2) + pow(x[1] - $0.1, 2)) / (deviation * deviation))
        }
        var left = random.uniformDouble() * weights.reduce(0, +)
        let chosen = weights.firstIndex { weight in
          left -= weight
          return left <= 0
        }
        guard let chosen else { return }
        x[0] = centers[chosen].0 + deviation * random.normalDouble()
        x[1] = centers[chosen].1 + deviation * random.normalDouble()
      }
    ]
    let sd = (radius * radius / 2 + deviation * deviation).squareRoot()
    density.reference = moments([(0, sd), (0, sd)])
    return density
  }
}
