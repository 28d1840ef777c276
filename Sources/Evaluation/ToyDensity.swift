import Foundation
public import Generative
import Tensors

/// Densities of two columns whose entropy is known: what flows and other generators are looked at with. Scaled as in FFJORD
/// (Grathwohl et al. 2019) and VEEGAN (Srivastava et al. 2017).
public enum ToyDensity: String, CaseIterable, Sendable {
  /// Eight Gaussians of deviation `0.5 / √2` on a ring of radius `4 / √2`.
  case eightGaussians = "8-gaussians"
  /// Eight Gaussians of deviation 0.02 on a ring of radius 2.
  case ring
  /// Twenty-five Gaussians of deviation 0.05, 2 apart.
  case grid
  /// Uniform on the eight dark squares, each 2 × 2, of a board from -4 to 4.
  case checkerboard

  /// Nats: no density has a lower mean negative log-likelihood.
  public var entropy: Double {
    switch self {
    case .eightGaussians: 2.8327
    case .ring: -2.9078
    case .grid: 0.0659
    case .checkerboard: 3.4657
    }
  }

  /// Means and common deviation where this is a mixture of Gaussians.
  private var mixture: (means: [(Float, Float)], deviation: Float)? {
    func circle(_ radius: Float) -> [(Float, Float)] {
      (0..<8).map { i in
        let angle = Double(i) * Double.pi / 4
        return (radius * Float(cos(angle)), radius * Float(sin(angle)))
      }
    }
    let root: Float = 1.414_213_6
    switch self {
    case .eightGaussians: return (circle(4 / root), 0.5 / root)
    case .ring: return (circle(2), 0.02)
    case .grid: return (Self.lattice, 0.05)
    case .checkerboard: return nil
    }
  }

  private static var lattice: [(Float, Float)] {
    let places: [Float] = [-4, -2, 0, 2, 4]
    return places.flatMap { y in places.map { x in (x, y) } }
  }

  /// Independent rows; the same seed gives the same bits.
  public func rows(_ count: Int, seed: UInt64) -> Records {
    var random = RandomStream(seed: seed, stream: 0x746f)
    var values: [Float] = []
    values.reserveCapacity(2 * count)
    for _ in 0..<count {
      if let (means, deviation) = mixture {
        let mean = means[random.below(means.count)]
        values.append(mean.0 + deviation * random.normal())
        values.append(mean.1 + deviation * random.normal())
      } else {
        let x = 4 * random.uniform() - 2
        let y = random.uniform() - (random.bernoulli(0.5) ? 2 : 0)
        let isOdd = Int(x.rounded(.down)) % 2 != 0
        values.append(2 * x)
        values.append(2 * (isOdd ? y + 1 : y))
      }
    }
    return Records(
      DataMatrix(rows: count, columns: 2, values: values), form: RowForm(shape: [2], support: .real))
  }

  /// The log density at a place, nats.
  public func logDensity(_ x: Double, _ y: Double) -> Double {
    guard let (means, deviation) = mixture else {
      let squares = Int((x / 2).rounded(.down)) + Int((y / 2).rounded(.down))
      let isDark = abs(x) < 4 && abs(y) < 4 && squares % 2 == 0
      return isDark ? -log(32) : -.infinity
    }
    let variance = Double(deviation) * Double(deviation)
    let terms = means.map { mean in
      let (dx, dy) = (x - Double(mean.0), y - Double(mean.1))
      return -(dx * dx + dy * dy) / (2 * variance)
    }
    let most = terms.max() ?? 0
    let sum = terms.reduce(0) { $0 + exp($1 - most) }
    return most + log(sum / Double(means.count)) - log(2 * Double.pi * variance)
  }
}
