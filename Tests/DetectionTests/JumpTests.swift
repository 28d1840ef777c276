import Events
import Tensors
import Testing

@testable import Detection

/// Single values beyond all that their fields ever did, and streams of the same kind without any.
@Suite struct JumpTests {
  /// What a field is made of; each with a usual spread of about 1.
  enum Tail: CaseIterable {
    case normal, wandering, laplace, student, lognormal

    func next(_ random: inout RandomStream, _ last: Float) -> Float {
      switch self {
      case .normal: return random.normal()
      case .wandering: return 0.9 * last + 0.436 * random.normal()
      case .laplace: return random.normal() * random.normal() + random.normal() * random.normal()
      case .student:
        var sum: Float = 0
        for _ in 0..<3 {
          let part = random.normal()
          sum += part * part
        }
        return random.normal() / (sum / 3).squareRoot()
      case .lognormal: return expOf(random.normal())
      }
    }

    /// By squaring, so that nothing has to be imported.
    private func expOf(_ x: Float) -> Float {
      var result = 1 + x / 1024
      for _ in 0..<10 { result *= result }
      return result
    }
  }

  static let fields = 4

  static func rows(_ tail: Tail, _ count: Int, seed: UInt64) -> TrainingRows {
    var random = RandomStream(seed: seed, stream: 9)
    var last = [Float](repeating: 0, count: fields)
    var values: [Float] = []
    for _ in 0..<count {
      for field in 0..<fields {
        last[field] = tail.next(&random, last[field])
        values.append(50 + last[field])
      }
    }
    return TrainingRows(
      fields: (0..<fields).map { "f\($0)" }, timestamps: (0..<count).map(Double.init), values: values)
  }

  @Test(arguments: [Tail.normal, .wandering])
  func `a single value nine deviations off opens an incident at once where tails are light`(tail: Tail) throws
  {
    let rows = Self.rows(tail, 6800, seed: 31)
    let detector = try trainedDetector(on: rows.rows(0..<800))
    var random = RandomStream(seed: 32, stream: 9)
    var found = 0
    for _ in 0..<40 {
      let start = 800 + random.below(5800)
      let field = random.below(Self.fields)
      var part = rows.rows(start..<start + 160)
      part.values[140 * Self.fields + field] += random.below(2) == 0 ? 9 : -9
      var copy = detector
      let observed = copy.observeAll(part)
      let open = zip(observed.alerts, observed.alertRows).first { $0.0.state == .open && $0.1 == 140 }
      if open?.0.features.first?.name == "f\(field)" { found += 1 }
    }
    print("\(tail): \(found) of 40 single values")
    #expect(found >= 32)
  }

  @Test(arguments: Tail.allCases)
  func `without a fault next to nothing opens, however heavy the tails`(tail: Tail) throws {
    var incidents: UInt64 = 0
    for seed in 0..<3 as Range<UInt64> {
      let rows = Self.rows(tail, 10_800, seed: 41 + seed)
      var detector = try trainedDetector(on: rows.rows(0..<800))
      _ = detector.observeAll(rows.rows(800..<10_800))
      incidents += detector.status.incidents
    }
    print("\(tail): \(incidents) incidents in 30,000 clean events")
    #expect(incidents <= 5)
  }

