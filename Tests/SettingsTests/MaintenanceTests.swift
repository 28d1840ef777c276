import Foundation
import Pipeline
import Testing
import Wire

@testable import Settings

@Suite struct MaintenanceTests {
  func calendar(_ lines: String...) throws(CalendarFile.Mistake) -> [String] {
    let text =
      "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\n" + lines.joined(separator: "\r\n")
      + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    return try CalendarFile(text).times.map { Date(timeIntervalSince1970: $0.lowerBound).formatted(.iso8601) }
  }

  func mistake(_ lines: String...) -> String {
    do throws(CalendarFile.Mistake) {
      _ = try CalendarFile("BEGIN:VEVENT\n" + lines.joined(separator: "\n") + "\nEND:VEVENT")
      return ""
    } catch {
      return "\(error.line): \(error.what)"
    }
  }

  // What each should give was written out by hand from a paper calendar.
  @Test func `an event that recurs is written out`() throws {
    #expect(try calendar("DTSTART:20261201T220000Z", "DURATION:PT4H") == ["2026-12-01T22:00:00Z"])
    #expect(
      try calendar(
        "DTSTART:20261228T020000Z", "DTEND:20261228T030000Z", "RRULE:FREQ=DAILY;INTERVAL=2;COUNT=3")
        == ["2026-12-28T02:00:00Z", "2026-12-30T02:00:00Z", "2027-01-01T02:00:00Z"])
    // A Wednesday and the Saturdays and Wednesdays after it.
    #expect(
      try calendar(
        "DTSTART:20261202T010000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;BYDAY=SA,WE;UNTIL=20261212T235959Z",
        "EXDATE:20261209T010000Z")
        == ["2026-12-02T01:00:00Z", "2026-12-05T01:00:00Z", "2026-12-12T01:00:00Z"])
    // The last Friday and the second Tuesday of a month; the 31st where there is one.
    #expect(
      try calendar("DTSTART:20261127T100000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=3")
        == ["2026-11-27T10:00:00Z", "2026-12-25T10:00:00Z", "2027-01-29T10:00:00Z"])
    #expect(
      try calendar("DTSTART:20261208T100000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY;BYDAY=2TU;COUNT=2")
        == ["2026-12-08T10:00:00Z", "2027-01-12T10:00:00Z"])
    #expect(
      try calendar("DTSTART:20261231T100000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY;COUNT=3")
        == ["2026-12-31T10:00:00Z", "2027-01-31T10:00:00Z", "2027-03-31T10:00:00Z"])
    #expect(
      try calendar("DTSTART;VALUE=DATE:20240229", "RRULE:FREQ=YEARLY;COUNT=2")
        == ["2024-02-29T00:00:00Z", "2028-02-29T00:00:00Z"])
  }

  @Test func `a clock on the wall keeps its hour when summer time ends`() throws {
    #expect(
      try calendar(
        "DTSTART;TZID=Europe/Berlin:20261024T030000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3")
        == ["2026-10-24T01:00:00Z", "2026-10-25T02:00:00Z", "2026-10-26T02:00:00Z"])
  }

  @Test
  func `a long line goes on in the next, alarms within an event are not its own, a cancelled one is none`()
    throws
  {
    #expect(
      try calendar(
        "DTSTA", " RT:20261201T220000Z", "DTEND:20261201T230000Z", "BEGIN:VALARM", "DURATION:PT9H",
        "END:VALARM")
        == ["2026-12-01T22:00:00Z"])
    #expect(try calendar("STATUS:CANCELLED", "DTSTART:20261201T220000Z", "DURATION:PT1H") == [])
  }

  @Test func `what is not understood is a mistake with its line, never another window`() {
    #expect(
      mistake("DTSTART:20261301T000000Z", "DURATION:PT1H").hasPrefix("2: DTSTART 20261301T000000Z is no time")
    )
    #expect(mistake("DTSTART:20261201T000000Z").contains("no length"))
    #expect(mistake("DURATION:PT1H").contains("no DTSTART"))
    #expect(mistake("DTSTART:20261201T000000Z", "DURATION:1H").hasPrefix("3: DURATION"))
    #expect(
      mistake("DTSTART;TZID=Mars/Base:20261201T000000", "DURATION:PT1H").contains("Mars/Base is unknown"))
    for rule in [
      "FREQ=HOURLY", "FREQ=DAILY;BYHOUR=3", "FREQ=WEEKLY;BYDAY=XX", "COUNT=3", "FREQ=DAILY;INTERVAL=0",
    ] {
      #expect(
        mistake("DTSTART:20261201T000000Z", "DURATION:PT1H", "RRULE:\(rule)").hasPrefix("4: RRULE: "),
        "\(rule)")
    }
  }

  @Test func `a moment is covered when it lies in any of the times, also in a long one that began early`() {
    let window = MaintenanceWindow(
      streams: Globs(["*"]), times: [0...1000, 10...20, 30...40, 2000...2000, 2010...2020])
    for (time, isCovered) in [
      (-1.0, false), (0, true), (25, true), (35, true), (500, true), (1000, true), (1001, false),
      (2000, true),
      (2005, false), (2020, true), (2021, false),
    ] { #expect(window.covers(time) == isCovered, "\(time)") }
  }

  @Test func `windows are read from the config, and a calendar's mistakes are the config's`() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).ics").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    try "BEGIN:VEVENT\nDTSTART:20261201T220000Z\nDURATION:PT1H\nEND:VEVENT\n".write(
      toFile: file, atomically: true, encoding: .utf8)
    let settings = try DaemonSettings.parse(
      """
      maintenance:
        - {streams: ["db-*"], from: 2026-12-01T22:00:00Z, to: 2026-12-02T02:00:00Z}
        - {calendar: \(file)}
      """, file: "c.yaml"
    ).settings.pipeline.pipeline.maintenance
    #expect(settings.map(\.streams) == [Globs(["db-*"]), Globs(["*"])])
    #expect(
      settings[0].times == [1_796_162_400...1_796_176_800]
        && settings[1].times == [1_796_162_400...1_796_166_000])
    func problems(_ text: String) -> String {
      do throws(ConfigError) {
        _ = try DaemonSettings.parse("maintenance: [{\(text)}]", file: "c.yaml")
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(problems("from: 2026-12-01T22:00:00Z").contains("needs `from` and `to`"))
    #expect(problems("from: 2026-12-02, to: 2026-12-01").contains("lies before from"))
    #expect(problems("calendar: /none.ics").contains("is no text file"))
    try "BEGIN:VEVENT\nDTSTART:tomorrow\nEND:VEVENT\n".write(toFile: file, atomically: true, encoding: .utf8)
    #expect(problems("calendar: \(file)").contains("\(file):2: DTSTART tomorrow is no time"))
  }
}
