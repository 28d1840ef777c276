public import Events

/// What must survive a restart besides the model.
extension StreamDetector {
  private static let section = "state"
  /// Version 5 ends before what is said of filled-in values and late events, version 6 lacks how long what began stays in the
  /// score, version 7 knows nothing of jumps and of what is odd each day; all are still read.
  private static let version: UInt32 = 8

  /// About 2.2 KB with 16 fields, 1.3 KB more while an incident is open.
  public func encodeState() -> [UInt8] {
    var writer = ByteWriter()
    writer.append(Self.version)
    writer.append(phase.rawValue)
    writer.append(fields)
    writer.append(counters.events)
    writer.append(counters.scored)
    writer.append(counters.lastEvent)
    writer.append(counters.lastLogP)
    for index in 0..<4 { writer.append(counters.tails[index]) }
    writer.append(counters.incidents)
    writer.append(counters.quarantined)
    writer.append(counters.missingValues)
    writer.append(trainingRequest?.rawValue ?? "")
    writer.append(training.isUnderWay)
    writer.append(UInt64(training.events))
    writer.append(training.since)
    writer.append(UInt64(training.drifted))
    writer.append(UInt64(training.withNewFields))
    writer.append(acceptedSince ?? .nan)
    writer.append(policy.recent)
    writer.append(policy.recentHalf)
    writer.append(UInt32(policy.run))
    writer.append(policy.runStart)
    writer.append(policy.lastWasCalm)
    writer.append(policy.incident != nil)
    if let incident = policy.incident { incident.encode(to: &writer) }
    // The rest only means something together with its model.
    writer.append(model?.snapshotName ?? "")
    if model != nil {
      writer.append(context)
      memory.encode(to: &writer)
      writer.append(UInt32(trackers.count))
      for tracker in trackers { tracker.encode(to: &writer) }
      writer.append(trackers.last?.reach ?? 0)
      writer.append(!heldTrackers.isEmpty)
      for tracker in heldTrackers { tracker.encode(to: &writer) }
      writer.append(following != nil)
      following?.encode(to: &writer)
      surprise.encode(to: &writer)
      writer.append(taught != nil)
      taught?.encode(to: &writer)
      drift.encode(to: &writer)
    }
    writer.append(counters.imputedValues)
    let late = counters.late
    for count in [late.placed, late.tooLate, late.notHeld, late.setBack] { writer.append(count) }
    writer.append(policy.incident?.confidence ?? .nan)
    writer.append(policy.incident?.imputed ?? .nan)
    writer.append(policy.incident?.explained ?? 0)
    let lags = policy.incident?.features.map { Double($0.lag ?? -1) } ?? []
    for times in [policy.ends, lags] {
      writer.append(UInt32(times.count))
      for time in times { writer.append(time) }
    }
    writer.append(memory.lasting)
    recurring.encode(to: &writer)
    if model != nil {
      jumps.encode(to: &writer)
      writer.append(heldJumps != nil)
      heldJumps?.encode(to: &writer)
      writer.append(ofMean != nil)
      if let other = ofMean {
        writer.append(other.recent)
        writer.append(other.recentHalf)
        writer.append(UInt32(other.run))
        writer.append(other.runStart)
        writer.append(other.lastWasCalm)
      }
      let jump = policy.incident?.jump
      writer.append(jump != nil)
      if let jump {
        writer.append(jump.field ?? "")
        writer.append(jump.logP)
      }
    }
    return writer.bytes
  }

