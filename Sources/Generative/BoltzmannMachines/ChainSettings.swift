/// What can be chosen about the chains of all machines that are trained and sampled by them.
public struct ChainSettings: ModelSettings {
  /// Gibbs steps per update.
  public var steps = 1
  /// Chains that go on from batch to batch.
  public var particles = 100
  /// Whether gradients are centred at the means of the units; without it upper layers hardly learn.
  public var centred = true
  public var momentum: Float = 0.5
  /// Gibbs sweeps (of a deep machine's top layers) before a sample is taken, where not all states can be written out.
  public var sweeps = 200
  /// Of annealed importance sampling, where not all states can be written out.
  public var partitionChains = 100
  public var partitionSteps = 1000

  public init() {}
  public func check() throws(FitError) {
    guard (1...10000).contains(steps) else { throw .setting("steps is \(steps), not 1 to 10000") }
    guard (1...65536).contains(particles) else {
      throw .setting("particles is \(particles), not 1 to 65536")
    }
    guard momentum >= 0, momentum < 1 else { throw .setting("momentum is \(momentum), not 0 to below 1") }
    guard (1...1_000_000).contains(sweeps) else { throw .setting("sweeps is \(sweeps), not 1 to 1000000") }
    guard (2...65536).contains(partitionChains) else {
      throw .setting("partitionChains is \(partitionChains), not 2 to 65536")
    }
    guard (1...10_000_000).contains(partitionSteps) else {
      throw .setting("partitionSteps is \(partitionSteps), not 1 to 10000000")
    }
  }

  var sampler: AnnealedImportanceSampling {
    AnnealedImportanceSampling(chains: partitionChains, temperatures: partitionSteps)
  }
}

/// What all deep machines ask of their layers.
func checkLayers(_ hidden: [Int]) throws(FitError) {
  guard hidden.count <= 8, hidden.allSatisfy({ (1...65536).contains($0) }) else {
    throw .setting("hidden is \(hidden), not at most 8 numbers from 1 to 65536")
  }
}
