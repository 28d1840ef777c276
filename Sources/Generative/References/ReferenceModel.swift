import Foundation
import Networks
import Tensors

/// What a reference keeps besides its own numbers.
struct ReferenceFrame<Settings: ModelSettings>: Sendable {
  let settings: Settings
  let preparation: Preparation
  let columns: ColumnSummary
  /// Per column, the log of the scale that rows were prepared with; 0 where they were not scaled.
  let logScales: [Double]
  let curve: [CurvePoint]

  init(
    _ settings: Settings, _ preparation: Preparation, _ columns: ColumnSummary, curve: [CurvePoint] = []
  ) {
    self.settings = settings
    self.preparation = preparation
    self.columns = columns
    self.curve = curve
    let isScaled = preparation.kind == .standardised || preparation.kind == .squashed
    logScales =
      isScaled
      ? preparation.scale.map { log(Double($0)) } : [Double](repeating: 0, count: preparation.given.width)
  }

  func encode(_ own: [String: Tensor], as name: String) -> [UInt8] {
    var tensors = preparation.tensors.merging(own) { $1 }
    tensors["columns"] = Tensor(columns.grid, shape: [columns.columns, ColumnSummary.places])
    let description = ModelDescription(
      settings: settings, training: TrainingSettings(), given: preparation.given, form: preparation.form,
      curve: curve)
    return Weights(
      tensors,
      metadata: [
        "model": name, "preparation": preparation.kind.rawValue, "description": description.text,
      ]
    ).encode()
  }

  init(_ weights: Weights, as name: String) throws(WeightsError) {
    try weights.check(model: name)
    let description = try ModelDescription<Settings>(try weights.text("description"))
    do {
      try description.settings.check()
    } catch {
      throw .wrongValue("\(error)")
    }
    let width = description.given.width
    self.init(
      description.settings,
      try Preparation(weights, given: description.given, form: description.form),
      ColumnSummary(
        columns: width, grid: try weights.tensor("columns", shape: [width, ColumnSummary.places]).values),
      curve: description.curve)
  }
}

/// A member of the control group: a density of prepared rows in closed form, exact, with missing entries summed or integrated out.
protocol ReferenceModel: LikelihoodModel, FormKeeping {
  associatedtype Settings: ModelSettings
  var frame: ReferenceFrame<Settings> { get }

  /// Makes room for ``logDensities(_:count:missing:)``; nothing grows after that.
  func reserve(_ space: inout WorkingSpace)

  /// Puts `log p` of the first `count` prepared rows in `space.rows` into `space.results`.
  ///
  /// - Parameter missing: which entries of the rows as they were given are missing; nil for none.
  func logDensities(_ space: inout WorkingSpace, count: Int, missing: MissingEntries?)
}

extension ReferenceModel {
  public var form: RowForm { frame.preparation.given }
  public var seenForm: RowForm { frame.preparation.form }
}

/// Which entries of some rows are missing.
struct MissingEntries {
  let mask: [Float]
  let first: Int
  let columns: Int
  /// Prepared numbers for each that was given.
  let bits: Int

  init?(_ mask: [Float]?, first: Int, _ preparation: Preparation) {
    guard let mask else { return nil }
    self.mask = mask
    self.first = first
    columns = preparation.given.width
    bits = preparation.form.width / preparation.given.width
  }

  /// One row of which each prepared place has its own mark, 0 where it is missing.
  init(marks: [Float]) {
    mask = marks
    first = 0
    columns = marks.count
    bits = 1
  }

  private init(_ other: MissingEntries, movedBy rows: Int) {
    mask = other.mask
    first = other.first + rows
    columns = other.columns
    bits = other.bits
  }

  /// The same with another first row.
  func moved(by rows: Int) -> MissingEntries { MissingEntries(self, movedBy: rows) }

  /// Of a prepared row.
  func isMissing(_ row: Int, _ place: Int) -> Bool { mask[(first + row) * columns + place / bits] == 0 }

  func isAny(in row: Int) -> Bool {
    for i in (first + row) * columns..<(first + row + 1) * columns where mask[i] == 0 { return true }
    return false
  }
}

extension ReferenceModel {
  public var likelihoodKind: LikelihoodKind { .exact }
  public var scoreUnit: ScoreUnit { .nats }
  public var width: Int { preparation.given.width }
  var preparation: Preparation { frame.preparation }
  /// Numbers in a prepared row.
  var wide: Int { preparation.form.width }

  /// Rows that are worked on together.
  static var most: Int { 64 }

  /// The negative log-likelihood of the prepared row, and how far the row lies outside of what is prepared.
  public func score(
    _ inputs: [Float], mask: [Float]?, rows: Int, into raw: inout [Float], scratch: inout Scratch
  ) {
    each(inputs, mask, rows, &scratch.space) { row, density in
      let finite = density.isFinite ? max(-1e30, min(1e30, Float(-density))) : 1e30
      raw[row] = finite + preparation.excess(inputs, mask: mask, row: row)
    }
  }

  public func logLikelihoods(_ rows: Records, samples: Int, seed: UInt64) -> [Double] {
    let mask = rows.matrix.mask
    var results = [Double](repeating: 0, count: rows.count)
    var space = WorkingSpace()
    let volume = frame.logScales.reduce(0, +)
    each(rows.matrix.values, mask, rows.count, &space) { row, density in
      results[row] = density + volume
      guard let mask else { return }
      for column in 0..<width where mask[row * width + column] == 0 {
        results[row] -= frame.logScales[column]
      }
    }
    return results
  }

  private func each(
    _ values: [Float], _ mask: [Float]?, _ rows: Int, _ space: inout WorkingSpace,
    _ body: (_ row: Int, _ density: Double) -> Void
  ) {
    space.grow(rows: Self.most * wide, results: Self.most)
    reserve(&space)
    for start in stride(from: 0, to: rows, by: Self.most) {
      let count = min(Self.most, rows - start)
      preparation.prepare(values, mask: mask, rows: start..<start + count, into: &space.rows)
      logDensities(&space, count: count, missing: MissingEntries(mask, first: start, preparation))
      for row in 0..<count { body(start + row, space.results[row]) }
    }
  }

  public func expectation(of input: [Float], mask: [Float]?) -> Expectation {
    expectation(of: input, mask: mask, columns: frame.columns)
  }
}

/// `log Σ e^x` of a part of an array.
func logSumExp(_ x: [Double], _ part: Range<Int>) -> Double {
  var top = -Double.infinity
  for i in part { top = max(top, x[i]) }
  guard top.isFinite else { return top }
  var sum = 0.0
  for i in part { sum += exp(x[i] - top) }
  return top + log(sum)
}

/// Turns numbers between 0 and 1 into bits, each a draw with that probability; bits stay as they are.
func drawnBits(_ values: [Float], seed: UInt64) -> [Float] {
  guard values.contains(where: { $0 != 0 && $0 != 1 }) else { return values }
  var random = RandomStream(seed: seed, stream: Purpose.noise.stream(0))
  let uniforms = random.uniforms(values.count)
  return zip(values, uniforms).map { $1 < $0 ? 1 : 0 }
}
