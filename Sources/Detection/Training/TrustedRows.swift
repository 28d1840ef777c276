import Generative

/// The rows of a table that look least strange.
///
/// A table without order in time comes with what is strange mixed in, and in lumps: what rebuilds rows or remembers
/// neighbourhoods would learn that too. Robust z, isolation forest and histogram hardly mind; what these three find strangest
/// together is left out before the others learn.
enum TrustedRows {
  /// What the others learn from. A tenth to three tenths left out do nearly as well as a fifth, see `Ablation.md`.
  static let share = 0.8
  static let judges: [CompanionKind] = [.robustZ, .forest, .histogram]

  /// - Returns: the least strange ``share`` of the rows, in their order; all when that would be too few to learn from.
  static func of(_ data: DataMatrix, fields: Int, seed: UInt64) -> DataMatrix {
    let kept = Int(Double(data.rows) * share)
    if kept < ModelTrainer.leastRows { return data }
    var strangeness = [Double](repeating: 0, count: data.rows)
    for (index, judge) in judges.enumerated() {
      guard let companion = try? judge.fit(data, fields: fields, seed: seed &+ UInt64(index)) else {
        return data
      }
      // −ln of the share of rows that are at least as strange.
      let scores = judge.member(companion).scores(of: data)
      let order = scores.indices.sorted { scores[$0] > scores[$1] }
      var place = 0
      for (index, row) in order.enumerated() {
        // Equally strange rows share a place.
        if index == 0 || scores[row] < scores[order[index - 1]] { place = index + 1 }
        strangeness[row] -= (Double(place) / Double(data.rows)).logarithm
      }
    }
    let order = strangeness.indices.sorted { (strangeness[$0], $0) < (strangeness[$1], $1) }
    return data.picking(order.prefix(kept).sorted())
  }
}

/// What the detectors of a stream learn from, each its part.
struct LearningRows {
  private let inputs: DataMatrix
  private let trusted: DataMatrix
  private let windows: DataMatrix

  /// - Parameters:
  ///   - inputs: rows of inputs, of which the levels, `fields` of them, come first.
  ///   - windows: windows of levels of the same rows; none when no detector sees them.
  init(inputs: DataMatrix, windows: DataMatrix, fields: Int, ordered: Bool, seed: UInt64) {
    self.inputs = inputs
    self.windows = windows
    trusted = ordered ? inputs : TrustedRows.of(inputs, fields: fields, seed: seed)
  }

  func of(_ detector: DetectorName) -> DataMatrix {
    if detector.readsWindows { return windows }
    return detector.companion.map(TrustedRows.judges.contains) ?? false ? inputs : trusted
  }
}

extension DataMatrix {
  /// The rows of these numbers.
  fileprivate func picking(_ rows: [Int]) -> DataMatrix {
    func pick(_ values: [Float]) -> [Float] { rows.flatMap { values[$0 * columns..<($0 + 1) * columns] } }
    return DataMatrix(rows: rows.count, columns: columns, values: pick(values), mask: mask.map(pick))
  }
}
