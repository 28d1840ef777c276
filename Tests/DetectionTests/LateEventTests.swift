import Events
import Testing

@testable import Detection

/// Events that come after others of a later time.
struct LateEventTests {
  static func world(_ seed: UInt64 = 21) throws -> (signals: Signals, detector: StreamDetector) {
    var signals = Signals(features: 4, common: 0.5, seed: seed)
    let detector = try trainedDetector(on: signals.rows(1500), seed: seed)
    return (signals, detector)
  }

  /// The same rows in the order of these numbers.
  static func reordered(_ rows: TrainingRows, _ order: [Int]) -> TrainingRows {
    var result = rows
    result.timestamps = order.map { rows.timestamps[$0] }
    result.values = order.flatMap { rows.values[$0 * rows.fields.count..<($0 + 1) * rows.fields.count] }
    return result
  }

  /// Rows 0 to count − 1, where row `from` comes right after row `after`.
  static func order(_ count: Int, moving from: Int, after: Int) -> [Int] {
    var order = Array(0..<count)
    order.remove(at: from)
    order.insert(from, at: after)
    return order
  }

  @Test
  func `a late event scores as it would have in its place, and the state after it is that of rows in order`()
    throws
  {
    var (signals, detector) = try Self.world()
    _ = detector.observeAll(signals.rows(100))
    let rows = signals.rows(120)
    var inOrder = detector
    let truth = inOrder.observeAll(rows, batch: 7)
    // The window of row 61 never saw row 60, which came after 64: those are the scores that differ.
    for batch in [1, 5, 64] {
      var late = detector
      let order = Self.order(120, moving: 60, after: 64)
      let found = late.observeAll(Self.reordered(rows, order), batch: batch)
      let place = try #require(order.firstIndex(of: 60))
      #expect(place == 64)
      #expect(abs(found.score[place] - truth.score[60]) < 0.5)
      #expect(found.score[..<60] == truth.score[..<60])
      // 16 rows later no window remembers that it was ever missing; thresholds do, a little.
      let off = (81..<120).map { abs(found.score[$0] - truth.score[$0]) }
      #expect(off.allSatisfy { $0 < 3 })
      #expect(late.context == inOrder.context)
      #expect(abs(late.memory.long - inOrder.memory.long) < 0.1)
      #expect(late.status.late.placed == 1 && late.status.late.tooLate == 0)
      #expect(late.status.lastEvent == rows.timestamps[119])
      #expect(late.status.scored == inOrder.status.scored)
    }
  }

  @Test func `rows in order are scored to the same bits whether late ones are looked for or not`() throws {
    var (signals, detector) = try Self.world(22)
    var without = detector
    without.settings.lateness = 0
    without.recent = RecentRows()
    var rows = signals.rows(400)
    for row in 300..<320 { rows.values[row * 4 + 1] += 7 }
    let (first, second) = (detector.observeAll(rows), without.observeAll(rows))
    #expect(first.score == second.score && first.p == second.p)
    #expect(first.alerts.count == second.alerts.count && first.alerts.count > 0)
  }

