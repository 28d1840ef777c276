import Events
import Generative

/// The nearest normal event: which few features, at which values, would have kept an event from being odd.
///
/// The named features are taken out of the rows since the incident began, one feature more each time, and the models say
/// what they expect there given all others (the RBM by its clamped mean field). The rows with that in place are scored
/// again by a copy of the detector; only what then is normal is called so.
public struct NearestNormal: Sendable, Equatable {
  /// A field that would have had to be different, in its own unit.
  public struct Change: Sendable, Equatable {
    public var name: String
    /// What it was; nil: missing.
    public var value: Double?
    /// What it would have had to be, and one usual deviation from that.
    public var expected: Double
    public var deviation: Double
  }

  /// Fewest first; empty when the event is normal as it is.
  public var changes: [Change]
  /// Event time from which on they are in place.
  public var from: Double
  /// 0…100 of the event as it was, in place among the rows given, and with the changes.
  public var scoreBefore: Double
  public var scoreAfter: Double
  /// Whether the score with the changes is below the one at which an event counts as calm.
  public var isNormal: Bool
  /// Features of the stream that stay as they were.
  public var unchanged: Int

  /// Features that are changed at most.
  public static let most = 4
  /// Rows since the beginning of an incident that are changed at most; an older beginning is not looked at.
  public static let mostRows = 128

  /// - Parameters:
  ///   - rows: the event as the last row, and those before it; with the detector's fields as columns in its order.
  ///   - onset: event time at which it is judged to have begun.
  ///   - features: what stands out, strongest first.
  public init?(of detector: StreamDetector, rows: TrainingRows, onset: Double, features: [String]) {
    guard rows.count > 0, let model = detector.model else { return nil }
    let first = max(
      rows.timestamps.firstIndex { $0 >= onset } ?? rows.count - 1, rows.count - Self.mostRows)
    var trial = Trial(detector, rows, first: min(first, rows.count - 1))
    let limit = detector.settings.alerts.close
    scoreBefore = trial.score(of: rows)
    scoreAfter = scoreBefore
    changes = []
    from = rows.timestamps[min(first, rows.count - 1)]
    isNormal = scoreBefore < limit
    let candidates = features.compactMap { name in model.fields.firstIndex(of: name) }
    for count in 1...Self.most where !isNormal && count <= candidates.count {
      let fields = Array(candidates.prefix(count))
      guard let changed = trial.changing(fields, of: rows) else { break }
      scoreAfter = changed.score
      changes = changed.changes
      isNormal = scoreAfter < limit
    }
    unchanged = model.fields.count - changes.count
  }

  /// "normal if latency were 41 ± 3; the other nine are as expected"
  public var text: String {
    func list(_ texts: [String]) -> String {
      texts.count < 2
        ? texts.joined() : texts.dropLast().joined(separator: ", ") + " and " + texts[texts.count - 1]
    }
    if changes.isEmpty {
      return isNormal
        ? "normal as it is by what is known now" : "no feature is known that would make it normal"
    }
    let values = list(
      changes.map {
        "\($0.name) were \(AlertText.number($0.expected)) ± \(AlertText.number($0.deviation))"
      })
    let words = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    let number = unchanged < words.count ? words[unchanged] : "\(unchanged)"
    let rest =
      unchanged == 0
      ? "" : unchanged == 1 ? "; the other one is as expected" : "; the other \(number) are as expected"
    if isNormal { return "normal if \(values)\(rest)" }
    return "not normal even if \(values): the score would fall from "
      + "\(AlertText.number(scoreBefore)) to \(AlertText.number(scoreAfter)) only"
  }
}

/// Scores the rows again with fields replaced by what the models expect of them.
private struct Trial {
  /// As it stands just before the first row that may be changed.
  private let before: StreamDetector
  private let contents: StreamModel.Contents
  private let first: Int
  private var workspace = DetectorWorkspace()

  init(_ detector: StreamDetector, _ rows: TrainingRows, first: Int) {
    var copy = detector
    copy.rewind()
    copy.reconcile(openIncident: nil)
    var start = 0
    while start < first {
      let end = min(start + DetectorWorkspace.batchRows, first)
      let part = rows.rows(start..<end)
      copy.observe(
        rows: part.values, width: rows.fields.count, timestamps: part.timestamps, count: part.count,
        workspace: &workspace)
      start = end
    }
    copy.reconcile(openIncident: nil)
    before = copy
    guard let model = detector.model else { preconditionFailure("a detector without a model") }
    contents = model.contents
    self.first = first
  }

  /// Of the last row.
  mutating func score(of rows: TrainingRows) -> Double {
    var copy = before
    var score = 0.0
    for row in first..<rows.count { score = observe(rows.rows(row..<row + 1), by: &copy) }
    return score
  }

  mutating func changing(
    _ fields: [Int], of rows: TrainingRows
  ) -> (changes: [NearestNormal.Change], score: Double)? {
    var copy = before
    var score = 0.0
    var changes: [NearestNormal.Change] = []
    let models = contents.members.compactMap(\.model)
    guard !models.isEmpty else { return nil }
    let width = contents.plan.width
    for row in first..<rows.count {
      var changed = rows.rows(row..<row + 1)
      let columns = fields.map { Int(copy.columns[$0]) }
      guard columns.allSatisfy({ $0 >= 0 && $0 < rows.fields.count }) else { return nil }
      let values = columns.map { changed.values[$0] }
      for column in columns { changed.values[column] = .nan }
      var probe = copy
      _ = observe(changed, by: &probe)
      var inputs = Array(workspace.inputs.inputs[..<width])
      var mask = Array(workspace.inputs.mask[..<width])
      // What the window still remembers of these fields is hidden too.
      for field in fields {
        for input in stride(from: field, to: width, by: contents.plan.fields) {
          inputs[input] = 0
          mask[input] = 0
        }
      }
      var levels = [Float](repeating: 0, count: fields.count)
      var deviations = [Float](repeating: 0, count: fields.count)
      for model in models {
        let expectation = model.expectation(of: inputs, mask: mask)
        for (index, field) in fields.enumerated() {
          levels[index] += expectation.expected[field] / Float(models.count)
          deviations[index] = max(deviations[index], expectation.spread[field])
        }
      }
      changes = []
      for (index, field) in fields.enumerated() {
        let expected = contents.plan.value(ofLevel: levels[index], field: field)
        let above = contents.plan.value(ofLevel: levels[index] + max(deviations[index], 0.02), field: field)
        changed.values[columns[index]] = expected
        changes.append(
          NearestNormal.Change(
            name: contents.fields[field], value: values[index].isFinite ? Double(values[index]) : nil,
            expected: Double(expected), deviation: Double(abs(above - expected))))
      }
      score = observe(changed, by: &copy)
    }
    return (changes, score)
  }

  private mutating func observe(_ row: TrainingRows, by detector: inout StreamDetector) -> Double {
    detector.observe(
      rows: row.values, width: row.fields.count, timestamps: row.timestamps, count: 1, workspace: &workspace)
    return Double(workspace.score[0])
  }
}
