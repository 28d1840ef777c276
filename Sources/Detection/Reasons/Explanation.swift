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

  init(features: [Alert.Feature], kind: Alert.Kind) {
    self.features = features
    self.kind = kind
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
    kind = listed.first.map { Self.kind(plan, inputs, field: tried[$0.index], trial, of: $0.index) } ?? .value
    features = listed.prefix(keep).map(\.feature).filter { $0.share > 0 || $0.name == listed[0].feature.name }
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

  private static func kind(
    _ plan: InputPlan, _ inputs: [Float], field: Int, _ trial: Trial, of index: Int
  ) -> Alert.Kind {
    let unusual: Float = 3.5
    let level = abs(inputs[field])
    if level >= unusual { return .value }
    if plan.ordered {
      if abs(inputs[2 * plan.fields + field]) >= unusual { return .value }
      if abs(inputs[plan.fields + field]) >= unusual { return .sequence }
    }
    // Within its own range: it does not fit the others (the autoencoder rebuilds it elsewhere), or the whole state is rare.
    return abs(inputs[field] - trial.expected[index]) > 2 * trial.spread[index] ? .relation : .rarity
  }
}

/// The row scored again with each feature in turn as it was expected to be.
private struct Trial {
  /// Per tried feature: its expected level, the usual deviation from that, and the fall of −ln p.
  var expected: [Float] = []
  var spread: [Float] = []
  var parts: [Float] = []

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
    // Windows still hold what was odd some rows ago; they are asked when nothing else has an answer.
    for ofWindows in [false, true] where !parts.contains(where: { $0 > 0 }) {
      for (index, member) in contents.members.enumerated() {
        if member.readsWindows != ofWindows { continue }
        member.score(
          rows, windows: windows, times: Array(repeating: time, count: count), from: 0,
          mask: mask == nil ? nil : masks, rows: count, into: &raw, scratch: &scratch,
          space: &space)
        let whole = contents.readings[index].logP(contents.standardized(raw[0], index))
        for feature in tried.indices {
          parts[feature] +=
            contents.shares[index]
            * max(
              0, contents.readings[index].logP(contents.standardized(raw[feature + 1], index)) - whole)
        }
      }
    }
  }
}
