import Gradients
import Networks
public import Tensors

/// A trained network of the suite: the design's layers with their weights, and the way from rows as they are given to rows as the
/// network wants them. An immutable value.
public struct NetworkModel<Design: NetworkDesign>: FormKeeping, TrainingCurveKeeping {
  public static var catalogueName: String { Design.name }
  public var scoreUnit: ScoreUnit { Design.scoreUnit }
  public var width: Int { preparation.given.width }
  /// How rows are read that it was fitted to.
  public var form: RowForm { preparation.given }
  public var seenForm: RowForm { preparation.form }
  public let curve: [CurvePoint]
  /// What was chosen when it was fitted.
  public let settings: Design.Settings
  public let training: TrainingSettings

  let design: Design
  let parameters: Parameters
  let preparation: Preparation
  let columns: ColumnSummary
  private let identity = ModelIdentity()
  /// Of the network that sees only how strange the end of a row is, see ``SequenceModel``.
  let endIdentity = ModelIdentity()

  /// Rows that one run of the network takes.
  static var microBatch: Int { 64 }

  init(
    _ design: Design, _ parameters: Parameters, settings: Design.Settings, training: TrainingSettings,
    preparation: Preparation, columns: ColumnSummary, curve: [CurvePoint]
  ) {
    self.design = design
    self.parameters = parameters
    self.settings = settings
    self.training = training
    self.preparation = preparation
    self.columns = columns
    self.curve = curve
  }

  /// Names, shapes and numbers of the parameters.
  public var weights: [(name: String, tensor: Tensor)] {
    parameters.entries.map { ($0.name, parameters[$0.slot]) }
  }
}

// MARK: the event path

extension NetworkModel {
  public func score(
    _ inputs: [Float], mask: [Float]?, rows: Int, into raw: inout [Float], scratch: inout Scratch
  ) {
    score(inputs, mask: mask, rows: rows, into: &raw, scratch: &scratch, identity, strangenessPlan)
  }

  /// With a network of its own, whose result is one number a row.
  func score(
    _ inputs: [Float], mask: [Float]?, rows: Int, into raw: inout [Float], scratch: inout Scratch,
    _ identity: ModelIdentity, _ network: () -> NetworkPlan
  ) {
    let most = Self.microBatch
    let wide = preparation.form.width
    scratch.plans.use(identity, space: most * wide, make: network) { plan, space in
      for start in stride(from: 0, to: rows, by: most) {
        let count = min(most, rows - start)
        preparation.prepare(inputs, mask: mask, rows: start..<start + count, into: &space)
        // Two sizes only, so that few runs are kept ready; what is beyond the rows is whatever was there before.
        let padded = count == 1 ? 1 : count <= 8 ? 8 : most
        let result = plan.run(space, rows: Self.indices[..<padded])
        result.copy(count, into: &raw, at: start)
        for row in start..<start + count {
          // Wherever the network was not shown how far a row lies out, and should a weight be so large that it overflows.
          let finite = raw[row].isFinite ? max(-1e30, min(1e30, raw[row])) : 1e30
          raw[row] = finite + preparation.excess(inputs, mask: mask, row: row)
        }
      }
    }
  }

  private static var indices: [Int] { rowIndices }

  /// The score of prepared rows. A design that wants classes is asked for each, and the best one counts.
  private func strangenessPlan() -> NetworkPlan {
    let classes = Design.isConditional ? form.classes : 0
    return plan(row: Shape([preparation.form.width])) { x in
      guard classes > 0 else { return design.strangeness(Rows(x)) }
      let each = (0..<classes).map { label -> Variable in
        let labels = x.tape.input(Tensor(repeating: Float(label), shape: [x.shape[0]]))
        return design.strangeness(Rows(x, labels: labels)).inserting(1)
      }
      return -(concatenate(each.map { -$0 }, axis: -1).max(-1))
    }
  }

  func plan(row: Shape, _ network: @escaping (Variable) -> Variable) -> NetworkPlan {
    NetworkPlan(ParameterBuffer(parameters), row: row, network: network)
  }
}

private let rowIndices = Array(0..<64)

// MARK: what lies behind a score

extension NetworkModel {
  public func sample(count: Int, seed: UInt64) -> [Float] {
    var labels: [Int]?
    if Design.isConditional, form.classes > 0 {
      var random = RandomStream(seed: seed, stream: Purpose.sampling.stream(1))
      labels = (0..<count).map { _ in random.below(form.classes) }
    }
    return sample(SampleRequest(count: count, seed: seed, labels: labels))
  }

  func sample(_ request: SampleRequest) -> [Float] {
    preparation.restored(design.sample(request, ParameterBuffer(parameters)))
  }

  public func expectation(of input: [Float], mask: [Float]?) -> Expectation {
    expectation(of: input, mask: mask, columns: columns)
  }
}

