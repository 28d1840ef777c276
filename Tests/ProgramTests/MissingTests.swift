import Control
import Events
import Foundation
import Testing

/// Missing values and late events as those see them who run the programs.
@Suite struct MissingTests {
  @Test func `what was filled in lowers the confidence that is shown, and a late event amends the incident`()
    throws
  {
    try Programs.withFolder { folder in
      let daemon = try TestDaemon(folder: folder, overrides: ["ANOMALYD_DETECTION_MISSING": "model"])
      defer { daemon.running.stop() }
      try daemon.learn("host-1")
      let begin = Int(try #require(try daemon.stream("host-1")?.lastEvent))
      func send(_ second: Int, cpu: Double, mem: Double = 500) throws {
        // The wave goes on on which it was learned, and no value comes twice.
        let wave = sin(Double(begin - 1_700_000_000 + second) / 9)
        func noise(_ rate: Double) -> Double { sin(rate * Double(second)) }
        let values = [
          "\"cpu\":\(cpu + 0.1 * wave + 0.02 * noise(2.3))", "\"load\":\(1 + 0.4 * wave + 0.05 * noise(3.7))",
          "\"mem\":\(mem + 5 * noise(5.1))", "\"net\":null",
        ].joined(separator: ",")
        let event = "{\"stream\":\"host-1\",\"ts\":\(begin + second),\"values\":{\(values)}}"
        try daemon.send(payload: event)
      }
      for second in 1...10 { try send(second, cpu: 0.3) }
      for second in 12...25 { try send(second, cpu: 3) }
      #expect(try daemon.wait { try daemon.stream("host-1")?.incident != nil })
      let incident = try #require(try daemon.stream("host-1")?.incident)
      #expect(try daemon.wait { try daemon.stream("host-1")?.missingValues == 24 })
      #expect(try daemon.stream("host-1")?.imputedValues == 24)
      func latest() throws -> Alert {
        let output = try daemon.ctl(["alerts", "--json"]).output
        let list = try JSONDecoder().decode(AlertList.self, from: Data(output.utf8))
        return try #require(list.alerts.last { $0.id == incident })
      }
      let alert = try latest()
      #expect(alert.imputed == 0.25)
      let confidence = try #require(alert.confidence)
      #expect(confidence > 0 && confidence < 0.75)
      #expect(try daemon.ctl(["alerts"]).output.contains("confidence"))
      let explained = try daemon.ctl(["explain", incident]).output
      #expect(explained.contains("25 % of the features did not come and were filled in"), "\(explained)")

      try send(11, cpu: 3, mem: 20_000)
      #expect(try daemon.wait { try latest().amended == true })
      let amended = try latest()
      #expect(
        amended.state == .update && amended.onset == Double(begin + 11),
        "\(amended.state), \(amended.onset - Double(begin)) s after the last event of before, was \(alert.onset - Double(begin))"
      )
      #expect(amended.features.contains { $0.name == "mem" && ($0.value ?? 0) > 19_000 })
      #expect(try daemon.ctl(["explain", incident]).output.contains("(amended)"))
      let status = try daemon.ctl(["status"]).output
      #expect(status.contains("1 late events scored"), "\(status)")
      #expect(status.contains("25 values missing, 25 of them filled in"), "\(status)")
      #expect(try daemon.ctl(["explain", incident, "--rerun"]).status == 0)

      // The same once it is over.
      var second = 26
      while second < 300, try latest().state != .resolved {
        for _ in 0..<4 {
          try send(second, cpu: 0.3)
          second += 1
        }
        Thread.sleep(forTimeInterval: 0.1)
      }
      try #require(try latest().state == .resolved)
      try send(20, cpu: 3, mem: 90_000)
      #expect(try daemon.wait { try latest().amended == true })
      let over = try latest()
      #expect(over.state == .update && over.resolvedAt != nil && over.id == incident)
      let text = try daemon.ctl(["explain", incident]).output
      #expect(text.contains("resolved (amended)") && !text.contains("so far"), "\(text)")
      #expect(text.contains("events     \(try #require(over.events))"), "\(text)")
      #expect(try daemon.ctl(["alerts"]).output.contains("resolved (amended)"))
      #expect(try daemon.ctl(["alerts", "--open"]).output.contains("no alerts"))
      let state = try daemon.ctl(["status"]).output
      #expect(state.contains("events apart, promised"), "\(state)")
    }
  }
}
