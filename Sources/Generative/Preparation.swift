import Networks
import Tensors

/// Turns rows as they were given into rows as a network wants them, and back.
struct Preparation: Sendable, Equatable {
  enum Kind: String, Sendable {
    /// Nothing to do.
    case asGiven
    /// `(x - shift) · scale`, bounded.
    case standardised
    /// `(x - shift) · scale`, kept within 0 and 1.
    case squashed
    /// Each number as bits: whether it lies above each of a column's thresholds.
    case thermometer
  }

  let kind: Kind
  /// Of the rows as they were given, and as they are prepared.
  let given: RowForm
  let form: RowForm
  /// Per column, for standardised and squashed rows.
  let shift: [Float]
  let scale: [Float]
  /// Per column and threshold, ascending.
  let thresholds: [Float]
  /// Per prepared column, what stands for a missing entry.
  let usual: [Float]

  /// Beyond this many deviations a network sees all numbers as the same; what is beyond is added to its score.
  static let bound: Float = 12
  /// Shares of the rows below a threshold; one more threshold lies beyond each end of what was seen.
  static let shares: [Double] = [0.01, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 0.99]
  static var bits: Int { shares.count + 2 }

  init(
    kind: Kind, given: RowForm, form: RowForm, shift: [Float] = [], scale: [Float] = [],
    thresholds: [Float] = [], usual: [Float]
  ) {
    self.kind = kind
    self.given = given
    self.form = form
    self.shift = shift
    self.scale = scale
    self.thresholds = thresholds
    self.usual = usual
  }

  /// What rows of this kind need so that a network gets the support it wants.
  init(_ records: Records, wanted: Support) {
    let data = records.matrix
    let given = records.form
    var form = given
    form.support = wanted
    switch (given.support, wanted) {
    case (.binary, .binary), (.unit, .binary), (.binary, .unit), (.unit, .unit):
      self.init(kind: .asGiven, given: given, form: form, usual: data.moments(floor: 0).mean)
    case (_, .real):
      let moments = data.moments(floor: 0)
      // A column that never changed gets a scale by which a change of its own size is large.
      let scale = zip(moments.mean, moments.deviation).map { mean, deviation in
        1 / max(deviation, 1e-3 * max(abs(mean), 1e-3))
      }
      self.init(
        kind: .standardised, given: given, form: form, shift: moments.mean, scale: scale,
        usual: [Float](repeating: 0, count: data.columns))
    case (.real, .unit):
      let quantiles = ColumnSummary(data)
      let low = (0..<data.columns).map { quantiles.value($0, 0) }
      let scale = (0..<data.columns).map { 1 / max(quantiles.value($0, 1) - low[$0], 1e-6) }
      let bare = Preparation(
        kind: .squashed, given: given, form: form, shift: low, scale: scale, usual: low)
      self = bare.withUsual(of: data)
    case (.real, .binary):
      let quantiles = ColumnSummary(data)
      var thresholds: [Float] = []
      for column in 0..<data.columns {
        let (low, high) = (quantiles.value(column, 0), quantiles.value(column, 1))
        let margin = max(0.25 * (high - low), 1e-3 * max(abs(high), abs(low), 1e-3))
        thresholds.append(low - margin)
        thresholds += Self.shares.map { quantiles.value(column, $0) }
        thresholds.append(high + margin)
      }
      form.shape = given.shape.count == 2 ? [given.shape[0], given.shape[1] * Self.bits] : [thresholds.count]
      let bare = Preparation(
        kind: .thermometer, given: given, form: form, thresholds: thresholds,
        usual: [Float](repeating: 0.5, count: thresholds.count))
      self = bare.withUsual(of: data)
    }
  }

