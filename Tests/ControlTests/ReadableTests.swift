import Control
import Testing

@Suite struct ReadableTests {
  @Test(arguments: [
    (0.0, "0"), (0.21344, "0.2134"), (17.5, "17.5"), (1_234_567, "1,234,567"), (-1234.6, "-1,235"),
    (2.14e-6, "2.1e-06"), (.nan, "–"), (.infinity, "∞"), (0.5, "0.5"), (123.456, "123.5"),
  ])
  func `numbers are short`(value: Double, text: String) { #expect(Readable.number(value) == text) }

  @Test(arguments: [
    (0.04, "0 s"), (0.44, "0.4 s"), (48.2, "48 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"),
    (273_600, "3 d 4 h"), (3600, "1 h"), (-60, "-1 min"),
  ])
  func `spans are short`(seconds: Double, text: String) { #expect(Readable.span(seconds: seconds) == text) }

  @Test(arguments: [
    ("90s", 90.0), ("15m", 900), ("2h", 7200), ("1h30m", 5400), ("1.5h", 5400), ("250ms", 0.25),
    ("1w", 604_800),
    ("12", 12),
  ])
  func `spans are read`(text: String, seconds: Double) { #expect(Readable.seconds(ofSpan: text) == seconds) }

  @Test(arguments: ["", "s", "soon", "1h30", "-1h", "0s", "1 h", "1y", "nan", "inf", "1.2.3s", "٣s"])
  func `what is no span is not read as one`(text: String) { #expect(Readable.seconds(ofSpan: text) == nil) }

  @Test func `bytes, shares, moments and bars`() {
    #expect(Readable.bytes(512) == "512 B")
    #expect(Readable.bytes(1536) == "1.5 KiB")
    #expect(Readable.bytes(64 << 20) == "64 MiB")
    #expect(Readable.share(0.125) == "12 %" || Readable.share(0.125) == "13 %")
    #expect(Readable.share(0.0123) == "1.2 %")
    #expect(Readable.moment(1_732_270_000.9) == "2024-11-22T10:06:40Z")
    #expect(Readable.moment(.infinity) == "–")
    #expect(Readable.clock(1_732_270_000) == "10:06:40")
    #expect(Readable.bar(0.5, width: 4) == "██")
    #expect(Readable.bar(2, width: 4) == "████")
    #expect(Readable.bar(.nan, width: 4) == "")
  }

  @Test func `columns are aligned by what is seen, not by colour codes`() {
    var table = TextTable([.init("name"), .init("events", .right), .init("note")])
    table.append(["a", .init("1,000", .bad), ""])
    table.append(["long name", "7", .init("ok\u{1B}[2J", .good)])
    #expect(
      table.rendered(TextStyle(isColoured: false))
        == "name       events  note\na           1,000\nlong name       7  ok\u{FFFD}[2J\n")
    let coloured = table.rendered(TextStyle(isColoured: true))
    #expect(coloured.contains("  \u{1B}[31;1m1,000\u{1B}[0m"))
    #expect(!coloured.contains("\u{1B}[2J"))
  }
}
