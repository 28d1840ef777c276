import Events
import Testing

@testable import Detection

/// Events that come late for an incident that is over.
struct LateAfterEndTests {
  /// Rows with a jump in f1 from 40 on, as long as asked for.
  private static func rows(_ signals: inout Signals, _ count: Int, jump: Int = 20) -> TrainingRows {
    var rows = signals.rows(count)
    for row in 40..<40 + jump { rows.values[row * 4 + 1] += 8 }
    return rows
  }

  /// What comes of all rows but one, and of that one `after` rows after the end of the first incident; the rows end 40 later.
  private static func found(
    late: Int, after: Int, _ rows: TrainingRows, _ detector: inout StreamDetector
  ) throws -> (found: Observed, order: [Int], end: Int) {
    var order = Array(0..<rows.count)
    order.remove(at: late)
    var copy = detector
    let truth = copy.observeAll(LateEventTests.reordered(rows, order))
    let resolved = try #require(truth.alerts.firstIndex { $0.state == .resolved })
    let end = truth.alertRows[resolved]
    try #require(end + after + 40 < order.count, "resolved at \(end)")
    order.insert(late, at: end + after)
    order.removeSubrange((end + after + 40)...)
    return (detector.observeAll(LateEventTests.reordered(rows, order), batch: 8), order, end)
  }

