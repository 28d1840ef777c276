import Logging
import Testing

@testable import Systemd

@Suite struct LogHandlerTests {
  struct Trouble: Error, CustomStringConvertible { let description = "out of paper" }

  func event(
    _ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata? = nil
  ) -> LogEvent {
    LogEvent(
      level: level, message: message, metadata: metadata, source: "Tests", file: "Tests/File.swift",
      function: "f()", line: 7)
  }

  @Test func `a line on the standard error is one line, whatever others put into it`() {
    var handler = StandardErrorLogHandler(threshold: LogThreshold(.info))
    handler.metadata = ["stream": "host-17", "own": "1"]
    let line = handler.line(
      of: event(
        .error, "first\nsecond",
        [
          "own": "2", "name": "a b=\"c\"", "empty": "", "forged": "x\n2026 critical: fire",
          "odd": "\u{1b}[31m\u{202e}",
          "list": ["a", "b"], "MESSAGE_ID": "0123456789abcdef0123456789abcdef", "path": "C:\\x",
        ]))
    #expect(
      line == #"error: first\nsecond empty="" forged="x\n2026 critical: fire" list="[\"a\", \"b\"]" "#
        + #"name="a b=\"c\"" odd="\u{1b}[31m\u{202e}" own=2 path="C:\x" stream=host-17"#)
  }

  @Test func `an error is told after the message`() {
    var event = event(.warning, "cannot print")
    event.error = Trouble()
    #expect(
      StandardErrorLogHandler(threshold: LogThreshold(.info)).line(of: event)
        == "warning: cannot print: out of paper")
  }

  @Test func `timestamps are UTC with milliseconds`() {
    // date -u -d @1795382100
    #expect(LogText.timestamp(seconds: 1_795_382_100, nanoseconds: 7_999_999) == "2026-11-22T21:15:00.007Z")
    #expect(LogText.timestamp(seconds: 0, nanoseconds: 0) == "1970-01-01T00:00:00.000Z")
  }

  @Test func `an entry of the journal has its fields`() {
    var handler = JournalLogHandler(label: "anomalyd.shard", threshold: LogThreshold(.info))
    handler.metadata = ["stream": "host/17\nx"]
    handler.metadataProvider = .init { ["p-value": "0.1"] }
    let fields = handler.fields(
      of: event(
        .critical, "two\nlines",
        ["MESSAGE_ID": "0123456789abcdef0123456789abcdef", "größe": "1", "a\nb": "c"]))
    #expect(
      fields == [
        "MESSAGE=two\nlines a\\nb=c größe=1 p-value=0.1 stream=\"host/17\\nx\"", "PRIORITY=2",
        "CODE_FILE=Tests/File.swift", "CODE_LINE=7", "CODE_FUNC=f()",
        "LOGGER=anomalyd.shard", "MESSAGE_ID=0123456789abcdef0123456789abcdef", "ANOMALYD_A_B=c",
        "ANOMALYD_GR____E=1", "ANOMALYD_P_VALUE=0.1", "ANOMALYD_STREAM=host/17\nx",
      ])
  }

  @Test func `what is no message id is an ordinary field`() {
    let handler = JournalLogHandler(label: "x", threshold: LogThreshold(.info))
    let fields = handler.fields(of: event(.warning, "m", ["MESSAGE_ID": "nonsense"]))
    #expect(fields.last == "ANOMALYD_MESSAGE_ID=nonsense")
    #expect(JournalLogHandler.fieldName(String(repeating: "a", count: 500)).utf8.count == 64)
  }

  @Test func `levels become the priorities of syslog`() {
    #expect(Logger.Level.allCases.map(JournalLogHandler.priority) == [7, 7, 6, 5, 4, 3, 2])
  }

  @Test func `the threshold holds for all loggers at once, unless one has its own`() {
    let threshold = LogThreshold(.warning)
    let a = Logger(label: "a") { ServiceLog.handler(label: $0, threshold: threshold) }
    var b = a
    b.logLevel = .trace
    b[metadataKey: "only"] = "b"
    #expect(a.logLevel == .warning && b.logLevel == .trace)
    #expect(a[metadataKey: "only"] == nil)
    threshold.level = .debug
    #expect(a.logLevel == .debug && b.logLevel == .trace)
  }
}
