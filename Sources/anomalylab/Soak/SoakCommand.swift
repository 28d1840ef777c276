import ArgumentParser
import Control
import Events
import Foundation

/// `anomalylab soak`: a day of operation in minutes.
struct SoakCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "soak",
    abstract: "A day of simulated operation of the true daemon: many streams, planted faults, restarts.",
    discussion: """
      Starts the anomalyd beside this program in a temporary folder, lets it learn, and plays a day to it as fast as it \
      takes it. Half of the restarts are in order, half are kill -9. Ends with what was found and missed, whether every \
      alert was told exactly once, how memory grew, and how many incidents came besides. Exit code 1 when an alert was lost \
      or told twice, or memory grew by more than 5 %.
      """)
  @Option(help: "Streams.") var streams = 1000
  @Option(help: "Features of each stream.") var features = 4
  @Option(help: ArgumentHelp("Length of the day.", valueName: "hours")) var hours = 24.0
  @Option(help: ArgumentHelp("Event time between two events of a stream.", valueName: "seconds"))
  var interval = 60.0
  @Option(help: "Faults that are planted, each in a stream of its own.") var faults = 60
  @Option(help: "Restarts of the daemon.") var restarts = 4
  @Option(help: ArgumentHelp("Incidents that chance may bring; default: no budget.", valueName: "a week"))
  var budget: Double?
  @Option(help: "Where all that happens comes from.") var seed: UInt64 = 1
  @Option(help: ArgumentHelp("The daemon's config; default: the packaged one.", valueName: "file"))
  var config: String?
  @Flag(help: "Print JSON lines.") var json = false
  @Flag(help: "Keep the temporary folder with the daemon's state and log.") var keep = false

  func validate() throws {
    guard (1...100_000).contains(streams) else { throw ValidationError("--streams must be 1 to 100000") }
    guard (1...1024).contains(features) else { throw ValidationError("--features must be 1 to 1024") }
    guard hours > 0, interval > 0 else { throw ValidationError("--hours and --interval must be more than 0") }
    guard faults >= 0, restarts >= 0 else {
      throw ValidationError("--faults and --restarts must not be negative")
    }
    guard hours * 3600 / interval >= 200 else {
      throw ValidationError("a day of less than 200 events of each stream says nothing")
    }
  }

  func run() throws {
    Interruption.watch()
    let plan = SoakPlan(
      streams: streams, features: features, learning: 800, day: Int(hours * 3600 / interval),
      interval: interval, faults: faults, restarts: restarts, seed: seed)
    var day = try SoakDay(plan, seed: seed, config: config, budget: budget)
    defer { day.end(keep: keep) }
    try day.learn()
    try day.live()
    if Interruption.isWanted { throw ExitCode(130) }
    let ledger = try day.judge()
    let report = SoakReport(plan, ledger, day.memory, budget: budget)
    if json { report.printJSON() } else { report.print() }
    if !report.isPassed { throw ExitCode(1) }
  }
}
