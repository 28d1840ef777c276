import Events
import Glibc
import Testing

@testable import Detection

/// Whole detections on streams whose truth is known.
@Suite struct FaultTests {
  /// Adds `amount(step)` to one feature in `length` rows from `start` on.
  func plant(
    _ rows: inout TrainingRows, feature: Int, start: Int, length: Int, _ amount: (Int) -> Float
  ) {
    let width = rows.fields.count
    for step in 0..<length { rows.values[(start + step) * width + feature] += amount(step) }
  }

  @Test(arguments: [1, 16])
  func `a step of ten sigma is one incident for its length and resolves soon after its end`(
    features: Int
  ) throws {
    var signals = Signals(features: features, seed: 21)
    var detector = try trainedDetector(on: signals.rows(1500))
    var rows = signals.rows(1200)
    plant(&rows, feature: features / 2, start: 200, length: 600) { _ in 10 }
    let observed = detector.observeAll(rows)

    let opened = zip(observed.alerts, observed.alertRows).filter { $0.0.state == .open }
    let inFault = opened.filter { (200..<800).contains($0.1) }
    #expect(inFault.count == 1)
    let (alert, row) = try #require(inFault.first)
    #expect(row < 220)
    #expect(abs(alert.onset - rows.timestamps[200]) < 20)
    #expect(alert.features.first?.name == "f\(features / 2)")
    #expect(alert.kind == .value)
    let resolved = try #require(
      zip(observed.alerts, observed.alertRows).first { $0.0.state == .resolved && $0.1 > row })
    #expect(resolved.0.id == alert.id)
    #expect((800...860).contains(resolved.1))
    #expect(observed.quarantined[220..<800].allSatisfy { $0 })
    #expect(observed.alerts.contains { $0.state == .update && $0.id == alert.id })

    // What came before is as it was: the same noise scores as usual again.
    let after = detector.observeAll(signals.rows(2000))
    #expect(Double(after.p.count { $0 <= 0.1 }) / 2000 > 0.04)
    #expect(Double(after.p.count { $0 <= 0.1 }) / 2000 < 0.2)
  }

  @Test(arguments: [1, 16])
  func `a ramp is caught in its first fifth and stays caught`(features: Int) throws {
    var signals = Signals(features: features, seed: 22)
    var detector = try trainedDetector(on: signals.rows(1500))
    var rows = signals.rows(7200)
    plant(&rows, feature: 0, start: 0, length: 7200) { 50 * Float($0 + 1) / 7200 }
    let observed = detector.observeAll(rows)
    let open = zip(observed.alerts, observed.alertRows).filter { $0.0.state == .open }.map(\.1)
    let resolved = zip(observed.alerts, observed.alertRows).filter { $0.0.state == .resolved }.map(\.1)
    #expect(try #require(open.first) < 1440)
    #expect(resolved.allSatisfy { $0 < 1440 })
    #expect(detector.openIncident != nil)
    #expect(observed.quarantined[1440...].allSatisfy { $0 })
    let back = detector.observeAll(signals.rows(60))
    #expect(back.alerts.contains { $0.state == .resolved })
  }

  @Test(arguments: [(1, Signals.Noise.white), (4, .autoregressive), (4, .student)])
  func `noise alone opens next to nothing, and the false-alarm rate is as promised`(
    features: Int, noise: Signals.Noise
  ) throws {
    var signals = Signals(features: features, noise: noise, seed: 23)
    var detector = try trainedDetector(on: signals.rows(2000))
    for _ in 0..<10 { _ = detector.observeAll(signals.rows(3000)) }
    let status = detector.status
    #expect(status.incidents <= 4)
    #expect(status.scored == 30_000)
    #expect((0.85...1.2).contains(Double(status.tails[0]) / 3000))
    #expect((0.75...1.35).contains(Double(status.tails[1]) / 300))
  }

  @Test func `a value that never came before stays finite and keeps its order`() throws {
    var signals = Signals(features: 3, seed: 24)
    let detector = try trainedDetector(on: signals.rows(800))
    var last = Float.infinity
    for size: Float in [8, 30, 1e3, 1e6, 1e12, 1e30] {
      var copy = detector
      var rows = signals.rows(1)
      rows.values = [0, size, 0]
      let observed = copy.observeAll(rows)
      // By the thresholds; what is said is what 200 held-out rows allow.
      #expect(copy.counters.lastLogP < last && copy.counters.lastLogP.isFinite)
      #expect(abs(observed.p[0] * 201 - 1) < 1e-4)
      last = copy.counters.lastLogP
    }
    #expect(last < logf(1e-7))
  }

  @Test func `a constant field that changes is seen`() throws {
    var signals = Signals(features: 3, seed: 25)
    var training = signals.rows(800)
    for row in 0..<800 { training.values[row * 3 + 1] = 5 }
    var detector = try trainedDetector(on: training)
    var rows = signals.rows(100)
    for row in 0..<100 { rows.values[row * 3 + 1] = row < 50 ? 5 : 9 }
    let observed = detector.observeAll(rows)
    let open = try #require(zip(observed.alerts, observed.alertRows).first { $0.0.state == .open })
    #expect((50..<60).contains(open.1))
    #expect(open.0.features.first?.name == "f1")
  }

  @Test
  func `missing values are not held against a stream, and a stream that lacks everything is not scored`()
    throws
  {
    var signals = Signals(features: 4, seed: 26)
    var training = signals.rows(1200)
    for index in stride(from: 0, to: training.values.count, by: 11) { training.values[index] = .nan }
    var detector = try trainedDetector(on: training)
    var rows = signals.rows(2000)
    for index in stride(from: 0, to: rows.values.count, by: 13) { rows.values[index] = .infinity }
    for row in 500..<520 { for field in 0..<4 { rows.values[row * 4 + field] = .nan } }
    let observed = detector.observeAll(rows)
    #expect(observed.p[500..<520].allSatisfy { $0 == 1 })
    #expect(detector.status.incidents <= 1)
    #expect(detector.status.missingValues > 600)
    #expect(observed.p.allSatisfy { $0 > 0 && $0 <= 1 })
    // A fault is found although another field is missing all the time.
    var faulty = signals.rows(40)
    for row in 0..<40 {
      faulty.values[row * 4] = .nan
      faulty.values[row * 4 + 2] += 10
    }
    let found = detector.observeAll(faulty).alerts.first { $0.state == .open }
    #expect(found?.features.first?.name == "f2")
  }
}
