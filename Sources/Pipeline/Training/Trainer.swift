import Archive
import Control
import Detection
import Events
import Foundation
import Logging
import Synchronization

/// The thread that learns: takes jobs in the order of ``TrainingQueue``, within ``TrainingBudget``, at low priority.
///
/// It asks the shard for the rows, fits on its own thread, writes the snapshot, and sends the new model back as a letter
/// that the shard opens between two batches.
final class Trainer: Sendable {
  private struct Contents {
    var queue: TrainingQueue
    var budget: TrainingBudget
    var counters = Counters()
    var settings: RetrainSettings
    var detection: DetectionChoice
    var seed: UInt64
    var isClosed = false
  }

  private let condition = Condition()
  private let contents: Guarded<Contents>
  /// Processor time of the thread when the budget was last charged; touched by the thread alone.
  private let mark = Guarded(0.0)
  /// The same of the packages' energy, with the monotonic nanoseconds of its last reading.
  private let meter: Guarded<(meter: EnergyMeter?, read: UInt64)>
  private let hasPooled = Guarded(false)
  private let isStopping = Atomic<Bool>(false)
  private let thread = Mutex<DedicatedThread?>(nil)
  private let snapshots: SnapshotStore
  private let histories: HistoryStore
  private let pools: WeightPools
  private let shards: [Shard]
  private let log: Logger
  /// Told of every training that a person asked for, and whether it was the last of them.
  private let requestDone: @Sendable (StreamKey, _ isLast: Bool) -> Void

  init(
    settings: RetrainSettings, detection: DetectionChoice, seed: UInt64, snapshots: SnapshotStore,
    histories: HistoryStore, pools: WeightPools, shards: [Shard], log: Logger,
    requestDone: @escaping @Sendable (StreamKey, _ isLast: Bool) -> Void
  ) {
    self.requestDone = requestDone
    self.snapshots = snapshots
    self.pools = pools
    self.histories = histories
    self.shards = shards
    self.log = log
    meter = Guarded(
      (EnergyMeter(processors: ProcessInfo.processInfo.activeProcessorCount), Clocks.monotonic()))
    contents = Guarded(
      Contents(
        queue: TrainingQueue(pooledFrom: settings.pooledFrom),
        budget: TrainingBudget(share: settings.budget, burst: settings.burst, now: Self.now()),
        settings: settings, detection: detection, seed: seed))
  }

  func start() {
    thread.withLock { $0 = DedicatedThread(name: "trainer", priority: .low) { [self] in run() } }
  }

  /// Ends the work at hand as soon as it looks; what waits is dropped (each stream asks again after a restart).
  func stop(seconds: Double) -> Bool {
    isStopping.store(true, ordering: .relaxed)
    condition.locked {
      contents.value.isClosed = true
      condition.signal()
    }
    return thread.withLock { $0 }?.join(seconds: seconds) ?? true
  }

  func add(_ job: TrainingJob) {
    condition.locked {
      contents.value.queue.add(job)
      condition.signal()
    }
  }

  func apply(_ settings: RetrainSettings, _ detection: DetectionChoice) {
    condition.locked {
      contents.value.settings = settings
      contents.value.detection = detection
      contents.value.queue.pooledFrom = settings.pooledFrom
      contents.value.budget.change(share: settings.budget, burst: settings.burst)
      condition.signal()
    }
  }

  var counters: Counters {
    condition.locked {
      var counters = contents.value.counters
      counters.backlog = contents.value.queue.backlog
      counters.pooledWaiting = contents.value.queue.pooled
      counters.processorSeconds = contents.value.budget.used
      counters.usedShare = contents.value.budget.usedShare(now: Self.now())
      return counters
    }
  }

  // MARK: On the thread

  private func run() {
    while let work = nextWork() {
      mark.value = Clocks.threadProcessorTime()
      switch work {
      case .own(let job):
        trainOwn(job)
        if job.reason == .requested && !isStopping.load(ordering: .relaxed) {
          requestDone(job.stream, condition.locked { !contents.value.queue.hasRequests })
        }
      case .pool(let jobs): trainPool(jobs)
      }
      charge()
      collectUnreferenced()
      condition.locked {
        contents.value.counters.current = nil
        contents.value.counters.busySince = 0
      }
    }
  }

  /// Pooled weights that no snapshot names any more are removed when nothing else is to be done.
  private func collectUnreferenced() {
    guard hasPooled.value, condition.locked({ contents.value.queue.isEmpty }) else { return }
    hasPooled.value = false
    do {
      _ = try snapshots.collectUnreferenced()
    } catch {
      log.warning("pooled weights were not tidied", metadata: ["why": "\(error)"])
    }
  }

  /// Charges the budget with what was used since the last time; the seconds to rest now.
  @discardableResult
  private func charge() -> Double {
    let now = Clocks.threadProcessorTime()
    let used = now - mark.value
    mark.value = now
    let joules = joules(processorSeconds: used)
    return condition.locked {
      if let joules { contents.value.counters.joules = (contents.value.counters.joules ?? 0) + joules }
      contents.value.budget.spend(used, now: Self.now())
      return contents.value.budget.rest(now: Self.now())
    }
  }

