import Events
import Foundation
import Testing

@testable import Detection

/// The life of a detector: from nothing to scores, through trainings, restarts and changes of its fields.
@Suite struct LifeTests {
  var settings: DetectionSettings {
    var settings = DetectionSettings.quick
    settings.collecting.rows = 200
    settings.collecting.earlyRows = 0
    settings.calibration.freshRows = 40
    return settings
  }

  func train(_ rows: TrainingRows, name: String = "m", seed: UInt64 = 1) throws -> StreamModel {
    try ModelTrainer.train(
      rows, settings: settings, seed: seed, snapshotName: name, trainedAt: rows.timestamps.last ?? 0)
  }

  @Test func `a stream collects, trains, calibrates and scores, and says nothing before`() throws {
    var signals = Signals(features: 2, seed: 41)
    var detector = StreamDetector(stream: StreamKey("s"), settings: settings, seed: 1)
    #expect(detector.addField("f0") == 0)
    #expect(detector.addField("f1") == 1)
    #expect(detector.phase == .collecting)
    let first = signals.rows(192)
    let observed = detector.observeAll(first)
    #expect(observed.score.allSatisfy { $0 == 0 } && observed.p.allSatisfy { $0 == 1 })
    #expect(detector.trainingRequest == nil)
    let more = signals.rows(64)
    _ = detector.observeAll(more)
    #expect(detector.trainingRequest == .first)
    detector.trainingStarted()
    #expect(detector.phase == .training && detector.trainingRequest == nil)
    _ = detector.observeAll(signals.rows(64))
    #expect(detector.trainingRequest == nil)

    // A training that fails is asked for again later.
    detector.trainingEnded()
    #expect(detector.phase == .collecting)
    _ = detector.observeAll(signals.rows(256))
    #expect(detector.trainingRequest == .first)
    detector.trainingStarted()

    detector.install(try train(signals.rows(400)))
    #expect(detector.phase == .calibrating)
    var wild = signals.rows(32)
    for index in wild.values.indices { wild.values[index] += 50 }
    let early = detector.observeAll(wild)
    #expect(early.p.allSatisfy { $0 < 0.01 } && early.alerts.isEmpty)
    _ = detector.observeAll(signals.rows(64))
    #expect(detector.phase == .scoring)
    wild.timestamps = signals.rows(32).timestamps
    for index in wild.values.indices { wild.values[index] += 50 }
    #expect(!detector.observeAll(wild).alerts.isEmpty)
    let status = detector.status
    #expect(status.fields == 2 && status.snapshot == "m" && status.openIncident == detector.openIncident)
    #expect(status.events == 192 + 64 + 64 + 256 + 32 + 64 + 32)
    #expect(status.scored == 32 + 64 + 32)
  }

  @Test func `the same rows and seed give the same bits, and later rows change nothing earlier`() throws {
    var signals = Signals(features: 5, noise: .autoregressive, seed: 42)
    let training = signals.rows(500)
    var rows = signals.rows(700)
    for row in 300..<340 { rows.values[row * 5 + 3] += 8 }
    var first = try trainedDetector(on: training)
    var second = try trainedDetector(on: training)
    let whole = first.observeAll(rows)
    let again = second.observeAll(rows)
    #expect(whole.p == again.p && whole.score == again.score && whole.alerts == again.alerts)
    #expect(first.encodeState() == second.encodeState())
    for cut in [1, 63, 64, 65, 310, 333, 699] {
      var third = try trainedDetector(on: training)
      let part = third.observeAll(rows.rows(0..<cut))
      #expect(part.p == Array(whole.p[..<cut]), "cut at \(cut)")
      #expect(part.alerts == zip(whole.alerts, whole.alertRows).filter { $0.1 < cut }.map(\.0))
    }
  }

