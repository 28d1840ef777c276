import Datasets
import Foundation
import FoundationXML
import Testing

@Suite struct ChartTests {
  /// Elements by name, as Foundation's own parser finds them; nil when the text is not well formed.
  final class Elements: NSObject, XMLParserDelegate {
    var names: [String] = []
    var attributes: [[String: String]] = []
    var text = ""

    init?(_ svg: String) {
      super.init()
      let parser = XMLParser(data: Data(svg.utf8))
      parser.delegate = self
      guard parser.parse() else { return nil }
    }

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String] = [:]
    ) {
      names.append(name)
      self.attributes.append(attributes)
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

    func paths(_ kind: String) -> [String] {
      attributes.filter { $0["class"]?.hasPrefix(kind) == true && $0["stroke-width"] == nil }.compactMap {
        $0["d"]
      }
    }
  }

  @Test func `a chart is well-formed XML, whatever names hold`() throws {
    let chart = Chart(
      title: "loss <of> \"a\" & 'b' \u{1}\u{7f} ü", x: "step\n", y: "nats & bits",
      series: [
        Chart.Series("training & <more>", y: [3, 2, .nan, 1, .infinity, 0.5]),
        Chart.Series("held out", x: [0, 5], y: [2, 1]),
      ])
    let elements = try #require(Elements(chart.svg))
    #expect(elements.names.first == "svg")
    #expect(!elements.names.contains("script"))
    #expect(elements.text.contains("training & <more>"))
    #expect(elements.text.contains("prefers-color-scheme:dark"))
    // What is not finite parts the line.
    #expect(elements.paths("line s0")[0].filter { $0 == "M" }.count == 3)
    #expect(elements.paths("line s1")[0].filter { $0 == "M" }.count == 1)
  }

  @Test(arguments: [false, true])
  func `a chart of nothing, of a point and of extremes is still a chart`(isLogarithmic: Bool) throws {
    let extremes: [[Double]] = [
      [], [5], [0, 0], [-1, -2], [1e300, -1e300], [1e-300, 1e300], [.nan], [.leastNonzeroMagnitude, 1],
    ]
    for y in extremes {
      let chart = Chart(
        title: "t", x: "x", y: "y", isLogarithmic: isLogarithmic, series: [Chart.Series("s", y: y)])
      let elements = try #require(Elements(chart.svg), "\(y)")
      for path in elements.paths("line") + elements.paths("grid") {
        #expect(!path.contains("nan") && !path.contains("inf"), "\(y): \(path)")
      }
    }
  }

  @Test func `a point lies where its number says`() throws {
    let chart = Chart(title: "", x: "", y: "", series: [Chart.Series("", x: [0, 10], y: [0, 100])])
    let elements = try #require(Elements(chart.svg))
    #expect(elements.paths("line s0") == ["M74 344L742 44"])
    let powers = Chart(
      title: "", x: "", y: "", isLogarithmic: true,
      series: [Chart.Series("", x: [0, 5, 10, 20], y: [1, 1000, 1e6, -1])])
    #expect(try #require(Elements(powers.svg)).paths("line s0") == ["M74 344L241 194L408 44"])
  }

  @Test func `a long line keeps its peak and loses its length`() throws {
    var y = [Double](repeating: 0, count: 200_000)
    y[77_777] = 100
    let chart = Chart(title: "", x: "", y: "", series: [Chart.Series("", y: y)])
    #expect(chart.svg.utf8.count < 100_000)
    let elements = try #require(Elements(chart.svg))
    let path = try #require(elements.paths("line s0").first)
    #expect(path.contains(" 44L"))
  }

  @Test func `samples in the plane have one scale in both directions`() throws {
    let chart = Chart.scatter(
      title: "samples",
      groups: [
        Chart.Series("drawn", x: [0, 10, 5], y: [0, 10, 5]), Chart.Series("real", x: [1], y: [1]),
      ])
    let elements = try #require(Elements(chart.svg))
    #expect(elements.paths("dots s0") == ["M74 712h0M742 44h0M408 378h0"])
    #expect(elements.paths("dots s1").count == 1)
  }

  @Test func `ticks are round and hold what they are asked to show`() {
    func texts(_ ticks: AxisTicks) -> [String] { ticks.ticks.map(\.text) }
    #expect(texts(AxisTicks(from: 0, to: 10)) == ["0", "2", "4", "6", "8", "10"])
    #expect(
      texts(AxisTicks(from: -0.03, to: 0.07)) == ["-0.04", "-0.02", "0.00", "0.02", "0.04", "0.06", "0.08"])
    #expect(texts(AxisTicks(from: 97.2, to: 103.4, most: 5)) == ["96", "98", "100", "102", "104"])
    #expect(texts(AxisTicks(from: 0, to: 3e7, most: 4)) == ["0", "1e7", "2e7", "3e7"])
    #expect(texts(AxisTicks(from: 5, to: 5, most: 4)) == ["2", "4", "6", "8"])
    #expect(
      texts(AxisTicks(logarithmicFrom: 0.02, to: 3)) == ["0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5"])
    #expect(
      texts(AxisTicks(logarithmicFrom: 1, to: 1e6)) == ["1", "10", "100", "1000", "10000", "1e5", "1e6"])
    for (from, to) in [(1.0, 2.0), (-7.3, 912.4), (1e-9, 3e-9), (123_456, 123_457)] {
      let axis = AxisTicks(from: from, to: to)
      #expect(axis.low <= from && axis.high >= to)
      #expect((2...14).contains(axis.ticks.count))
    }
  }
}
