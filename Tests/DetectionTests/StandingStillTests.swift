import Events
import Testing

@testable import Detection

/// Sensors that are stuck, and quantities that rest by nature.
@Suite struct StandingStillTests {
  @Test(arguments: [20, 30, 60])
  func `a stuck sensor is found, named and dated from the begin of its run`(length: Int) throws {
    var signals = Signals(features: 4, noise: .autoregressive, common: 0.6, seed: 41)
    let detector = try trainedDetector(on: signals.rows(1200))
    var found = 0
    let trials = 20
    for trial in 0..<trials {
      var copy = detector
      var rows = signals.rows(200)
      let field = trial % 4
      for row in 81..<80 + length { rows.values[row * 4 + field] = rows.values[80 * 4 + field] }
      let observed = copy.observeAll(rows)
      let opened = zip(observed.alerts, observed.alertRows).first {
        $0.0.state == .open && (80..<80 + length).contains($0.1)
      }
      guard let (alert, _) = opened, alert.features.first?.name == "f\(field)" else { continue }
      found += 1
      if alert.kind == .sequence && alert.text.contains("stands still") {
        #expect(alert.onset == rows.timestamps[80])
        #expect(alert.text.hasPrefix("f\(field) stands still at "))
        let again = try Evidence(decoding: alert.evidence).rescored(by: try #require(detector.model))
        #expect(again.pValue == alert.pValue && again.score == alert.score, "to the bit")
      }
    }
    #expect(found >= trials - 1, "\(found) of \(trials)")
  }

  @Test func `a field that rests by nature is not called stuck until it rests far longer than ever`() throws {
    var signals = Signals(features: 3, seed: 42)
    /// Counts that rest for up to 40 events.
    func rows(_ count: Int) -> TrainingRows {
      var rows = signals.rows(count)
      for row in 0..<count where row % (row / 40 % 2 == 0 ? 40 : 3) != 0 {
        rows.values[row * 3 + 1] = rows.values[(row - 1) * 3 + 1]
      }
      return rows
    }
    var detector = try trainedDetector(on: rows(2000))
    #expect(!detector.observeAll(rows(4000)).alerts.contains { $0.text.contains("stands still") })
    var stuck = rows(2000)
    for row in 0..<2000 { stuck.values[row * 3 + 1] = 0.5 }
    let alert = try #require(detector.observeAll(stuck).alerts.first { $0.text.contains("stands still") })
    #expect(alert.features.first?.name == "f1")
  }

  @Test func `runs longer than a length are as frequent as their probability says`() {
    var random = SplitMix64(seed: 9)
    func run() -> Int {
      var length = 1
      while random.next() % 10 < 7 { length += 1 }
      return length
    }
    let law = RunLaw(ended: (0..<2000).map { _ in run() }, cut: [])
    let fresh = (0..<20_000).map { _ in run() }
    for length: UInt32 in [2, 4, 8, 12] {
      let measured = Double(fresh.count { $0 >= length }) / 20_000
      let promised = Double(law.logP(length)).exponential
      #expect(measured < 1.15 * promised && promised < 2 * measured, "\(length): \(measured), \(promised)")
    }
    for length in law.longest..<200 { #expect(law.logP(length + 1) < law.logP(length)) }
  }

  @Test func `of a field that hardly ever changed nothing is said`() {
    var rows = TrainingRows(fields: ["a"])
    for row in 0..<1000 {
      rows.values.append(row < 500 ? 1 : 2)
      rows.timestamps.append(Double(row))
      rows.quarantined.append(false)
    }
    let law = RunLaw.laws(of: rows, columns: [0])[0]
    #expect(law.longest == 500 && law.tails.isEmpty && law.patience == .max)
  }

  @Test func `what was learned of runs comes back from a snapshot, and one without it still loads`() throws {
    var signals = Signals(features: 2, seed: 43)
    let model = try #require(try trainedDetector(on: signals.rows(400)).model)
    #expect(model.contents.runs.count == 2)
    let sections = model.encode()
    #expect(try StreamModel(decoding: sections).contents.runs == model.contents.runs)
    let old = sections.filter { $0.name != StreamModel.runSection }
    #expect(try StreamModel(decoding: old).contents.runs.isEmpty)
    let broken = old + [(name: StreamModel.runSection, bytes: [UInt8](repeating: 1, count: 9))]
    #expect(throws: DetectionDecodingError.self) { try StreamModel(decoding: broken) }
  }
}
