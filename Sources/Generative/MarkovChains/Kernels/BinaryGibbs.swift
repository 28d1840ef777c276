import Glibc
public import Tensors

/// Gibbs sampling of binary variables with a known energy: each is drawn anew given all others, in order.
public struct BinaryGibbs: Sendable {
  public let count: Int
  /// `E(x with xᵢ = 0) - E(x with xᵢ = 1)`: the log odds of 1, given the others.
  public let logOdds: @Sendable (_ i: Int, _ x: [Bool]) -> Double

  public init(count: Int, logOdds: @escaping @Sendable (_ i: Int, _ x: [Bool]) -> Double) {
    self.count = count
    self.logOdds = logOdds
  }

  /// Draws every variable once.
  public func sweep(_ x: inout [Bool], random: inout RandomStream) {
    precondition(x.count == count, "\(x.count) states for \(count) variables")
    for i in 0..<count { x[i] = random.uniformDouble() < 1 / (1 + exp(-logOdds(i, x))) }
  }
}

/// The Ising model on a square lattice with periodic borders: `p(s) ∝ exp(β Σ sᵢ sⱼ)` over neighbours, `s = ±1`.
///
/// Spins of one colour of the checkerboard do not touch each other, so all of them are drawn at once given the others.
/// Below the critical temperature (β > ln(1+√2)/2 = .4407) the infinite lattice has the magnetisation
/// `(1 - sinh(2β)⁻⁴)^⅛` (Onsager; Yang 1952).
public struct IsingLattice: Sendable {
  public let side: Int
  public let beta: Double
  /// ±1, row by row.
  public private(set) var spins: [Int8]
  /// By the sum of the four neighbours, from -4 to 4: the probability of 1.
  private let upProbability: [Float]
  private var uniform: [Float]
  private var random: RandomStream

  /// All spins up: a state of the ordered phase. (From a random one, walls between both phases may stand for long.)
  ///
  /// - Parameter side: even, so that the colours of the checkerboard close around the borders; at least 2.
  public init(side: Int, beta: Double, seed: UInt64, stream: UInt64 = 0) {
    precondition(side >= 2 && side % 2 == 0, "a checkerboard needs an even side, not \(side)")
    self.side = side
    self.beta = beta
    spins = [Int8](repeating: 1, count: side * side)
    upProbability = (-4...4).map { Float(1 / (1 + exp(-2 * beta * Double($0)))) }
    uniform = [Float](repeating: 0, count: side / 2)
    random = RandomStream(seed: seed, stream: stream)
  }

  /// Draws every spin once: one colour, then the other.
  public mutating func sweep() {
    for colour in 0..<2 {
      for row in 0..<side { draw(row: row, colour: colour) }
    }
  }

  private mutating func draw(row: Int, colour: Int) {
    random.fillUniform(&uniform)
    let here = row * side
    let above = (row == 0 ? side - 1 : row - 1) * side
    let below = (row == side - 1 ? 0 : row + 1) * side
    var column = (row + colour) % 2
    for k in 0..<side / 2 {
      let left = column == 0 ? side - 1 : column - 1
      let right = column == side - 1 ? 0 : column + 1
      let field =
        spins[above + column] + spins[below + column] + spins[here + left] + spins[here + right]
      spins[here + column] = uniform[k] < upProbability[Int(field) + 4] ? 1 : -1
      column += 2
    }
  }

  /// The mean spin, -1 to 1.
  public var magnetisation: Double {
    var sum = 0
    for spin in spins { sum += Int(spin) }
    return Double(sum) / Double(spins.count)
  }

  /// `-Σ sᵢ sⱼ` over neighbours, per site; -2 to 2.
  public var energy: Double {
    var sum = 0
    for row in 0..<side {
      let below = (row + 1) % side * side
      for column in 0..<side {
        let neighbours = spins[row * side + (column + 1) % side] + spins[below + column]
        sum -= Int(spins[row * side + column] * neighbours)
      }
    }
    return Double(sum) / Double(spins.count)
  }

  /// The magnetisation of the infinite lattice; 0 above the critical temperature.
  public static func exactMagnetisation(beta: Double) -> Double {
    let x = 1 - pow(sinh(2 * beta), -4)
    return x > 0 ? pow(x, 0.125) : 0
  }

  /// |m| and the energy per site after each of `draws` times `thinning` sweeps, in independent lattices.
  ///
  /// - Parameter shouldStop: asked after each draw of all chains; when it says so, what there is is returned.
  public static func draws(
    side: Int, beta: Double, chains: Int, warmUp: Int, draws: Int, thinning: Int = 1, seed: UInt64,
    shouldStop: () -> Bool = { false }
  ) -> Draws {
    var lattices = (0..<chains).map {
      IsingLattice(side: side, beta: beta, seed: seed, stream: UInt64($0))
    }
    var result = Draws(names: ["magnetisation", "energy"], chains: chains)
    for chain in lattices.indices { for _ in 0..<warmUp { lattices[chain].sweep() } }
    for _ in 0..<draws {
      for chain in lattices.indices {
        for _ in 0..<max(thinning, 1) { lattices[chain].sweep() }
        result.append([Swift.abs(lattices[chain].magnetisation), lattices[chain].energy], chain: chain)
      }
      if shouldStop() { break }
    }
    return result
  }
}
