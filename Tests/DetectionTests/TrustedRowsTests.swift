import Detection
import Generative
import Testing

@testable import Detection

/// Tables without order that come with lumps of strange rows mixed in.
@Suite struct TrustedRowsTests {
  /// Rows of six fields of which every eleventh lies, close to the others of its kind, away from the rest.
  private static func table(_ count: Int, seed: UInt64) -> (rows: TrainingRows, isStrange: [Bool]) {
    var signals = Signals(features: 6, common: 0.5, seed: seed)
    var rows = signals.rows(count)
    let isStrange = (0..<count).map { $0 % 11 == 3 }
    for row in 0..<count where isStrange[row] {
      for field in 0..<6 {
        let at = row * 6 + field
        rows.values[at] = rows.values[at] * 0.3 + (field < 4 ? 5 : -4)
      }
    }
    return (rows, isStrange)
  }

  /// How often a strange row has a higher score than a usual one.
  private static func order(_ scores: [Float], _ isStrange: [Bool]) -> Double {
    let strange = zip(scores, isStrange).filter(\.1).map(\.0)
    let usual = zip(scores, isStrange).filter { !$0.1 }.map(\.0)
    var above = 0
    for score in strange { above += usual.count { $0 < score } }
    return Double(above) / Double(strange.count * usual.count)
  }

  private static func matrix(_ rows: TrainingRows) -> DataMatrix {
    DataMatrix(rows: rows.count, columns: rows.fields.count, values: rows.values.map { Float($0) })
  }

  @Test func `rows that lie apart in a lump are not learned, nor is their place called usual`() throws {
    let data = Self.table(1400, seed: 3)
    let test = Self.table(700, seed: 4)
    let trusted = TrustedRows.of(Self.matrix(data.rows), fields: 6, seed: 1)
    #expect(trusted.rows == 1120)
    // A strange row has −4 or so in its last field together with 5 in its first.
    let strange = (0..<trusted.rows).count {
      trusted.values[$0 * 6] > 2.5 && trusted.values[$0 * 6 + 5] < -1.5
    }
    #expect(strange < 5, "\(strange) of 127")

    var settings = DetectionSettings.quick
    settings.ordered = false
    let model = try ModelTrainer.train(
      data.rows, settings: settings, seed: 1, snapshotName: "m", trainedAt: 0)
    let contents = model.contents
    let inputs = contents.plan.inputs(
      test.rows.values, rows: test.rows.count, segmentStarts: [], withWindows: false,
      filling: Filling(settings, rbm: nil))
    let scaled = DataMatrix(rows: test.rows.count, columns: 6, values: inputs.values)
    for (name, member) in zip(contents.detectors, contents.members) {
      let found = Self.order(member.scores(of: scaled), test.isStrange)
      #expect(found > 0.9, "\(name.rawValue) \(found)")
    }
    // What remembers all of the table has the lump among what it remembers.
    let all = try CompanionKind.neighbours.fit(Self.matrix(data.rows), fields: 6, seed: 1)
    #expect(
      Self.order(CompanionKind.neighbours.member(all).scores(of: Self.matrix(test.rows)), test.isStrange)
        < 0.5)
  }

  @Test func `the same table and seed trust the same rows, in their order, and few rows are all trusted`() {
    let data = Self.matrix(Self.table(300, seed: 5).rows)
    let trusted = TrustedRows.of(data, fields: 6, seed: 2)
    #expect(trusted == TrustedRows.of(data, fields: 6, seed: 2))
    var from = 0
    for row in 0..<trusted.rows {
      let wanted = trusted.values[row * 6..<row * 6 + 6]
      while from < data.rows, data.values[from * 6..<from * 6 + 6] != wanted { from += 1 }
      #expect(from < data.rows, "row \(row) is not where it was")
      from += 1
    }
    let few = Self.matrix(Self.table(35, seed: 6).rows)
    #expect(TrustedRows.of(few, fields: 6, seed: 1) == few)
  }
}