  @Test(arguments: [1, 12, 30])
  func `an odd event of a resolved incident's time amends it, and it stays resolved`(after: Int) throws {
    var (signals, detector) = try LateEventTests.world(31)
    _ = detector.observeAll(signals.rows(100))
    var rows = Self.rows(&signals, 300)
    rows.values[50 * 4 + 3] += 40
    let (found, order, _) = try Self.found(late: 50, after: after, rows, &detector)
    #expect(found.alerts.map(\.state).filter { $0 != .update } == [.open, .resolved])
    let resolved = try #require(found.alerts.last { $0.state == .resolved })
    let amended = try #require(found.alerts.last)
    #expect(found.alerts.count { $0.amended == true } == 1)
    #expect(amended.state == .update && amended.amended == true && amended.isOver)
    #expect(amended.id == resolved.id && amended.onset == resolved.onset)
    #expect(amended.resolvedAt == resolved.ts && amended.ts >= resolved.ts)
    #expect(resolved.resolvedAt == nil && resolved.isOver)
    #expect(amended.pValue < resolved.pValue && amended.score > resolved.score)
    #expect(amended.severity >= resolved.severity)
    #expect(amended.features.first?.name == "f3" && resolved.features.first?.name != "f3")
    #expect(amended.events == resolved.events.map { $0 + 1 })
    #expect(amended.text.contains("it stays resolved"))
    #expect(detector.openIncident == nil)
    let place = try #require(order.firstIndex(of: 50))
    #expect(found.quarantined[place])
    #expect(found.alertRows.last == place)
    #expect(detector.status.late.placed == 1)
    let again = try Evidence(decoding: amended.evidence).rescored(by: try #require(detector.model))
    #expect(again.pValue == amended.pValue && again.score == amended.score)
  }

  @Test func `an odd event from just before it moves the beginning of a resolved incident back`() throws {
    var (signals, detector) = try LateEventTests.world(32)
    _ = detector.observeAll(signals.rows(100))
    var rows = Self.rows(&signals, 300)
    rows.values[39 * 4 + 3] += 40
    let (found, _, _) = try Self.found(late: 39, after: 10, rows, &detector)
    let resolved = try #require(found.alerts.last { $0.state == .resolved })
    let amended = try #require(found.alerts.last)
    #expect(resolved.onset > rows.timestamps[39])
    #expect(amended.id == resolved.id && amended.onset == rows.timestamps[39])
    #expect(amended.amended == true && amended.resolvedAt == resolved.ts)
    #expect(found.alerts.count { $0.state == .open } == 1)
  }

  @Test func `a calm event of a resolved incident's time is counted and kept apart, and worth no word`()
    throws
  {
    var (signals, detector) = try LateEventTests.world(33)
    _ = detector.observeAll(signals.rows(100))
    let rows = Self.rows(&signals, 300)
    var copy = detector
    let (_, _, end) = try Self.found(late: 200, after: 1, rows, &copy)
    // Well within the calm rows that ended it.
    let (found, order, _) = try Self.found(late: end - 4, after: 10, rows, &detector)
    #expect(found.alerts.allSatisfy { $0.amended == nil })
    let place = try #require(order.firstIndex(of: end - 4))
    #expect(found.score[place] < 70 && found.score[place] > 0)
    #expect(found.quarantined[place])
    #expect(found.quarantined[..<place].count { $0 } >= 20)
    #expect(detector.status.late.placed == 1 && detector.openIncident == nil)
  }

  @Test func `what comes later than thirty-two rows after the end is counted and changes nothing`() throws {
    var (signals, detector) = try LateEventTests.world(34)
    _ = detector.observeAll(signals.rows(100))
    var rows = Self.rows(&signals, 300)
    rows.values[50 * 4 + 3] += 40
    let (found, _, _) = try Self.found(late: 50, after: 36, rows, &detector)
    #expect(found.alerts.allSatisfy { $0.amended == nil })
    #expect(found.alerts.count { $0.state == .open } == 1)
    let late = detector.status.late
    #expect(late.placed == 0 && late.notHeld == 1)
    #expect(detector.past.isEmpty && !detector.recent.holdsMore)
  }

  @Test func `while a second incident is open a late event goes to the first one if it is of its time`()
    throws
  {
    var (signals, detector) = try LateEventTests.world(35)
    detector.settings.alerts.closeAfter = 3
    _ = detector.observeAll(signals.rows(100))
    var rows = Self.rows(&signals, 300, jump: 8)
    rows.values[44 * 4 + 3] += 40
    var order = Array(0..<300)
    order.remove(at: 44)
    var copy = detector
    let truth = copy.observeAll(LateEventTests.reordered(rows, order))
    let end = truth.alertRows[try #require(truth.alerts.firstIndex { $0.state == .resolved })]
    for row in end + 10..<300 { rows.values[row * 4] += 12 }
    order.insert(44, at: end + 20)
    order.removeSubrange((end + 40)...)
    let found = detector.observeAll(LateEventTests.reordered(rows, order), batch: 8)
    let openings = found.alerts.filter { $0.state == .open }
    try #require(openings.count == 2)
    let amended = found.alerts.filter { $0.amended == true }
    #expect(amended.map(\.id) == [openings[0].id])
    #expect(amended.first?.features.first?.name == "f3")
    #expect(detector.openIncident?.id == openings[1].id)
    #expect(detector.openIncident?.features.first?.name == "f0")
    #expect(detector.openIncident?.onset == openings[1].onset)
  }

  @Test func `an event ninety rows late still belongs to the incident that is open`() throws {
    var (signals, detector) = try LateEventTests.world(36)
    _ = detector.observeAll(signals.rows(100))
    var rows = Self.rows(&signals, 200, jump: 160)
    rows.values[60 * 4 + 3] += 40
    let found = detector.observeAll(
      LateEventTests.reordered(rows, LateEventTests.order(200, moving: 60, after: 150)), batch: 8)
    let amended = try #require(found.alerts.last { $0.amended == true })
    #expect(amended.id == found.alerts.first?.id && amended.features.first?.name == "f3")
    #expect(amended.resolvedAt == nil && !amended.isOver)
  }

  @Test func `an event more than thirty-two rows late that belongs to no incident is not placed`() throws {
    var (signals, detector) = try LateEventTests.world(36)
    _ = detector.observeAll(signals.rows(100))
    var rows = Self.rows(&signals, 200, jump: 160)
    rows.values[20 * 4 + 3] += 40
    let found = detector.observeAll(
      LateEventTests.reordered(rows, LateEventTests.order(200, moving: 20, after: 80)), batch: 8)
    #expect(found.alerts.allSatisfy { $0.amended == nil })
    #expect(detector.status.late.placed == 0 && detector.status.late.notHeld == 1)
  }

  @Test func `rows of an incident are held up to their bound, and given up after it`() {
    var random = SplitMix64(seed: 37)
    var recent = RecentRows(fields: 3, context: 16)
    var levels: [Float] = []
    var memory = FigureMemory()
    var before: [FigureMemory] = []
    func feed(_ count: Int) {
      for _ in 0..<count {
        let row = before.count
        let new = (0..<3).map { _ in Float(random.uniform()) }
        let figure = Float(random.uniform())
        recent.append(new, at: 0, figures: [figure], times: [Double(row)], 0..<1, memory: memory)
        levels += new
        before.append(memory)
        _ = memory.add(figure)
      }
    }
    feed(100)
    #expect(recent.count == 48)
    recent.holdsMore = true
    feed(400)
    #expect(recent.count == 16 + RecentRows.mostHeld)
    for behind in [0, 1, 31, 32, 33, 200, 256] {
      let place = recent.place(of: Double(before.count - 1 - behind))
      #expect(recent.count - place == behind && recent.holds(place))
      var context: [Float] = []
      recent.context(before: place, rows: 16, into: &context)
      let upTo = (before.count - behind) * 3
      #expect(context == Array(levels[upTo - 48..<upTo]))
      if behind > 0 { #expect(recent.memory(before: place) == before[before.count - behind]) }
    }
    #expect(!recent.holds(recent.place(of: Double(before.count - 1 - 257))))
    recent.holdsMore = false
    #expect(recent.count == 48)
    #expect(recent.holds(recent.count - 32) && !recent.holds(recent.count - 33))
    feed(10)
    #expect(recent.count == 48 && recent.memory(before: recent.count - 1) == before[before.count - 1])
  }
}