extension TrainedModel {
  /// What would have been usual in each place given the rest, found by trying values.
  ///
  /// The usual values of a column (its quantiles) take the place of what is there; each is believed by how usual the row is
  /// with it, `w ∝ exp(-score)` in units of the range of scores that it makes. The strangest place is mended first, so that
  /// it does not speak for the others.
  func expectation(of input: [Float], mask: [Float]?, columns: ColumnSummary) -> Expectation {
    precondition(input.count == width, "\(input.count) inputs for a model of \(width)")
    var scratch = Scratch()
    var row = input
    var rowMask = mask
    func tried(_ places: [Int]) -> [(value: Float, spread: Float, gain: Float)] {
      let grid = ColumnSummary.places
      var rows: [Float] = []
      var masks: [Float] = []
      for place in places {
        for value in 0...grid {
          var changed = row
          if value < grid { changed[place] = columns.grid[place * grid + value] }
          rows += changed
          if var rowMask {
            if value < grid { rowMask[place] = 1 }
            masks += rowMask
          }
        }
      }
      var scores = [Float](repeating: 0, count: places.count * (grid + 1))
      score(rows, mask: mask == nil ? nil : masks, rows: scores.count, into: &scores, scratch: &scratch)
      return places.enumerated().map { i, place in
        let of = scores[i * (grid + 1)..<(i + 1) * (grid + 1)]
        let candidates = Array(of.dropLast())
        let least = candidates.min() ?? 0
        let unit = scoreUnit == .nats ? 1 : max(least, 1e-6) / Float(2)
        let weights = VectorMath.exp(candidates.map { max(-60, (least - $0) / unit) })
        let total = weights.reduce(0, +)
        let values = columns.grid[place * grid..<(place + 1) * grid]
        let mean = zip(weights, values).reduce(0) { $0 + $1.0 * $1.1 } / total
        let variance =
          zip(weights, values).reduce(0) { $0 + $1.0 * ($1.1 - mean) * ($1.1 - mean) } / total
        let now = of[of.startIndex + grid]
        return (mean, variance.squareRoot(), rowMask?[place] == 0 ? 0 : max(0, min(now - least, 1e30)))
      }
    }
    let all = Array(0..<width)
    var first = tried(all)
    var gains = first.map(\.gain)
    // The worst places one after the other, as long as they stand out.
    var mended: Set<Int> = []
    for _ in 0..<min(3, width / 2) {
      guard let worst = all.filter({ !mended.contains($0) }).max(by: { gains[$0] < gains[$1] }),
        gains[worst] > 4 * max(1e-6, gains.reduce(0, +) / Float(2 * width))
      else { break }
      mended.insert(worst)
      let kept = (gains[worst], first[worst])
      row[worst] = first[worst].value
      rowMask?[worst] = 1
      first = tried(all)
      for place in all where !mended.contains(place) { gains[place] = min(gains[place], first[place].gain) }
      gains[worst] = kept.0
      first[worst] = kept.1
    }
    return Expectation(
      expected: first.map(\.value),
      spread: all.map { place in
        let usual = columns.value(place, 0.84) - columns.value(place, 0.16)
        return max(first[place].spread, 0.05 * usual, 1e-6)
      }, contribution: gains)
  }
}

// MARK: bytes

extension NetworkModel {
  public func encode() -> [UInt8] {
    var tensors = preparation.tensors
    for entry in parameters.entries { tensors["network.\(entry.name)"] = parameters[entry.slot] }
    tensors["columns"] = Tensor(columns.grid, shape: [columns.columns, ColumnSummary.places])
    return Weights(
      tensors,
      metadata: [
        "model": Design.name, "preparation": preparation.kind.rawValue,
        "description": ModelDescription(
          settings: settings, training: training, given: preparation.given, form: preparation.form,
          curve: curve
        ).text,
      ]
    ).encode()
  }

  public init(decoding bytes: [UInt8]) throws {
    let weights = try Weights(decoding: bytes)
    try weights.check(model: Design.name)
    let description = try ModelDescription<Design.Settings>(try weights.text("description"))
    let preparation = try Preparation(weights, given: description.given, form: description.form)
    var scope = ParameterScope(seed: 0)
    let design: Design
    do {
      try description.settings.check()
      design = try Design(description.settings, form: description.form, in: &scope)
    } catch {
      throw WeightsError.wrongValue("\(error)")
    }
    var parameters = scope.parameters
    for entry in parameters.entries {
      parameters[entry.slot] = try weights.tensor("network.\(entry.name)", shape: entry.slot.shape.map { $0 })
    }
    let width = description.given.width
    let grid = try weights.tensor("columns", shape: [width, ColumnSummary.places]).values
    self.init(
      design, parameters, settings: description.settings, training: description.training,
      preparation: preparation, columns: ColumnSummary(columns: width, grid: grid), curve: description.curve)
  }
}
