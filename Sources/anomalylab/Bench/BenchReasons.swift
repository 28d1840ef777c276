import Control
import Detection
import Events
import Foundation

extension Benchmarks {
  /// Whether the reasons that alerts give are right, by faults of which all is known.
  static let reasons = Benchmark(
    name: "reasons",
    summary:
      "how often the reasons of alerts are right, by faults planted into made streams, and into recorded files with --set data=FOLDER, or of one file"
  ) { run in
    let rounds = run.setting("rounds", 20)
    var all = ReasonPower()
    for world in ReasonWorld.allCases where run.settings["data"] == nil {
      let rows = world.rows(4000, seed: UInt64(run.setting("seed", 1)))
      let power = try ReasonBench.power(
        learning: rows.rows(0..<2000), rows: rows.rows(2000..<4000), rounds: rounds)
      ReasonBench.report(power, world.rawValue, run)
      all.add(power)
    }
    if let folder = run.settings["data"] {
      for (group, path) in try CleanRates.files(in: folder) {
        guard let (learned, rows) = try ReasonBench.rows(ofFile: path) else { continue }
        let power = try ReasonBench.power(learning: learned, rows: rows, rounds: rounds)
        let name = URL(filePath: path).lastPathComponent.prefix { $0 != "." }
        ReasonBench.report(power, "\(group)/\(name)", run)
        all.add(power)
      }
    }
    ReasonBench.report(all, "all", run, inFull: true)
  }
}

private enum ReasonBench {
  static func power(learning: TrainingRows, rows: TrainingRows, rounds: Int) throws -> ReasonPower {
    var settings = DetectionSettings()
    settings.calibration.freshRows = 0
    var detector = StreamDetector(stream: StreamKey("reasons"), settings: settings, seed: 1)
    for field in learning.fields { detector.addField(field) }
    detector.install(
      try ModelTrainer.train(learning, settings: settings, seed: 1, snapshotName: "reasons", trainedAt: 0))
    return ReasonPower(of: detector, rows: rows, rounds: rounds)
  }

  /// What a recorded file sets apart to learn from, and of the rest the longest part that nobody labelled; nil when there is
  /// too little of either.
  static func rows(ofFile path: String) throws -> (learned: TrainingRows, rows: TrainingRows)? {
    let table = try ReplayTable(file: path, labelled: true)
    guard let labels = table.labels, let isTraining = table.isTraining, table.fields.count > 1 else {
      return nil
    }
    let learned = (0..<table.count).filter { isTraining[$0] }
    var best = 0..<0
    var start = 0
    for row in 0...table.count {
      guard row == table.count || labels[row] || isTraining[row] else { continue }
      if row - start > best.count { best = start..<row }
      start = row + 1
    }
    // Labellers see the end of a fault sooner than detectors do.
    best = min(best.lowerBound + 64, best.upperBound)..<best.upperBound
    guard best.count >= ReasonPower.leastRows, learned.count >= 600 else { return nil }
    return (table.rows(learned), table.rows(Array(best.suffix(4000))))
  }

  static func report(_ power: ReasonPower, _ name: String, _ run: BenchRun, inFull: Bool = false) {
    let opened = power.findings.reduce(0) { $0 + $1.opened }
    guard opened > 0 else { return }
    let ofFields = power.findings.filter(\.fault.hasField)
    func share(_ part: Int, _ whole: Int) -> Double { whole > 0 ? Double(part) / Double(whole) : 0 }
    let withField = ofFields.reduce(0) { $0 + $1.opened }
    run.report(
      "\(name), planted field named first", share(ofFields.reduce(0) { $0 + $1.named }, withField),
      "of \(withField) incidents")
    // Whoever says the same kind each time is right so often.
    let most =
      Alert.Kind.allCases.map { kind in
        power.findings.filter { $0.fault.kind == kind }.reduce(0) { $0 + $1.opened }
      }.max() ?? 0
    run.report(
      "\(name), kind", share(power.findings.reduce(0) { $0 + $1.right }, opened), "of \(opened) incidents",
      reference: "the most frequent one each time", share(most, opened))
    let onsets = power.findings.flatMap(\.onsets).sorted()
    run.report(
      "\(name), onset within 3 events", share(onsets.count { abs($0) <= 3 }, opened), "of \(opened) incidents"
    )
    run.report(
      "\(name), a nearest normal event that is normal when scored again",
      share(ofFields.reduce(0) { $0 + $1.normal }, withField), "of \(withField) incidents")
    let explained = power.lags.reduce(0) { $0 + $1.explained }
    run.report(
      "\(name), planted field and event named", share(power.lags.reduce(0) { $0 + $1.dated }, explained),
      "of \(explained) explanations")
    if inFull { table(power, onsets, run) }
  }

  private static func table(_ power: ReasonPower, _ onsets: [Int], _ run: BenchRun) {
    let kinds: [Alert.Kind] = [.value, .relation, .sequence, .rarity]
    for finding in power.findings {
      let said = kinds.map { "\($0.rawValue) \(finding.kinds[$0] ?? 0)" }.joined(separator: ", ")
      let field = finding.fault.hasField ? ", field named \(finding.named)" : ""
      run.report(
        "\(finding.fault.rawValue) (\(finding.fault.kind.rawValue))", Double(finding.right),
        "right kinds of \(finding.opened) (\(finding.planted) planted)",
        note: "said: \(said)\(field); onset off by \(quantiles(finding.onsets)); "
          + "normal again \(finding.normal), by that field alone \(finding.normalByField)")
    }
    for lag in power.lags {
      run.report(
        "a value \(lag.lag) events ago", Double(lag.dated), "dated right of \(lag.explained)",
        note: "field named \(lag.named)")
    }
    run.report("onsets", Double(onsets.count), "incidents", note: "off by \(quantiles(onsets)) events")
  }

  /// The least, 10 %, 25 %, 50 %, 75 %, 90 % and the most.
  private static func quantiles(_ sorted: [Int]) -> String {
    guard !sorted.isEmpty else { return "-" }
    return [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1].map { "\(sorted[Int($0 * Double(sorted.count - 1))])" }
      .joined(separator: " ")
  }
}
