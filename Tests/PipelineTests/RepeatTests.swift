import Control
import Testing

@testable import Pipeline

/// A publisher that repeats itself: counted, and not scored twice.
@Suite(.serialized) struct RepeatTests {
  @Test func `an event that comes again is counted and not scored twice; one that looks like it is`() throws {
    let harness = try Harness()
    try harness.start()
    func send(_ stream: String, _ ts: Int, _ value: Double, seq: Int? = nil) throws {
      let number = seq.map { ",\"seq\":\($0)" } ?? ""
      try harness.send(raw: "{\"stream\":\"\(stream)\",\"ts\":\(ts)\(number),\"values\":{\"x\":\(value)}}")
    }
    let begin = 1_700_000_000
    // Numbered: 1 to 20, and 15 to 20 once more, in another order.
    for seq in Array(1...20) + [17, 15, 16, 20, 19, 18] {
      try send("numbered", begin + seq, Double(seq), seq: seq)
    }
    // Without numbers: each twice, but the same values at another time are another event, and so are others at the same time.
    for second in 0..<10 {
      for _ in 0..<2 { try send("plain", begin + second, 5) }
    }
    try send("plain", begin + 9, 6)
    // Without times: those of one message arrive at once, and are events of their own however alike.
    let alike = Array(repeating: #"{"stream":"timeless","values":{"x":1}}"#, count: 10).joined(separator: ",")
    try harness.send(raw: "[\(alike)]")
    // The same number for ever, while time goes on.
    for second in 0..<10 { try send("stuck", begin + second, 1, seq: 7) }
    try send("end", begin, 1)
    try harness.wait(for: "all events") {
      let list = try harness.ask(.streams(StreamQuery()))
      guard case .streams(let streams) = list else { return false }
      return streams.rows.contains { $0.name == "end" && $0.events == 1 }
    }
    let numbered = try harness.stream("numbered").summary
    #expect(numbered.events == 20 && numbered.repeats == 6 && numbered.late == 0)
    let plain = try harness.stream("plain").summary
    #expect(plain.events == 11 && plain.repeats == 10)
    #expect(try harness.stream("stuck").summary.events == 10)
    #expect(try harness.stream("timeless").summary.events == 10)
    try harness.wait(for: "the source's counters") {
      let source = try harness.status().sources.first
      return source?.refused["repeated"] == 16 && source?.events == 20 + 11 + 10 + 10 + 1
    }
  }
}
