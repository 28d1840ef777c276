import Events
import Generative
import Tensors
import Testing

@testable import Detection

/// Values that do not come, and what stands in for them.
struct ImputationTests {
  /// Six fields with a common cause: any two correlate by ρ.
  static let correlation: Float = 0.7
  static let fields = 6

  static func settings(_ policy: MissingPolicy) -> DetectionSettings {
    var settings = DetectionSettings.quick
    settings.rbm.epochs = 40
    settings.missing = policy
    return settings
  }

  static func signals(_ seed: UInt64 = 3) -> Signals {
    Signals(features: fields, common: correlation, seed: seed)
  }

  /// Removes `share` of the values of a copy of rows, at random; which ones comes back with it.
  static func thinned(_ rows: TrainingRows, share: Float, seed: UInt64) -> (TrainingRows, holes: [Int]) {
    var random = RandomStream(seed: seed)
    var copy = rows
    var holes: [Int] = []
    for index in rows.values.indices where random.uniform() < share {
      copy.values[index] = .nan
      holes.append(index)
    }
    return (copy, holes)
  }

  /// The closed-form mean of field `hole` given the others of a row that came, where any two of variance 1 correlate by ρ:
  /// `ρ Σ / (1 + (k − 1) ρ)` over the k others.
  static func conditionalMean(_ rows: TrainingRows, row: Int, hole: Int) -> Float {
    var sum: Float = 0
    var known: Float = 0
    for field in 0..<fields where field != hole && rows.values[row * fields + field].isFinite {
      sum += rows.values[row * fields + field]
      known += 1
    }
    return known == 0 ? 0 : correlation * sum / (1 + (known - 1) * correlation)
  }

  /// What a policy puts into the holes, in the fields' own units; nil where it puts nothing.
  static func filled(
    _ rows: TrainingRows, by detector: StreamDetector, _ policy: MissingPolicy, limit: Int = 16
  ) throws -> [Float?] {
    let contents = try #require(detector.model).contents
    var settings = Self.settings(policy)
    settings.previousFor = limit
    let plan = contents.plan
    let inputs = plan.inputs(
      rows.values, rows: rows.count, segmentStarts: rows.segmentStarts,
      filling: Filling(settings, rbm: contents.rbm))
    return (0..<rows.count * fields).map { index in
      let (row, field) = (index / fields, index % fields)
      let at = row * plan.width + field
      return inputs.missing && inputs.mask[at] == 0
        ? nil : plan.value(ofLevel: inputs.values[at], field: field)
    }
  }

  static func error(_ values: [Float?], _ truth: [Float], at holes: [Int]) -> Double {
    var sum = 0.0
    for index in holes {
      let off = Double((values[index] ?? 0) - truth[index])
      sum += off * off
    }
    return (sum / Double(holes.count)).squareRoot()
  }

  @Test
  func `the model's values lie near the closed-form conditional mean, and beat the last value and the mean`()
    throws
  {
    for seed in [3, 4, 5] as [UInt64] {
      var signals = Self.signals(seed)
      let detector = try trainedDetector(on: signals.rows(3000), settings: Self.settings(.model), seed: seed)
      let whole = signals.rows(1000)
      let (rows, holes) = Self.thinned(whole, share: 0.15, seed: seed)
      let truth = whole.values
      let exact = holes.map { Self.conditionalMean(rows, row: $0 / Self.fields, hole: $0 % Self.fields) }
      var closed = [Float?](repeating: nil, count: truth.count)
      for (index, mean) in zip(holes, exact) { closed[index] = mean }
      let model = try Self.filled(rows, by: detector, .model)
      let previous = try Self.filled(rows, by: detector, .previous)
      var means = closed
      for index in holes { means[index] = 0 }
      // Holes that the model leaves, as those of rows without any value, are none it can be judged by.
      let judged = holes.filter { model[$0] != nil && previous[$0] != nil }
      #expect(judged.count > 800)
      let errors = (
        exact: Self.error(closed, truth, at: judged), model: Self.error(model, truth, at: judged),
        previous: Self.error(previous, truth, at: judged), mean: Self.error(means, truth, at: judged)
      )
      let distance = Self.error(model, closed.map { $0 ?? 0 }, at: judged)
      print(
        "imputation, seed \(seed): off the truth by \(errors.model) (closed form \(errors.exact), last value "
          + "\(errors.previous), mean \(errors.mean)); off the closed form by \(distance)")
      #expect(errors.model < 1.15 * errors.exact)
      #expect(errors.model < 0.8 * errors.mean)
      #expect(errors.model < 0.6 * errors.previous)
      #expect(distance < 0.35)
    }
  }