  /// Continues where ``encodeState()`` left off: thresholds, context, counters and an open incident with its id.
  ///
  /// - Parameters:
  ///   - model: the one that was installed, as restored from its snapshot; nil when there is none. With another than the
  ///     one that was installed, thresholds and context begin anew.
  ///   - seed: of the incident ids; must differ between two lives of a process.
  public init(
    restoring state: [UInt8], stream: StreamKey, model: StreamModel?, settings: DetectionSettings,
    seed: UInt64
  ) throws(DetectionDecodingError) {
    self.init(stream: stream, settings: settings, seed: seed)
    var reader = ByteReader(state, section: Self.section)
    let version = try reader.version(from: 5, to: Self.version)
    let phaseName = try reader.string()
    guard let phase = Phase(rawValue: phaseName) else {
      throw .invalid(section: Self.section, what: "an unknown phase \(phaseName)")
    }
    fields = try reader.strings()
    counters.events = try reader.uint64()
    counters.scored = try reader.uint64()
    counters.lastEvent = try reader.double()
    counters.lastLogP = try reader.finiteFloat()
    for index in 0..<4 { counters.tails[index] = try reader.uint64() }
    counters.incidents = try reader.uint64()
    counters.quarantined = try reader.uint64()
    counters.missingValues = try reader.uint64()
    let request = try reader.string()
    let wasTraining = try reader.bool()
    let needs = TrainingNeeds(
      events: Int(truncatingIfNeeded: try reader.uint64() & 0xffff_ffff_ffff), since: try reader.double(),
      drifted: Int(truncatingIfNeeded: try reader.uint64() & 0xffff_ffff_ffff),
      withNewFields: Int(truncatingIfNeeded: try reader.uint64() & 0xffff_ffff_ffff))
    let accepted = try reader.double()
    let recent = try reader.uint32()
    let recentHalf = try reader.uint32()
    let run = Int(try reader.uint32())
    let runStart = try reader.finiteDouble()
    let lastWasCalm = try reader.bool()
    var incident = try reader.bool() ? try Incident(decoding: &reader) : nil
    let modelName = try reader.string()
    // A model that was swapped in after the state was saved does what it did then: a stream that scored goes on scoring.
    if phase == .scoring { self.phase = .scoring }
    if let model { install(model) }
    if !modelName.isEmpty {
      let context = try reader.floats()
      let memory = try FigureMemory(decoding: &reader)
      let count = Int(try reader.uint32())
      guard count <= 1 else {
        throw .invalid(section: Self.section, what: "\(count) sets of thresholds")
      }
      // Read even when they are of another model, so that the rest is checked.
      var trackers = try Self.trackers(count, of: model, from: &reader)
      let reach = try reader.finiteFloat()
      var held = try reader.bool() ? try Self.trackers(count, of: model, from: &reader) : []
      for index in trackers.indices { trackers[index].reach = reach }
      for index in held.indices { held[index].reach = reach }
      var following: IncidentThresholds?
      if try reader.bool() {
        following = try IncidentThresholds(decoding: &reader, like: Self.fresh(of: model))
      }
      let surprise = try SurpriseAccount(decoding: &reader)
      var taught: ThresholdTracker?
      if try reader.bool() {
        var kept = Self.fresh(of: model)
        try kept.decode(from: &reader)
        kept.reach = ThresholdTracker.unlimited
        taught = kept
      }
      let drift = try DriftGauge(decoding: &reader)
      if let model, model.snapshotName == modelName {
        guard context.count == self.context.count, trackers.count == self.trackers.count,
          drift.detectors == model.detectors.count
        else {
          throw .invalid(
            section: Self.section, what: "a context of \(context.count) and \(trackers.count) thresholds")
        }
        self.context = context
        self.memory = memory
        self.trackers = trackers
        heldTrackers = held
        self.following = following
        self.surprise = surprise
        self.taught = taught
        self.drift = drift
        self.phase = phase == .collecting || phase == .training ? .scoring : phase
        calibratedFrom = counters.scored &- min(counters.scored, UInt64(trackers.last?.counted ?? 0))
      }
    }
    let isOfModel = model.map { $0.snapshotName == modelName } ?? false
    var ends: [Double] = []
    if version >= 6 {
      counters.imputedValues = try reader.uint64()
      counters.late.placed = try reader.uint64()
      counters.late.tooLate = try reader.uint64()
      counters.late.notHeld = try reader.uint64()
      counters.late.setBack = try reader.uint64()
      let (confidence, imputed) = (try reader.double(), try reader.double())
      incident?.confidence = confidence.isNaN ? nil : confidence
      incident?.imputed = imputed.isNaN ? nil : imputed
      let explained = try reader.float()
      incident?.explained = explained
      for _ in 0..<(try reader.count(of: 8)) { ends.append(try reader.finiteDouble()) }
      for index in 0..<(try reader.count(of: 8)) {
        let lag = try reader.finiteDouble()
        guard let known = incident?.features.count, index < known else { continue }
        incident?.features[index].lag = Int(exactly: lag).flatMap { $0 < 0 ? nil : $0 }
      }
    }
    if version >= 7 {
      let lasting = try reader.finiteFloat()
      if isOfModel { memory.lasting = lasting }
    }
    if version >= 8 {
      let recurring = try RecurringPeaks(decoding: &reader)
      if isOfModel { self.recurring = recurring }
    }
    if version >= 8, !modelName.isEmpty {
      let laws = isOfModel ? model?.contents.jumps : nil
      let now = try JumpRecords(decoding: &reader, of: laws)
      let held = try reader.bool() ? try JumpRecords(decoding: &reader, of: laws) : nil
      var other: AlertPolicy?
      if try reader.bool() {
        var policy = AlertPolicy()
        policy.restore(
          recent: try reader.uint32(), recentHalf: try reader.uint32(), run: Int(try reader.uint32()),
          runStart: try reader.finiteDouble(), lastWasCalm: try reader.bool(), incident: nil, ends: ends)
        other = policy
      }
      if try reader.bool() {
        let name = try reader.string()
        incident?.jump = LoneJump(field: name.isEmpty ? nil : name, logP: try reader.finiteFloat())
      }
      if isOfModel { (jumps, heldJumps, ofMean) = (now, held, other) }
    }
    try reader.end()
    // A training that was under way died with the process.
    let lost = wasTraining && model != nil ? TrainingReason.schedule : nil
    training = needs
    trainingRequest = TrainingReason(rawValue: request) ?? lost
    if model == nil {
      self.phase = .collecting
      trainingRequest = nil
    }
    acceptedSince = accepted.isNaN ? nil : accepted
    policy.restore(
      recent: recent, recentHalf: recentHalf, run: run, runStart: runStart, lastWasCalm: lastWasCalm,
      incident: incident, ends: ends)
  }