  @Test func `what one value alone says does not depend on how events come in batches, nor on a restart`()
    throws
  {
    var rows = Self.rows(.normal, 1600, seed: 61)
    for row in stride(from: 850, to: 1600, by: 197) { rows.values[row * Self.fields + 1] += 9 }
    let detector = try trainedDetector(on: rows.rows(0..<800))
    let later = rows.rows(800..<1600)
    var whole = detector
    let observed = whole.observeAll(later)
    #expect(observed.alerts.contains { $0.state == .open })
    for batch in [1, 3, 37] {
      var copy = detector
      let again = copy.observeAll(later, batch: batch)
      let differing = (0..<later.count).filter {
        again.score[$0] != observed.score[$0] || again.p[$0] != observed.p[$0]
      }
      #expect(
        differing.isEmpty && again.alertRows == observed.alertRows, "in batches of \(batch): \(differing)")
      #expect(copy.jumps == whole.jumps)
    }
    var first = detector
    let before = first.observeAll(later.rows(0..<255))
    #expect(first.openIncident?.jump?.field == "f1")
    var second = try StreamDetector(
      restoring: first.encodeState(), stream: first.stream, model: first.model, settings: first.settings,
      seed: 1)
    #expect(second.openIncident?.jump == first.openIncident?.jump)
    let after = second.observeAll(later.rows(255..<800))
    #expect(before.score + after.score == observed.score)
    #expect(before.p + after.p == observed.p)
    #expect(second.jumps == whole.jumps)
  }

  /// The same model, which knows nothing of jumps.
  static func muted(_ detector: StreamDetector) throws -> StreamDetector {
    var muted = detector
    let sections = try #require(detector.model).encode().filter { $0.name != "jumps" }
    muted.install(try StreamModel(decoding: sections))
    muted.phase = detector.phase
    return muted
  }

  @Test
  func `an incident that a jump opened changes no published p-value, and its alert says which value it was`()
    throws
  {
    var (compared, opened) = (0, 0)
    for seed in 71..<79 as Range<UInt64> {
      var rows = Self.rows(.normal, 2000, seed: seed)
      for row in stride(from: 850, to: 2000, by: 197) { rows.values[row * Self.fields + 2] += 8 }
      var detector = try trainedDetector(on: rows.rows(0..<800))
      var muted = try Self.muted(detector)
      let observed = detector.observeAll(rows.rows(800..<2000))
      let calm = muted.observeAll(rows.rows(800..<2000))
      // What all find opens an incident of its own, which ends when no value jumps either.
      if !calm.alerts.isEmpty { continue }
      compared += 1
      #expect((0..<1200).filter { observed.p[$0] != calm.p[$0] } == [])
      for alert in observed.alerts where alert.state == .open {
        opened += 1
        #expect(alert.pValue < 1e-6)
        #expect(alert.text.contains("No other value of f2 ever came so far"), "\(alert.text)")
      }
    }
    print("jumps: \(opened) incidents in \(compared) streams")
    #expect(compared >= 3 && opened >= 5)
  }

  @Test
  func
    `an incident that a jump opened becomes an ordinary one with the event at which all detectors open one`()
    throws
  {
    var (opened, joined) = (0, 0)
    for seed in 81..<91 as Range<UInt64> {
      var rows = Self.rows(.normal, 960, seed: seed)
      rows.values[900 * Self.fields + 1] += 8
      for index in 903 * Self.fields..<960 * Self.fields { rows.values[index] += 3 }
      var detector = try trainedDetector(on: rows.rows(0..<800))
      var muted = try Self.muted(detector)
      for row in 800..<960 {
        let wasOfJump = detector.openIncident?.jump != nil
        let observed = detector.observeAll(rows.rows(row..<row + 1))
        let calm = muted.observeAll(rows.rows(row..<row + 1))
        #expect(observed.p == calm.p, "row \(row) of \(seed)")
        let isOfJump = detector.openIncident?.jump != nil
        if isOfJump && !wasOfJump { opened += 1 }
        if wasOfJump && !isOfJump && detector.openIncident != nil { joined += 1 }
        // The two have an incident by all detectors at the same events, each with thresholds of its own.
        #expect((muted.openIncident != nil) == (detector.openIncident != nil && !isOfJump))
        #expect((detector.following != nil) == (muted.openIncident != nil))
      }
    }
    print("jumps: \(opened) incidents, of which \(joined) became ordinary")
    #expect(opened >= 5 && joined >= 5)
  }

  @Test func `records move up by what comes, and a law of too few values says nothing`() {
    let few = JumpLaw((0..<99).map { (0, Float($0)) }, limit: 6)
    #expect(few.count == 0 && few.largest.x == .infinity)
    let law = JumpLaw((0..<1000).map { (0, Float($0) / 1000) }, limit: 6)
    #expect(law.follows == 0 && law.largest == SIMD3(0.997, 0.998, 0.999))
    let laws = JumpLaws([law])
    var records = JumpRecords([law])
    var rows: [Float] = [0, 0.5, 5, 4, 3, .nan]
    #expect(records.suspects(rows, at: 1, count: 5, laws, limit: 6) == 0b01110)
    for row in 1...5 { records.learn(rows, at: row, laws, limit: 6) }
    #expect(records.largest == [3, 4, 5])
    rows = [0, 3.5]
    let now = records.logP(rows, at: 1, laws, limit: 6, learned: 5)
    #expect(now > -6.8 && now < -6.5)
    #expect(JumpRecords([law]).logP(rows, at: 1, laws, limit: 6, learned: 5) < -15)
  }
}
