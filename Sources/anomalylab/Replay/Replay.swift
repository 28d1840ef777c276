import ArgumentParser
import Control
import Detection
import Events
import Foundation
import Pipeline
import Settings

/// `anomalylab replay`.
struct Replay: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs the daemon's detection over a recorded file.",
    discussion: """
      Rows marked split=train are learned from, then rows marked split=test are scored in order. A file without the \
      column split is treated as live: learned from and scored as it comes. The same file, options and seed give \
      the same bytes.

      The scores file has the columns index (of the data row, from 0), ts, score (0 to 100: how odd the row is to what \
      was learned), p_value (how likely it is of late; thresholds follow the stream), alert (1 while an incident is open) and raw.<detector>; a raw score is empty as long as there is no model.
      """)

  @Option(help: "CSV file with a header, plain or gzip.") var data: String
  @Option(help: "Where the scores go (CSV).") var scores: String
  @Option(help: "Where the alerts go, one JSON object a line.") var alerts: String?
  @Option(help: "Config file whose detection settings hold.") var config: String?
  @Option(
    help:
      "Detectors, with commas between: autoencoder, rbm, companions such as robust-z, or any other model (see `anomalylab models`)."
  )
  var detectors: String?
  @Option(help: "Rows scored of a file with the column split: test or all.") var rows = "test"
  @Flag(help: "The rows have no order in time: no differences, no windows.") var unordered = false
  @Option(help: "Seed of everything random.") var seed: UInt64 = 1

  func run() throws {
    try ended {
      try replay(settings: try Self.settings(config))
    }
  }

  /// The detection settings of a config file; without one those of the packaged config.
  static func settings(_ config: String?) throws -> DetectionSettings {
    guard let config else { return DetectionSettings() }
    do {
      return try DaemonSettings.load(file: config).settings.pipeline.detection
    } catch {
      throw Failure(
        .configuration, what: config, why: "\(error)",
        remedy: "`anomalyd --check --config \(config)` says all")
    }
  }

  /// - Parameter settings: as the config gives them; the options come on top.
  func replay(settings: DetectionSettings) throws {
    var settings = settings
    if unordered { settings.ordered = false }
    if let detectors { try settings.choose(detectors) }
    guard let rows = ReplayRun.Rows(rawValue: rows) else {
      throw Failure(.usage, what: "--rows", why: "\"\(rows)\" is not known", remedy: "give test or all")
    }
    let table = try ReplayTable(file: data)
    let name = URL(filePath: data).lastPathComponent.prefix { $0 != "." }
    var run = ReplayRun(table, stream: String(name), settings: settings, seed: seed)
    var writer = try ReplayWriter(path: scores, detectors: run.detectors)
    let bar = ProgressLine(title: "replay")
    try run.run(rows: rows, progress: bar.show) { try writer.write($0) }
    bar.clear()
    try writer.finish()
    if let alerts { try ReplayWriter.write(run.alerts, to: alerts) }
  }
}

extension DetectionSettings {
  /// Turns on the detectors of a list such as `autoencoder,rbm`, and all others off.
  mutating func choose(_ list: String) throws(Failure) {
    var chosen: [DetectorName] = []
    for part in list.split(separator: ",") {
      let name = part.trimmingCharacters(in: .whitespaces)
      guard let detector = DetectorName(rawValue: name) else {
        throw Failure(
          .usage, what: "--detectors", why: "\"\(name)\" is not known",
          remedy: "give \(DetectorName.all.map(\.rawValue).joined(separator: ", "))")
      }
      if !chosen.contains(detector) { chosen.append(detector) }
    }
    guard !chosen.isEmpty else {
      throw Failure(.usage, what: "--detectors", why: "names none", remedy: "give at least one")
    }
    autoencoder.enabled = chosen.contains(.autoencoder)
    rbm.enabled = chosen.contains(.rbm)
    models.names = chosen.filter { $0 != .autoencoder && $0 != .rbm && !$0.isCompanion }
    companions.names = chosen.filter(\.isCompanion)
  }
}
