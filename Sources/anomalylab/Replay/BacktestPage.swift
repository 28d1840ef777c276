import Control
import Detection
import Foundation

/// The report of a backtest as one page without anything from elsewhere.
enum BacktestPage {
  private static let width = 960
  private static let height = 120

  static func html(_ results: [Backtest], _ summary: BacktestSummary) -> String {
    """
    <!doctype html><html lang="en"><meta charset="utf-8"><title>backtest</title>
    <style>body{font:15px/1.4 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em}
    table{border-collapse:collapse}td,th{padding:.2em .9em .2em 0;text-align:right}td:first-child{text-align:left}
    svg{background:#f7f7f7;width:100%}</style><h1>Backtest</h1>
    <p>By events, never point-adjusted. In the pictures: the score (0 to 100) of each stretch's oddest row; labelled
    stretches are shaded.</p>
    \(results.map(section).joined(separator: "\n"))
    <h2>NAB</h2><pre>\(escaped(summary.text))</pre>
    </html>

    """
  }

  private static func section(_ result: Backtest) -> String {
    let rows = result.lines.map { line in
      "<tr><td>\(line.name)</td>" + Backtest.cells(line.figures).map { "<td>\($0)</td>" }.joined() + "</tr>"
    }
    return """
      <h2>\(escaped(result.name))</h2>
      <p>\(result.rows) rows, \(result.incidents.events) events, VUS-PR \(Readable.number(result.volume))
      (window \(result.window))</p>
      \(picture(result))
      <table><tr><th></th><th>precision</th><th>recall</th><th>F1</th><th>time to detect</th>
      <th>false alarms a week</th><th>false rows</th></tr>\(rows.joined())</table>
      """
  }

  private static func picture(_ result: Backtest) -> String {
    let count = max(result.rows, 1)
    func x(_ row: Int) -> Double { Double(row) * Double(width) / Double(count) }
    let shades = LabelledEvents.segments(of: result.labels).map { segment in
      let extent = max(x(segment.upperBound + 1) - x(segment.lowerBound), 1)
      return
        "<rect x=\"\(short(x(segment.lowerBound)))\" y=\"0\" width=\"\(short(extent))\" height=\"\(height)\" fill=\"#f4c7a8\"/>"
    }
    // One point per pixel: the highest score of its rows.
    let columns = min(width, count)
    let points = (0..<columns).map { column in
      let range = column * count / columns..<max((column + 1) * count / columns, column * count / columns + 1)
      let highest = result.scores[range].max() ?? 0
      return "\(short(x(range.lowerBound))),\(short(Double(height) * (1 - highest / 100)))"
    }
    return """
      <svg viewBox="0 0 \(width) \(height)" role="img" aria-label="scores">\(shades.joined())
      <polyline fill="none" stroke="#234" stroke-width="1" points="\(points.joined(separator: " "))"/></svg>
      """
  }

  private static func short(_ number: Double) -> String { String(format: "%.1f", number) }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
