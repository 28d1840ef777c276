import Glibc

/// A picture of numbers for a browser: lines over an axis, or points in the plane. SVG without script; light or dark as the
/// reader's system is.
public struct Chart: Sendable {
  /// How the numbers of a series are drawn.
  public enum Style: Sendable { case line, points }

  /// Numbers that belong together, under one name.
  public struct Series: Sendable {
    public var name: String
    public var x: [Double]
    public var y: [Double]
    public var style: Style

    /// - Precondition: as many `x` as `y`. What is not finite is left out and parts a line.
    public init(_ name: String, x: [Double], y: [Double], style: Style = .line) {
      precondition(x.count == y.count, "\(x.count) x and \(y.count) y")
      self.name = name
      self.x = x
      self.y = y
      self.style = style
    }

    /// Numbers one after the other: a trace.
    public init(_ name: String, y: [Double], style: Style = .line) {
      self.init(name, x: y.indices.map(Double.init), y: y, style: style)
    }
  }

  public var title: String
  public var xName: String
  public var yName: String
  public var series: [Series]
  /// What is not more than 0 has no place on such an axis and is left out.
  public var isLogarithmic: Bool
  /// One unit is as long upwards as to the right.
  public var isIsometric = false

  public init(
    title: String, x: String, y: String, isLogarithmic: Bool = false, series: [Series] = []
  ) {
    self.title = title
    xName = x
    yName = y
    self.isLogarithmic = isLogarithmic
    self.series = series
  }

  /// Two-dimensional samples, a colour for each group.
  public static func scatter(
    title: String, x: String = "x", y: String = "y", groups: [Series]
  ) -> Chart {
    var chart = Chart(title: title, x: x, y: y)
    chart.series = groups.map { group in
      var group = group
      group.style = .points
      return group
    }
    chart.isIsometric = true
    return chart
  }

  /// Writes the SVG, whole or not at all.
  public func write(to path: String) throws(DataError) {
    try FileBytes.write(Array(svg.utf8), to: path)
  }

  /// An SVG document.
  public var svg: String {
    let frame = ChartFrame(self)
    var parts = [ChartDrawing.head(title, width: frame.width, height: frame.height), frame.axes(self)]
    for (index, one) in series.enumerated() { parts.append(ChartDrawing.series(one, index, frame)) }
    parts.append(ChartDrawing.legend(series, frame))
    return parts.joined() + "</svg>\n"
  }
}

/// Where numbers lie on the picture.
struct ChartFrame {
  let width = 760.0
  let height: Double
  let left = 74.0
  let right = 742.0
  let top = 44.0
  let bottom: Double
  private let x: AxisTicks
  private let y: AxisTicks
  private let isLogarithmic: Bool

  init(_ chart: Chart) {
    isLogarithmic = chart.isLogarithmic
    func extent(_ values: (Chart.Series) -> [Double], _ isMeant: (Double) -> Bool) -> (Double, Double)? {
      var (low, high) = (Double.infinity, -Double.infinity)
      for one in chart.series {
        for value in values(one) where isMeant(value) {
          low = min(low, value)
          high = max(high, value)
        }
      }
      return low <= high ? (low, high) : nil
    }
    let xs = extent(\.x, \.isFinite) ?? (0, 1)
    let ys = extent(\.y) { Self.hasPlace($0, chart.isLogarithmic) } ?? (1, 10)
    x = AxisTicks(from: xs.0, to: xs.1, most: 9)
    y =
      isLogarithmic
      ? AxisTicks(logarithmicFrom: ys.0, to: ys.1) : AxisTicks(from: ys.0, to: ys.1)
    let isIsometric = chart.isIsometric && !chart.isLogarithmic
    let legend = 34.0
    let tall =
      isIsometric
      ? min(max((right - left) * (y.high - y.low) / (x.high - x.low), 160), 1400) : 300
    bottom = top + tall
    height = bottom + 52 + legend
  }

  private func share(_ value: Double, _ axis: AxisTicks, _ isLogarithmic: Bool) -> Double {
    if isLogarithmic { return (log(value) - log(axis.low)) / (log(axis.high) - log(axis.low)) }
    // Halves, so that the difference of the largest numbers is still one.
    return (value / 2 - axis.low / 2) / (axis.high / 2 - axis.low / 2)
  }

  /// Logarithms end where powers of ten are no longer exact enough to divide by.
  private static func hasPlace(_ value: Double, _ isLogarithmic: Bool) -> Bool {
    isLogarithmic ? value > 1e-300 && value < 1e300 : value.isFinite
  }

  /// Nil for what has no place.
  func place(_ xValue: Double, _ yValue: Double) -> (x: Double, y: Double)? {
    guard xValue.isFinite, Self.hasPlace(yValue, isLogarithmic) else { return nil }
    return (
      left + (right - left) * share(xValue, x, false),
      bottom - (bottom - top) * share(yValue, y, isLogarithmic)
    )
  }

  /// The lines, the numbers and the names of both axes.
  func axes(_ chart: Chart) -> String {
    var svg = ""
    for tick in y.ticks {
      let at = ChartDrawing.n(bottom - (bottom - top) * share(tick.value, y, isLogarithmic))
      svg += "<path class=\"grid\" d=\"M\(ChartDrawing.n(left)) \(at)H\(ChartDrawing.n(right))\"/>\n"
      svg +=
        "<text x=\"\(ChartDrawing.n(left - 8))\" y=\"\(at)\" dy=\".35em\" text-anchor=\"end\">\(tick.text)</text>\n"
    }
    for tick in x.ticks {
      let at = ChartDrawing.n(left + (right - left) * share(tick.value, x, false))
      svg += "<path class=\"grid\" d=\"M\(at) \(ChartDrawing.n(top))V\(ChartDrawing.n(bottom))\"/>\n"
      svg +=
        "<text x=\"\(at)\" y=\"\(ChartDrawing.n(bottom + 18))\" text-anchor=\"middle\">\(tick.text)</text>\n"
    }
    let middle = ChartDrawing.n((top + bottom) / 2)
    svg +=
      "<text x=\"\(ChartDrawing.n((left + right) / 2))\" y=\"\(ChartDrawing.n(bottom + 38))\" text-anchor=\"middle\">"
      + "\(ChartDrawing.escaped(chart.xName))</text>\n"
    svg +=
      "<text transform=\"translate(16 \(middle)) rotate(-90)\" text-anchor=\"middle\">"
      + "\(ChartDrawing.escaped(chart.yName))</text>\n"
    return svg
  }
}
