import Control
import Evaluation
import Foundation

extension Benchmarks {
  /// What each member of the suite reaches on public data, beside the figure it has to reach and simple models.
  static let suite = Benchmark(
    name: "suite",
    summary:
      "what members of the suite reach on public data (--set data=FOLDER, --set seeds=N); each trained anew, hours in all",
    cases: Bars.all.map(\.name), isLong: true
  ) { run in
    let folder =
      run.settings["data"] ?? ProcessInfo.processInfo.environment["ANOMALYLAB_DATA"]
      ?? "../shared/data/generative"
    guard FileManager.default.fileExists(atPath: folder) else {
      throw Failure(
        .input, what: folder, why: "there is no such folder",
        remedy: "give the folder with mnist/, binary/ and the rest with --set data=FOLDER")
    }
    for bar in Bars.all where run.cases.isEmpty || run.cases.contains(bar.name) {
      try measure(bar, folder: folder, run)
    }
  }

  /// Each seed's figure as it comes, then the mean with its standard error against the bar.
  private static func measure(_ bar: Bar, folder: String, _ run: BenchRun) throws {
    let begin = Date()
    let seeds = max(1, run.setting("seeds", bar.seeds))
    var values: [Double] = []
    for seed in 1...UInt64(seeds) {
      let figures = try bar.run(
        BarRun(
          data: SuiteData(folder: folder), seed: seed, threads: run.threads ?? 1,
          now: { Date().timeIntervalSince(begin) },
          note: { FileHandle.standardError.write(Data("\(bar.name): \($0)\n".utf8)) }))
      for figure in figures.dropFirst() {
        run.report("\(bar.name): \(figure.name)", figure.value, bar.unit, note: error(figure.standardError))
      }
      guard let first = figures.first else { continue }
      values.append(first.value)
      if seeds > 1 { run.report("\(bar.name) seed \(seed)", first.value, bar.unit) }
    }
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(values.count - 1, 1))
    var words = [bar.holds(mean, bar.must) ? "holds" : "FALLS SHORT"]
    if let stretch = bar.stretch {
      words.append("stretch \(stretch): \(bar.holds(mean, stretch) ? "yes" : "no")")
    }
    words += bar.baselines.map { "\($0.name) \($0.value)" }
    if values.count > 1 {
      words.append("standard error \(Readable.number((variance / Double(values.count)).squareRoot()))")
    }
    words.append("\(Readable.span(seconds: Date().timeIntervalSince(begin)))")
    run.report(
      bar.name, mean, bar.unit, reference: "must be \(bar.direction == .atMost ? "at most" : "at least")",
      bar.must,
      note: "\(bar.title); " + words.joined(separator: ", "))
  }

  private static func error(_ value: Double?) -> String? { value.map { "± \(Readable.number($0))" } }
}