  /// The same with the means of the prepared training rows for what is missing.
  private func withUsual(of data: DataMatrix) -> Preparation {
    let part = DataMatrix(
      rows: min(data.rows, 4096), columns: data.columns,
      values: Array(data.values.prefix(4096 * data.columns)),
      mask: data.mask.map { Array($0.prefix(4096 * data.columns)) })
    let prepared = callAsFunction(part)
    var sums = [Double](repeating: 0, count: form.width)
    for i in prepared.indices { sums[i % form.width] += Double(prepared[i]) }
    return Preparation(
      kind: kind, given: given, form: form, shift: shift, scale: scale, thresholds: thresholds,
      usual: sums.map { Float($0 / Double(part.rows)) })
  }

  // MARK: there

  func callAsFunction(_ data: DataMatrix) -> [Float] {
    precondition(data.columns == given.width, "\(data.columns) columns, not \(given.width)")
    var prepared = [Float](repeating: 0, count: data.rows * form.width)
    prepare(data.values, mask: data.mask, rows: 0..<data.rows, into: &prepared)
    return prepared
  }

  /// The mask of prepared rows: 1 where the number was observed; nil when nothing is missing.
  func mask(_ data: DataMatrix) -> [Float]? {
    guard let mask = data.mask, mask.contains(0) else { return nil }
    guard kind == .thermometer else { return mask }
    return mask.flatMap { [Float](repeating: $0, count: Self.bits) }
  }

  /// Prepares some rows into the begin of a space that is wide enough; no allocation.
  func prepare(_ values: [Float], mask: [Float]?, rows: Range<Int>, into prepared: inout [Float]) {
    let columns = given.width
    let bits = kind == .thermometer ? Self.bits : 1
    for row in rows {
      let from = row * columns
      let to = (row - rows.lowerBound) * form.width
      for column in 0..<columns {
        if let mask, mask[from + column] == 0 {
          for bit in column * bits..<(column + 1) * bits { prepared[to + bit] = usual[bit] }
          continue
        }
        let value = values[from + column]
        switch kind {
        case .asGiven: prepared[to + column] = value
        case .standardised:
          prepared[to + column] = max(-Self.bound, min(Self.bound, (value - shift[column]) * scale[column]))
        case .squashed: prepared[to + column] = max(0, min(1, (value - shift[column]) * scale[column]))
        case .thermometer:
          for bit in column * bits..<(column + 1) * bits {
            prepared[to + bit] = value > thresholds[bit] ? 1 : 0
          }
        }
      }
    }
  }

  /// How far a row lies outside of what the network is shown, in deviations beyond the bound, summed over its columns.
  func excess(_ values: [Float], mask: [Float]?, row: Int) -> Float {
    guard kind != .asGiven else { return 0 }
    let columns = given.width
    var sum: Float = 0
    for column in 0..<columns where mask?[row * columns + column] != 0 {
      let value = values[row * columns + column]
      let beyond: Float
      switch kind {
      case .asGiven: beyond = 0
      case .standardised: beyond = abs((value - shift[column]) * scale[column]) - Self.bound
      case .squashed:
        let z = (value - shift[column]) * scale[column]
        // Between the quantiles that are 0 and 1 lie about five deviations.
        beyond = 5 * max(z - 1, -z)
      case .thermometer:
        // Between the outermost thresholds lie about nine deviations.
        let (low, high) = (thresholds[column * Self.bits], thresholds[(column + 1) * Self.bits - 1])
        beyond = 9 * max(value - high, low - value) / (high - low)
      }
      sum += max(0, min(beyond, 1e6))
    }
    return sum
  }

  /// `Σ log scale`: what the log density of a prepared row lacks to be one of the row as it was given.
  var logVolume: Double {
    kind == .standardised || kind == .squashed
      ? scale.reduce(0) { $0 + Double(VectorMath.log([$1])[0]) } : 0
  }

  // MARK: and back

