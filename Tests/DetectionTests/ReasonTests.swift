import Events
import Tensors
import Testing

@testable import Detection

/// Whether reasons are right, by faults of which all is known. `anomalylab bench reasons` does the same on more streams.
@Suite struct ReasonTests {
  /// Of two kinds of streams: six fields with a cause in common, and five that wander each by itself.
  private static func measured() throws -> ReasonPower {
    var all = ReasonPower()
    for (fields, common, seed) in [(6, Float(0.8), UInt64(81)), (5, 0.2, 82)] {
      var signals = Signals(features: fields, noise: .autoregressive, common: common, seed: seed)
      let detector = try trainedDetector(on: signals.rows(1800))
      all.add(ReasonPower(of: detector, rows: signals.rows(1500), rounds: 12))
    }
    return all
  }

  @Test func `field, kind, onset, lag and nearest normal event of planted faults are right`() throws {
    let power = try Self.measured()
    let opened = power.findings.reduce(0) { $0 + $1.opened }
    let table = power.findings.map {
      "\($0.fault): \($0.opened) of \($0.planted), named \($0.named), kinds \($0.kinds), onsets \($0.onsets), normal \($0.normal)"
    }.joined(separator: "\n")
    #expect(opened >= 60, "\(table)")

    let ofFields = power.findings.filter(\.fault.hasField)
    let withField = ofFields.reduce(0) { $0 + $1.opened }
    #expect(10 * ofFields.reduce(0) { $0 + $1.named } >= 9 * withField, "\(table)")

    // Whoever says the most frequent kind each time is the one to beat, clearly.
    let right = power.findings.reduce(0) { $0 + $1.right }
    let most = try #require(
      Alert.Kind.allCases.map { kind in
        power.findings.filter { $0.fault.kind == kind }.reduce(0) { $0 + $1.opened }
      }.max())
    #expect(Double(right) >= 0.75 * Double(opened) && Double(right) >= 1.3 * Double(most), "\(table)")

    let onsets = power.findings.flatMap(\.onsets)
    #expect(10 * onsets.count { abs($0) <= 3 } >= 7 * onsets.count, "\(table)")
    #expect(10 * ofFields.reduce(0) { $0 + $1.normal } >= 7 * withField, "\(table)")

    for lag in power.lags where lag.lag <= 3 {
      #expect(lag.explained >= 12)
      #expect(10 * lag.dated >= 8 * lag.explained, "\(lag)")
    }
  }

  @Test func `measuring reasons leaves the detector as it is, and says the same again`() throws {
    var signals = Signals(features: 4, seed: 83)
    let detector = try trainedDetector(on: signals.rows(600))
    let state = detector.encodeState()
    let rows = signals.rows(600)
    #expect(
      ReasonPower(of: detector, rows: rows, rounds: 2) == ReasonPower(of: detector, rows: rows, rounds: 2))
    #expect(detector.encodeState() == state)
  }

  @Test func `an incident keeps its reason while only the memory of a fault is strange`() throws {
    var signals = Signals(features: 6, noise: .autoregressive, common: 0.5, seed: 84)
    var detector = try trainedDetector(on: signals.rows(1500))
    for fault in 0..<6 {
      var rows = signals.rows(200)
      for row in 60..<92 { rows.values[row * 6 + fault] += 25 }
      let observed = detector.observeAll(rows)
      let place = try #require(
        Array(zip(observed.alerts, observed.alertRows)).firstIndex { $0.0.state == .open && $0.1 >= 60 })
      #expect(observed.alertRows[place] < 64)
      let said = observed.alerts[place...].filter {
        $0.id == observed.alerts[place].id && $0.state != .resolved
      }
      #expect(said.allSatisfy { $0.features.first?.name == "f\(fault)" && $0.kind == .value }, "f\(fault)")
      detector.reconcile(openIncident: nil)
    }
  }

  @Test func `a planted fault is what it says it is, and lies where it should`() throws {
    var signals = Signals(features: 6, noise: .autoregressive, common: 0.8, seed: 85)
    let rows = signals.rows(1200)
    let usual = UsualState(rows)
    var random = RandomStream(seed: 1, stream: 1)
    for fault in ReasonFault.allCases {
      var faulty = rows
      guard fault.plant(into: &faulty, at: 500, field: 2, usual: usual, random: &random) else {
        Issue.record("\(fault) found no place")
        continue
      }
      let changed = (0..<1200).filter {
        rows.values[$0 * 6..<$0 * 6 + 6] != faulty.values[$0 * 6..<$0 * 6 + 6]
      }
      #expect(changed.allSatisfy { (500..<500 + fault.length).contains($0) } && !changed.isEmpty, "\(fault)")
      let others = changed.contains { row in
        [0, 1, 3, 4, 5].contains { rows.values[row * 6 + $0] != faulty.values[row * 6 + $0] }
      }
      #expect(others == !fault.hasField, "\(fault)")
      if fault == .rarity || fault == .relation {
        #expect((0..<6).allSatisfy { !usual.isOutside(faulty, 500..<532, $0) }, "\(fault)")
      }
    }
  }
}

@Suite struct LikenessTests {
  private func alert(_ parts: [(String, Double?, Double, Double)], kind: Alert.Kind = .value) -> Alert {
    Alert(
      id: "i", state: .open, stream: "s", ts: 0, onset: 0, severity: .minor, score: 95, pValue: 1e-5,
      features: parts.map {
        Alert.Feature(name: $0.0, value: $0.1, expected: $0.2, low: $0.2 - 1, high: $0.2 + 1, share: $0.3)
      }, detectors: [:], model: .init(snapshot: "m", trainedAt: 0), kind: kind, text: "")
  }

  @Test func `incidents are alike when the same fields explain them in the same way`() {
    let one = alert([("cpu", 9, 1, 0.8), ("load", 7, 2, 0.2)])
    #expect(abs(Likeness.of(one, one) - 1) < 1e-12)
    // (0.8 · 0.6 + 0.2 · 0.4) / (√0.68 · √0.52)
    let other = alert([("load", 8, 2, 0.4), ("cpu", 5, 1, 0.6)])
    #expect(abs(Likeness.of(one, other) - 0.941_742) < 1e-5)
    #expect(Likeness.of(one, other) >= Likeness.bar)
    #expect(abs(Likeness.of(one, alert([("cpu", 0, 1, 0.8), ("load", 1, 2, 0.2)])) + 1) < 1e-12)
    #expect(Likeness.of(one, alert([("disk", 9, 1, 1)])) == 0)
    #expect(Likeness.of(one, alert([("cpu", nil, 1, 0.8), ("load", 7, 2, 0.2)])) < Likeness.bar)
    #expect(Likeness.of(one, alert([("cpu", 9, 1, 0.8), ("load", 7, 2, 0.2)], kind: .sequence)) == 0)
    #expect(Likeness.of(one, alert([])) == 0)
  }
}
