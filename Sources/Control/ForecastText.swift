/// A forecast for a person to read.
extension ForecastReport {
  /// Lines at most in the table of one field's steps.
  private static let mostLines = 12

  public func text(_ style: TextStyle) -> String {
    let one = fields.count == 1 ? fields[0] : nil
    return (one.map { steps(of: $0, style) } ?? overview(style)) + footing
  }

  /// A line per field: where it is at the horizon.
  private func overview(_ style: TextStyle) -> String {
    let ahead = fields.first?.points.count ?? 0
    var table = TextTable([
      .init("field"), .init("now", .right), .init("in \(Self.ahead(ahead, interval))", .right),
      .init("between", .right), .init("by"), .init("mean error", .right), .init("of last value", .right),
      .init("of trend", .right),
      .init("of seasonal", .right), .init("covered", .right),
    ])
    for field in fields {
      guard let last = field.points.last else { continue }
      table.append([
        .init(field.name, .strong), .init(Readable.number(field.now)), .init(Readable.number(last.value)),
        .init("\(Readable.number(last.low)) … \(Readable.number(last.high))"), .init(field.method),
        .init(Readable.number(field.errors[field.method])),
        .init(Readable.number(field.errors["last value"])), .init(Readable.number(field.errors["trend"])),
        .init(Readable.number(field.errors["seasonal"])),
        .init(field.covered.map { Readable.share($0) } ?? "–"),
      ])
    }
    return table.rendered(style)
  }

  /// A line per step, some left out.
  private func steps(of field: Field, _ style: TextStyle) -> String {
    var table = TextTable([
      .init("at"), .init("ahead", .right), .init("\(field.name)", .right), .init("low", .right),
      .init("high", .right),
    ])
    let count = field.points.count
    let lines = min(Self.mostLines, count)
    for line in 1...max(lines, 1) where count > 0 {
      let step = line * count / lines
      let point = field.points[step - 1]
      table.append([
        .init(Readable.moment(point.ts), .strong), .init(Self.ahead(step, interval)),
        .init(Readable.number(point.value)), .init(Readable.number(point.low)),
        .init(Readable.number(point.high)),
      ])
    }
    var text = table.rendered(style)
    text += "now \(Readable.number(field.now)); by \(field.method.printable)"
    if field.method != model && lacking == nil { text += ", since \(model.printable) was no better" }
    let others = field.errors.sorted { $0.value < $1.value }.map {
      "\($0.key.printable) \(Readable.number($0.value))"
    }
    text += "; mean error on rows held out: \(others.joined(separator: ", "))"
    if let covered = field.covered { text += "; intervals held \(Readable.share(covered)) of them" }
    if let period = field.period { text += "; comes round every \(Readable.span(seconds: period))" }
    text += "\n"
    if let limit = field.limit { text += reaching(limit) }
    return text
  }

  private func reaching(_ limit: Limit) -> String {
    func when(_ ts: Double?) -> String {
      ts.map { "\(Readable.moment($0)) (in \(Readable.span(seconds: $0 - from)))" } ?? "not up to the horizon"
    }
    return
      "reaches \(Readable.number(limit.value)): \(when(limit.expected)); earliest \(when(limit.earliest)), "
      + "latest \(when(limit.latest))\n"
  }

  private var footing: String {
    "after \(Readable.moment(from)), from \(Readable.count(rows)) rows of \(stream.printable); intervals are meant to hold "
      + "\(Readable.share(coverage)) of the values at each step\n"
      + (lacking.map { "without \(model.printable): \($0.printable)\n" } ?? "")
  }

  private static func ahead(_ steps: Int, _ interval: Double) -> String {
    interval > 0 ? Readable.span(seconds: Double(steps) * interval) : "\(steps) rows"
  }
}