  /// Rows as they would have been given.
  func restored(_ prepared: [Float]) -> [Float] {
    let width = form.width
    let columns = given.width
    switch kind {
    case .asGiven: return prepared
    case .standardised, .squashed:
      return prepared.indices.map { prepared[$0] / scale[$0 % width] + shift[$0 % width] }
    case .thermometer:
      let bits = Self.bits
      return (0..<prepared.count / bits).map { place in
        let column = place % columns
        // As many thresholds as there are bits set lie below; soft bits (probabilities) count in part.
        let level = prepared[place * bits..<(place + 1) * bits].reduce(0, +)
        // The outermost thresholds lie beyond what was seen and stand for their neighbours.
        let inner = thresholds[column * bits + 1..<(column + 1) * bits - 1]
        let at = max(0, min(Float(inner.count - 1), level - 1.5))
        let below = min(Int(at), inner.count - 2)
        let low = inner[inner.startIndex + below]
        return low + (inner[inner.startIndex + below + 1] - low) * (at - Float(below))
      }
    }
  }
}

// MARK: bytes

extension Preparation {
  var tensors: [String: Tensor] {
    var tensors = ["preparation.usual": Tensor(usual, shape: [usual.count])]
    for (name, values) in [("shift", shift), ("scale", scale), ("thresholds", thresholds)]
    where !values.isEmpty {
      tensors["preparation.\(name)"] = Tensor(values, shape: [values.count])
    }
    return tensors
  }

  init(_ weights: Weights, given: RowForm, form: RowForm) throws(WeightsError) {
    let word = try weights.text("preparation")
    guard let kind = Kind(rawValue: word) else {
      throw .wrongValue("there is no preparation \(word)")
    }
    let columns = given.width
    let wide = kind == .thermometer ? columns * Self.bits : columns
    guard form.width == wide else { throw .wrongValue("rows of \(columns) prepared as \(form.shape)") }
    func values(_ name: String, if needed: Bool, count: Int) throws(WeightsError) -> [Float] {
      needed ? try weights.tensor("preparation.\(name)", shape: [count]).values : []
    }
    let scales = kind == .standardised || kind == .squashed
    self.init(
      kind: kind, given: given, form: form, shift: try values("shift", if: scales, count: columns),
      scale: try values("scale", if: scales, count: columns),
      thresholds: try values("thresholds", if: kind == .thermometer, count: wide),
      usual: try values("usual", if: true, count: wide))
    guard scale.allSatisfy({ $0 > 0 }) else { throw .wrongValue("a scale is not above 0") }
  }
}

/// Quantiles of each column of the rows that were learned from: what values are usual there.
struct ColumnSummary: Sendable, Equatable {
  static let places = 17
  let columns: Int
  /// `columns × places`, ascending within a column: the quantiles at 0, 1/16, …, 1, of which the first and last leave out a
  /// two-hundredth of the rows.
  let grid: [Float]

  init(columns: Int, grid: [Float]) {
    self.columns = columns
    self.grid = grid
  }

  /// Of at most 4,096 rows from all over the data.
  init(_ data: DataMatrix) {
    columns = data.columns
    let stride = max(1, data.rows / 4096)
    var grid: [Float] = []
    for column in 0..<data.columns {
      var values: [Float] = []
      for row in Swift.stride(from: 0, to: data.rows, by: stride) {
        let i = row * data.columns + column
        if data.mask?[i] != 0 { values.append(data.values[i]) }
      }
      values.sort()
      for place in 0..<Self.places {
        guard let last = values.indices.last else {
          grid.append(0)
          continue
        }
        let share = min(max(Double(place) / Double(Self.places - 1), 0.005), 0.995)
        grid.append(values[Int((share * Double(last)).rounded())])
      }
    }
    self.grid = grid
  }

  /// The quantile of a column at a share of the rows, between the kept ones on a line.
  func value(_ column: Int, _ share: Double) -> Float {
    let at = share * Double(Self.places - 1)
    let low = min(Int(at), Self.places - 2)
    let a = grid[column * Self.places + low]
    return a + (grid[column * Self.places + low + 1] - a) * Float(at - Double(low))
  }
}
