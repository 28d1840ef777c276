import Events
import Generative

/// Why an event scored as it did: what each feature should have been, given all others, and how much of the score would
/// go if it had been that.
///
/// A feature's part is found by trying: its inputs are hidden, the models say what they would have expected there, and
/// the row is scored again with that in place. Unlike the reconstruction errors of single inputs this does not smear over
/// features that only went along. Not for the event path: some microseconds per feature.
struct Explanation: Sendable {
  var features: [Alert.Feature]
  var kind: Alert.Kind
  /// −ln p of the row by itself, whatever came before it: the mean over the detectors by their shares.
  var figure: Float

  /// Whether there is something to explain. Long after a fault scores are high for what they remember of it, and the row itself
  /// says nothing (usual rows have about 1).
  var isOdd: Bool { figure >= 3 }

  init(features: [Alert.Feature], kind: Alert.Kind, figure: Float = .infinity) {
    self.features = features
    self.kind = kind
    self.figure = figure
  }

  /// Features that are tried at most; of more, those whose inputs stand out most.
  static let most = 48

  /// - Parameters:
  ///   - inputs: of the row, `plan.width` numbers, its levels of the last rows (if a detector sees them), and its mask.
  ///   - time: of the row, seconds since 1970.
  ///   - row: the values in the fields' own units, in the model's order; NaN missing.
  ///   - keep: features in the result at most.
  init(
    of contents: StreamModel.Contents, inputs: [Float], windows: [Float], mask: [Float]?,
    time: Double, row: [Float], keep: Int
  ) {
    let plan = contents.plan
    let tried = Self.candidates(plan, inputs, mask)
    let trial = Trial(contents, inputs, windows, mask, time, tried)
    let total = trial.parts.reduce(0, +)
    var listed: [(feature: Alert.Feature, index: Int)] = []
    for (index, field) in tried.enumerated() {
      let level = trial.expected[index]
      let spread = trial.spread[index]
      let reach = 2.5 * max(spread, 0.05)
      let value = Double(row[field])
      listed.append(
        (
          feature: Alert.Feature(
            name: contents.fields[field], value: value.isFinite ? value : nil,
            expected: Double(plan.value(ofLevel: level, field: field)),
            low: Double(plan.value(ofLevel: level - reach, field: field)),
            high: Double(plan.value(ofLevel: level + reach, field: field)),
            share: total > 0 ? Double(trial.parts[index] / total) : 0), index: index
        ))
    }
    listed.sort { ($0.feature.share, $1.index) > ($1.feature.share, $0.index) }
    features = listed.prefix(keep).map(\.feature).filter { $0.share > 0 || $0.name == listed[0].feature.name }
    figure = trial.figure
    kind = .value
    guard let first = listed.first else { return }
    let leading = tried[first.index]
    features[0].lag =
      LagAttribution(
        of: contents, inputs: inputs, windows: windows, mask: mask, time: time, field: leading
      ).lag
    kind = KindOfOddness.kind(
      contents, inputs: inputs, windows: windows, mask: mask, time: time, field: leading,
      share: Float(first.feature.share), lag: features[0].lag ?? 0, expected: trial.expected[first.index],
      spread: trial.spread[first.index])
  }

  private static func candidates(_ plan: InputPlan, _ inputs: [Float], _ mask: [Float]?) -> [Int] {
    let observed = (0..<plan.fields).filter { field in
      stride(from: field, to: plan.width, by: plan.fields).contains { mask?[$0] != 0 }
    }
    if observed.count <= most { return observed }
    func size(_ field: Int) -> Float {
      stride(from: field, to: plan.width, by: plan.fields).reduce(0) { max($0, abs(inputs[$1])) }
    }
    return observed.sorted { (size($0), $1) > (size($1), $0) }.prefix(most).sorted()
  }
}

/// The row scored again with each feature in turn as it was expected to be.
private struct Trial {
  /// Per tried feature: its expected level, the usual deviation from that, and the fall of −ln p.
  var expected: [Float] = []
  var spread: [Float] = []
  var parts: [Float] = []
  /// −ln p of the row as it was.
  var figure: Float = 0

  init(
    _ contents: StreamModel.Contents, _ inputs: [Float], _ window: [Float], _ mask: [Float]?,
    _ time: Double, _ tried: [Int]
  ) {
    let plan = contents.plan
    let width = plan.width
    let full = mask ?? Array(repeating: 1, count: width)
    let models = contents.members.compactMap(\.model)
    var rows: [Float] = inputs
    var masks: [Float] = full
    var windows: [Float] = window
    for field in tried {
      var hidden = inputs
      var hiddenMask = full
      for input in stride(from: field, to: width, by: plan.fields) {
        hidden[input] = 0
        hiddenMask[input] = 0
      }
      var mean = [Float](repeating: 0, count: width)
      var deviation: Float = 0
      // Companions judge, but have no opinion on what should have been.
      for model in models {
        let expectation = model.expectation(of: hidden, mask: hiddenMask)
        for input in 0..<width { mean[input] += expectation.expected[input] / Float(models.count) }
        deviation = max(deviation, expectation.spread[field])
      }
      expected.append(mean[field])
      spread.append(deviation)
      var replaced = inputs
      for input in stride(from: field, to: width, by: plan.fields) where full[input] != 0 {
        replaced[input] = mean[input]
      }
      rows.append(contentsOf: replaced)
      var asExpected = window
      for index in stride(from: field, to: window.count, by: plan.fields) { asExpected[index] = mean[field] }
      windows.append(contentsOf: asExpected)
      masks.append(contentsOf: full)
    }
    // Row 0 is the event as it was.
    let count = tried.count + 1
    parts = Array(repeating: 0, count: tried.count)
    var scratch = Scratch()
    var raw = [Float](repeating: 0, count: count)
    var space = CompanionSpace()
    for (index, member) in contents.members.enumerated() where contents.shares[index] > 0 {
      member.score(
        rows, windows: windows, times: Array(repeating: time, count: count), from: 0,
        mask: mask == nil ? nil : masks, rows: count, into: &raw, scratch: &scratch, space: &space)
      let share = contents.shares[index]
      let whole = contents.readings[index].logP(contents.standardized(raw[0], index))
      figure -= share * whole
      for feature in tried.indices {
        let asExpected = contents.readings[index].logP(contents.standardized(raw[feature + 1], index))
        parts[feature] += share * max(0, asExpected - whole)
      }
    }
  }
}
