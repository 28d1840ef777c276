/// How a row of a stream becomes the inputs of its models.
///
/// Inputs of an ordered stream, each over all fields: the scaled levels, their differences to the row before, and their
/// means over the last `window` rows; of an unordered one only the levels. Companions of windows see the levels of the last
/// ``span`` rows instead, row after row. Each input has its own robust scale. What is
/// not observed is masked, unless a ``MissingPolicy`` fills it in. The memory is finite: a fault is forgotten `window` rows after its end.
struct InputPlan: Sendable, Equatable {
  let fields: Int
  let window: Int
  let ordered: Bool
  /// Beyond this many spreads an input grows logarithmically.
  let limit: Float
  /// `width` long: of the levels in the fields' own units, of differences and means in scaled levels.
  let centres: [Float]
  let inverses: [Float]

  var width: Int { ordered ? 3 * fields : fields }
  /// Rows of scaled levels that must be remembered between two batches.
  var contextRows: Int { ordered ? max(window, span - 1) : 0 }
  /// Rows that companions of windows see; ``usualSpan(fields:ordered:)``, or twice as many where ``WindowLength`` found that worth it.
  let span: Int
  /// Numbers in such a window.
  var windowWidth: Int { span * fields }

  /// Numbers in a row of what a detector sees.
  func width(of member: Member) -> Int { member.readsWindows ? windowWidth : width }

  /// 16, fewer where these would be more than ``PrincipalAxes/widest`` numbers.
  static func usualSpan(fields: Int, ordered: Bool) -> Int {
    ordered ? max(1, min(16, PrincipalAxes.widest / max(fields, 1))) : 1
  }

  init(fields: Int, window: Int, ordered: Bool, limit: Float, span: Int? = nil, scales: [RobustScale]) {
    precondition(
      scales.count == (ordered ? 3 : 1) * fields,
      "\(scales.count) scales for \(fields) fields, ordered \(ordered)")
    self.fields = fields
    self.window = window
    self.ordered = ordered
    self.limit = limit
    self.span = span ?? Self.usualSpan(fields: fields, ordered: ordered)
    centres = scales.map(\.centre)
    inverses = scales.map { 1 / $0.spread }
  }

  /// Learns the scales from rows (`values` is `rows × fields`, NaN missing; `use` says which rows count).
  init(
    learning values: [Float], fields: Int, use: [Bool], segmentStarts: [Int], span: Int? = nil,
    settings: DetectionSettings
  ) {
    let rows = use.count
    var scales: [RobustScale] = []
    var column: [Float] = []
    for field in 0..<fields {
      column.removeAll(keepingCapacity: true)
      for row in 0..<rows where use[row] && values[row * fields + field].isFinite {
        column.append(values[row * fields + field])
      }
      scales.append(RobustScale(of: column, floor: RobustScale.fieldFloor))
    }
    guard settings.ordered else {
      self.init(
        fields: fields, window: settings.window, ordered: false, limit: settings.squashBeyond, scales: scales)
      return
    }
    // Differences and means are scaled by what they are on the same rows when their own scale is still one.
    let unit = RobustScale(centre: 0, spread: 1)
    let provisional = InputPlan(
      fields: fields, window: settings.window, ordered: true, limit: settings.squashBeyond,
      span: span, scales: scales + Array(repeating: unit, count: 2 * fields))
    let inputs = provisional.inputs(values, rows: rows, segmentStarts: segmentStarts, squashed: false)
    for input in fields..<3 * fields {
      column.removeAll(keepingCapacity: true)
      for row in 0..<rows where use[row] && inputs.mask[row * 3 * fields + input] != 0 {
        column.append(inputs.values[row * 3 * fields + input])
      }
      // Changes below a twentieth of a usual spread are not worth a word.
      scales.append(RobustScale(of: column) { _ in 0.05 })
    }
    self.init(
      fields: fields, window: settings.window, ordered: true, limit: settings.squashBeyond, span: span,
      scales: scales)
  }

  /// All rows at once, for training: `rows × width` inputs and their mask, computed as on the event path.
  ///
  /// - Parameters:
  ///   - withWindows: whether the `rows × windowWidth` windows are wanted too; otherwise they stay empty.
  ///   - filling: what stands in for missing values.
  func inputs(
    _ values: [Float], rows: Int, segmentStarts: [Int], squashed: Bool = true, withWindows: Bool = false,
    filling: Filling = .none
  ) -> (values: [Float], mask: [Float], windows: [Float], missing: Bool) {
    let plan = squashed ? self : InputPlan(self, limit: .greatestFiniteMagnitude)
    var result = [Float](repeating: 0, count: rows * width)
    var mask = [Float](repeating: 1, count: rows * width)
    var windows: [Float] = []
    if withWindows { windows.reserveCapacity(rows * windowWidth) }
    var missing = false
    var buffers = InputBuffers()
    buffers.wantsWindows = withWindows
    buffers.imputation.filling = filling
    var context = [Float](repeating: .nan, count: contextRows * fields)
    let columns = (0..<Int32(fields)).map { $0 }
    let starts = Set(segmentStarts)
    var row = 0
    while row < rows {
      if starts.contains(row) { for index in context.indices { context[index] = .nan } }
      var end = min(row + DetectorWorkspace.batchRows, rows)
      if !starts.isEmpty, let cut = (row + 1..<end).first(where: starts.contains) { end = cut }
      let count = end - row
      // Levels always squash at the plan's own limit, so that differences mean the same in both cases.
      let masked = buffers.build(
        plan: plan, levelLimit: limit, rows: values, from: row, width: fields, columns: columns, count: count,
        context: &context)
      result.replaceSubrange(row * width..<end * width, with: buffers.inputs[0..<count * width])
      if withWindows { windows.append(contentsOf: buffers.windows[0..<count * windowWidth]) }
      if masked {
        mask.replaceSubrange(row * width..<end * width, with: buffers.mask[0..<count * width])
        missing = true
      }
      row = end
    }
    return (result, mask, windows, missing)
  }

  init(
    fields: Int, window: Int, ordered: Bool, limit: Float, span: Int, centres: [Float], inverses: [Float]
  ) {
    self.fields = fields
    self.window = window
    self.ordered = ordered
    self.limit = limit
    self.span = span
    self.centres = centres
    self.inverses = inverses
  }

  private init(_ plan: InputPlan, limit: Float) {
    self.init(
      fields: plan.fields, window: plan.window, ordered: plan.ordered, limit: limit, span: plan.span,
      centres: plan.centres, inverses: plan.inverses)
  }

  /// A scaled level in the field's own unit.
  func value(ofLevel level: Float, field: Int) -> Float {
    unsquash(level, limit: limit) / inverses[field] + centres[field]
  }
}