  private func joules(processorSeconds: Double) -> Double? {
    guard meter.value.meter != nil else { return nil }
    let now = Clocks.monotonic()
    defer { meter.value.read = now }
    return meter.value.meter?.joules(
      processorSeconds: processorSeconds, elapsed: Double(now - meter.value.read) * 1e-9)
  }

  /// Between two streams of one long piece of work: rests as the budget says; false when it is time to stop.
  private func pace() -> Bool {
    var rest = charge()
    condition.locked {
      while rest > 0 && !contents.value.isClosed {
        contents.value.counters.busySince = 0
        _ = condition.wait(until: Clocks.monotonic() + UInt64(rest * 1e9))
        rest = contents.value.budget.rest(now: Self.now())
      }
      contents.value.counters.busySince = Clocks.monotonic()
    }
    return !isStopping.load(ordering: .relaxed)
  }

  /// Waits for work that the budget allows; nil at the end.
  private func nextWork() -> TrainingQueue.Work? {
    condition.locked {
      while !contents.value.isClosed {
        let rest = contents.value.budget.rest(now: Self.now())
        if contents.value.queue.isEmpty {
          _ = condition.wait(until: .max)
        } else if rest > 0 {
          _ = condition.wait(until: Clocks.monotonic() + UInt64(rest * 1e9))
        } else if let work = contents.value.queue.next() {
          contents.value.counters.busySince = Clocks.monotonic()
          switch work {
          case .own(let job): contents.value.counters.current = job.stream.name
          case .pool(let jobs): contents.value.counters.current = "\(jobs.count) streams together"
          }
          return work
        }
      }
      return nil
    }
  }

  private func trainOwn(_ job: TrainingJob) {
    guard let material = material(for: job) else { return }
    do {
      let rows = try rows(of: job, material)
      // Others with the same fields know more than a few rows tell.
      let weights = job.reason == .early ? pools.newest(of: job.signature) : nil
      try judge(try fit(job, rows, weights: weights), job, material.champion, rows)
    } catch {
      fail(job, error)
    }
  }

  /// One model for all, from some of them; scaling and calibration of each its own.
  private func trainPool(_ jobs: [TrainingJob]) {
    // A few dozen streams say what they have in common; more would only cost time.
    let most = 32
    let stride = max(1, jobs.count / most)
    var sampled: [TrainingRows] = []
    for job in jobs.enumerated().filter({ $0.offset % stride == 0 }).prefix(most).map(\.element) {
      if let material = material(for: job), let rows = try? rows(of: job, material) { sampled.append(rows) }
    }
    let (settings, seed) = settings(of: jobs.first?.stream, isEarly: jobs.allSatisfy { $0.reason == .early })
    let weights: SharedWeights
    var kept: SharedID?
    do {
      weights = try ModelTrainer.trainPooled(
        sampled, settings: settings, seed: seed, name: "pool-\(String(seed, radix: 36))",
        shouldStop: { [self] in isStopping.load(ordering: .relaxed) })
      if jobs.contains(where: { $0.reason != .early }) {
        let id = try snapshots.share(weights.encode())
        pools.remember(weights, at: id, of: jobs[0].signature)
        hasPooled.value = true
        kept = id
      }
    } catch {
      // Together it did not work (too different, too few rows): each on its own, then.
      log.warning("pooled training failed", metadata: ["streams": "\(jobs.count)", "why": "\(error)"])
      for job in jobs {
        guard pace() else { return }
        trainOwn(job)
      }
      return
    }
    for job in jobs {
      guard pace() else { return }
      guard let material = material(for: job) else { continue }
      do {
        let model = try fit(job, try rows(of: job, material), weights: weights)
        var report = PromotionReport()
        report.reason = job.reason.rawValue
        report.rows = model.rows
        report.verdict = "the first model, learned from several streams together"
        try install(model, job, weights: kept, report)
        if job.reason == .early { continue }
        condition.locked {
          contents.value.queue.addOwnLater(
            TrainingJob(
              id: job.id, stream: job.stream, shard: job.shard, reason: .schedule, signature: job.signature,
              parent: model.snapshotName))
        }
      } catch {
        fail(job, error)
      }
    }
  }

  /// Asks the shard; nil when it has ended.
  private func material(for job: TrainingJob) -> TrainingMaterial? {
    shards[job.shard].ask(seconds: 30) { $0.trainingMaterial(job.id) } ?? nil
  }

  /// The stream's history, in the detector's order of fields.
  private func rows(of job: TrainingJob, _ material: TrainingMaterial) throws -> TrainingRows {
    let most = condition.locked { contents.value.detection.usual.collecting.maximumRows }
    guard let history = try histories.read(job.stream, last: most) else {
      return TrainingRows(fields: material.fields)
    }
    let rows = TrainingRows(
      fields: history.fields, timestamps: history.timestamps, values: history.values,
      segmentStarts: history.segments.map(\.lowerBound))
    return material.champion == nil ? rows : rows.settled
  }

