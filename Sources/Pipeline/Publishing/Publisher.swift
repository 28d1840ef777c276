import Archive
import Events
import Logging
import Messaging
import Synchronization
import Wire

/// The thread that speaks: gives alerts their numbers in the alert history, then sends them; sends scores.
///
/// Written first, sent second: what a subscriber has heard is always in the history.
final class Publisher: Sendable {
  struct Counters: Sendable {
    var opened: UInt64 = 0
    var updated: UInt64 = 0
    var resolved: UInt64 = 0
    /// Not said because the stream was silenced or under maintenance.
    var silenced: UInt64 = 0
    /// Not said because it did not pass a gate.
    var gated: UInt64 = 0
    var scores: UInt64 = 0
    /// Waiting because the history could not be written (a full disk); said as soon as it can.
    var unrecorded = 0
    var lastError: String?
    var lastSeq: UInt64 = 0
  }

  let outbox: Outbox
  /// As bound, with port numbers.
  let endpoints: [String]
  private let socket: Socket
  private let store: AlertStore
  private let log: Logger
  private let counted = Mutex(Counters())
  private let thread = Mutex<DedicatedThread?>(nil)
  /// Streams that a person has silenced, with the wall-clock time at which that ends.
  private let silences: Mutex<[String: Double]>
  private let rules: Mutex<Rules>
  private let groups: Guarded<IncidentGroups>

  /// What of the config can change under way.
  struct Rules: Sendable {
    var maintenance: [MaintenanceWindow] = []
    var gates: [AlertGate] = []
  }
  /// Touched by the thread alone: incidents that were said to be open, and alerts that the history refused.
  private let announced: Guarded<Set<String>>
  private let pending = Guarded<[Alert]>([])
  private let message = Guarded(ScoreMessage())
  private let keep: Int
  /// The number of the last statement of the life before.
  let firstSeq: UInt64
  private let sincePruned = Guarded(0)
  private let sinceCheckpoint = Guarded(0)

  /// Earlier incidents of a stream that an alert is compared with: few, since it waits for that.
  private static let compared = 50

  /// Alerts that wait for a failing history at most; beyond that the oldest are given up, counted in the log.
  static let pendingCapacity = 10_000
  /// Statements after which the history's write-ahead log is put into its database: some hundred pages.
  private static let checkpointAfter = 50

  /// Binds at once, so that a port in use is an error at the start.
  ///
  /// - Parameter keep: statements that the history holds at most.
  init(
    settings: PublishSettings, rules: Rules = Rules(), keep: Int, store: AlertStore,
    context: MessagingContext, log: Logger
  ) throws {
    self.rules = Mutex(rules)
    groups = Guarded(IncidentGroups(within: settings.groupWithin))
    self.store = store
    self.keep = keep
    self.log = log
    outbox = Outbox(scoreCapacity: settings.queueMessages)
    let socket = try Socket(.pub, in: context)
    try socket.set(.sendHighWater(settings.highWaterMark))
    try socket.set(.linger(1000))
    try socket.secure(settings.security, domain: "publish")
    var bound: [String] = []
    for endpoint in settings.endpoints { bound.append(try socket.bind(endpoint)) }
    endpoints = bound
    self.socket = socket
    silences = Mutex(
      Dictionary(
        try store.silences(at: Clocks.wall()).map { ($0.stream.name, $0.until) }, uniquingKeysWith: max))
    announced = Guarded(Set(try store.openIncidents().map(\.id)))
    let last = try store.lastSeq()
    firstSeq = last
    counted.withLock { $0.lastSeq = last }
  }

  var counters: Counters { counted.withLock { $0 } }

  func start() {
    thread.withLock { $0 = DedicatedThread(name: "publisher") { [self] in run() } }
  }

  /// Says what still waits, then ends.
  func stop(seconds: Double) -> Bool {
    outbox.close()
    return thread.withLock { $0 }?.join(seconds: seconds) ?? true
  }

  func apply(_ rules: Rules) { self.rules.withLock { $0 = rules } }

  /// No alerts of `stream` until `until` (seconds since 1970); nil ends it. Already kept on disk by the caller.
  func silence(_ stream: String, until: Double?) {
    silences.withLock { $0[stream] = until }
  }

  func silencedUntil(_ stream: String) -> Double? { silences.withLock { $0[stream] } }

  var silencedStreams: Int {
    let now = Clocks.wall()
    return silences.withLock { $0.values.count { $0 > now } }
  }

  // MARK: On the thread

  private func run() {
    while true {
      let retry = pending.value.isEmpty ? UInt64.max : Clocks.monotonic() + 1_000_000_000
      let taken = outbox.take(until: retry)
      say(taken.alerts)
      for run in taken.scores { send(run) }
      if let figures = taken.figures { send(figures: figures) }
      if taken.isClosed && taken.alerts.isEmpty && taken.scores.isEmpty { return }
    }
  }

