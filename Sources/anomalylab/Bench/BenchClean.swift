import Control
import Detection
import Foundation

extension Benchmarks {
  /// How often p ≤ α on the parts of recorded files where nothing is labelled, through the very code of `replay`.
  static let clean = Benchmark(
    name: "clean",
    summary:
      "measured against promised false-alarm rates on the rows of recorded files (--set data=FOLDER) that are not labelled",
    isLong: true
  ) { run in
    guard let folder = run.settings["data"] else {
      throw Failure(
        .usage, what: "bench clean", why: "no data",
        remedy: "give a folder of CSV files with --set data=FOLDER")
    }
    let files = try CleanRates.files(in: folder)
    var all: [String: CleanRates] = [:]
    for (group, path) in files {
      guard let rates = try CleanRates(file: path, seed: UInt64(run.setting("seed", 1))) else { continue }
      let name = URL(filePath: path).lastPathComponent.prefix { $0 != "." }
      rates.report("\(group)/\(name)", run)
      all[group, default: CleanRates()].add(rates)
      all["all", default: CleanRates()].add(rates)
    }
    for group in all.keys.sorted() { all[group]?.report(group, run) }
  }
}

/// Rows with no label, how many of them were called odd at each rate, and at how many an incident opened.
struct CleanRates {
  static let alphas = [0.1, 0.01, 0.001]
  /// Rows after a labelled one that still feel it, and rows before it in which its labeller may have seen nothing yet.
  static let margin = 64

  private var beyond = [AlarmRuns](repeating: AlarmRuns(), count: alphas.count)
  private var openings = AlarmRuns()

  init() {}

  /// nil when the file has no labels, or rows that say nothing about rates: no rows apart to learn from.
  init?(file path: String, seed: UInt64) throws {
    let table = try ReplayTable(file: path, labelled: true)
    guard let labels = table.labels, table.isTraining != nil else { return nil }
    var isNear = [Bool](repeating: false, count: table.count)
    for row in labels.indices where labels[row] {
      for near in max(0, row - Self.margin)...min(table.count - 1, row + Self.margin) { isNear[near] = true }
    }
    var rates = CleanRates()
    var wasAlert = false
    var replay = ReplayRun(table, stream: "clean", settings: DetectionSettings(), seed: seed)
    try replay.run(rows: .test) { result in
      defer { wasAlert = result.isAlert }
      guard !isNear[result.index] else { return }
      for (index, alpha) in Self.alphas.enumerated() {
        rates.beyond[index].add(isAlarm: result.pValue <= alpha)
      }
      rates.openings.add(isAlarm: result.isAlert && !wasAlert)
    }
    self = rates
  }

  mutating func add(_ other: CleanRates) {
    for index in beyond.indices { beyond[index].add(other.beyond[index]) }
    openings.add(other.openings)
  }

  func report(_ name: String, _ run: BenchRun) {
    let rows = openings.rows
    guard rows > 0 else { return }
    for (index, alpha) in Self.alphas.enumerated() where Double(rows) * alpha >= 1 {
      run.report(
        "\(name), \(rows) rows, p ≤ \(alpha)", Double(beyond[index].alarms) / Double(rows), "of the rows",
        reference: "promised", alpha)
      run.report(
        "\(name), between p ≤ \(alpha)", beyond[index].length, "rows", reference: "promised", 1 / alpha,
        note: beyond[index].note)
    }
    run.report(
      "\(name), between incidents", openings.length, "rows", reference: "promised at least",
      FalseAlarmRun.least(DetectionSettings().alerts), note: openings.note)
  }

  /// CSV files of a folder and of the folders in it, or the one file that is given, each with the name of its folder.
  static func files(in folder: String) throws -> [(group: String, path: String)] {
    if folder.hasSuffix(".csv") || folder.hasSuffix(".csv.gz") {
      return [(group: URL(filePath: folder).deletingLastPathComponent().lastPathComponent, path: folder)]
    }
    let found = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    let files = found.filter { $0.hasSuffix(".csv") || $0.hasSuffix(".csv.gz") }.sorted()
      .filter { !$0.hasSuffix("manifest.csv") }
    guard !files.isEmpty else {
      throw Failure(.input, what: folder, why: "holds no CSV file", remedy: "give a folder of recorded files")
    }
    return files.map {
      (
        group: URL(filePath: "\(folder)/\($0)").deletingLastPathComponent().lastPathComponent,
        path: "\(folder)/\($0)"
      )
    }
  }
}
