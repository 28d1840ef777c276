import ArgumentParser
import Control
import Generative

/// `anomalylab fit`.
struct FitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit", abstract: "Fits a model of the suite to the rows of a file.",
    discussion: """
      Writes the model and, beside it, its training curve as SVG. The columns label, split and ts (or timestamp, time) of a \
      CSV are no features; of a file with the column split the rows split=train are learned from. The same file, options \
      and seed give the same bytes. Models that draw rows of a class learn the classes of --labels.

      Every minute, at the end of --time-limit and when it is interrupted (Ctrl-C, SIGTERM; exit code 75) everything that is \
      needed to go on is kept in MODEL.anom.checkpoint; the same command with --resume goes on as if nothing had been.
      """)
  @Argument(help: "The name of the model; anomalylab models lists them.") var model: String
  @Option(help: "Rows: CSV, .npy, IDX, PNG (or a folder of them), WAV or text, plain or gzip.") var data:
    String
  @Option(help: "Where the model goes.") var out: String
  @Option(help: "Seed of everything random.") var seed: UInt64 = 1
  @Option(help: "Passes over the rows; default: what the model thinks best.") var epochs: Int?
  @Option(help: ArgumentHelp("Ends after so long.", valueName: "span")) var timeLimit: SpanArgument?
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "A setting of the model; may be repeated. anomalylab models MODEL lists them.", valueName: "key=value"))
  var settings: [String] = []
  @Flag(help: "Go on from where it was interrupted.") var resume = false
  @Option(help: ArgumentHelp("A label per row: a file, or a column of the data.", valueName: "file|column"))
  var labels: String?
  @Option(help: ArgumentHelp("Height and width of a row that lies flat, as 28x28.", valueName: "shape"))
  var shape: RowShape?
  @Option(help: ArgumentHelp("Reads so many rows, one after the other, as one.", valueName: "rows"))
  var window: Int?
  @Option(help: "What the numbers are: real, unit or binary; default: what they look like.") var support:
    SupportArgument?
  @Option(
    help: ArgumentHelp(
      "Takes so much of each row's entries from other rows, 0 to 1: a model of background for score --background.",
      valueName: "share"))
  var exchange: Double?
  @Option(help: "Threads; they change the time, not the result.") var threads = 1
  @Flag(help: "Progress and result as JSON lines, on a terminal too.") var json = false

  func validate() throws {
    if let epochs, epochs < 1 { throw ValidationError("--epochs must be 1 or more") }
    guard (1...64).contains(threads) else { throw ValidationError("--threads must be from 1 to 64") }
    if let exchange, !(0...1).contains(exchange) { throw ValidationError("--exchange must be from 0 to 1") }
    if let window, window < 2 { throw ValidationError("--window must be 2 or more") }
    for setting in settings where setting.split(separator: "=", maxSplits: 1).count != 2 {
      throw ValidationError("--set \(setting) is not of the form key=value")
    }
  }

  func run() throws {
    let entry = try Catalogue.member(model)
    try SuiteOutput.check(out)
    Interruption.watch()
    let input = try SuiteInput(data, labels: labels, part: .train)
    let reading = try RowReading(
      input.array, name: data, shape: shape?.extents, window: window, support: support?.support,
      classNames: labels == nil ? [] : input.classNames)
    var (records, _) = try input.records(reading, step: reading.learningStep)
    if let exchange { records.matrix = records.matrix.exchanging(share: exchange, seed: seed) }
    var options = FitOptions(seed: seed, epochs: epochs)
    options.threads = threads
    for setting in settings {
      let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
      options.settings[parts[0]] = parts[1]
    }
    var run = FitRun(entry, records, options, reading: reading, out: out)
    run.timeLimit = timeLimit?.seconds
    run.screen = json ? TrainingScreen(isTerminal: false) : TrainingScreen()
    try run.run(resuming: resume, data: data)
  }
}

/// `28x28`
struct RowShape: ExpressibleByArgument {
  let extents: [Int]
  init?(argument: String) {
    let parts = argument.lowercased().split(separator: "x").map { Int($0) }
    extents = parts.compactMap { $0 }
    guard !parts.isEmpty, parts.count <= 3, extents.count == parts.count, extents.allSatisfy({ $0 > 0 })
    else { return nil }
  }
}

/// What numbers are, as it is typed.
enum SupportArgument: String, ExpressibleByArgument, CaseIterable {
  case real, unit, binary

  var support: Support {
    switch self {
    case .real: .real
    case .unit: .unit
    case .binary: .binary
    }
  }
}
