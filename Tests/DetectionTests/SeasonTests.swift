import Events
import Glibc
import Tensors
import Testing

@testable import Detection

/// Habits of the day and of the week, learned where they help.
@Suite struct SeasonTests {
  /// 1 January 2024, a Monday, 00:00 UTC.
  static let begin = 1_704_067_200.0
  static let quarter = 900.0

  /// Rows every 15 minutes of a metric that swings by ±5 once a day by the local clock, and of one without habits.
  func rows(
    days: Range<Double>, clock: LocalClock = .utc, seed: UInt64 = 3
  ) -> TrainingRows {
    var random = RandomStream(seed: seed, stream: 9)
    var rows = TrainingRows(fields: ["daily", "plain"])
    var time = Self.begin + days.lowerBound * 86_400
    while time < Self.begin + days.upperBound * 86_400 {
      let hour = clock.local(time).truncatingRemainder(dividingBy: 86_400) / 3600
      rows.values.append(Float(20 - 5 * cos(hour / 24 * 2 * .pi)) + 0.3 * random.normal())
      rows.values.append(random.normal())
      rows.timestamps.append(time)
      rows.quarantined.append(false)
      time += Self.quarter
    }
    return rows
  }

  func season(of detector: StreamDetector) throws -> SeasonalDeviation {
    let contents = try #require(detector.model?.contents)
    let index = try #require(contents.detectors.firstIndex { $0.rawValue == "season" })
    guard case .seasonal(let season) = contents.members[index] else {
      throw DetectionDecodingError.missingSection("season")
    }
    return season
  }

  @Test func `a value that is odd only for its hour is found`() throws {
    var detector = try trainedDetector(on: rows(days: 0..<21))
    let season = try season(of: detector)
    #expect(season.cycles.map(\.period) == [86_400] && season.cycles[0].fields == [0])
    var later = rows(days: 21..<25, seed: 4)
    // Three hours around noon as they would be at four in the night: a value that comes every day.
    let noon = Int(2.5 * 86_400 / Self.quarter)
    for row in noon..<noon + 12 { later.values[2 * row] = 17.5 }
    let observed = detector.observeAll(later)
    let usual = observed.score.indices.filter { !(noon..<noon + 96).contains($0) }.map { observed.score[$0] }
    let highest = try #require(usual.max())
    let found = (noon..<noon + 12).count { observed.score[$0] > highest }
    #expect(found >= 6, "\(found) of 12 rows above \(highest)")
    #expect(observed.alerts.contains { $0.state == .open && $0.features.first?.name == "daily" })
  }

  @Test func `the clock being put forward raises nothing when the zone is known`() throws {
    // On day 24.04 (01:00 UTC) the clock goes from one hour ahead of UTC to two.
    let change = Self.begin + 24 * 86_400 + 3600
    let berlin = LocalClock(offset: 3600, changes: [.init(from: change, offset: 7200)])
    var settings = DetectionSettings.quick
    settings.clock = berlin
    let history = rows(days: 0..<21, clock: berlin)
    let later = rows(days: 21..<28, clock: berlin, seed: 5)
    var knowing = try trainedDetector(on: history, settings: settings)
    let observed = knowing.observeAll(later)
    #expect(observed.alerts.isEmpty)
    func median(_ detector: StreamDetector) throws -> Float {
      let season = try season(of: detector)
      // Mornings after the change, when the metric rises.
      let plan = try #require(detector.model?.contents.plan)
      let rows = later.timestamps.indices.filter {
        let hour = berlin.local(later.timestamps[$0]).truncatingRemainder(dividingBy: 86_400) / 3600
        return later.timestamps[$0] > change && (5..<8).contains(hour)
      }
      let inputs = plan.inputs(later.values, rows: later.count, segmentStarts: [])
      var raw = [Float](repeating: 0, count: later.count)
      season.score(inputs.values, mask: nil, times: later.timestamps, from: 0, rows: later.count, into: &raw)
      return rows.map { raw[$0] }.sorted()[rows.count / 2]
    }
    let asUTC = try trainedDetector(on: history)
    let (known, unknown) = (try median(knowing), try median(asUTC))
    #expect(unknown > 3 * known, "an hour off is odd: \(unknown), not \(known)")
  }

  @Test func `a period of the data's own is found by autocorrelation`() throws {
    var random = RandomStream(seed: 8, stream: 9)
    var history = TrainingRows(fields: ["machine"])
    for row in 0..<1200 {
      // A cycle of 37 rows with a short peak.
      history.values.append((row % 37 < 6 ? 4 : 0) + 0.2 * random.normal())
      history.timestamps.append(Double(row) * 10)
      history.quarantined.append(false)
    }
    let season = try season(of: try trainedDetector(on: history))
    let cycle = try #require(season.cycles.first)
    #expect(season.cycles.count == 1 && abs(cycle.period - 370) < 1e-6 && !cycle.isCivil)
  }

  @Test func `what has no habits has no season, and the companion does not count`() throws {
    var signals = Signals(features: 3, seed: 12)
    let detector = try trainedDetector(on: signals.rows(900))
    #expect(try season(of: detector).isSilent)
    let contents = try #require(detector.model?.contents)
    let index = try #require(contents.detectors.firstIndex { $0.rawValue == "season" })
    #expect(contents.shares[index] == 0 && abs(contents.shares.reduce(0, +) - 1) < 1e-5)
  }

  @Test func `a season comes back from its bytes, and broken ones are refused`() throws {
    var settings = DetectionSettings.quick
    settings.clock = LocalClock(offset: 60, changes: [.init(from: 5, offset: 120)])
    let season = try season(of: try trainedDetector(on: rows(days: 0..<14), settings: settings))
    #expect(!season.isSilent && season.clock == settings.clock)
    let bytes = Member.seasonal(season).encode()
    guard case .seasonal(let copy) = try Member(decodingSeason: bytes) else { return }
    #expect(copy == season)
    #expect(throws: DetectionDecodingError.self) { try Member(decodingSeason: Array(bytes.dropLast(2))) }
  }

  @Test func `windows hold the last rows, a missing level counting as the one after it`() {
    let scale = RobustScale(centre: 0, spread: 1)
    let plan = InputPlan(
      fields: 2, window: 4, ordered: true, limit: 6, scales: Array(repeating: scale, count: 6))
    #expect(plan.span == 16 && plan.contextRows == 15)
    var values = (0..<40).flatMap { [Float($0) / 10, -Float($0) / 10] }
    values[2 * 30] = .nan
    values[2 * 39] = .nan
    let windows = plan.inputs(values, rows: 40, segmentStarts: [20], withWindows: true).windows
    let last = Array(windows[39 * 32..<40 * 32])
    #expect(last[0] == 2.4 && last[1] == -2.4 && last[31] == -3.9)
    #expect(last[12] == 3.1, "row 30 as row 31")
    #expect(last[30] == 0, "the newest as usual")
    // A segment begins at row 20: before it lies nothing, which is as its first row.
    #expect(Array(windows[21 * 32..<21 * 32 + 4]) == [2, -2, 2, -2])
  }
}