  @Test func `how rows are cut into batches changes nothing but the last digits`() throws {
    var signals = Signals(features: 3, seed: 43)
    let training = signals.rows(500)
    var rows = signals.rows(300)
    for row in 100..<140 { rows.values[row * 3] += 9 }
    var whole = try trainedDetector(on: training)
    let expected = whole.observeAll(rows)
    for batch in [1, 7] {
      var detector = try trainedDetector(on: training)
      let observed = detector.observeAll(rows, batch: batch)
      for (a, b) in zip(observed.p, expected.p) { #expect(abs(a - b) <= 1e-3 * b) }
      #expect(observed.alerts.map(\.id) == expected.alerts.map(\.id))
    }
  }

  @Test func `a restored detector goes on as if nothing had happened, with its open incident`() throws {
    var signals = Signals(features: 4, seed: 44)
    var detector = try trainedDetector(on: signals.rows(800))
    _ = detector.observeAll(signals.rows(300))
    var faulty = signals.rows(100)
    for row in 50..<100 { faulty.values[row * 4 + 1] += 12 }
    _ = detector.observeAll(faulty)
    let incident = try #require(detector.openIncident)
    let state = detector.encodeState()
    #expect(state.count < 3584)

    let sections = try #require(detector.model).encode()
    let model = try StreamModel(decoding: sections)
    var restored = try StreamDetector(
      restoring: state, stream: detector.stream, model: model, settings: detector.settings, seed: 99)
    #expect(restored.openIncident == incident)
    #expect(restored.fields == detector.fields && restored.phase == .scoring)
    #expect(restored.encodeState() == state)
    var rows = signals.rows(300)
    for row in 0..<30 { rows.values[row * 4 + 1] += 12 }
    let after = restored.observeAll(rows)
    let expected = detector.observeAll(rows)
    #expect(after.p == expected.p && after.alerts == expected.alerts)
    #expect(after.alerts.last?.state == .resolved && after.alerts.last?.id == incident.id)

    // Another life gives other names.
    var wild = signals.rows(40)
    for index in wild.values.indices { wild.values[index] += 30 }
    let next = try #require(restored.observeAll(wild).alerts.first)
    let same = try #require(detector.observeAll(wild).alerts.first)
    #expect(next.id != incident.id && next.id != same.id)
  }

  @Test func `a stream that scored goes on scoring when it was killed between a new model and the next save`()
    throws
  {
    var signals = Signals(features: 2, seed: 48)
    var detector = try trainedDetector(on: signals.rows(500))
    _ = detector.observeAll(signals.rows(100))
    #expect(detector.phase == .scoring)
    let state = detector.encodeState()
    let newer = try #require(trainedDetector(on: signals.rows(500), name: "newer").model)
    let restored = try StreamDetector(
      restoring: state, stream: detector.stream, model: newer, settings: detector.settings, seed: 3)
    #expect(restored.model?.snapshotName == "newer" && restored.phase == .scoring)
  }

  @Test func `a state whose model is gone collects anew but keeps its fields and its open incident`() throws {
    var signals = Signals(features: 2, seed: 45)
    var detector = try trainedDetector(on: signals.rows(500))
    var wild = signals.rows(40)
    for index in wild.values.indices { wild.values[index] += 30 }
    _ = detector.observeAll(wild)
    var restored = try StreamDetector(
      restoring: detector.encodeState(), stream: detector.stream, model: nil, settings: settings, seed: 2)
    #expect(restored.phase == .collecting && restored.fields == ["f0", "f1"])
    #expect(restored.openIncident?.id == detector.openIncident?.id)
    restored.reconcile(openIncident: nil)
    #expect(restored.openIncident == nil)
    _ = restored.observeAll(signals.rows(300))
    #expect(restored.trainingRequest == .first)
  }

  @Test
  func `a restart remembers when the latest incidents ended, so that one that comes and goes is seen to`()
    throws
  {
    var signals = Signals(features: 2, seed: 49)
    var detector = try trainedDetector(on: signals.rows(500))
    for _ in 0..<2 {
      var wild = signals.rows(80)
      for index in 0..<20 { wild.values[index] += 30 }
      _ = detector.observeAll(wild)
    }
    let ends = detector.policy.ends
    #expect(ends.count == 2)
    let restored = try StreamDetector(
      restoring: detector.encodeState(), stream: detector.stream, model: detector.model, settings: settings,
      seed: 2)
    #expect(restored.policy.ends == ends)
  }

  @Test func `what is not to be learned from leaves the thresholds as they were, and its incident goes on`()
    throws
  {
    var signals = Signals(features: 2, seed: 51)
    var detector = try trainedDetector(on: signals.rows(500))
    _ = detector.observeAll(signals.rows(300))
    var other = detector
    let learned = detector.learned
    var wide = signals.rows(400)
    for index in wide.values.indices { wide.values[index] *= 1.4 }
    for index in (wide.values.count - 20)..<wide.values.count { wide.values[index] += 30 }
    _ = detector.observeAll(wide)
    detector.unlearn(to: learned)
    _ = other.observeAll(wide)
    #expect(detector.openIncident != nil && detector.openIncident == other.openIncident)
    // The same calm rows: those who learned of the wide ones are surprised by less.
    var calm = signals.rows(400)
    for index in calm.timestamps.indices { calm.timestamps[index] += 1e6 }
    let (kept, taught) = (detector.observeAll(calm), other.observeAll(calm))
    func surprise(_ p: [Double]) -> Double { p.reduce(0) { $0 - log($1) } / Double(p.count) }
    #expect(surprise(kept.p) > 1.02 * surprise(taught.p), "\(surprise(kept.p)) \(surprise(taught.p))")
  }

  @Test func `the history of alerts has the last word on what is open`() throws {
    var signals = Signals(features: 2, seed: 46)
    var detector = try trainedDetector(on: signals.rows(500))
    var wild = signals.rows(40)
    for index in wild.values.indices { wild.values[index] += 30 }
    let alert = try #require(detector.observeAll(wild).alerts.first)
    var other = try trainedDetector(on: signals.rows(500))
    other.reconcile(openIncident: alert)
    #expect(other.openIncident?.id == alert.id)
    let calm = other.observeAll(signals.rows(64))
    #expect(calm.alerts.map(\.state) == [.resolved] && calm.alerts.first?.id == alert.id)
  }

  @Test func `a damaged state is refused with a reason, at whatever byte it ends or breaks`() throws {
    var signals = Signals(features: 2, seed: 47)
    var detector = try trainedDetector(on: signals.rows(300))
    var wild = signals.rows(40)
    for index in wild.values.indices { wild.values[index] += 30 }
    _ = detector.observeAll(wild)
    let state = detector.encodeState()
    func restore(_ bytes: [UInt8]) throws -> StreamDetector {
      try StreamDetector(
        restoring: bytes, stream: detector.stream, model: detector.model, settings: settings, seed: 1)
    }
    for length in 0..<state.count {
      #expect(throws: DetectionDecodingError.self) { try restore(Array(state[..<length])) }
    }
    #expect(throws: DetectionDecodingError.self) { try restore(state + [0]) }
    var newer = state
    newer[0] = 9
    #expect(throws: DetectionDecodingError.wrongVersion(section: "state", found: 9)) { try restore(newer) }
    // Any one broken byte: an error or a detector that still works, never a crash.
    for index in state.indices {
      var broken = state
      broken[index] ^= 0xff
      if var survivor = try? restore(broken) { _ = survivor.observeAll(wild) }
    }
  }

  @Test func `a new model is installed between two batches and an open incident goes on`() throws {
    var signals = Signals(features: 3, seed: 48)
    let training = signals.rows(600)
    var detector = try trainedDetector(on: training)
    var wild = signals.rows(40)
    for row in 0..<40 { wild.values[row * 3] += 30 }
    _ = detector.observeAll(wild)
    let incident = try #require(detector.openIncident)
    detector.install(try train(training, name: "second", seed: 7))
    #expect(detector.phase == .scoring && detector.model?.snapshotName == "second")
    for row in 0..<40 { wild.values[row * 3] = 30 }
    let observed = detector.observeAll(wild)
    #expect(detector.openIncident?.id == incident.id)
    #expect(!observed.alerts.contains { $0.state == .open })
    // The window was carried over in the new model's scale: no row is without its difference.
    #expect(!detector.context.contains { $0.isNaN })
  }

  @Test func `rows far apart in time have nothing to do with each other`() throws {
    var signals = Signals(features: 2, noise: .autoregressive, seed: 49)
    var detector = try trainedDetector(on: signals.rows(500))
    _ = detector.observeAll(signals.rows(64))
    #expect(!detector.context.contains { $0.isNaN })
    var later = signals.rows(2)
    later.timestamps = later.timestamps.map { $0 + 10_000 }
    _ = detector.observeAll(later)
    #expect(
      detector.context.dropLast(4).allSatisfy { $0.isNaN }
        && !detector.context.suffix(4).contains { $0.isNaN })
  }
}
