import Generative

/// What stands in for a value that did not come.
public enum MissingPolicy: String, Sendable, CaseIterable {
  /// Nothing: the value is left out of every score. Models learn from such rows as they are, masked.
  case ignore
  /// The last value known, for a bounded number of events in a row, then nothing. Models learn from rows filled in the same
  /// way. On rows without order there is no last value.
  case previous
  /// What the Gaussian RBM of the stream makes of the others, see `GaussianBernoulliRBM.impute`.
  /// Models learn from rows as they are, masked, because there is none yet to fill them in; the rows held out for the
  /// calibration are filled in by what was learned. Without an RBM as ``ignore``.
  case model
}

/// A policy and what it takes.
struct Filling: Sendable {
  var policy = MissingPolicy.ignore
  /// Of ``MissingPolicy/previous``: events in a row at most.
  var limit = 0
  /// Of ``MissingPolicy/model``.
  var rbm: GaussianBernoulliRBM?

  static let none = Filling()

  init() {}

  init(_ settings: DetectionSettings, rbm: GaussianBernoulliRBM?) {
    policy = settings.missing == .model && rbm == nil ? .ignore : settings.missing
    limit = settings.previousFor
    self.rbm = policy == .model ? rbm : nil
  }

  /// Whether anything may be filled in.
  var isOn: Bool { policy != .ignore }
}

/// Fills levels in, row by row, and counts what it filled. Reused for every batch; allocates nothing once it has grown.
///
/// A row of which nothing came stays empty under every policy: there is nothing to go by, and nothing to score.
struct Imputation: Sendable {
  var filling = Filling.none
  /// Per field: events since it last came, before the batch; none: it came with the event before.
  private var ages: [UInt32] = []
  /// Per row of the last batch: values that were filled in.
  private(set) var filled: [UInt16] = Array(repeating: 0, count: DetectorWorkspace.batchRows)

  private var unknowns: [UnknownNumber] = []
  private var fields: [Int] = []
  private var values: [Float] = []
  private var inputs: [Float] = []
  private var mask: [Float] = []
  private var space = ConditionalSpace()

  /// - Parameter ages: per field, events since it last came; empty when all came.
  mutating func begin(ages: [UInt32]) {
    guard filling.isOn else { return }
    self.ages.removeAll(keepingCapacity: true)
    self.ages.append(contentsOf: ages)
  }

  /// Nothing was filled in for these rows.
  mutating func clear(_ rows: Int) { for row in 0..<rows { filled[row] = 0 } }

  /// Fills in what is missing of `count` rows after `before` rows of context.
  ///
  /// - Parameter levels: `(before + count) × plan.fields`; NaN is missing.
  mutating func fill(
    _ levels: UnsafeMutableBufferPointer<Float>, before: Int, count: Int, plan: InputPlan
  ) {
    let width = plan.fields
    if ages.count != width { ages = Array(repeating: 0, count: width) }
    for row in before..<before + count {
      var missing = 0
      for field in 0..<width {
        let isMissing = unsafe levels[row * width + field].isNaN
        ages[field] = isMissing ? ages[field] &+ 1 : 0
        if isMissing { missing += 1 }
      }
      if missing == 0 || missing == width { continue }
      switch filling.policy {
      case .ignore: break
      case .previous: unsafe hold(levels, row, width, of: row - before)
      case .model: unsafe draw(levels, row, plan, of: row - before)
      }
    }
  }

  private mutating func hold(
    _ levels: UnsafeMutableBufferPointer<Float>, _ row: Int, _ fields: Int, of index: Int
  ) {
    for field in 0..<fields where unsafe levels[row * fields + field].isNaN && ages[field] <= filling.limit {
      // An event without any value lies in between now and then.
      var last = row - 1
      while last >= 0, unsafe levels[last * fields + field].isNaN { last -= 1 }
      if last < 0 { continue }
      unsafe levels[row * fields + field] = levels[last * fields + field]
      filled[index] += 1
    }
  }

  private mutating func draw(
    _ levels: UnsafeMutableBufferPointer<Float>, _ row: Int, _ plan: InputPlan, of index: Int
  ) {
    guard let rbm = filling.rbm, rbm.width == plan.width else { return }
    while inputs.count < plan.width {
      inputs.append(0)
      mask.append(0)
    }
    unsafe deriveMasked(levels, row: row, &inputs, &mask, plan)
    unknowns.removeAll(keepingCapacity: true)
    fields.removeAll(keepingCapacity: true)
    // The same row gives the same draws, whatever batch it comes in.
    var seed: UInt64 = 0xcbf2_9ce4_8422_2325
    for field in 0..<plan.fields {
      let level = unsafe levels[row * plan.fields + field]
      seed = (seed ^ UInt64(level.isNaN ? 0 : level.bitPattern)) &* 0x100_0000_01b3
      guard level.isNaN else { continue }
      fields.append(field)
      unknowns.append(unsafe unknown(levels, row, field, plan))
      for input in stride(from: field, to: plan.width, by: plan.fields) {
        inputs[input] = 0
        mask[input] = 0
      }
    }
    rbm.impute(unknowns, of: inputs, mask: mask, seed: seed, into: &values, space: &space)
    for (k, field) in fields.enumerated() {
      unsafe levels[row * plan.fields + field] = min(max(values[k], -plan.limit), plan.limit)
      filled[index] += 1
    }
  }

  /// How a row's inputs follow from one of its levels, see ``InputPlan``.
  private func unknown(
    _ levels: UnsafeMutableBufferPointer<Float>, _ row: Int, _ field: Int, _ plan: InputPlan
  ) -> UnknownNumber {
    var number = UnknownNumber()
    number.decide(field, offset: 0, slope: 1)
    guard plan.ordered else { return number }
    let fields = plan.fields
    let first = fields + field
    let before = unsafe levels[(row - 1) * fields + field]
    if !before.isNaN {
      number.decide(
        first, offset: -(before + plan.centres[first]) * plan.inverses[first], slope: plan.inverses[first])
    }
    var sum: Float = 0
    var observed: Float = 1
    for back in 1..<plan.window {
      let level = unsafe levels[(row - back) * fields + field]
      if !level.isNaN {
        sum += level
        observed += 1
      }
    }
    if 2 * observed >= Float(plan.window) {
      let second = 2 * fields + field
      number.decide(
        second, offset: (sum / observed - plan.centres[second]) * plan.inverses[second],
        slope: plan.inverses[second] / observed)
    }
    return number
  }
}
