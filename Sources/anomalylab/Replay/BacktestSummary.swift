import Control
import Detection
import Foundation

/// What came of all recordings together: the score of the Numenta Anomaly Benchmark by profile, and where it was won and lost.
struct BacktestSummary {
  let names: [String]
  let scores: [(profile: NABScore.Profile, score: NABScore)]
  /// Mean over the recordings that have one; NaN when none has.
  let volume: Double

  init(_ results: [Backtest]) {
    names = results.map(\.name)
    let recordings = results.map(\.recording)
    scores = NABScore.Profile.all.map { (profile: $0, score: NABScore(recordings, profile: $0)) }
    let volumes = results.map(\.volume).filter { !$0.isNaN }
    volume = volumes.isEmpty ? .nan : volumes.reduce(0, +) / Double(volumes.count)
  }

  private var standard: NABScore { scores[0].score }

  var text: String {
    let width = max(10, names.map(\.count).max() ?? 0) + 2
    func row(_ name: String, _ cells: [String]) -> String {
      "  " + name.padding(toLength: width, withPad: " ", startingAt: 0)
        + cells.map { $0 + String(repeating: " ", count: max(1, 12 - $0.count)) }.joined()
    }
    var lines = [
      "all \(names.count) files: mean VUS-PR \(Readable.number(volume)); NAB "
        + scores.map { "\($0.profile.name) \(Self.number($0.score.score))" }.joined(separator: ", "),
      row("", ["windows", "found", "false rows"]),
    ]
    for (name, part) in zip(names, standard.parts) {
      lines.append(row(name, ["\(part.windows)", "\(part.found)", "\(part.falseRows)"]))
    }
    return lines.joined(separator: "\n")
  }

  var json: String {
    struct Whole: Encodable {
      let files: Int
      let meanVUSPR: Double?
      let nab: [String: Double]
      /// Of the standard profile.
      let threshold: Double?
    }
    let whole = Whole(
      files: names.count, meanVUSPR: volume.isNaN ? nil : volume,
      nab: Dictionary(
        uniqueKeysWithValues: scores.filter { !$0.score.score.isNaN }.map {
          ($0.profile.name, $0.score.score)
        }),
      threshold: standard.threshold.isFinite ? standard.threshold : nil)
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(whole)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  private static func number(_ score: Double) -> String {
    score.isNaN ? "–" : String(format: "%.1f", score)
  }
}