  @Test func `the last value stands in for as many events as is said, and none after that`() throws {
    var signals = Self.signals()
    let detector = try trainedDetector(on: signals.rows(600), settings: Self.settings(.previous))
    var rows = signals.rows(60)
    let last = rows.values[29 * Self.fields + 2]
    for row in 30..<60 { rows.values[row * Self.fields + 2] = .nan }
    let filled = try Self.filled(rows, by: detector, .previous, limit: 12)
    for row in 30..<42 {
      let value = try #require(filled[row * Self.fields + 2])
      #expect(abs(value - last) < 1e-3)
    }
    for row in 42..<60 { #expect(filled[row * Self.fields + 2] == nil) }
    #expect(try Self.filled(rows, by: detector, .ignore)[30 * Self.fields + 2] == nil)
    // An event of which nothing came stays empty, and the value from before it still stands in afterwards.
    for field in 0..<Self.fields { rows.values[33 * Self.fields + field] = .nan }
    for policy in [MissingPolicy.previous, .model] {
      let around = try Self.filled(rows, by: detector, policy, limit: 12)
      for field in 0..<Self.fields { #expect(around[33 * Self.fields + field] == nil) }
      #expect(around[34 * Self.fields + 2] != nil)
    }
  }

  @Test
  func `events with missing values score to the same bits whatever batches they come in, under each policy`()
    throws
  {
    for policy in MissingPolicy.allCases {
      var signals = Self.signals(8)
      let detector = try trainedDetector(on: signals.rows(600), settings: Self.settings(policy))
      let (rows, _) = Self.thinned(signals.rows(200), share: 0.1, seed: 8)
      var (first, second) = (detector, detector)
      let (one, many) = (first.observeAll(rows, batch: 64), second.observeAll(rows, batch: 7))
      #expect(one.score == many.score && one.p == many.p)
      #expect(first.status.missingValues == second.status.missingValues)
      #expect(first.status.imputedValues == second.status.imputedValues)
      #expect((first.status.imputedValues > 0) == (policy != .ignore))
    }
  }

  @Test func `values that are missing at random raise no more alarms than they should, under each policy`()
    throws
  {
    for policy in MissingPolicy.allCases {
      var signals = Self.signals(9)
      let (training, _) = Self.thinned(signals.rows(2000), share: 0.1, seed: 1)
      var detector = try trainedDetector(on: training, settings: Self.settings(policy))
      let (rows, _) = Self.thinned(signals.rows(4000), share: 0.1, seed: 2)
      let found = detector.observeAll(rows)
      let alarms = Double(found.p.count { $0 <= 0.01 }) / 4000
      print("missing: \(policy.rawValue), \(alarms) of the events at p ≤ 1 %")
      #expect(alarms < 0.02)
      #expect(found.alerts.count { $0.state == .open } <= 1)
    }
  }

  @Test func `an alert says how much was filled in, does not blame it, and can be computed once more`() throws
  {
    var signals = Self.signals(10)
    let settings = Self.settings(.model)
    let detector = try trainedDetector(on: signals.rows(1500), settings: settings)
    _ = signals.rows(1)
    var rows = signals.rows(60)
    for row in 40..<60 { rows.values[row * Self.fields] += 9 }
    var whole = detector
    let full = try #require(whole.observeAll(rows).alerts.first)
    for row in 30..<60 { for field in [3, 4] { rows.values[row * Self.fields + field] = .nan } }
    var thin = detector
    let alert = try #require(thin.observeAll(rows).alerts.first)
    #expect(full.imputed == 0 && alert.imputed == Double(Float(2) / 6))
    let (sure, less) = (try #require(full.confidence), try #require(alert.confidence))
    print("confidence: \(sure) with all, \(less) with two of six filled in")
    #expect(abs(less - sure * 4 / 6) < 1e-5)
    #expect(alert.features.first?.name == "f0")
    #expect(!alert.features.contains { ["f3", "f4"].contains($0.name) && $0.share > 0 })
    let again = try Evidence(decoding: alert.evidence).rescored(by: try #require(detector.model))
    #expect(again.score == alert.score && again.pValue == alert.pValue)
    #expect(again.confidence == alert.confidence)
  }

  @Test func `more held-out rows are worth more confidence, missing fields less, and nothing is worth none`()
    throws
  {
    #expect(Confidence.of(missing: 0, rows: 0) == 0)
    #expect(Confidence.of(missing: 1, rows: 1000) == 0)
    #expect(Confidence.of(missing: 0, rows: 10) == 0.5)
    #expect(Confidence.of(missing: 0.25, rows: 30) == 0.5625)
    var found: [Float] = []
    for count in [64, 600, 5000] {
      var signals = Self.signals(11)
      let detector = try trainedDetector(on: signals.rows(count), settings: Self.settings(.ignore))
      let worth = try #require(detector.model).contents.heldOutWorth
      found.append(Confidence.of(missing: 0, rows: worth))
      print(
        "confidence after \(count) rows: \(Confidence.of(missing: 0, rows: worth)), \(worth) independent ones held out"
      )
    }
    #expect(found == found.sorted() && found[0] > 0 && found[2] > 0.8)
  }

  @Test func `evidence of version 2, without the shares, and of 3, without what stood still, is still read`()
    throws
  {
    var signals = Self.signals(12)
    var detector = try trainedDetector(on: signals.rows(600))
    var rows = signals.rows(40)
    for row in 30..<40 { rows.values[row * Self.fields] += 9 }
    let alert = try #require(detector.observeAll(rows).alerts.first)
    // The newer versions have two shares more at their end, after them two numbers of what stood still, and a figure of how far one
    // value jumped.
    let model = try #require(detector.model)
    #expect(abs(try Evidence(decoding: alert.evidence).rescored(by: model).score - alert.score) < 1e-6)
    var older = Array(alert.evidence.dropLast(4))
    older[0] = 4
    let without = try Evidence(decoding: older).rescored(by: model)
    older = Array(older.dropLast(8))
    older[0] = 3
    #expect(try Evidence(decoding: older).rescored(by: model) == without)
    older = Array(older.dropLast(8))
    older[0] = 2
    let (new, old) = (
      try Evidence(decoding: alert.evidence).rescored(by: model),
      try Evidence(decoding: older).rescored(by: model)
    )
    #expect(old.score <= new.score && old.raw == new.raw && old.confidence == nil && new.confidence != nil)
    older[0] = 6
    #expect(throws: DetectionDecodingError.self) { try Evidence(decoding: older) }
  }

  @Test func `a state of version 5 is still read, and what an incident is worth survives in one of today`()
    throws
  {
    var signals = Self.signals(13)
    var detector = try trainedDetector(on: signals.rows(600), settings: Self.settings(.model))
    var (rows, _) = Self.thinned(signals.rows(60), share: 0.1, seed: 13)
    for row in 50..<60 { rows.values[row * Self.fields] = 12 }
    _ = detector.observeAll(rows)
    let incident = try #require(detector.openIncident)
    #expect(incident.confidence != nil)
    func restored(_ state: [UInt8]) throws -> StreamDetector {
      try StreamDetector(
        restoring: state, stream: detector.stream, model: detector.model, settings: detector.settings, seed: 2
      )
    }
    let state = detector.encodeState()
    let same = try restored(state)
    #expect(same.openIncident?.confidence == incident.confidence)
    #expect(same.openIncident?.imputed == incident.imputed)
    #expect(same.status.imputedValues == detector.status.imputedValues && same.encodeState() == state)
    // What came with versions 8, 7 and 6 stands at the end.
    let jumps = 4 + 4 * 3 * Self.fields
    let held = detector.heldJumps == nil ? 0 : jumps
    let lone = incident.jump.map { 4 + ($0.field ?? "").utf8.count + 4 } ?? 0
    // Of several metrics nothing is remembered by the time of the day.
    let recurring = 8
    let newest = 4 + recurring + jumps + 1 + held + 1 + (detector.ofMean == nil ? 0 : 21) + 1 + lone
    let added = 7 * 8 + 3 * 4 + 8 * (incident.features.count + detector.policy.ends.count)
    var older = Array(state.dropLast(newest))
    older[0] = 6
    #expect(try restored(older).openIncident?.confidence == incident.confidence)
    older = Array(state.dropLast(added + newest))
    older[0] = 5
    let old = try restored(older)
    #expect(old.openIncident?.id == incident.id && old.openIncident?.confidence == nil)
    #expect(old.status.imputedValues == 0 && old.status.scored == detector.status.scored)
  }
}
