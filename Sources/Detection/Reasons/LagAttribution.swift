import Generative

/// When, among the last rows, the field that stands out did so: each of its last levels in turn is put where the models
/// expect it, given all else in that row, and the newest row is scored again with that.
struct LagAttribution {
  /// Rows back from the newest, that is 0, to the fall of −ln p; as many as there are rows in a window, none without windows.
  private(set) var parts: [Float] = []

  /// Rows back to the level that explains most; nil when that is the newest one, or none does.
  var lag: Int? {
    guard let most = parts.indices.max(by: { (parts[$0], -$0) < (parts[$1], -$1) }), most > 0, parts[most] > 0
    else { return nil }
    return most
  }

  init(
    of contents: StreamModel.Contents, inputs: [Float], windows: [Float], mask: [Float]?, time: Double,
    field: Int
  ) {
    let plan = contents.plan
    guard plan.ordered, windows.count == plan.windowWidth, plan.span > 1 else { return }
    var rows = inputs
    var changed = windows
    for back in 0..<plan.span {
      let at = (plan.span - 1 - back) * plan.fields + field
      let expected = Self.expected(contents, inputs, windows, mask, field, back: back)
      var row = inputs
      var window = windows
      window[at] = expected
      Self.move(&row, by: expected - windows[at], plan, field, back: back)
      rows.append(contentsOf: row)
      changed.append(contentsOf: window)
    }
    let count = plan.span + 1
    let masks = mask.map { mask in (0..<count).flatMap { _ in mask } }
    let figures = contents.figures(of: rows, windows: changed, mask: masks, time: time, rows: count)
    parts = figures.dropFirst().map { max(0, figures[0] - $0) }
  }

  /// The level of a field so many rows back that the models expect, who do not see it.
  private static func expected(
    _ contents: StreamModel.Contents, _ inputs: [Float], _ windows: [Float], _ mask: [Float]?, _ field: Int,
    back: Int
  ) -> Float {
    let plan = contents.plan
    let fields = plan.fields
    let models = contents.members.compactMap(\.model).filter { $0.width == plan.width }
    if models.isEmpty { return 0 }
    var row = inputs
    var seen = mask ?? Array(repeating: 1, count: plan.width)
    if back > 0 {
      // Of the row of that time the levels and changes are known; of the means not.
      let now = (plan.span - 1 - back) * fields
      for other in 0..<fields {
        row[other] = windows[now + other]
        seen[other] = 1
        let input = fields + other
        let isKnown = back + 1 < plan.span
        row[input] =
          isKnown
          ? squash(
            (windows[now + other] - windows[now - fields + other] - plan.centres[input])
              * plan.inverses[input], limit: plan.limit) : 0
        seen[input] = isKnown ? 1 : 0
        row[2 * fields + other] = 0
        seen[2 * fields + other] = 0
      }
    }
    for input in stride(from: field, to: plan.width, by: fields) {
      row[input] = 0
      seen[input] = 0
    }
    return models.reduce(0) { $0 + $1.expectation(of: row, mask: seen).expected[field] } / Float(models.count)
  }

  /// What a level that was otherwise makes of the newest row's level, change and mean.
  private static func move(
    _ row: inout [Float], by difference: Float, _ plan: InputPlan, _ field: Int, back: Int
  ) {
    let fields = plan.fields
    func add(_ amount: Float, _ input: Int) {
      let full = unsquash(row[input], limit: plan.limit) + amount * plan.inverses[input]
      row[input] = squash(full, limit: plan.limit)
    }
    if back == 0 { row[field] += difference }
    if back <= 1 { add(back == 0 ? difference : -difference, fields + field) }
    if back < plan.window { add(difference / Float(plan.window), 2 * fields + field) }
  }
}
