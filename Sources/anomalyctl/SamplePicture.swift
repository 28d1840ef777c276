import Control
import Foundation

/// Small multiples as SVG: per field, how real recent values (filled) and drawn ones (line) are distributed.
struct SamplePicture {
  private let report: SampleReport
  private let columns = 4
  private let bins = 24
  private let panel = (width: 230.0, height: 120.0, gap: 18.0)
  private let margin = (left: 20.0, top: 64.0)

  init(_ report: SampleReport) { self.report = report }

  var svg: String {
    let rows = (report.fields.count + columns - 1) / columns
    let width = margin.left * 2 + Double(columns) * (panel.width + panel.gap) - panel.gap
    let height = margin.top + Double(rows) * (panel.height + panel.gap) + 10
    var svg = """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(n(width))" height="\(n(height))" \
      viewBox="0 0 \(n(width)) \(n(height))" font-family="sans-serif" font-size="11">
      <rect width="100%" height="100%" fill="#ffffff"/>
      <text x="20" y="26" font-size="15" fill="#222222">\(escaped(report.stream)): what the \(escaped(report.model)) \
      believes normal is</text>
      <rect x="20" y="37" width="14" height="9" fill="#c8ccd0"/>
      <text x="40" y="46" fill="#555555">\(report.recent.count) real recent rows</text>
      <line x1="190" y1="42" x2="206" y2="42" stroke="#1f6fb2" stroke-width="2"/>
      <text x="212" y="46" fill="#555555">\(report.sampled.count) rows drawn from snapshot \(escaped(report.snapshot))</text>

      """
    for (index, field) in report.fields.enumerated() {
      let x = margin.left + Double(index % columns) * (panel.width + panel.gap)
      let y = margin.top + Double(index / columns) * (panel.height + panel.gap)
      svg += "<g transform=\"translate(\(n(x)) \(n(y)))\">\n\(self.panel(index, field))</g>\n"
    }
    return svg + "</svg>\n"
  }

  private func panel(_ index: Int, _ field: String) -> String {
    let drawn = Column(report.sampled.map { $0[index] })
    let real = Column(report.recent.compactMap { $0[index] })
    let left = [drawn, real].compactMap { $0.quantile(0.005) }.min() ?? 0
    let right = [drawn, real].compactMap { $0.quantile(0.995) }.max() ?? 1
    let from = left == right ? left - 0.5 : left
    let to = left == right ? right + 0.5 : right
    let top = 18.0
    let floor = panel.height - 16
    let bars = shares(real, from, to)
    let line = shares(drawn, from, to)
    let tallest = max(bars.max() ?? 0, line.max() ?? 0, 1e-9)
    let step = panel.width / Double(bins)
    func y(_ share: Double) -> String { n(floor - (floor - top) * share / tallest) }

    var svg =
      "<rect x=\"0\" y=\"\(n(top - 4))\" width=\"\(n(panel.width))\" height=\"\(n(floor - top + 4))\" fill=\"#f6f7f8\"/>\n"
    svg += "<text x=\"0\" y=\"9\" fill=\"#222222\">\(escaped(field))</text>\n"
    for (bin, share) in bars.enumerated() where share > 0 {
      svg +=
        "<rect x=\"\(n(Double(bin) * step))\" y=\"\(y(share))\" width=\"\(n(step))\" height=\"\(n((floor - top) * share / tallest))\" fill=\"#c8ccd0\"/>\n"
    }
    var path = "M0 \(n(floor))"
    for (bin, share) in line.enumerated() {
      path += " L\(n(Double(bin) * step)) \(y(share)) L\(n(Double(bin + 1) * step)) \(y(share))"
    }
    svg +=
      "<path d=\"\(path) L\(n(panel.width)) \(n(floor))\" fill=\"none\" stroke=\"#1f6fb2\" stroke-width=\"1.5\"/>\n"
    svg += "<text x=\"0\" y=\"\(n(panel.height - 4))\" fill=\"#777777\">\(Readable.number(from))</text>\n"
    svg +=
      "<text x=\"\(n(panel.width))\" y=\"\(n(panel.height - 4))\" text-anchor=\"end\" fill=\"#777777\">\(Readable.number(to))</text>\n"
    return svg
  }

  /// The share of the values in each bin; what lies outside belongs to the outermost ones.
  private func shares(_ column: Column, _ from: Double, _ to: Double) -> [Double] {
    var counts = [Double](repeating: 0, count: bins)
    for value in column.values {
      let place = (value - from) / (to - from) * Double(bins)
      counts[min(bins - 1, max(0, place.isFinite ? Int(max(-1, min(place, Double(bins)))) : 0))] += 1
    }
    let all = Double(max(column.values.count, 1))
    return counts.map { $0 / all }
  }

  private func n(_ value: Double) -> String { String(format: "%.1f", value) }

  private func escaped(_ text: String) -> String {
    text.printable.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
      .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
  }
}