  private func fit(_ job: TrainingJob, _ rows: TrainingRows, weights: SharedWeights?) throws -> StreamModel {
    let isEarly = job.reason == .early
    let (settings, seed) = settings(of: job.stream, isEarly: isEarly)
    let now = Clocks.wall()
    let name = isEarly ? "provisional" : try snapshots.nextName(for: job.stream, trainedAt: now)
    let model = try ModelTrainer.train(
      rows, settings: settings, seed: seed, snapshotName: name, trainedAt: now, sharedWeights: weights,
      isProvisional: isEarly,
      shouldStop: { [self] in isStopping.load(ordering: .relaxed) })
    condition.locked { contents.value.counters.trained += 1 }
    return model
  }

  /// A first model is installed as it is; a newer one must be no worse than the running one.
  private func judge(
    _ candidate: StreamModel, _ job: TrainingJob, _ champion: StreamModel?, _ rows: TrainingRows
  ) throws {
    var report = PromotionReport()
    report.reason = job.reason.rawValue
    report.rows = candidate.rows
    report.seconds = Clocks.threadProcessorTime() - mark.value
    guard let champion else {
      report.verdict =
        candidate.isProvisional
        ? "provisional, from the first few rows" : "the first model: nothing to compare it with"
      try install(candidate, job, weights: nil, report)
      return
    }
    let (settings, seed) = settings(of: job.stream)
    let verdict = ModelTrainer.compare(
      candidate: candidate, champion: champion, rows: rows, settings: settings,
      heldOut: settings.calibration.heldOutShare, seed: seed, clock: Clocks.threadProcessorTime)
    report.accepted = verdict.accepted
    report.verdict = verdict.reason
    report.champion = champion.snapshotName
    report.figures = ModelFigures(verdict.candidate, of: candidate)
    report.championFigures = ModelFigures(verdict.champion, of: champion)
    if verdict.accepted, let power = power(of: candidate, against: champion, job, rows) {
      report.figures?.take(power.candidate)
      report.championFigures?.take(power.champion)
      if let objection = power.objection {
        report.accepted = false
        report.verdict = objection
      }
    }
    if report.accepted == true {
      try install(candidate, job, weights: nil, report)
    } else {
      // It may still be wanted: `promote` takes it into use.
      try snapshots.save(
        SnapshotCoding.snapshot(
          of: candidate, stream: job.stream, parent: job.parent, weights: nil, report),
        makeCurrent: false)
      condition.locked { contents.value.counters.rejected += 1 }
      log.info(
        "kept the running model",
        metadata: LoggedEvent.modelKept.metadata([
          "stream": "\(job.stream)", "verdict": "\(report.verdict)",
        ]))
      shards[job.shard].tell { $0.trainingEnded(job.id) }
    }
  }

  /// What both find of the same planted faults.
  private func power(
    of candidate: StreamModel, against champion: StreamModel, _ job: TrainingJob, _ rows: TrainingRows
  ) -> PowerComparison? {
    let (settings, seed) = settings(of: job.stream)
    return PowerComparison(
      candidate: candidate, champion: champion, rows: rows, settings: settings, seed: seed,
      shouldStop: { [self] in isStopping.load(ordering: .relaxed) })
  }

  /// On disk first, then into the shard: what scores is what a restart finds. A provisional one is learned again then.
  private func install(
    _ model: StreamModel, _ job: TrainingJob, weights: SharedID?, _ report: PromotionReport
  ) throws {
    if !model.isProvisional {
      try snapshots.save(
        SnapshotCoding.snapshot(of: model, stream: job.stream, parent: job.parent, weights: weights, report))
    }
    condition.locked { contents.value.counters.accepted += 1 }
    log.info(
      "learned",
      metadata: LoggedEvent.learned.metadata([
        "stream": "\(job.stream)", "snapshot": "\(model.snapshotName)", "verdict": "\(report.verdict)",
      ]))
    shards[job.shard].tell { $0.install(model, job.id) }
  }

  private func fail(_ job: TrainingJob, _ error: any Error) {
    if isStopping.load(ordering: .relaxed) { return }
    condition.locked {
      contents.value.counters.failed += 1
      contents.value.counters.lastError = "\(job.stream): \(error)"
    }
    log.warning(
      "training failed",
      metadata: LoggedEvent.trainingFailed.metadata(["stream": "\(job.stream)", "why": "\(error)"]))
    shards[job.shard].tell { $0.trainingEnded(job.id) }
  }

  /// Those of one stream, or of all that share their weights with it. Provisional models leave the seeds of the others alone.
  private func settings(of stream: StreamKey?, isEarly: Bool = false) -> (DetectionSettings, seed: UInt64) {
    condition.locked {
      let choice = contents.value.detection
      let seed = isEarly ? contents.value.seed : nextSeed()
      return (stream.map { choice.settings(of: $0.name) } ?? choice.usual, seed)
    }
  }

  /// While locked.
  private func nextSeed() -> UInt64 {
    contents.value.seed &+= 0x9e37_79b9_7f4a_7c15
    return contents.value.seed
  }

  private static func now() -> Double { Double(Clocks.monotonic()) * 1e-9 }
}
