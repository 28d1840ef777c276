import Gradients
import Networks
import Tensors

/// How a number is distributed given what foretells it: over bits, or over grey values between 0 and 1 in equal steps, within each
/// of which the density is constant.
public struct LevelDistribution: Sendable, Equatable {
  /// 2 for bits.
  public let levels: Int
  /// Parts of a mixture of logistic distributions over the levels (Salimans et al. 2017, section 2.1); 0 for a probability of each
  /// level of its own.
  public let parts: Int

  public init(levels: Int, parts: Int = 0) {
    self.levels = levels
    self.parts = levels == 2 ? 0 : parts
  }

  public static let bits = LevelDistribution(levels: 2)

  /// Numbers that a distribution is made of: the log odds of a 1, logits of the levels, or of the parts with their means and
  /// logarithms of scales.
  var outputs: Int { levels == 2 ? 1 : parts > 0 ? 3 * parts : levels }

  /// No part is narrower, so that no level alone takes all of it: `e^-7`, as in the paper's program.
  private static let leastLogScale: Float = -7
  /// Parts begin a quarter of the range wide.
  private static let firstLogScale: Float = -1.4

  /// `log p` of each number, `[rows, width]`.
  ///
  /// - Parameter given: `[rows, width]` for bits, otherwise `[rows, width, outputs]`.
  func logDensity(_ x: Variable, given: Variable) -> Variable {
    if levels == 2 { return -binaryCrossEntropy(given, targets: x) }
    // A level has 1/levels of the space from 0 to 1.
    let volume = log(x.tape.input(.scalar(Float(levels))))
    guard parts > 0 else { return volume - crossEntropy(given, classes: level(x)) }
    let (logits, means, logScales) = mixture(given)
    return volume
      - LogisticMixture.negativeLogProbability(
        level(x) * (2 / Float(levels - 1)) - 1, logits: logits, means: means, logScales: logScales,
        levels: levels)
  }

  /// The number of the step that each grey value lies in.
  private func level(_ x: Variable) -> Variable {
    floor(clamp(x * Float(levels), from: 0, to: Float(levels - 1)))
  }

  /// Logits, means and logarithms of scales, `[…, parts]`, of levels that lie from -1 to 1.
  private func mixture(_ given: Variable) -> (logits: Variable, means: Variable, logScales: Variable) {
    let thirds = given.split(given.shape.rank - 1, into: 3)
    let tape = given.tape
    return (
      thirds[0], thirds[1] + tape.input(Tensor(firstMeans, shape: [parts])),
      maximum(thirds[2] + Self.firstLogScale, tape.input(.scalar(Self.leastLogScale)))
    )
  }

  /// Where the parts begin: evenly over the range, so that they are different from each other.
  private var firstMeans: [Float] { (0..<parts).map { (2 * Float($0) + 1) / Float(parts) - 1 } }

  // MARK: draws

  /// A number for each row from what it is given, `rows × outputs`.
  func draw(_ given: [Float], _ random: inout RandomStream) -> [Float] {
    if levels == 2 {
      return VectorMath.exp(given.map { -$0 }).map { random.uniform() * (1 + $0) < 1 ? 1 : 0 }
    }
    return stride(from: 0, to: given.count, by: outputs).map { start in
      let row = given[start..<start + outputs]
      let level = parts > 0 ? mixtureLevel(Array(row), &random) : Self.drawn(row, &random)
      return (Float(level) + random.uniform()) / Float(levels)
    }
  }

  /// One of these logits by its probability.
  private static func drawn(_ logits: ArraySlice<Float>, _ random: inout RandomStream) -> Int {
    let top = logits.max() ?? 0
    let weights = VectorMath.exp(logits.map { $0 - top })
    var left = random.uniform() * weights.reduce(0, +)
    var choice = 0
    while choice < weights.count - 1, left >= weights[choice] {
      left -= weights[choice]
      choice += 1
    }
    return choice
  }

  /// A part, then a logistic number of it at the nearest level: `m + s log(u / (1 - u))`.
  private func mixtureLevel(_ given: [Float], _ random: inout RandomStream) -> Int {
    let part = Self.drawn(given[..<parts], &random)
    let logScale = max(given[2 * parts + part] + Self.firstLogScale, Self.leastLogScale)
    let u = max(1e-6, min(1 - 1e-6, random.uniform()))
    let logit = VectorMath.log([u / (1 - u)])[0]
    let value = given[parts + part] + firstMeans[part] + VectorMath.exp([logScale])[0] * logit
    let place = (max(-1, min(1, value)) + 1) / 2 * Float(levels - 1)
    return Int(place.rounded())
  }
}
