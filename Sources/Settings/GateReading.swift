import Pipeline
import Wire

/// The list `gates`.
enum GateReading {
  static func read(_ root: ConfigSection, _ gates: inout [AlertGate]) {
    var read: [AlertGate] = []
    root.sections("gates") { section in
      var gate = AlertGate()
      var streams = ["*"]
      var fields = ["*"]
      section.texts("streams", &streams)
      section.texts("fields", &fields)
      gate.streams = Globs(streams)
      gate.fields = Globs(fields)
      section.choice("direction", &gate.direction)
      section.number("least_deviation", &gate.leastDeviation, 0...Double.greatestFiniteMagnitude)
      section.share("least_relative", &gate.leastRelative, 0...1000)
      let any = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
      section.number("valid_low", &gate.validLow, any, absence: "none")
      section.number("valid_high", &gate.validHigh, any, absence: "none")
      if let low = gate.validLow, let high = gate.validHigh, low > high {
        section.report("valid_high", "lies below valid_low")
      }
      section.duration("least_duration", &gate.leastDuration, 0...31_536_000)
      read.append(gate)
    }
    gates = read
  }
}
