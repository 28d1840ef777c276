import ArgumentParser
import Control
import Datasets
import Foundation
import Generative
import Tensors

/// How chains move, as it is written on a command line.
enum KernelArgument: String, CaseIterable, ExpressibleByArgument {
  case gibbs, metropolis, langevin, mala, hmc, nuts

  /// Transitions per draw that make draws of about the same worth.
  var usualThinning: Int {
    switch self {
    case .hmc, .nuts: 1
    case .gibbs, .mala, .langevin: 5
    case .metropolis: 20
    }
  }
}

struct McmcCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mcmc",
    abstract: "Markov chains on a density by name, on a fitted model, or on data of yours.",
    discussion: """
      Targets: \(MarkovTargets.all.map(\.name).joined(separator: ", ")), ising; or a .anom file of a model with a density. The \
      posteriors take --data FILE.json, the regressions rows of features with the outcome in the last column.
      Draws go to --out (.csv or .npy), a trace of one quantity to an .svg beside it. Trust draws only with R-hat below 1.01, \
      effective sample sizes of at least 400, and no divergences.
      """)
  @Option(help: ArgumentHelp("gibbs, metropolis, langevin, mala, hmc or nuts.", valueName: "kernel"))
  var kernel: KernelArgument = .nuts
  @Option(help: ArgumentHelp("What to draw from.", valueName: "name|model.anom")) var target: String
  @Option(help: ArgumentHelp("Data of the target.", valueName: "file")) var data: String?
  @Option(help: "Chains that begin at different places.") var chains = 4
  @Option(help: "Draws kept of each chain.") var draws = 1000
  @Option(help: "Draws of each chain that are learned from and thrown away.") var warmUp = 1000
  @Option(help: "Transitions per draw; default: by kernel.") var thin: Int?
  @Option(help: "Mean acceptance to adapt to; default: by kernel. Nearer to 1: smaller steps.")
  var acceptance: Double?
  @Option(help: "The same seed gives the same draws.") var seed: UInt64 = 0
  @Option(help: ArgumentHelp("End after so long with what there is.", valueName: "span"))
  var timeLimit: SpanArgument?
  @Option(help: "Threads for large densities.") var threads = 1
  @Option(help: ArgumentHelp("Where draws go: .csv or .npy.", valueName: "file")) var out: String?
  @Option(
    help: ArgumentHelp(
      "The quantity to draw a trace of; default: the one that mixes worst.", valueName: "name"))
  var trace: String?
  @Option(help: "The side of the lattice of ising.") var side = 64
  @Option(help: "The inverse temperature of ising.") var beta = 0.5
  @Flag(help: "A JSON object instead of a table.") var json = false

  func validate() throws {
    guard chains > 0, draws > 3, warmUp >= 0, (thin ?? 1) > 0, threads > 0 else {
      throw ValidationError("--chains, --thin and --threads must be at least 1, --draws at least 4")
    }
    if let acceptance, acceptance <= 0 || acceptance >= 1 {
      throw ValidationError("--acceptance must be between 0 and 1")
    }
    guard side >= 2, side % 2 == 0 else { throw ValidationError("--side must be even") }
  }

  func run() throws {
    if let out { try SuiteOutput.check(out) }
    Interruption.watch()
    let report = try target == "ising" ? runLattice() : runDensity()
    if let out { try report.write(to: out, trace: trace) }
    Output.write(json ? try report.json() : report.text(Output.style))
  }

  // MARK: chains

  private var settings: MarkovChainSettings {
    var settings = MarkovChainSettings()
    settings.chains = chains
    settings.draws = draws
    settings.warmUp = warmUp
    settings.thinning = thin ?? kernel.usualThinning
    settings.seed = seed
    settings.timeLimit = timeLimit?.seconds
    return settings
  }

  private func runDensity() throws -> ChainReport {
    let (density, starts) = try McmcTarget(target, data: data).density(chains: chains, seed: seed)
    let run: MarkovChainRun
    switch kernel {
    case .gibbs: run = try chains(GibbsSampler(), density, starts)
    case .metropolis:
      var kernel = MetropolisHastings()
      kernel.targetAcceptance = acceptance
      run = try chains(kernel, density, starts)
    case .langevin:
      var kernel = UnadjustedLangevin()
      kernel.targetAcceptance = acceptance ?? kernel.targetAcceptance
      run = try chains(kernel, density, starts)
    case .mala:
      var kernel = MetropolisAdjustedLangevin()
      kernel.targetAcceptance = acceptance ?? kernel.targetAcceptance
      run = try chains(kernel, density, starts)
    case .hmc:
      var kernel = HamiltonianMonteCarlo()
      kernel.targetAcceptance = acceptance ?? kernel.targetAcceptance
      run = try chains(kernel, density, starts)
    case .nuts:
      var kernel = NoUTurnSampler()
      kernel.targetAcceptance = acceptance ?? kernel.targetAcceptance
      run = try chains(kernel, density, starts)
    }
    return ChainReport(
      target: density.name, kernel: kernel.rawValue, run: run, reference: density.reference,
      isTrajectory: kernel == .hmc || kernel == .nuts)
  }

  private func chains(
    _ kernel: some MarkovKernel, _ density: Density, _ starts: [[Double]]?
  ) throws -> MarkovChainRun {
    let clock = ContinuousClock()
    let begin = clock.now
    let screen = ChainScreen()
    defer { screen.end() }
    do {
      return try kernel.run(
        density, settings, starts: starts, workers: Workers(count: threads),
        now: { (clock.now - begin) / .seconds(1) }, shouldStop: { Interruption.isWanted },
        observer: screen.show)
    } catch {
      switch error {
      case .noConditionals: throw Failure(.usage, what: error.description, why: "", remedy: "")
      default: throw Failure(.data, what: error.description, why: "", remedy: "")
      }
    }
  }

  private func runLattice() throws -> ChainReport {
    guard kernel == .gibbs else {
      throw Failure(.usage, what: "ising", why: "has spins of ±1", remedy: "draw them with --kernel gibbs")
    }
    let clock = ContinuousClock()
    let begin = clock.now
    let limit = timeLimit?.seconds
    let draws = IsingLattice.draws(
      side: side, beta: beta, chains: chains, warmUp: warmUp, draws: draws, thinning: thin ?? 1, seed: seed
    ) { Interruption.isWanted || limit.map { (clock.now - begin) / .seconds(1) > $0 } ?? false }
    return ChainReport(
      target: "ising", kernel: kernel.rawValue, draws: draws,
      reference: ["magnetisation": .init(mean: IsingLattice.exactMagnetisation(beta: beta), sd: 0)])
  }
}

