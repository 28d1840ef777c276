import Events
import Testing

@testable import Detection

@Suite struct NearestNormalTests {
  /// Six features, all of them close to a common cause.
  private func world() throws -> (signals: Signals, detector: StreamDetector) {
    var signals = Signals(features: 6, noise: .autoregressive, common: 0.9, seed: 61)
    return (signals, try trainedDetector(on: signals.rows(2000)))
  }

  @Test func `the field that was moved is what would have to change, to about the value it had`() throws {
    var (signals, detector) = try world()
    _ = signals.rows(2000)
    var near = 0
    var found = 0
    for trial in 0..<12 {
      let rows = signals.rows(160)
      let field = trial % 6
      var faulty = rows
      for row in 130..<160 { faulty.values[row * 6 + field] += 6 }
      let normal = try #require(
        NearestNormal(
          of: detector, rows: faulty, onset: rows.timestamps[130],
          features: ["f\(field)", "f\((field + 1) % 6)"]))
      #expect(normal.from == rows.timestamps[130])
      #expect(normal.scoreBefore > 90)
      guard normal.isNormal else { continue }
      found += 1
      #expect(normal.scoreAfter < detector.settings.alerts.close)
      #expect(normal.changes.count + normal.unchanged == 6)
      let change = try #require(normal.changes.first)
      #expect(change.name == "f\(field)" && change.value == Double(faulty.values[159 * 6 + field]))
      if abs(change.expected - Double(rows.values[159 * 6 + field])) < 1.2 { near += 1 }
    }
    #expect(found >= 10, "\(found) of 12")
    #expect(near * 10 >= found * 8, "\(near) of \(found)")
  }

  @Test func `changing a field that is innocent makes nothing normal, and the text says so`() throws {
    var (signals, detector) = try world()
    _ = signals.rows(2000)
    var rows = signals.rows(160)
    for row in 130..<160 { rows.values[row * 6 + 2] += 9 }
    let normal = try #require(
      NearestNormal(of: detector, rows: rows, onset: rows.timestamps[130], features: ["f4"]))
    #expect(!normal.isNormal)
    #expect(normal.text.hasPrefix("not normal even if f4 were "))
    detector.reconcile(openIncident: nil)
  }

  @Test func `a sentence says what would have been normal, and what stays`() throws {
    var (signals, detector) = try world()
    _ = signals.rows(2000)
    var rows = signals.rows(160)
    for row in 150..<160 { rows.values[row * 6] += 8 }
    let normal = try #require(
      NearestNormal(of: detector, rows: rows, onset: rows.timestamps[150], features: ["f0"]))
    let change = try #require(normal.changes.first)
    #expect(
      normal.text
        == "normal if f0 were \(AlertText.number(change.expected)) ± \(AlertText.number(change.deviation)); "
        + "the other five are as expected")
    detector.reconcile(openIncident: nil)
  }
}
