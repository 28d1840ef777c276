public import Tensors

/// How many chains, how long.
public struct MarkovChainSettings: Sendable, Equatable, Codable {
  public var chains = 4
  /// Draws per chain that are learned from and thrown away.
  public var warmUp = 1000
  /// Draws kept per chain.
  public var draws = 1000
  /// Transitions per draw, also in the warm-up.
  public var thinning = 1
  public var seed: UInt64 = 0
  /// Seconds after which the run ends with what it has; nil for as long as it takes.
  public var timeLimit: Double?
  public init() {}

  var transitionsPerDraw: Int { max(thinning, 1) }
  var warmUpTransitions: Int { warmUp * transitionsPerDraw }
}

/// Where a run stands.
public struct MarkovChainProgress: Sendable, Equatable {
  /// Of all chains together.
  public var transitions: Int
  public var total: Int
  public var divergences: Int
  public var isWarmingUp: Bool
}

/// What a run gave.
public struct MarkovChainRun: Sendable {
  /// Why a run ended.
  public enum Ending: String, Sendable, Codable {
    case complete
    case timeLimit = "time limit"
    case stopped
  }

  public var draws: Draws
  public var ending = Ending.complete
  /// By chain, after the warm-up: the mean acceptance.
  public var acceptance: [Double]
  /// By chain, after the warm-up.
  public var divergences: [Int]
  /// By chain: trajectories that ended because they were as long as allowed.
  public var cutTrajectories: [Int]
  /// By chain: what it moved by after the warm-up.
  public var stepSizes: [Double]
  /// By chain, of the draws kept; NaN for kernels without an energy.
  public var energies: [[Double]]
  /// How often the density was computed, for all chains at once.
  public var evaluations = 0

  init(names: [String], chains: Int) {
    draws = Draws(names: names, chains: chains)
    acceptance = [Double](repeating: 0, count: chains)
    divergences = [Int](repeating: 0, count: chains)
    cutTrajectories = divergences
    stepSizes = acceptance
    energies = [[Double]](repeating: [], count: chains)
  }

  /// E-BFMI by chain; nil for kernels without an energy.
  public var energyBFMI: [Double]? {
    guard energies.allSatisfy({ $0.allSatisfy(\.isFinite) }) else { return nil }
    return ConvergenceDiagnostics.energyBFMI(energies)
  }
}

extension MarkovKernel {
  /// Runs chains on a density: each with random numbers of its own, all served by the same evaluations.
  ///
  /// - Parameters:
  ///   - starts: coordinates for each chain to begin at; where nil, the likeliest of ten places that are uniform within ±2 on the
  ///     whole line.
  ///   - workers: threads for the density; the draws have the same bits for any number.
  ///   - now: seconds of a clock that only goes forward, for the time limit.
  ///   - shouldStop: asked between evaluations; when it says so the run ends with what it has.
  ///   - observer: told of the progress at the same times.
  public func run(
    _ density: Density, _ settings: MarkovChainSettings = MarkovChainSettings(), starts: [[Double]]? = nil,
    workers: Workers = Workers(), now: () -> Double = { 0 }, shouldStop: () -> Bool = { false },
    observer: (MarkovChainProgress) -> Void = { _ in }
  ) throws(MarkovChainError) -> MarkovChainRun {
    precondition(settings.chains > 0 && settings.draws > 0 && settings.warmUp >= 0, "\(settings)")
    let begin = now()
    let asked = UnconstrainedDensity(
      density, chains: settings.chains, needsGradient: Self.needs == .gradient, workers: workers)
    let points = try asked.starts(density, at: starts, seed: settings.seed)
    var chains: [Chain] = []
    for (index, point) in points.enumerated() {
      let random = RandomStream(seed: settings.seed, stream: UInt64(2 * index + 1))
      chains.append(try chain(density, from: point, warmUp: settings.warmUpTransitions, random: random))
    }
    var record = MarkovChainRecord(density, settings)
    for index in chains.indices {
      chains[index].begin()
      asked.want(chains[index].wanted, index)
    }
    var rounds = 0
    while !record.isComplete {
      if Self.needs != .nothing { asked.evaluate() }
      for index in chains.indices where record.wantsMore(index) {
        let evaluated = Self.needs == .nothing ? .nothing : asked.evaluated(index)
        if let transition = try chains[index].advance(evaluated) {
          record.add(transition, of: chains[index], index)
          if record.wantsMore(index) { chains[index].begin() }
        }
        asked.want(chains[index].wanted, index)
      }
      rounds += 1
      guard rounds % 64 == 0 else { continue }
      observer(record.progress)
      if let limit = settings.timeLimit, now() - begin > limit { record.run.ending = .timeLimit }
      if shouldStop() { record.run.ending = .stopped }
      if record.run.ending != .complete { break }
    }
    observer(record.progress)
    record.run.evaluations = Self.needs == .nothing ? 0 : rounds
    return try record.finished()
  }
}

