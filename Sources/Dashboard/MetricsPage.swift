import Control

/// Lines of Prometheus' text format.
struct MetricsPage {
  private(set) var text = ""
  /// Every sample by its name and labels, but those that are no number.
  private(set) var values: [String: Double] = [:]

  mutating func family(_ name: String, _ type: String, _ help: String) {
    text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(type)\n"
  }

  mutating func sample(_ name: String, _ labels: [String: String] = [:], _ value: Double) {
    var name = name
    if !labels.isEmpty {
      let pairs = labels.sorted { $0.key < $1.key }.map {
        "\($0.key)=\"\(Self.escaped($0.value, quotes: true))\""
      }
      name += "{\(pairs.joined(separator: ","))}"
    }
    text += "\(name) \(Self.number(value))\n"
    if value.isFinite { values[name] = value }
  }

  mutating func gauge(_ name: String, _ help: String, _ value: Double, _ labels: [String: String] = [:]) {
    family(name, "gauge", help)
    sample(name, labels, value)
  }

  mutating func counter(_ name: String, _ help: String, _ value: Double) {
    family(name, "counter", help)
    sample(name, [:], value)
  }

  mutating func counter(_ name: String, _ help: String, _ value: UInt64) {
    counter(name, help, Double(value))
  }

  /// A gauge that is not there while there is nothing to measure.
  mutating func optional(_ name: String, _ help: String, _ value: Double?) {
    if let value { gauge(name, help, value) }
  }

  mutating func histogram(_ name: String, _ help: String, _ latency: LatencyReport) {
    family(name, "histogram", help)
    var sum: UInt64 = 0
    for (bound, count) in zip(latency.bounds, latency.counts) {
      sum += count
      sample(name + "_bucket", ["le": Self.number(bound)], Double(sum))
    }
    sum += latency.counts.count > latency.bounds.count ? latency.counts[latency.bounds.count] : 0
    sample(name + "_bucket", ["le": "+Inf"], Double(sum))
    sample(name + "_sum", [:], latency.sum)
    sample(name + "_count", [:], Double(sum))
  }

  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
  }

  static func escaped(_ text: String, quotes: Bool) -> String {
    var escaped = ""
    for letter in text.unicodeScalars {
      switch letter {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\"" where quotes: escaped += "\\\""
      default: escaped.unicodeScalars.append(letter)
      }
    }
    return escaped
  }
}
