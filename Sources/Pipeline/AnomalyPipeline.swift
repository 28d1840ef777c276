import Archive
public import Control
public import Detection
import Events
import Foundation
public import Logging
public import Messaging
import Synchronization
import Tensors

/// Everything that a config file decides.
public struct PipelineConfiguration: Sendable, Equatable {
  public var ingest = IngestSettings(sources: [])
  public var detection = DetectionSettings()
  /// Streams that are not scored like all others.
  public var exceptions: [StreamException] = []
  public var pipeline = PipelineSettings()
  public var control = ControlSettings()
  public init() {}

  var choice: DetectionChoice { DetectionChoice(usual: detection, exceptions: exceptions) }
}

/// Where the daemon listens for `anomalyctl`.
public struct ControlSettings: Sendable, Equatable {
  public var endpoint = "ipc:///run/anomalyd/control.sock"
  /// Who may connect; whoever may can command.
  public var security = SocketSecurity.none
  public init() {}
}

/// What the rim hands to the pipeline.
public struct PipelineSurroundings: Sendable {
  public var version: String
  /// The state directory.
  public var state: String
  /// The config file, for the status; nil when the defaults run.
  public var configPath: String?
  /// Differs between two lives of the process.
  public var entropy: UInt64
  public var log: Logger
  /// Reads the config again; throws what is wrong with it.
  public var reread: @Sendable () throws -> PipelineConfiguration
  /// What is wrong with the text of a config file; empty when nothing is.
  public var check: @Sendable (_ file: String, _ text: String) -> CheckedConfiguration

  public init(
    version: String, state: String, configPath: String?, entropy: UInt64, log: Logger,
    reread: @escaping @Sendable () throws -> PipelineConfiguration,
    check: @escaping @Sendable (_ file: String, _ text: String) -> CheckedConfiguration
  ) {
    self.version = version
    self.state = state
    self.configPath = configPath
    self.entropy = entropy
    self.log = log
    self.reread = reread
    self.check = check
  }
}

/// The whole event path, started and stopped as one: ingest → shards → publisher, with the trainer and the control socket
/// beside it.
public final class AnomalyPipeline: Sendable {
  struct Life: Sendable {
    var configuration: PipelineConfiguration
    var loadedAt: Double
    var lastReload: ConfigurationReport.Reload?
    var damaged: [String] = []
    /// Where the dashboard is.
    var http: String?
  }

  let around: PipelineSurroundings
  let startedAt = Clocks.wall()
  let startedTick = Clocks.monotonic()
  let folder: StateFolder
  let snapshots: SnapshotStore
  let pools: WeightPools
  let alerts: AlertStore
  let publisher: Publisher
  let trainer: Trainer
  let budget: FleetBudget
  let shards: [Shard]
  let ingest: IngestThread
  let authenticator: Authenticator
  let life: Mutex<Life>
  let rate = Mutex(RateMeter())
  let size = Mutex(FolderSize())
  let forecasts = Forecasts()
  private let control = Mutex<ControlServer?>(nil)
  private let reloading = Mutex<Void>(())

