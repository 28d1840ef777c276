import Foundation
import Testing

@testable import Wire

struct TextsTests {
  private func number(_ text: String) -> Double? { Texts.number(Array(text.utf8).span) }
  private func time(_ text: String) -> Double? { Texts.time(Array(text.utf8).span) }

  @Test(arguments: [
    ("8.50M", 8_500_000), ("12k", 12_000), ("12K", 12_000), ("3 KiB", 3072), ("2Ki", 2048), ("1.5G", 1.5e9),
    ("1Gi", 1_073_741_824), ("2T", 2e12), ("1P", 1e15), ("42%", 42), ("7 B", 7), ("10MB", 1e7),
    ("0:00.17", 0.17),
    ("1:02:03", 3723), ("2:30", 150), ("-1.5", -1.5), ("+3", 3), (" 17 ", 17), ("1e3", 1000),
    ("1.5e-2", 0.015), ("0", 0),
    (".5", 0.5), ("-0:01", -1),
  ])
  func `numbers with units and durations are read`(text: String, value: Double) {
    #expect(number(text) == value)
  }

  @Test(arguments: [
    "", " ", "root", "127.0.0.1:18080", "255.255.255.0", "2026-11-22", "1:2:3:4", "M", "%", "5 apples",
    "1.2.3", "1..2", "--1", "e5",
    "1e", "36_virtio1-req.0", "1.5:30", "12kk", "12 %%", "0x10", "nan", "inf", ":30",
  ])
  func `other texts are no numbers`(text: String) {
    #expect(number(text) == nil)
  }

  // Seconds from Python: datetime.fromisoformat(t).timestamp().
  @Test(arguments: [
    ("1970-01-01T00:00:00Z", 0), ("2026-11-22T19:12:32.493038+00:00", 1_795_374_752.493038),
    ("2024-02-29T23:59:59.999Z", 1_709_251_199.999), ("2000-03-01T00:00:00Z", 951_868_800),
    ("1999-12-31T23:59:59-08:00", 946_713_599), ("2026-11-22t19:12:32z", 1_795_374_752),
    ("2026-11-22 19:12:32+05:30", 1_795_354_952), ("2016-12-31T23:59:60Z", 1_483_228_800),
    ("1732270000.25", 1_732_270_000.25),
    ("1732270000", 1_732_270_000), ("2026-11-22T19:12:32.12345678901234567890Z", 1_795_374_752.123_456_789),
  ])
  func `RFC 3339 and plain seconds are read`(text: String, seconds: Double) throws {
    #expect(abs(try #require(time(text)) - seconds) < 1e-6)
  }

  @Test(arguments: [
    "", "yesterday", "2026-11-22", "2026-11-22T19:12:32", "2026-13-22T19:12:32Z", "2026-02-29T00:00:00Z",
    "2026-11-31T00:00:00Z",
    "2026-11-00T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T19:60:00Z", "2026-11-22T19:12:61Z",
    "2026-11-22T19:12:32.Z",
    "2026-11-22T19:12:32+0530", "2026-11-22T19:12:32+24:00", "2026-11-22T19:12:32ZZ", "2026/11/22T19:12:32Z",
    "+-1",
    "2026-11-22X19:12:32Z",
  ])
  func `other texts are no times`(text: String) {
    #expect(time(text) == nil)
  }

  @Test func `every day of four hundred years is read as Foundation reads it`() throws {
    let formatter = Date.ISO8601FormatStyle(timeZone: .gmt)
    for day in stride(from: -50 * 365, to: 350 * 365, by: 37) {
      let date = Date(timeIntervalSince1970: Double(day) * 86_400 + 3723)
      #expect(time(date.formatted(formatter)) == date.timeIntervalSince1970)
    }
  }

  @Test func `decimal numbers are read to the nearest double`() {
    var generator = Generator(seed: 5)
    for _ in 0..<3000 {
      let exponent = Int.random(in: -300...300, using: &generator)
      let value =
        Double.random(in: -10...10, using: &generator)
        * Double(sign: .plus, exponent: exponent, significand: 1)
      let text = Array("\(value)".utf8)
      #expect(Numerals.signed(text.span, 0, text.count) == value)
    }
    for text in [
      "9007199254740993", "123456789012345678901234567890", "0.1", "1e23", "5e-324", "1e400",
      "179769313486231580793e289",
    ] {
      let bytes = Array(text.utf8)
      #expect(Numerals.signed(bytes.span, 0, bytes.count) == Double(text))
    }
  }

  @Test(arguments: [
    ("*", "", true), ("*", "anything", true), ("a*", "abc", true), ("a*", "bc", false),
    ("*_careful", "cpu_user_careful", true),
    ("*_careful", "careful", false), ("a?c", "abc", true), ("a?c", "ac", false),
    ("*.*.*", "stat.burner.8423", true),
    ("*.*.*", "stat.burner", false), ("", "", true), ("", "a", false), ("a*b*c", "aXbYbZc", true),
    ("a*b*c", "aXbYbZ", false),
    ("**", "x", true),
  ])
  func `globs match whole names`(pattern: String, name: String, matches: Bool) {
    #expect(Globs([pattern]).matches(name) == matches)
  }

  @Test func `a glob of many stars does not take for ever`() {
    let pattern = String(repeating: "*a", count: 50) + "b"
    #expect(!Globs([pattern]).matches(String(repeating: "a", count: 5000)))
  }
}