  private static func fresh(of model: StreamModel?) -> ThresholdTracker {
    ThresholdTracker(
      model.flatMap { $0.contents.calibrations.last } ?? ScoreCalibration(scores: [], leastUnit: 1))
  }

  private static func trackers(
    _ count: Int, of model: StreamModel?, from reader: inout ByteReader
  ) throws(DetectionDecodingError) -> [ThresholdTracker] {
    var trackers: [ThresholdTracker] = []
    for _ in 0..<count {
      var tracker = fresh(of: model)
      try tracker.decode(from: &reader)
      trackers.append(tracker)
    }
    return trackers
  }
}

extension Incident {
  func encode(to writer: inout ByteWriter) {
    writer.append(id)
    for time in [onset, opened, score, pValue] { writer.append(time) }
    writer.append(severity.rawValue)
    writer.append(severityWhenSaid.rawValue)
    writer.append(kind.rawValue)
    for count in [events, loud, extreme, calm, eventsWhenSaid, flaps] { writer.append(UInt64(count)) }
    writer.append(logP)
    writer.append(logPWhenSaid)
    writer.append(isConfirmed)
    writer.append(UInt32(features.count))
    for feature in features {
      writer.append(feature.name)
      for number in [feature.value ?? .nan, feature.expected, feature.low, feature.high, feature.share] {
        writer.append(number)
      }
    }
    writer.append(UInt32(detectors.count))
    for (name, score) in detectors.sorted(by: { $0.key < $1.key }) {
      writer.append(name)
      writer.append(score.raw)
      writer.append(score.pValue)
    }
    writer.append(bytes: evidence)
    writer.append(lastHigh ?? .nan)
  }

  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    let id = try reader.string()
    let numbers = [try reader.double(), try reader.double(), try reader.double(), try reader.double()]
    func known<Value>(_ value: Value?, _ what: String) throws(DetectionDecodingError) -> Value {
      guard let value else { throw .invalid(section: "state", what: "an unknown \(what)") }
      return value
    }
    let severity = try known(Alert.Severity(rawValue: try reader.string()), "severity")
    let said = try known(Alert.Severity(rawValue: try reader.string()), "severity")
    let kind = try known(Alert.Kind(rawValue: try reader.string()), "kind")
    var counts: [Int] = []
    for _ in 0..<6 { counts.append(Int(truncatingIfNeeded: try reader.uint64() & 0xffff_ffff_ffff)) }
    let logP = try reader.finiteFloat()
    let logPWhenSaid = try reader.finiteFloat()
    let isConfirmed = try reader.bool()
    var features: [Alert.Feature] = []
    for _ in 0..<(try reader.count(of: 44)) {
      let name = try reader.string()
      let value = try reader.double()
      features.append(
        Alert.Feature(
          name: name, value: value.isNaN ? nil : value, expected: try reader.double(),
          low: try reader.double(), high: try reader.double(), share: try reader.double()))
    }
    var detectors: [String: Alert.DetectorScore] = [:]
    for _ in 0..<(try reader.count(of: 20)) {
      let name = try reader.string()
      detectors[name] = Alert.DetectorScore(raw: try reader.double(), pValue: try reader.double())
    }
    let evidence = try reader.byteString()
    let lastHigh = try reader.double()
    self.init(
      id: id, onset: numbers[0], opened: numbers[1], severity: severity, score: numbers[2],
      pValue: numbers[3], events: counts[0], features: features, detectors: detectors, kind: kind,
      logP: logP, loud: counts[1], extreme: counts[2], calm: counts[3], isConfirmed: isConfirmed,
      eventsWhenSaid: counts[4],
      logPWhenSaid: logPWhenSaid, severityWhenSaid: said)
    flaps = counts[5]
    self.evidence = evidence
    self.lastHigh = lastHigh.isNaN ? nil : lastHigh
  }
}
