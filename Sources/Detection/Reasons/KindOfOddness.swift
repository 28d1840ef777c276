import Events
import Generative

/// What kind of oddness an event is, by what the detectors disagree about.
///
/// - A field is, or was within the window, far from all it usually is: **value**.
/// - The same row as a steady state, with its levels and without the way to them, is calm to the detectors: **sequence**.
/// - One field alone is not where the models expect it to be, given all others: **relation**.
/// - Nothing by itself is to blame, and the detectors of density still find the row strange: **rarity**.
enum KindOfOddness {
  /// Spreads from which on a level is a value by itself.
  private static let unusual: Float = 3.5
  /// Share of the score that is left in a steady state, below which it was the way to it that was odd.
  private static let steadyShare: Float = 0.5
  /// Share of the score that one field explains, from which on it is that field that does not fit.
  private static let blame: Float = 0.5

  /// - Parameters:
  ///   - field: the one that explains most, and its share.
  ///   - lag: rows back to its level that explains most.
  ///   - expected: that field's level as the models expect it, and the usual deviation from that.
  static func kind(
    _ contents: StreamModel.Contents, inputs: [Float], windows: [Float], mask: [Float]?, time: Double,
    field: Int, share: Float, lag: Int, expected: Float, spread: Float
  ) -> Alert.Kind {
    let plan = contents.plan
    if abs(inputs[field]) >= unusual { return .value }
    if plan.ordered {
      if !windows.isEmpty {
        if abs(windows[(plan.span - 1 - lag) * plan.fields + field]) >= unusual { return .value }
      } else if abs(inputs[2 * plan.fields + field]) >= unusual {
        return .value
      }
      let (whole, steady) = steadily(contents, inputs, windows, mask, time)
      if steady < steadyShare * whole { return .sequence }
    }
    let isApart = abs(inputs[field] - expected) > 2 * spread
    return isApart && share >= blame ? .relation : .rarity
  }

  /// −ln p of a row, and of the same one if it had been as it is for long.
  private static func steadily(
    _ contents: StreamModel.Contents, _ inputs: [Float], _ windows: [Float], _ mask: [Float]?, _ time: Double
  ) -> (whole: Float, steady: Float) {
    let plan = contents.plan
    let fields = plan.fields
    var row = inputs
    var window = windows
    for field in 0..<fields where mask?[field] != 0 {
      func put(_ value: Float, at input: Int) {
        if mask?[input] == 0 { return }
        row[input] = squash((value - plan.centres[input]) * plan.inverses[input], limit: plan.limit)
      }
      put(0, at: fields + field)
      put(inputs[field], at: 2 * fields + field)
      for index in stride(from: field, to: window.count, by: fields) { window[index] = inputs[field] }
    }
    let figures = contents.figures(
      of: inputs + row, windows: windows + window, mask: mask.map { $0 + $0 }, time: time, rows: 2)
    return (figures[0], figures[1])
  }
}

extension StreamModel.Contents {
  /// −ln p of rows of one time, as all detectors together see each by itself. Not for the event path.
  func figures(
    of inputs: [Float], windows: [Float], mask: [Float]?, time: Double, rows: Int
  ) -> [Float] {
    var figures = [Float](repeating: 0, count: rows)
    var raw = figures
    var scratch = Scratch()
    var space = CompanionSpace()
    for (index, member) in members.enumerated() where shares[index] > 0 {
      member.score(
        inputs, windows: windows, times: Array(repeating: time, count: rows), from: 0, mask: mask,
        rows: rows, into: &raw, scratch: &scratch, space: &space)
      for row in 0..<rows {
        figures[row] -= shares[index] * readings[index].logP(standardized(raw[row], index))
      }
    }
    return figures
  }
}
