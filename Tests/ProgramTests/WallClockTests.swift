import Control
import Events
import Foundation
import Testing

/// The daemon's own clock is set back and forth while it runs; time that only goes on (timeouts, ages) goes on.
@Suite struct WallClockTests {
  static let library = ["x86_64", "aarch64"].map { "/usr/lib/\($0)-linux-gnu/faketime/libfaketimeMT.so.1" }
    .first { FileManager.default.fileExists(atPath: $0) }

  @Test(
    .enabled(if: library != nil, "needs Debian's libfaketime"), arguments: [86_400, -86_400, 40 * 86_400])
  func `a clock that jumps costs nothing and alarms nobody`(jump: Int) throws {
    try Programs.withFolder { folder in
      let clock = folder.appending(path: "clock")
      try "+0".write(to: clock, atomically: true, encoding: .utf8)
      let daemon = try Daemon(
        """
        sources: [{name: in, socket: pull, bind: ["\(Daemon.endpoint("in", in: folder))"]}]
        detection: {collecting: {early_rows: 0, rows: 128}, calibration: {fresh_rows: 64}, silence: {least: 1s, after: 1000}}
        state: {save_every: 1s}
        """, in: folder,
        environment: [
          "LD_PRELOAD": try #require(Self.library), "FAKETIME_TIMESTAMP_FILE": clock.path,
          "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        ], throughShell: true)
      let sender = try Sender(to: Daemon.endpoint("in", in: folder))
      // Without a time of their own: that of their arrival counts.
      func send(_ range: Range<Int>) throws {
        for index in range {
          let wave = (Double(index) * 0.7).remainder(dividingBy: 1)
          try sender.send(
            #"{"stream":"a","values":{"a":\#(10 + wave),"b":\#(20 + Double(index * 7919 % 101) / 101)}}"#)
        }
      }
      try send(0..<128)
      try daemon.wait(
        "a model", for: { try daemon.streams().first?.phase }, until: { $0 == .calibrating || $0 == .scoring }
      )
      try send(128..<256)
      try daemon.waitForEvents(256, of: "a")
      try "\(jump > 0 ? "+" : "")\(jump)".write(to: clock, atomically: true, encoding: .utf8)
      let there = Date().addingTimeInterval(Double(jump)).timeIntervalSince1970
      try send(256..<320)
      try daemon.waitForEvents(320, of: "a")
      let last = try #require(try daemon.streams().first?.lastEvent)
      #expect(abs(last - there) < 120, "the clock did not jump: \(last), not \(there)")
      try "+0".write(to: clock, atomically: true, encoding: .utf8)
      try send(320..<384)
      try daemon.waitForEvents(384, of: "a")
      let status = try daemon.status()
      #expect(status.sources[0].dropped.values.reduce(0, +) == 0)
      #expect(status.sources[0].refused.values.reduce(0, +) == 0)
      #expect(status.alerts.opened == 0 && status.state.healthy)
      // It still saves, and a restart finds everything.
      #expect(daemon.end() == 0, "\(daemon.log)")
      let again = try Daemon(in: folder)
      #expect(try again.streams().first?.events == 384)
      #expect(try again.streams().first?.phase == .scoring)
    }
  }
}