extension UnconstrainedDensity {
  func want(_ position: [Double], _ chain: Int) {
    for i in 0..<dimension { positions[chain * dimension + i] = position[i] }
  }

  /// A point for each chain with a finite log density and gradient: what was given, or the likeliest of ten random places
  /// (far out, densities may fall faster than any step can follow).
  fileprivate func starts(
    _ density: Density, at given: [[Double]]?, seed: UInt64, places: Int = 10, attempts: Int = 100
  ) throws(MarkovChainError) -> [ChainPoint] {
    if let given {
      precondition(
        given.count == chains && given.allSatisfy { $0.count == dimension },
        "\(given.count) starts for \(chains) chains of dimension \(dimension)")
    }
    var random = (0..<chains).map { RandomStream(seed: seed, stream: UInt64(2 * $0)) }
    var best = [ChainPoint?](repeating: nil, count: chains)
    for attempt in 0..<attempts {
      for chain in 0..<chains {
        want(
          given.map { density.unconstrained($0[chain]) }
            ?? (0..<dimension).map { _ in 4 * random[chain].uniformDouble() - 2 }, chain)
      }
      evaluate()
      for chain in 0..<chains {
        let point = point(chain)
        let isFinite = point.logDensity.isFinite && point.gradient.allSatisfy(\.isFinite)
        guard isFinite && point.logDensity > best[chain]?.logDensity ?? -.infinity else { continue }
        best[chain] = point
      }
      if given != nil || attempt + 1 >= places && best.allSatisfy({ $0 != nil }) { break }
    }
    if let missing = best.firstIndex(where: { $0 == nil }) {
      throw given == nil
        ? .noStart(density: density.name, chain: missing, attempts: attempts)
        : .startOutside(density: density.name, chain: missing)
    }
    return best.compactMap { $0 }
  }

  private func point(_ chain: Int) -> ChainPoint {
    let range = chain * dimension..<(chain + 1) * dimension
    return ChainPoint(
      position: Array(positions[range]), logDensity: logDensity[chain], gradient: Array(gradient[range]))
  }
}

/// Keeps what a run is to give, while it runs.
private struct MarkovChainRecord {
  let density: Density
  let settings: MarkovChainSettings
  var run: MarkovChainRun
  private var transitions: [Int]
  private let needed: Int

  init(_ density: Density, _ settings: MarkovChainSettings) {
    self.density = density
    self.settings = settings
    run = MarkovChainRun(names: density.quantities, chains: settings.chains)
    run.draws.reserve(settings.draws)
    transitions = [Int](repeating: 0, count: settings.chains)
    needed = (settings.warmUp + settings.draws) * settings.transitionsPerDraw
  }

  func wantsMore(_ chain: Int) -> Bool { transitions[chain] < needed }
  var isComplete: Bool { transitions.allSatisfy { $0 == needed } }

  var progress: MarkovChainProgress {
    MarkovChainProgress(
      transitions: transitions.reduce(0, +), total: needed * settings.chains,
      divergences: run.divergences.reduce(0, +),
      isWarmingUp: transitions.contains { $0 < settings.warmUpTransitions })
  }

  mutating func add(_ transition: Transition, of chain: some MarkovChain, _ index: Int) {
    transitions[index] += 1
    let after = transitions[index] - settings.warmUpTransitions
    guard after > 0 else { return }
    run.acceptance[index] += transition.acceptance
    run.divergences[index] += transition.isDivergent ? 1 : 0
    run.cutTrajectories[index] += transition.isCut ? 1 : 0
    run.stepSizes[index] = chain.stepSize
    guard after % settings.transitionsPerDraw == 0 else { return }
    run.draws.append(density.quantities(at: chain.position), chain: index)
    run.energies[index].append(transition.energy)
  }

  func finished() throws(MarkovChainError) -> MarkovChainRun {
    guard run.draws.count >= 4 || run.ending == .complete else {
      throw .tooFewDraws(have: run.draws.count)
    }
    var run = run
    run.draws.trim()
    for chain in run.energies.indices {
      run.energies[chain].removeLast(run.energies[chain].count - run.draws.count)
      run.acceptance[chain] /= Double(max(transitions[chain] - settings.warmUpTransitions, 1))
    }
    return run
  }
}