  private func say(_ alerts: [Alert]) {
    pending.value.append(contentsOf: audible(alerts))
    if pending.value.isEmpty { return }
    do {
      let recorded = try store.append(pending.value).alerts
      pending.value.removeAll()
      for alert in recorded { send(alert) }
      counted.withLock { [last = recorded.last?.seq] in
        $0.unrecorded = 0
        $0.lastError = nil
        $0.lastSeq = last ?? $0.lastSeq
      }
      tidy(after: recorded.count)
    } catch {
      let excess = pending.value.count - Self.pendingCapacity
      if excess > 0 {
        pending.value.removeFirst(excess)
        log.error(
          "alerts lost: the history cannot be written",
          metadata: LoggedEvent.alertsLost.metadata(["alerts": "\(excess)"]))
      }
      counted.withLock { [waiting = pending.value.count] in
        $0.unrecorded = waiting
        $0.lastError = "\(error)"
      }
    }
  }

  /// Only now, when everything is said and counted, does anybody wait for the disk.
  private func tidy(after count: Int) {
    attempt {
      sinceCheckpoint.value += count
      if sinceCheckpoint.value >= Self.checkpointAfter {
        sinceCheckpoint.value = 0
        try store.checkpoint()
      }
      sincePruned.value += count
      if sincePruned.value >= 1000 {
        sincePruned.value = 0
        _ = try store.prune(keeping: keep, since: -.infinity)
      }
    }
  }

  /// Leaves out what is silenced, and makes the first thing said about an incident an opening: one that a silence
  /// swallowed is opened when the silence ends, one that came and went in silence is never mentioned. What amends an incident after
  /// its end opens none: the history takes it only if the incident was said.
  private func audible(_ alerts: [Alert]) -> [Alert] {
    if alerts.isEmpty { return [] }
    let now = Clocks.wall()
    let silent = silences.withLock { silences in
      silences = silences.filter { $0.value > now }
      return silences
    }
    let rules = rules.withLock { $0 }
    var said: [Alert] = []
    for var alert in alerts {
      let isAnnounced = announced.value.contains(alert.id)
      let isSilent = silent[alert.stream] != nil || rules.maintenance.covers(alert.stream, at: alert.ts)
      if isSilent && !(isAnnounced && alert.state == .resolved)
        || !isAnnounced && alert.state == .resolved
      {
        counted.withLock { $0.silenced += 1 }
        continue
      }
      if alert.resolvedAt != nil {
        alert.group = groups.value.group(ofResolved: alert.id)
        said.append(alert)
        continue
      }
      if !isAnnounced, !rules.gates.pass(alert) {
        counted.withLock { $0.gated += 1 }
        continue
      }
      if !isAnnounced { alert.state = .open }
      alert.group = groups.value.group(of: alert)
      if alert.state != .update { alert.similar = similar(to: alert) }
      switch alert.state {
      case .open: announced.value.insert(alert.id)
      case .resolved: announced.value.remove(alert.id)
      case .update: break
      }
      said.append(alert)
    }
    return said
  }

  /// Nil when there is none, or the history cannot be read: an alert is worth more than what it resembles.
  private func similar(to alert: Alert) -> [SimilarIncident]? {
    guard let found = try? store.similar(to: alert, compared: Self.compared), !found.isEmpty else {
      return nil
    }
    return found
  }

  private func send(_ alert: Alert) {
    attempt { try socket.send(try AlertMessage.frames(of: alert)) }
    let kind: LoggedEvent = counted.withLock {
      switch alert.state {
      case .open:
        $0.opened += 1
        return .alertOpened
      case .update:
        $0.updated += 1
        return .alertUpdated
      case .resolved:
        $0.resolved += 1
        return .alertResolved
      }
    }
    log.notice(
      "alert",
      metadata: kind.metadata([
        "stream": "\(alert.stream)", "state": "\(alert.state)", "id": "\(alert.id)",
        "severity": "\(alert.severity)", "score": "\((alert.score * 10).rounded() / 10)",
        "text": "\(alert.text)",
      ]))
  }

  private func send(_ run: ScoreRun) {
    attempt {
      for index in run.scores.indices {
        message.value.write(
          stream: run.stream.name, timestamp: run.timestamps[index], score: Double(run.scores[index]),
          pValue: run.pValues[index], confidence: Double(run.confidences[index]))
        let topic = message.value.topic
        let payload = message.value.payload
        if try socket.send(topic.span, more: true) { try socket.send(payload.span, wait: .forever) }
      }
    }
    counted.withLock { $0.scores += UInt64(run.scores.count) }
  }

  private func send(figures: [UInt8]) {
    attempt { try socket.send([Array("metrics/anomalyd".utf8), figures]) }
  }

  private func attempt(_ body: () throws -> Void) {
    do { try body() } catch { counted.withLock { $0.lastError = "\(error)" } }
  }
}
