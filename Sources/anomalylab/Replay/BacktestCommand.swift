import ArgumentParser
import Control
import Detection
import Foundation
import Settings

/// `anomalylab backtest`.
struct BacktestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backtest",
    abstract: "Runs the daemon's detection over labelled recordings and says what it would have found.",
    discussion: """
      The files are as for `replay`, with a column label that is 1 during a fault; it never reaches a detector. For each \
      threshold on the p-value it prints precision, recall and F1 counted by events, the time to detect, and false alarms \
      a week; and of the score the volume under the surface of precision and recall. Nothing is point-adjusted. At the end \
      stands the score of the Numenta Anomaly Benchmark over all files, with the one threshold that is best for it.
      """)

  @Option(help: "Labelled CSV files, plain or gzip.") var data: [String]
  @Option(help: "Config file whose detection settings hold.") var config: String?
  @Option(help: "Detectors, with commas between; without it those of the config.") var detectors: String?
  @Option(help: "Largest tolerance around an event, in rows, of the volume under the surface.") var window =
    100
  @Option(help: "A page with the same figures and a picture of each recording (HTML).") var report: String?
  @Flag(help: "Learn and score as the rows come, also where a column split says what to learn from.")
  var live = false
  @Option(help: "Seed of everything random.") var seed: UInt64 = 1
  @Flag(help: "Print a JSON object a line.") var json = false

  func validate() throws {
    if window < 0 { throw ValidationError("--window \(window): at least 0") }
  }

  func run() throws {
    try ended {
      var settings = try Replay.settings(config)
      if let detectors { try settings.choose(detectors) }
      var results: [Backtest] = []
      for file in data {
        let result = try Backtest(file: file, settings: settings, window: window, seed: seed, live: live)
        Output.line(json ? result.json : result.text)
        results.append(result)
      }
      let summary = BacktestSummary(results)
      Output.line(json ? summary.json : summary.text)
      if let report { try ReplayWriter.write(BacktestPage.html(results, summary), to: report) }
    }
  }
}

/// What came of one recording.
struct Backtest {
  static let thresholds = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6]

  let name: String
  let window: Int
  let rows: Int
  /// NaN when all rows or none are labelled.
  let volume: Double
  let figures: [EventFigures]
  /// Of the daemon's own incidents, which take several odd events or one extreme one.
  let incidents: EventFigures
  /// The whole file, as NAB looks at it.
  let recording: NABScore.Recording
  let scores: [Double]
  let labels: [Bool]

  init(file: String, settings: DetectionSettings, window: Int, seed: UInt64, live: Bool) throws {
    var table = try ReplayTable(file: file, labelled: true)
    guard let allLabels = table.labels else {
      throw Failure(
        .data, what: file, why: "has no column label",
        remedy: "add one that is 1 during a fault and 0 elsewhere")
    }
    if live { table.isTraining = nil }
    name = String(URL(filePath: file).lastPathComponent.prefix { $0 != "." })
    var run = ReplayRun(table, stream: name, settings: settings, seed: seed)
    let bar = ProgressLine(title: "backtest \(name)")
    var (labels, times): ([Bool], [Double]) = ([], [])
    // Rows that are only learned from count as probation: the lowest score there is.
    var whole = NABScore.Recording(
      labels: allLabels, scores: Array(repeating: -1, count: allLabels.count))
    var (scores, pValues, alerts): ([Double], [Double], [Double]) = ([], [], [])
    try run.run(rows: .test, progress: bar.show) { result in
      labels.append(allLabels[result.index])
      times.append(result.timestamp)
      scores.append(result.score)
      whole.scores[result.index] = result.score
      pValues.append(result.pValue)
      alerts.append(result.isAlert ? 0 : 1)
    }
    bar.clear()
    rows = labels.count
    self.window = window
    volume = VolumeUnderSurface.precisionRecall(labels: labels, scores: scores, window: window)
    figures = Self.thresholds.map {
      EventFigures(labels: labels, pValues: pValues, times: times, threshold: $0)
    }
    incidents = EventFigures(labels: labels, pValues: alerts, times: times, threshold: 0)
    recording = whole
    self.scores = scores
    self.labels = labels
  }

  /// The rows of the table: a name for each threshold, and its figures.
  var lines: [(name: String, figures: EventFigures)] {
    figures.map { (name: "p ≤ \(Readable.number($0.pValue))", figures: $0) }
      + [(name: "incidents", figures: incidents)]
  }

  var text: String {
    var text =
      "\(name): \(rows) rows, \(incidents.events) events, VUS-PR \(Readable.number(volume)) (window \(window))\n"
    let titles = ["", "precision", "recall", "F1", "time to detect", "false alarms/week", "false rows"]
    let widths = [12, 11, 9, 9, 16, 19, 12]
    func row(_ cells: [String]) -> String {
      "  "
        + zip(cells, widths).map { $0 + String(repeating: " ", count: max(1, $1 - $0.count)) }.joined()
    }
    text += row(titles)
    for line in lines { text += "\n" + row([line.name] + Self.cells(line.figures)) }
    return text
  }

  static func cells(_ figures: EventFigures) -> [String] {
    [
      Readable.number(figures.precision), Readable.number(figures.recall), Readable.number(figures.f1),
      figures.medianDelay.map { Readable.span(seconds: $0) } ?? "never",
      Readable.number(figures.falseAlarmsPerWeek), Readable.number(figures.falseRows),
    ]
  }

  var json: String {
    struct Line: Encodable {
      let threshold: String
      let precision, recall, f1, falseAlarmsPerWeek, falseRows: Double
      let events, found, episodes: Int
      let medianDelay: Double?
    }
    struct Whole: Encodable {
      let name: String
      let rows, window: Int
      let vusPR: Double?
      let thresholds: [Line]
    }
    let whole = Whole(
      name: name, rows: rows, window: window, vusPR: volume.isNaN ? nil : volume,
      thresholds: lines.map {
        Line(
          threshold: $0.name, precision: $0.figures.precision, recall: $0.figures.recall, f1: $0.figures.f1,
          falseAlarmsPerWeek: $0.figures.falseAlarmsPerWeek, falseRows: $0.figures.falseRows,
          events: $0.figures.events, found: $0.figures.found, episodes: $0.figures.episodes,
          medianDelay: $0.figures.medianDelay)
      })
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(whole)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}
