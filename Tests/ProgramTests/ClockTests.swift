import Control
import Foundation
import Testing

/// Clocks of publishers that jump, as clocks do.
@Suite struct ClockTests {
  @Test func `events from the past and from the future are counted, and the stream goes on`() throws {
    try Programs.withFolder { folder in
      let daemon = try Daemon(
        "sources: [{name: in, socket: pull, bind: [\"\(Daemon.endpoint("in", in: folder))\"]}]", in: folder)
      let sender = try Sender(to: Daemon.endpoint("in", in: folder))
      func send(at time: Double, _ value: Int = 1) throws {
        try sender.send(#"{"stream":"a","ts":\#(time),"values":{"a":\#(value),"b":2}}"#)
      }
      try sender.sendOrdinary("a", 0..<50)
      try daemon.waitForEvents(50, of: "a")
      // An hour back and forth again; twice the same moment; before all time; ten days ahead of now.
      try send(at: 1_700_000_050 - 3600)
      try send(at: 1_700_000_051)
      try send(at: 1_700_000_051, 3)
      try send(at: -5)
      try send(at: Date().timeIntervalSince1970 + 10 * 86_400)
      try sender.sendOrdinary("a", 60..<100)
      try daemon.waitForMessages(95, of: "in")
      try daemon.waitForEvents(93, of: "a")
      let source = try daemon.source("in")
      #expect(source.events == 93)
      let unread = source.malformed.values.reduce(0, +) + source.refused.values.reduce(0, +)
      #expect(unread == 2)
      // Counts of single streams are up to a second old.
      try daemon.wait(
        "one late event", for: { try daemon.streams().first { $0.name == "a" }?.late }, until: { $0 == 1 })
      let stream = try #require(try daemon.streams().first { $0.name == "a" })
      #expect(stream.events == 93)
      #expect(stream.lastEvent == 1_700_000_099)
    }
  }
}