  /// Opens the state, restores every stream, binds every endpoint and starts every thread.
  ///
  /// - Throws: what keeps it from starting, each with what to do: the state directory in use, a port in use, …
  public init(_ configuration: PipelineConfiguration, _ around: PipelineSurroundings) throws {
    self.around = around
    let settings = configuration.pipeline
    folder = try StateFolder(around.state)
    snapshots = try SnapshotStore(folder, keep: settings.keep.snapshots)
    pools = WeightPools(store: snapshots)
    let states = try StateStore(folder)
    let histories = try HistoryStore(
      folder: folder.histories, capacity: settings.retrain.historyRows, seed: around.entropy)
    alerts = try AlertStore(path: folder.alerts, newEpoch: { String(around.entropy, radix: 36) })
    budget = FleetBudget(perWeek: configuration.detection.alerts.budget, path: folder.budget)
    let restored = try Self.restore(
      configuration, states, snapshots, pools, histories, open: try alerts.openAlerts(),
      seed: around.entropy)
    let context = try MessagingContext()
    authenticator = try Authenticator(context, refused: Self.tellingOfStrangers(around.log))
    publisher = try Publisher(
      settings: settings.publish, rules: .init(maintenance: settings.maintenance, gates: settings.gates),
      keep: settings.keep.alerts,
      store: alerts, context: context, log: around.log
    )
    let shards = (0..<settings.shards).map { Shard(index: $0, queueBatches: settings.queueBatches) }
    self.shards = shards
    trainer = Trainer(
      settings: settings.retrain, detection: configuration.choice, seed: around.entropy,
      snapshots: snapshots,
      histories: histories, pools: pools, shards: shards, log: around.log,
      requestDone: { [alerts] in Self.finishRequests($0, isLast: $1, alerts) })
    life = Mutex(
      Life(
        configuration: configuration, loadedAt: startedAt,
        damaged: restored.damaged + (alerts.setAside.map { ["\($0)"] } ?? [])))
    ingest = try IngestThread(
      settings: configuration.ingest, context: context, outlets: shards.map(\.handoff),
      known: zip(restored.streams, restored.detectors).map { KnownStream(key: $0, fields: $1.fields) },
      seed: around.entropy, log: Self.sampled(around.log))

    for shard in shards {
      let surroundings = ShardState.Surroundings(
        index: shard.index, shards: shards.count, detection: configuration.choice, pipeline: settings,
        histories: histories, seed: around.entropy, outbox: publisher.outbox, trainer: trainer,
        states: states, budget: budget, log: around.log)
      let mine = stride(from: shard.index, to: restored.streams.count, by: shards.count).map {
        (restored.streams[$0], restored.detectors[$0], restored.silences[restored.streams[$0]])
      }
      shard.start {
        ShardState(
          surroundings,
          restored: mine.map {
            StreamEntry(key: $0, detector: $1, history: histories.history(of: $0), silence: $2)
          })
      }
    }
    for damage in restored.damaged {
      around.log.warning("set aside", metadata: LoggedEvent.setAside.metadata(["what": "\(damage)"]))
    }
    publisher.start()
    trainer.start()
    for shard in shards { shard.tell { $0.enqueueTrainings() } }
    resolve(orphans: restored.orphans)
    resumeRequests()
    try ingest.start()
    let server = try ControlServer(
      endpoint: configuration.control.endpoint, security: configuration.control.security, context: context
    ) { [weak self] request in
      self?.answer(request)
        ?? .failure(Failure(.unavailable, what: "anomalyd", why: "it is stopping", remedy: "try again later"))
    }
    control.withLock { $0 = server }
  }

  /// Stops in the direction of the events, so that what came in is scored, said and saved; at most about `seconds`.
  public func stop(seconds: Double) {
    control.withLock { $0?.stop() }
    let end = Clocks.monotonic() + UInt64(seconds * 1e9)
    func left() -> Double { max(0.1, Double(Int64(end) - Int64(Clocks.monotonic())) * 1e-9) }
    ingest.stop()
    if !trainer.stop(seconds: min(5, left())) { around.log.warning("the trainer did not end in time") }
    for shard in shards { shard.handoff.close() }
    for shard in shards where !shard.join(seconds: left()) {
      around.log.error("a shard did not end in time", metadata: ["shard": "\(shard.index)"])
    }
    budget.save()
    if !publisher.stop(seconds: left()) { around.log.error("the publisher did not end in time") }
    authenticator.stop()
  }

  /// Counters that must rise while all is well; the watchdog is fed only when every one did since it last looked.
  public var progress: [UInt64] { [ingest.progress] + shards.map(\.progress) }

  /// Whether the trainer has been at one piece of work for longer than any takes.
  public var isTrainerStuck: Bool {
    let since = trainer.counters.busySince
    return since > 0 && Clocks.monotonic() &- since > 1_800_000_000_000
  }

  /// One line for the service manager.
  public var summary: String {
    let phases = phaseCounts()
    return
      "\(phases.total) streams, \(phases.scoring) scoring, \(publisher.counters.opened) incidents since the start"
  }

  /// Says in the status where the dashboard is; nil when it is off.
  public func announce(http: String?) { life.withLock { $0.http = http } }

  var controlCounts: ControlCounts { control.withLock { $0?.counts } ?? ControlCounts() }

  /// Where alerts are published, with port numbers.
  public var publishEndpoints: [String] { publisher.endpoints }

  /// Seconds between two messages with the daemon's own figures; nil: none are wanted.
  public var metricsEvery: Double? { life.withLock { $0.configuration.pipeline.publish.metricsEvery } }

  /// Sends the daemon's own figures on `metrics/anomalyd`, as the event that `message` holds.
  public func publish(figures message: [UInt8]) { publisher.outbox.add(figures: message) }

