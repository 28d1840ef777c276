import ArgumentParser
import Control
import Foundation

struct RecordFaultsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record-faults",
    abstract: "Records this machine while ordinary work goes on and faults really happen to it.",
    discussion: """
      Faults: \(Cause.allCases.filter { $0 != .ordinary }.map { "\($0.rawValue) (\($0.summary))" }.joined(separator: "; ")). \
      Each is bounded, runs in a process of its own and cleans up. Writes recording.csv.gz, faults.csv and README.md.
      """)
  @Option(help: "The folder to write to.") var out: String
  @Option(help: ArgumentHelp("Normal life before the first fault.", valueName: "span")) var normal:
    SpanArgument = SpanArgument(seconds: 360)
  @Option(help: ArgumentHelp("Length of each fault.", valueName: "span")) var fault: SpanArgument =
    SpanArgument(seconds: 22)
  @Option(help: ArgumentHelp("Quiet after each fault.", valueName: "span")) var quiet: SpanArgument =
    SpanArgument(seconds: 50)
  @Option(help: ArgumentHelp("Rows a second.", valueName: "hz")) var rate: Double = 5
  @Option(help: "Which faults, in this order, separated by commas.") var faults: String = Cause.faults.map(
    \.rawValue
  ).joined(separator: ",")

  func validate() throws {
    guard rate >= 0.1, rate <= 100 else { throw ValidationError("--rate must be from 0.1 to 100") }
    for name in faults.split(separator: ",")
    where Cause(rawValue: String(name)).map({ $0 != .ordinary }) != true {
      throw ValidationError("no fault \(name)")
    }
    guard fault.seconds <= 120 else { throw ValidationError("--fault must be at most two minutes") }
  }

  func run() throws {
    Interruption.watch()
    let causes = faults.split(separator: ",").compactMap { Cause(rawValue: String($0)) }
    let plan = FaultPlan(causes: causes, normal: normal.seconds, fault: fault.seconds, quiet: quiet.seconds)
    do {
      try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
    } catch {
      throw Failure(
        .output, what: out, why: error.localizedDescription, remedy: "check the folder and its rights")
    }
    var recorder = MachineRecorder(rate: rate)
    let fields = recorder.fields
    let file = try LineFile(path: out + "/recording.csv.gz")
    defer { file.close() }
    try file.write("ts," + fields.joined(separator: ",") + ",label")
    Output.line("recording for \(Readable.span(seconds: plan.length)); Ctrl-C ends it")
    let runner = try FaultRunner(plan: plan, longest: plan.length + 10)
    defer { runner.stop() }
    var shown: Cause?
    let start = ContinuousClock.now
    try recorder.run(until: Deadline(start + .seconds(plan.length))) { row in
      try file.write(row.csv + "," + (runner.current == nil ? "0" : "1"))
      try runner.advance(elapsed: (ContinuousClock.now - start) / .seconds(1), now: row.timestamp)
      if runner.current != shown {
        shown = runner.current
        Output.line(
          "\(Readable.clock(row.timestamp))  \(shown.map { "\($0.rawValue): \($0.summary)" } ?? "quiet")")
      }
      return true
    }
    runner.stop()
    try write(runner.caused, plan, recorder)
  }

  private func write(_ caused: [CausedFault], _ plan: FaultPlan, _ recorder: MachineRecorder) throws {
    let lines = [CausedFault.header] + caused.map(\.csv)
    do {
      try (lines.joined(separator: "\n") + "\n").write(
        toFile: out + "/faults.csv", atomically: true, encoding: .utf8)
      try readme(caused, plan).write(toFile: out + "/README.md", atomically: true, encoding: .utf8)
    } catch {
      throw Failure(.output, what: out, why: error.localizedDescription, remedy: "is the disk full?")
    }
    Output.line("wrote \(out)/recording.csv.gz, faults.csv and README.md")
  }

  /// How the recording was made, on what machine, and what happened in it.
  private func readme(_ caused: [CausedFault], _ plan: FaultPlan) -> String {
    let memory = (MachineMetrics.table(MachineMetrics.text("/proc/meminfo"))["MemTotal"] ?? 0) / 1024 / 1024
    let kernel = MachineMetrics.text("/proc/sys/kernel/osrelease").trimmingCharacters(
      in: .whitespacesAndNewlines)
    let columns = MachineMetrics().columns.map { "| `\($0.name)` | \($0.unit) | \($0.meaning) |" }.joined(
      separator: "\n")
    let origin = caused.first.map { $0.start - plan.entries[0].start } ?? 0
    let faults = caused.map { fault in
      "| \(fault.name) | \(Readable.span(seconds: fault.start - origin)) | \(Readable.span(seconds: fault.end - fault.start)) | "
        + "\(Cause(rawValue: fault.name)?.summary ?? "") | \(fault.metrics.map { "`\($0)`" }.joined(separator: " ")) |"
    }.joined(separator: "\n")
    return """
      # A machine and its faults

      `recording.csv.gz` is what `anomalylab record` saw on a real machine while faults really happened to it: \(Readable.number(rate)) rows a
      second for \(Readable.span(seconds: plan.length)), the first \(Readable.span(seconds: normal.seconds)) in ordinary use (a small \
      service whose load comes and goes within
      seconds: packets on loopback, computing, memory, files read, a log written, short jobs). `label` is 1 while a fault was being caused.

      Made with

          anomalylab record-faults --out FOLDER --normal \(Readable.number(normal.seconds)) --fault \(Readable.number(fault.seconds)) \
      --quiet \(Readable.number(quiet.seconds)) --rate \(Readable.number(rate))

      on a machine with \(ProcessInfo.processInfo.activeProcessorCount) cores and \(String(format: "%.0f", memory)) GiB of memory, \
      Linux \(kernel), at \(Readable.moment(caused.first?.start ?? 0)).

      `faults.csv` holds what happened, with times in seconds since 1970 and the metrics that each fault moves directly:

      | fault | after | for | what | its metrics |
      |---|---|---|---|---|
      \(faults)

      Columns, besides `ts` (seconds since 1970) and `label`; rates are over the last second:

      | column | unit | what it is |
      |---|---|---|
      \(columns)

      """
  }
}
