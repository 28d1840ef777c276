import Events
import Tensors
import Testing

@testable import Detection

/// What is as odd at its time of every day does not begin each day anew.
@Suite struct RecurringPeakTests {
  private static let hour = 3600.0
  private static let day = 86_400.0

  /// Of a day, or of a period of its own, that levels follow.
  private func turning(
    period: Double = day, isCivil: Bool = true, clock: LocalClock = .utc
  ) throws -> RecurringPeaks.Turning {
    let cycle = SeasonalDeviation.Cycle(
      period: period, isCivil: isCivil, bins: 1, fields: [0], medians: [0], spreads: [1])
    return try #require(
      RecurringPeaks.Turning(
        season: SeasonalDeviation(width: 3, clock: clock, cycles: [cycle]), interval: 300))
  }

  private func add(
    _ figure: Float, at time: Double, _ turning: RecurringPeaks.Turning, to peaks: inout RecurringPeaks
  ) {
    peaks.add(figure, at: turning.place(time), of: turning)
  }

  private func usual(_ time: Double, _ turning: RecurringPeaks.Turning, _ peaks: RecurringPeaks) -> Float {
    peaks.usual(at: turning.place(time), of: turning)
  }

  @Test func `what two days had at a time is usual there from the third on, and at no other time`() throws {
    let turning = try turning()
    var peaks = RecurringPeaks()
    for (day, figure) in [Float(6), 5].enumerated() {
      #expect(usual(Double(day) * Self.day + 9 * Self.hour, turning, peaks) == 0)
      add(figure, at: Double(day) * Self.day + 9 * Self.hour, turning, to: &peaks)
    }
    // The day itself does not count before it is over, so that a row that is scored again meets what it met.
    #expect(usual(Self.day + 9 * Self.hour, turning, peaks) == 0)
    for minutes in [-29.0, 0, 29] {
      #expect(usual(2 * Self.day + 9 * Self.hour + minutes * 60, turning, peaks) == 5)
    }
    for hours in [0.0, 7.9, 10.1, 23.9] {
      #expect(usual(2 * Self.day + hours * Self.hour, turning, peaks) == 0)
    }
  }

  @Test func `midnight has the day before and the day after beside it`() throws {
    let turning = try turning()
    var peaks = RecurringPeaks()
    for day in 0..<3 { add(7, at: Double(day) * Self.day + 23.9 * Self.hour, turning, to: &peaks) }
    #expect(usual(3 * Self.day + 0.1 * Self.hour, turning, peaks) == 7)
    for day in 4..<6 { add(4, at: Double(day) * Self.day + 0.1 * Self.hour, turning, to: &peaks) }
    #expect(usual(5 * Self.day + 23.9 * Self.hour, turning, peaks) == 7)
    var other = RecurringPeaks()
    for day in 4..<6 { add(4, at: Double(day) * Self.day + 0.1 * Self.hour, turning, to: &other) }
    #expect(usual(5 * Self.day + 23.9 * Self.hour, turning, other) == 4)
  }

  @Test func `a weekend forgets nothing, a month does`() throws {
    let turning = try turning()
    var peaks = RecurringPeaks()
    for day in 0..<5 { add(6, at: Double(day) * Self.day, turning, to: &peaks) }
    #expect(usual(7 * Self.day, turning, peaks) == 6)
    for day in 7..<12 { add(1, at: Double(day) * Self.day, turning, to: &peaks) }
    #expect(usual(14 * Self.day, turning, peaks) == 6)
    for day in 12..<30 { add(1, at: Double(day) * Self.day, turning, to: &peaks) }
    #expect(usual(30 * Self.day, turning, peaks) == 1)
    #expect(usual(60 * Self.day, turning, peaks) == 0)
  }

  @Test func `a day goes by the clock on the wall, a period of its own does not`() throws {
    let zone = LocalClock(offset: 0, changes: [.init(from: 3 * Self.day, offset: 2 * Self.hour)])
    var peaks = RecurringPeaks()
    let civil = try turning(clock: zone)
    for day in 0..<3 { add(6, at: Double(day) * Self.day + 9 * Self.hour, civil, to: &peaks) }
    #expect(usual(3 * Self.day + 7 * Self.hour, civil, peaks) == 6)
    #expect(usual(3 * Self.day + 9 * Self.hour, civil, peaks) == 0)
    let own = try turning(period: 1000, isCivil: false, clock: zone)
    for turn in 0..<3 { add(6, at: Double(turn) * 1000 + 500, own, to: &peaks) }
    #expect(usual(3 * Self.day + 500, own, peaks) == 0, "259 turns later all is forgotten")
    #expect(usual(3500, own, peaks) == 6)
  }

  @Test func `peaks come back from their bytes`() throws {
    let turning = try turning()
    var peaks = RecurringPeaks()
    for hour in 0..<600 {
      add(Float(hour * 37 % 91) / 7, at: Double(hour) * Self.hour, turning, to: &peaks)
    }
    for peaks in [RecurringPeaks(), peaks] {
      var writer = ByteWriter()
      peaks.encode(to: &writer)
      var reader = ByteReader(writer.bytes, section: "test")
      #expect(try RecurringPeaks(decoding: &reader) == peaks)
      try reader.end()
    }
  }

  /// A metric, each five minutes, that steps from 20 to 80 at nine and back at six, and does so `extra` times at another hour.
  private func steps(days: Range<Int>, extra: Set<Int> = [], seed: UInt64) -> TrainingRows {
    var random = RandomStream(seed: seed, stream: 3)
    var rows = TrainingRows(fields: ["load"])
    for row in days.lowerBound * 288..<days.upperBound * 288 {
      let hour = Double(row % 288) / 12
      let isExtra = extra.contains(row / 288) && (2..<4).contains(hour)
      rows.values.append(((9..<18).contains(hour) || isExtra ? 80 : 20) + random.normal())
      rows.timestamps.append(SeasonTests.begin + Double(row) * 300)
      rows.quarantined.append(false)
    }
    return rows
  }

  private func oddness(_ detector: inout StreamDetector, _ rows: TrainingRows) -> [Double] {
    var workspace = DetectorWorkspace()
    var found: [Double] = []
    for start in stride(from: 0, to: rows.count, by: 64) {
      let part = rows.rows(start..<min(start + 64, rows.count))
      detector.observe(
        rows: part.values, width: 1, timestamps: part.timestamps, count: part.count, workspace: &workspace)
      found += workspace.oddness[..<part.count]
    }
    return found
  }

  @Test func `a step of each morning scores below the same step in the night, also after a restart`() throws {
    var detector = try trainedDetector(on: steps(days: 0..<8, seed: 1))
    let before = steps(days: 8..<12, seed: 2)
    let after = steps(days: 12..<14, extra: [13], seed: 3)
    _ = oddness(&detector, before)
    var restored = try StreamDetector(
      restoring: detector.encodeState(), stream: detector.stream, model: detector.model,
      settings: detector.settings, seed: 9)
    let scores = oddness(&detector, after)
    #expect(oddness(&restored, after) == scores)
    let night = try #require(scores[288 + 24..<288 + 48].max())
    for day in 0..<2 {
      let edges = scores[day * 288 + 9 * 12 - 1..<day * 288 + 18 * 12 + 3]
      #expect(try #require(edges.max()) < night, "day \(day)")
    }
  }
}