  /// Reads the config again: applied as a whole or refused as a whole.
  @discardableResult
  public func reload() -> ConfigurationReport.Reload {
    reloading.withLock { _ in
      var report = ConfigurationReport.Reload()
      report.at = Clocks.wall()
      do {
        let new = try around.reread()
        let old = life.withLock { $0.configuration }
        try apply(new, over: old)
        life.withLock {
          $0.configuration = new
          $0.loadedAt = report.at
        }
        report.accepted = true
        report.message = new == old ? "nothing changed" : "applied"
      } catch {
        report.message = "refused, the running configuration stays: \(error)"
      }
      life.withLock { $0.lastReload = report }
      let kind: LoggedEvent = report.accepted ? .reloaded : .reloadRefused
      around.log.notice(
        "reload",
        metadata: kind.metadata(["accepted": "\(report.accepted)", "what": "\(report.message)"]))
      return report
    }
  }

  static func keysThatNeedRestart(_ new: PipelineConfiguration, over old: PipelineConfiguration) -> [String] {
    var fixed: [String] = []
    if new.pipeline.shards != old.pipeline.shards { fixed.append("pipeline.shards") }
    if new.pipeline.queueBatches != old.pipeline.queueBatches { fixed.append("pipeline.queue") }
    var publish = new.pipeline.publish
    publish.scores = old.pipeline.publish.scores
    if publish != old.pipeline.publish { fixed.append("publish but for scores") }
    if new.pipeline.keep.alerts != old.pipeline.keep.alerts { fixed.append("state.alerts") }
    if new.pipeline.retrain.historyRows != old.pipeline.retrain.historyRows {
      fixed.append("retrain.history")
    }
    if new.pipeline.keep.pastEvents != old.pipeline.keep.pastEvents { fixed.append("state.past_events") }
    if new.pipeline.keep.snapshots != old.pipeline.keep.snapshots { fixed.append("state.snapshots") }
    if new.control != old.control { fixed.append("control") }
    return fixed
  }

  private func apply(_ new: PipelineConfiguration, over old: PipelineConfiguration) throws {
    let fixed = Self.keysThatNeedRestart(new, over: old)
    if !fixed.isEmpty { throw NeedsRestart(keys: fixed) }
    // The only part that can fail (a port in use) goes first.
    try ingest.apply(new.ingest)
    publisher.apply(.init(maintenance: new.pipeline.maintenance, gates: new.pipeline.gates))
    trainer.apply(new.pipeline.retrain, new.choice)
    budget.apply(perWeek: new.detection.alerts.budget)
    for shard in shards { shard.tell { $0.apply(new.choice, new.pipeline) } }
  }

  /// Some keys name things that cannot be exchanged under way.
  struct NeedsRestart: Error, CustomStringConvertible {
    var keys: [String]
    var description: String { "\(keys.joined(separator: ", ")) can only change with a restart" }
  }

  private func resolve(orphans: [Alert]) {
    for var alert in orphans {
      alert.state = .resolved
      alert.text = "Resolved at the start: the state of this stream is no longer there. It was: \(alert.text)"
      publisher.outbox.add([alert])
    }
  }

  /// Trainings that were asked for and acknowledged before the last end.
  private func resumeRequests() {
    guard let waiting = try? alerts.retrainRequests() else { return }
    for request in waiting { requestTraining(of: request.stream?.name) }
  }

  /// A training that was asked for has been done: it need not be taken up again after a restart.
  private static func finishRequests(_ stream: StreamKey, isLast: Bool, _ alerts: AlertStore) {
    for request in (try? alerts.retrainRequests()) ?? []
    where request.stream == stream || (request.stream == nil && isLast) {
      try? alerts.finishRetraining(request.number)
    }
  }

  /// Says who was turned away: one line a minute and socket, however often somebody tries.
  private static func tellingOfStrangers(_ log: Logger) -> @Sendable (String, String) -> Void {
    let said = Mutex<[String: UInt64]>([:])
    return { socket, address in
      let now = Clocks.monotonic()
      let isDue = said.withLock { said in
        if let last = said[socket], now < last + 60_000_000_000 { return false }
        said[socket] = now
        return true
      }
      guard isDue else { return }
      log.warning(
        "a peer was turned away: its key is not allowed; the status counts further ones",
        metadata: LoggedEvent.peerRefused.metadata(["socket": "\(socket)", "address": "\(address)"]))
    }
  }

  /// At most one line a minute and reason, with how many there were.
  private static func sampled(_ log: Logger) -> @Sendable (String, String) -> Void {
    { reason, extract in
      log.warning(
        "\(reason)",
        metadata: LoggedEvent.inputRefused.metadata(extract.isEmpty ? [:] : ["extract": "\(extract)"]))
    }
  }
}
