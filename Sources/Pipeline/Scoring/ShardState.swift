import Archive
import Detection
import Events
import Logging

/// What the trainer asks a stream's shard before it begins; all rows are on disk by then.
struct TrainingMaterial: Sendable {
  var fields: [String]
  /// The model in use; nil as long as there is none, or a provisional one.
  var champion: StreamModel?
}

/// What one shard's thread owns: the detectors of its streams, and the way out for rows, alerts and jobs.
struct ShardState {
  /// What a shard is given and does not own.
  struct Surroundings: Sendable {
    var index: Int
    var shards: Int
    var detection: DetectionChoice
    var pipeline: PipelineSettings
    var histories: HistoryStore
    /// Of incident ids and reservoirs; another one in every life of the process.
    var seed: UInt64
    var outbox: Outbox
    var trainer: Trainer
    var states: StateStore
    var budget: FleetBudget
    var log: Logger
  }

  var around: Surroundings
  /// By `id / shards`.
  var streams: [StreamEntry] = []
  var workspace = DetectorWorkspace()
  var counters = ShardCounters()
  var saver = StateSaver()
  /// Monotonic nanoseconds at which to look for silent streams next.
  var silenceDue: UInt64 = 0

  private var grouping = Grouping()
  private var historyScratch = HistoryScratch()
  private var rows: [Float] = []
  private var timestamps: [Double] = []
  private var flags: [RowFlags] = []

  init(_ around: Surroundings, restored: [StreamEntry]) {
    self.around = around
    streams = restored
    timestamps = Array(repeating: 0, count: DetectorWorkspace.batchRows)
    flags = Array(repeating: [], count: DetectorWorkspace.batchRows)
  }

  // MARK: The event path

  mutating func process(_ batch: ObservationBatch) {
    let began = Clocks.monotonic()
    for declaration in batch.declarations { declare(declaration.what) }
    grouping.group(batch, shards: around.shards, known: streams.count)
    workspace.strictness = around.budget.strictness
    workspace.wantsOddness = around.pipeline.publish.scores
    var chanceIncidents = 0
    for k in grouping.streams.indices {
      let local = grouping.streams[k]
      var next = grouping.starts[k]
      let end = grouping.starts[k + 1]
      heard(local, at: began, time: batch.timestamps[grouping.order[next]])
      while next < end {
        let count = min(DetectorWorkspace.batchRows, end - next)
        gather(batch, from: next, count: count, local: local)
        observe(local, count: count)
        chanceIncidents += workspace.chanceIncidents
        next += count
      }
    }
    around.budget.saw(events: batch.count, upTo: batch.timestamps.max(), incidents: chanceIncidents)
    counters.events += UInt64(batch.count)
    counters.batches += 1
    let ended = Clocks.monotonic()
    counters.busy += ended - began
    if let arrival = batch.arrivals.first {
      counters.longestWait = max(counters.longestWait, ended &- arrival)
      counters.lag = ended &- arrival
    }
    countLatency(batch.arrivals, ended)
  }

  /// Events that came together share a time of arrival.
  private mutating func countLatency(_ arrivals: [UInt64], _ ended: UInt64) {
    var first = 0
    while first < arrivals.count {
      var next = first + 1
      while next < arrivals.count, arrivals[next] == arrivals[first] { next += 1 }
      counters.latency.add(nanoseconds: ended &- arrivals[first], events: UInt64(next - first))
      first = next
    }
  }

  /// Copies events into rows as wide as the stream's fields; what an event does not carry is missing.
  private mutating func gather(_ batch: ObservationBatch, from start: Int, count: Int, local: Int) {
    let width = streams[local].detector.fields.count
    if rows.count < count * width {
      rows.append(contentsOf: repeatElement(.nan, count: count * width - rows.count))
    }
    let order = grouping.order
    let columns = streams[local].isIdentity ? nil : streams[local].columns
    let events = order.span.extracting(start..<start + count)
    for row in 0..<count { timestamps[row] = batch.timestamps[events[row]] }
    let offsets = batch.offsets.span
    let values = batch.values.span
    var target = rows.mutableSpan
    guard let columns else {
      for row in 0..<count {
        let from = Int(offsets[events[row]])
        let carried = Int(offsets[events[row] + 1]) - from
        let to = row * width
        precondition(carried <= width, "an event of \(carried) values on a stream of \(width) fields")
        for column in 0..<carried {
          unsafe target[unchecked: to &+ column] = values[unchecked: from &+ column]
        }
        for column in carried..<width { target[to + column] = .nan }
      }
      return
    }
    for row in 0..<count {
      let from = Int(offsets[events[row]])
      let carried = Int(offsets[events[row] + 1]) - from
      let to = row * width
      for column in 0..<width { target[to + column] = .nan }
      for slot in 0..<carried { target[to + columns[slot]] = values[from + slot] }
    }
  }