  @Test(arguments: [47, 48, 64, 100])
  func `many rows at once leave what they leave one after the other`(count: Int) {
    var random = SplitMix64(seed: 25)
    func numbers(_ count: Int) -> [Float] { (0..<count).map { _ in Float(random.uniform()) } }
    for (held, hasGap) in [(0, false), (20, false), (60, true), (48, true)] {
      var memory = FigureMemory()
      _ = memory.add(3)
      var together = RecentRows(fields: 3, context: 16)
      if hasGap { together.reset(memory) }
      let old = (levels: numbers(held * 3), figures: numbers(held), times: (0..<held).map(Double.init))
      for row in 0..<held {
        together.append(
          old.levels, at: row * 3, figures: old.figures, times: old.times, row..<row + 1, memory: memory)
      }
      var single = together
      let levels = numbers(6 + count * 3)
      var figures = numbers(count + 2)
      figures[5] = .nan
      let times = (0..<count + 2).map { 100 + Double($0) }
      together.append(levels, at: 6, figures: figures, times: times, 2..<count + 2, memory: memory)
      for row in 2..<count + 2 {
        single.append(
          levels, at: 6 + (row - 2) * 3, figures: figures, times: times, row..<row + 1, memory: memory)
      }
      #expect(together.count == single.count && together.hasOlder == single.hasOlder)
      for place in 0...single.count {
        #expect(together.memory(before: place) == single.memory(before: place))
        if place < single.count { #expect(together.time(place) == single.time(place)) }
      }
      var (a, b): ([Float], [Float]) = ([], [])
      together.context(before: single.count, rows: 48, into: &a)
      single.context(before: single.count, rows: 48, into: &b)
      #expect(a.map(\.bitPattern) == b.map(\.bitPattern))
    }
  }

  @Test func `swapped neighbours all through a stream raise no alarm`() throws {
    var (signals, detector) = try Self.world(23)
    let rows = signals.rows(1200)
    var order = Array(0..<1200)
    for index in stride(from: 6, to: 1198, by: 6) { order.swapAt(index, index + 1) }
    let found = detector.observeAll(Self.reordered(rows, order), batch: 10)
    #expect(found.alerts.isEmpty)
    #expect(detector.status.late.placed == 199)
    let alarms = Double(found.p.count { $0 <= 0.01 }) / 1200
    print("swapped neighbours: \(alarms) of the events at p ≤ 1 %")
    #expect(alarms < 0.03)
  }

  @Test func `what is too late is counted by reason, not scored, and changes nothing`() throws {
    var (signals, detector) = try Self.world(24)
    detector.settings.lateness = 20
    _ = detector.observeAll(signals.rows(200))
    let before = detector
    let rows = signals.rows(1)
    var old = rows
    old.timestamps = [rows.timestamps[0] - 25]
    old.values = [50, 50, 50, 50]
    var workspace = DetectorWorkspace()
    detector.observe(rows: old.values, width: 4, timestamps: old.timestamps, count: 1, workspace: &workspace)
    #expect(workspace.unscored[0] && workspace.score[0] == 0 && workspace.alerts.isEmpty)
    #expect(detector.status.late.tooLate == 1 && detector.status.late.placed == 0)
    detector.settings.lateness = 1000
    old.timestamps = [rows.timestamps[0] - 60]
    detector.observe(rows: old.values, width: 4, timestamps: old.timestamps, count: 1, workspace: &workspace)
    #expect(workspace.unscored[0])
    #expect(detector.status.late.notHeld == 1)
    #expect(detector.context == before.context && detector.memory == before.memory)
    // Thresholds, windows, an incident and the rest, but for what was counted.
    var counted = before
    counted.counters = detector.counters
    counted.training = detector.training
    let isSame = detector.encodeState() == counted.encodeState()
    #expect(isSame)
    #expect(detector.status.lastEvent == before.status.lastEvent)
  }

  @Test func `a clock that was set back goes on after sixteen events`() throws {
    var (signals, detector) = try Self.world(25)
    _ = detector.observeAll(signals.rows(100))
    var rows = signals.rows(100)
    rows.timestamps = rows.timestamps.map { $0 - 50_000 }
    let found = detector.observeAll(rows, batch: 9)
    #expect(found.score[..<16].allSatisfy { $0 == 0 })
    #expect(found.score[16...].count { $0 > 0 } > 80)
    let late = detector.status.late
    #expect(late.tooLate == 16 && late.setBack == 1 && late.placed == 0)
    #expect(detector.status.lastEvent == rows.timestamps[99])
  }

  @Test func `a late event of an incident's time amends it: its reasons, its beginning, its evidence`() throws
  {
    var (signals, detector) = try Self.world(26)
    _ = detector.observeAll(signals.rows(200))
    var rows = signals.rows(40)
    for row in 20..<40 { rows.values[row * 4 + 1] += 6 }
    // The first odd row is by far the oddest, in another field, and comes ten events late.
    rows.values[20 * 4 + 1] -= 6
    rows.values[20 * 4 + 3] += 40
    var copy = detector
    let truth = copy.observeAll(rows)
    let order = Self.order(40, moving: 20, after: 30)
    let found = detector.observeAll(Self.reordered(rows, order), batch: 8)
    let opening = try #require(found.alerts.first)
    #expect(opening.state == .open && opening.amended == nil)
    #expect(opening.features.first?.name == "f1")
    let amended = try #require(found.alerts.first { $0.amended == true })
    #expect(amended.state == .update && amended.id == opening.id)
    #expect(amended.features.first?.name == "f3")
    #expect(amended.onset == rows.timestamps[20])
    #expect(opening.onset > amended.onset)
    #expect(amended.pValue < opening.pValue)
    #expect(amended.text.contains("came late"))
    #expect(found.quarantined[try #require(order.firstIndex(of: 20))])
    #expect(truth.alerts.first?.features.first?.name == "f3")
    let evidence = try Evidence(decoding: amended.evidence)
    #expect(evidence.time == rows.timestamps[20])
    let again = try evidence.rescored(by: try #require(detector.model))
    #expect(again.pValue == amended.pValue && again.score == amended.score)
    #expect(again.confidence == amended.confidence)
  }

  @Test func `a late event that is odd by itself opens an incident, one that is not does not`() throws {
    var (signals, detector) = try Self.world(27)
    _ = detector.observeAll(signals.rows(200))
    var rows = signals.rows(40)
    let order = Self.order(40, moving: 20, after: 25)
    var calm = detector
    #expect(calm.observeAll(Self.reordered(rows, order)).alerts.isEmpty)
    rows.values[20 * 4 + 2] += 30
    let found = detector.observeAll(Self.reordered(rows, order))
    let opening = try #require(found.alerts.first)
    #expect(opening.state == .open && opening.onset == rows.timestamps[20])
    #expect(opening.features.first?.name == "f2")
    #expect(found.alertRows.first == order.firstIndex(of: 20))
  }

  @Test func `rows to learn from stand in order of time, where they were late by no more than is held`() {
    var rows = TrainingRows(fields: ["a"], segmentStarts: [6])
    rows.timestamps = [0, 1, 3, 2, 5, 4, 1, 0, 2, 100, 3]
    rows.values = rows.timestamps.map { Float($0) }
    rows.quarantined = rows.timestamps.map { $0 == 4 }
    let sorted = rows.inOrder(most: 2)
    #expect(sorted.timestamps == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 100])
    #expect(sorted.values == sorted.timestamps.map { Float($0) })
    #expect(sorted.quarantined == sorted.timestamps.map { $0 == 4 })
    var far = TrainingRows(fields: ["a"])
    far.timestamps = [10, 11, 12, 13, 1, 14]
    far.values = [0, 1, 2, 3, 4, 5]
    far.quarantined = Array(repeating: false, count: 6)
    #expect(far.inOrder(most: 2) == far)
    #expect(far.inOrder(most: 4).timestamps == [1, 10, 11, 12, 13, 14])
  }
}
