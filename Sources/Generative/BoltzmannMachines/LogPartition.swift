import Glibc
import Tensors

/// The logarithm of a partition function, nats.
public struct LogPartition: Sendable, Equatable {
  public var value: Double
  /// Of an estimate: one standard deviation of it, by the delta method; 0 for an exact one.
  public var standardError: Double
  public var isExact: Bool

  static func exact(_ value: Double) -> LogPartition {
    LogPartition(value: value, standardError: 0, isExact: true)
  }
}

/// Annealed importance sampling (Neal 2001), which estimates a partition function from chains that cool down from a
/// distribution whose own is known (Salakhutdinov & Murray 2008).
public struct AnnealedImportanceSampling: Sendable, Equatable {
  /// Independent chains.
  public var chains = 100
  /// Steps from the infinite temperature to that of the model.
  public var temperatures = 1000

  public init(chains: Int = 100, temperatures: Int = 1000) {
    self.chains = chains
    self.temperatures = temperatures
  }

  /// The estimate from the logarithms of the chains' importance weights: `log Z_base + log mean w`. Its mean over runs of `e` to
  /// it is exact; the estimate itself tends to be low by half its variance.
  static func estimate(_ logWeights: [Double], base: Double) -> LogPartition {
    let top = logWeights.max() ?? 0
    let weights = logWeights.map { exp($0 - top) }
    let count = Double(weights.count)
    let mean = weights.reduce(0, +) / count
    let variance = weights.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(count - 1, 1)
    return LogPartition(
      value: base + top + log(mean), standardError: (variance / count).squareRoot() / mean, isExact: false)
  }

  /// `log Z` of a bipartite machine, from one without connections that has these logits for its visible units.
  func callAsFunction(_ machine: BipartiteMachine, base: [Float], seed: UInt64) -> LogPartition {
    var gibbs = BlockGibbs(visible: machine.visible, hidden: machine.hidden, chains: chains)
    gibbs.load(machine, base: base)
    var random = RandomStream(seed: seed, stream: 3)
    gibbs.sampleBase(&random)
    var logWeights = [Double](repeating: 0, count: chains)
    for step in 1...temperatures {
      let (before, now) = (Float(step - 1) / Float(temperatures), Float(step) / Float(temperatures))
      for (chain, gain) in gibbs.gain(from: before, to: now).enumerated() {
        logWeights[chain] += Double(gain)
      }
      if step < temperatures { gibbs.sweep(&random, beta: now) }
    }
    let baseSum = VectorMath.softplus(base).reduce(0.0) { $0 + Double($1) }
    return Self.estimate(logWeights, base: baseSum + Double(machine.hidden) * M_LN2)
  }

  /// Exact where all states of one side can be written out, an estimate otherwise.
  func logPartition(_ machine: BipartiteMachine, base: [Float], seed: UInt64) -> LogPartition {
    machine.isEnumerable ? .exact(machine.exactLogPartition()) : self(machine, base: base, seed: seed)
  }
}