  private mutating func observe(_ local: Int, count: Int) {
    let width = streams[local].detector.fields.count
    let phase = streams[local].detector.phase
    let isMaintained = isMaintained(local, count)
    let learned = isMaintained ? streams[local].detector.learned : nil
    streams[local].detector.observe(
      rows: rows, width: width, timestamps: timestamps, count: count, workspace: &workspace)
    if let learned { streams[local].detector.unlearn(to: learned) }
    streams[local].changed = true
    remember(local, width: width, count: count, isMaintained)
    if !workspace.alerts.isEmpty { around.outbox.add(workspace.alerts) }
    if !workspace.alerts.isEmpty || streams[local].detector.phase != phase {
      saver.hasten(streams: streams.count)
    }
    if around.pipeline.publish.scores {
      let scored = (0..<count).filter { !workspace.unscored[$0] }
      around.outbox.add(
        ScoreRun(
          stream: streams[local].key, timestamps: scored.map { timestamps[$0] },
          scores: scored.map { Float(workspace.oddness[$0]) }, pValues: scored.map(workspace.pValue),
          confidences: scored.map { workspace.confidence[$0] }))
    }
    let highest = workspace.score[..<count].reduce(0) { max($0, $1) }
    streams[local].maxScore = max(streams[local].maxScore, Double(highest))
    if streams[local].detector.trainingRequest != nil { enqueueTraining(local) }
  }

  /// Whether one of the rows at least lies in a maintenance: such a batch teaches the thresholds nothing.
  private func isMaintained(_ local: Int, _ count: Int) -> Bool {
    guard !around.pipeline.maintenance.isEmpty else { return false }
    let name = streams[local].key.name
    return timestamps[..<count].contains { around.pipeline.maintenance.covers(name, at: $0) }
  }

  /// Keeps the rows to learn from; those of an incident are marked.
  private mutating func remember(_ local: Int, width: Int, count: Int, _ isMaintained: Bool) {
    for row in 0..<count { flags[row] = workspace.quarantined[row] ? .quarantined : [] }
    if isMaintained {
      let name = streams[local].key.name
      for row in 0..<count where around.pipeline.maintenance.covers(name, at: timestamps[row]) {
        flags[row].insert(.maintenance)
      }
    }
    let (rows, timestamps, flags) = (self.rows, self.timestamps, self.flags)
    var done = 0
    while done < count {
      // What came too late to be scored is not learned from either.
      if workspace.hasUnscored, workspace.unscored[done] {
        done += 1
        continue
      }
      var end = done + min(count - done, streams[local].history.room)
      if workspace.hasUnscored { end = (done..<end).first { workspace.unscored[$0] } ?? end }
      let part = done..<end
      let isFull = streams[local].history.append(
        rows.span.extracting(part.lowerBound * width..<part.upperBound * width), width: width,
        timestamps: timestamps.span.extracting(part), flags: flags.span.extracting(part))
      if isFull { flush(local) }
      done = part.upperBound
    }
  }

  // MARK: Streams

  private mutating func declare(_ what: ObservationBatch.Declaration) {
    switch what {
    case .stream(let id, let key):
      let local = Int(id) / around.shards
      // After a restart the known streams stand here already, in the order in which ingest was told of them.
      if local < streams.count { return }
      precondition(
        local == streams.count, "stream \(id) was declared before \(streams.count * around.shards)")
      streams.append(
        StreamEntry(
          key: key,
          detector: StreamDetector(
            stream: key, settings: around.detection.settings(of: key.name), seed: seed(of: key)),
          history: around.histories.history(of: key)))
    case .field(let stream, let name):
      let local = Int(stream) / around.shards
      if streams[local].detector.fields.contains(name) == false { flush(local) }
      _ = streams[local].declareField(name)
    }
  }