/// A density that was asked for on the command line.
private struct McmcTarget {
  let name: String
  let data: String?

  init(_ name: String, data: String?) {
    self.name = name
    self.data = data
  }

  func density(chains: Int, seed: UInt64) throws -> (Density, starts: [[Double]]?) {
    if name.hasSuffix(".anom") { return try fitted(chains: chains, seed: seed) }
    do {
      guard let data else { return (try MarkovTargets.density(name), nil) }
      guard isRows(data) else {
        return (try MarkovTargets.density(name, json: Data(try FileBytes.read(data))), nil)
      }
      let array = try DataFile.read(data)
      let columns = array.columns ?? (1...max(array.width, 1)).map { "x\($0)" }
      let rows = DataMatrix(
        rows: array.rows, columns: array.width, values: array.values, mask: array.mask)
      return (try MarkovTargets.density(name, rows: (columns, rows)), nil)
    } catch let error as TargetError {
      let kind: Failure.Kind
      switch error {
      case .unknown, .needsData: kind = .usage
      default: kind = .data
      }
      throw Failure(kind, what: error.description, why: "", remedy: "")
    }
  }

  private func isRows(_ path: String) -> Bool {
    !path.hasSuffix(".json") && !path.hasSuffix(".json.gz")
  }

  /// Chains on a fitted model begin at rows that it draws itself.
  private func fitted(chains: Int, seed: UInt64) throws -> (Density, starts: [[Double]]?) {
    let model = try Catalogue.decode(try FileBytes.read(name))
    guard let smooth = model as? any DifferentiableDensity else {
      throw Failure(
        .usage, what: name, why: "is a \(type(of: model).catalogueName), whose density has no gradient",
        remedy: "choose a model with the capability density (anomalylab models)")
    }
    let rows = smooth.sample(count: chains, seed: seed)
    let starts = (0..<chains).map { chain in
      rows[chain * smooth.width..<(chain + 1) * smooth.width].map(Double.init)
    }
    return (Density(smooth), starts)
  }
}

/// A bar that moves on a terminal; nothing elsewhere.
private struct ChainScreen {
  private let isTerminal = isatty(STDERR_FILENO) == 1

  func show(_ progress: MarkovChainProgress) {
    guard isTerminal else { return }
    let share = Double(progress.transitions) / Double(max(progress.total, 1))
    let phase = progress.isWarmingUp ? "warm-up" : "draws"
    write("\r\u{1b}[K\(Readable.bar(share, width: 24))  \(phase)  \(progress.divergences) divergences")
  }

  func end() { if isTerminal { write("\r\u{1b}[K") } }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
