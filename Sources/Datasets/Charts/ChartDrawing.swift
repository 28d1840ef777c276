/// The SVG of a chart, piece by piece.
enum ChartDrawing {
  /// Told apart by people who see few colours (Okabe and Ito 2008), brighter on a dark ground.
  private static let colours = [
    ("#0072b2", "#56b4e9"), ("#d55e00", "#ff8c42"), ("#009e73", "#3ddbb0"), ("#b3589a", "#e08fc8"),
    ("#a07900", "#f0c93a"), ("#4d4d4d", "#c8c8c8"), ("#5b4fc4", "#a79cff"), ("#a63a3a", "#ff8f8f"),
  ]
  /// More than these are not told apart on the width of a picture.
  private static let mostPoints = 2400

  static func head(_ title: String, width: Double, height: Double) -> String {
    var style = """
      text{fill:#444;font:12px system-ui,sans-serif}.title{fill:#111;font-size:15px}\
      .ground{fill:#fff}.grid{stroke:#e3e5e8;fill:none}.line{fill:none;stroke-width:1.6;stroke-linejoin:round}\
      .dots{fill:none;stroke-width:3.2;stroke-linecap:round;stroke-opacity:.55}
      """
    for (index, colour) in colours.enumerated() { style += ".s\(index){stroke:\(colour.0)}" }
    style +=
      "@media(prefers-color-scheme:dark){text{fill:#b9bec5}.title{fill:#f2f3f5}.ground{fill:#15181c}.grid{stroke:#2b3036}"
    for (index, colour) in colours.enumerated() { style += ".s\(index){stroke:\(colour.1)}" }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(n(width))" height="\(n(height))" \
      viewBox="0 0 \(n(width)) \(n(height))" role="img">
      <title>\(escaped(title))</title>
      <style>\(style)}</style>
      <rect class="ground" width="100%" height="100%"/>
      <text class="title" x="20" y="26">\(escaped(title))</text>

      """
  }

  static func series(_ series: Chart.Series, _ index: Int, _ frame: ChartFrame) -> String {
    let places = thinned(zip(series.x, series.y).map { frame.place($0, $1) }, series.style)
    var path = ""
    var isOpen = false
    for place in places {
      guard let place else {
        isOpen = false
        continue
      }
      switch series.style {
      case .line: path += "\(isOpen ? "L" : "M")\(n(place.x)) \(n(place.y))"
      // A line of no length with a round end is a dot.
      case .points: path += "M\(n(place.x)) \(n(place.y))h0"
      }
      isOpen = true
    }
    guard !path.isEmpty else { return "" }
    let kind = series.style == .line ? "line" : "dots"
    return "<path class=\"\(kind) s\(index % colours.count)\" d=\"\(path)\"/>\n"
  }

  /// Of long lines the lowest and highest point of each piece, so that no peak is lost; of many points every n-th.
  private static func thinned(_ places: [(x: Double, y: Double)?], _ style: Chart.Style) -> [(
    x: Double, y: Double
  )?] {
    guard style == .line else {
      let every = max(1, places.count / 20_000)
      return stride(from: 0, to: places.count, by: every).map { places[$0] }
    }
    guard places.count > mostPoints else { return places }
    let piece = (places.count * 2 + mostPoints - 1) / mostPoints
    var kept: [(x: Double, y: Double)?] = []
    for start in stride(from: 0, to: places.count, by: piece) {
      let indices = (start..<min(start + piece, places.count))
      let there = indices.filter { places[$0] != nil }
      if there.count < indices.count { kept.append(nil) }
      let height = { (index: Int) in places[index]?.y ?? 0 }
      guard let low = there.min(by: { height($0) < height($1) }),
        let high = there.max(by: { height($0) < height($1) })
      else { continue }
      kept.append(places[min(low, high)])
      if low != high { kept.append(places[max(low, high)]) }
    }
    return kept
  }

  /// The names of the series under the chart; none when there is but one without a name.
  static func legend(_ series: [Chart.Series], _ frame: ChartFrame) -> String {
    var svg = ""
    var x = frame.left
    let y = frame.bottom + 62
    for (index, one) in series.enumerated() where !one.name.isEmpty {
      svg +=
        "<path class=\"line s\(index % colours.count)\" stroke-width=\"3\" d=\"M\(n(x)) \(n(y - 4))h18\"/>\n"
        + "<text x=\"\(n(x + 24))\" y=\"\(n(y))\">\(escaped(one.name))</text>\n"
      x += 24 + 7 * Double(one.name.count) + 22
      if x > frame.right - 60 { break }
    }
    return svg
  }

  /// A number with a decimal.
  static func n(_ value: Double) -> String {
    let text = AxisTicks.fixed(value, 1)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// Text within an element or attribute; what XML does not allow is left out.
  static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "\t", "\n", "\r": escaped += " "
      default:
        if scalar.value >= 32, scalar.value != 0x7f, scalar.value & 0xfffe != 0xfffe {
          escaped.unicodeScalars.append(scalar)
        }
      }
    }
    return escaped
  }
}