  /// Of streams that may share a model: the same fields, scored by the same members of the suite.
  private func signature(_ local: Int) -> UInt64 {
    let settings = around.detection.settings(of: streams[local].key.name)
    return settings.detectors.reduce(streams[local].signature) { StreamEntry.hash($1.rawValue, from: $0) }
  }

  func seed(of key: StreamKey) -> UInt64 { StreamEntry.hash(key.name, from: around.seed) }

  /// The stream of an id, unless it is not of this shard.
  func local(_ id: UInt32) -> Int? {
    let local = Int(id) / around.shards
    return local < streams.count ? local : nil
  }

  func local(named name: String) -> Int? { streams.firstIndex { $0.key.name == name } }

  // MARK: Training

  private mutating func enqueueTraining(_ local: Int) {
    guard let reason = streams[local].detector.trainingRequest else { return }
    if reason == .newNormal, let since = streams[local].detector.acceptedSince {
      flush(local)
      do {
        _ = try streams[local].history.mark(
          since ... .infinity, clear: .quarantined, scratch: &historyScratch)
      } catch {
        note("history", error)
      }
    }
    streams[local].detector.trainingStarted()
    around.trainer.add(
      TrainingJob(
        id: UInt32(local * around.shards + around.index), stream: streams[local].key, shard: around.index,
        reason: reason, signature: signature(local),
        parent: streams[local].detector.isSettled ? streams[local].detector.model?.snapshotName : nil))
  }

  /// Passes on what streams asked for before their first event.
  mutating func enqueueTrainings() {
    for local in streams.indices where streams[local].detector.model == nil { enqueueTraining(local) }
  }

  /// Asks for a training on a person's behalf; false for a stream that has too few rows yet.
  mutating func requestTraining(_ local: Int) -> Bool {
    guard streams[local].detector.isReady else { return false }
    streams[local].detector.requestTraining(.requested)
    enqueueTraining(local)
    return true
  }

  mutating func trainingMaterial(_ id: UInt32) -> TrainingMaterial? {
    guard let local = local(id) else { return nil }
    flush(local)
    let detector = streams[local].detector
    return TrainingMaterial(
      fields: detector.fields, champion: detector.isSettled ? detector.model : nil)
  }

  mutating func install(_ model: StreamModel, _ id: UInt32) {
    guard let local = local(id) else { return }
    install(model, at: local)
  }

  mutating func install(_ model: StreamModel, at local: Int) {
    streams[local].detector.install(model)
    saver.hasten(streams: streams.count)
    streams[local].changed = true
  }

  mutating func trainingEnded(_ id: UInt32) {
    guard let local = local(id) else { return }
    streams[local].detector.trainingEnded()
  }

  mutating func apply(_ detection: DetectionChoice, _ pipeline: PipelineSettings) {
    around.detection = detection
    around.pipeline = pipeline
    for local in streams.indices {
      streams[local].detector.apply(detection.settings(of: streams[local].key.name))
    }
  }

  // MARK: What is kept

  /// Hands the staged rows of a stream to its history.
  mutating func flush(_ local: Int) {
    if streams[local].history.stagedRows == 0 { return }
    do {
      let fields = streams[local].detector.fields
      if let aside = try streams[local].history.flush(fields: fields, scratch: &historyScratch) {
        around.log.warning(
          "a history was set aside", metadata: ["stream": "\(streams[local].key)", "what": "\(aside)"])
      }
    } catch {
      note("history", error)
    }
  }

  mutating func mark(_ local: Int, _ window: ClosedRange<Double>, _ change: FlagChange) throws {
    _ = try streams[local].history.mark(
      window, set: change.set, clear: change.clear, scratch: &historyScratch)
  }

  /// A full or failing disk costs rows of history, counted, and nothing else.
  mutating func note(_ what: String, _ error: any Error) {
    counters.storageErrors += 1
    counters.lastStorageError = "\(what): \(error)"
  }
}

struct ShardCounters: Sendable {
  var events: UInt64 = 0
  var batches: UInt64 = 0
  /// Nanoseconds spent on batches.
  var busy: UInt64 = 0
  /// Longest from the arrival of a message to the end of its batch, nanoseconds, since last asked.
  var longestWait: UInt64 = 0
  /// From arrival to score of the first event of the last batch, nanoseconds.
  var lag: UInt64 = 0
  var latency = LatencyHistogram()
  var storageErrors: UInt64 = 0
  var storageErrorsWhenSaved: UInt64 = 0
  /// nil when nothing is wrong by now.
  var lastStorageError: String?
}
