import Archive
import Control
import Detection
import Events
import Foundation
import Messaging
import Synchronization
import Tensors

extension AnomalyPipeline {
  func statusReport() -> StatusReport {
    var report = StatusReport()
    report.version = around.version
    report.pid = ProcessInfo.processInfo.processIdentifier
    report.startedAt = startedAt
    report.uptime = Double(Clocks.monotonic() - startedTick) * 1e-9
    report.streams = phaseCounts()
    report.sources = sourceReports()
    report.totals = traffic(report.sources)
    report.queues = queueReports()
    report.shards = shardReports()
    report.totals.scored = onEveryShard { state in
      state.streams.reduce(UInt64(0)) { $0 + $1.detector.status.scored }
    }.reduce(0, +)
    report.alerts = alertCounts()
    report.trainer = trainerReport()
    report.kernel.name = Processor.kernel
    report.kernel.better = Processor.betterKernel(than: Processor.kernel, with: Processor.features)
    report.memory.resident = Self.residentBytes()
    report.configuration = configurationReport()
    report.state = stateReport()
    report.endpoints.control = life.withLock { $0.configuration.control.endpoint }
    report.endpoints.alerts = publisher.endpoints
    report.endpoints.scores = life.withLock { $0.configuration.pipeline.publish.scores }
    report.control = controlCounts
    report.admissions = admissionReports()
    report.scoring = scoringReport()
    report.endpoints.http = life.withLock { $0.http }
    report.memory.processorSeconds = Self.processorSeconds()
    return report
  }

  func phaseCounts() -> PhaseCounts {
    var counts = PhaseCounts()
    for shard in onEveryShard({ state in
      var counts = PhaseCounts()
      for stream in state.streams { counts[stream.detector.phase] += 1 }
      return counts
    }) {
      for phase in Phase.allCases { counts[phase] += shard[phase] }
    }
    return counts
  }

  private func traffic(_ sources: [SourceReport]) -> TrafficReport {
    var totals = TrafficReport()
    for source in sources {
      totals.messages += source.messages
      totals.bytes += source.bytes
      totals.events += source.events
      totals.malformed += source.malformed.values.reduce(0, +)
      totals.refused += source.refused.values.reduce(0, +)
    }
    totals.dropped = shards.reduce(0) { $0 + $1.handoff.counters.droppedEvents }
    totals.eventsPerSecond = rate.withLock { $0.update(events: totals.events, now: Clocks.monotonic()) }
    return totals
  }

  private func queueReports() -> [QueueReport] {
    var reports = shards.map { shard in
      let counters = shard.handoff.counters
      var report = QueueReport()
      report.name = "ingest → shard \(shard.index), batches"
      report.depth = counters.waitingBatches
      report.peak = counters.peakBatches
      report.capacity = shard.handoff.capacity
      report.dropped = counters.droppedEvents
      report.policy = "as the source says"
      return report
    }
    let outbox = publisher.outbox.counters
    var report = QueueReport()
    report.name = "shards → publisher, messages"
    report.depth = outbox.waiting
    report.peak = outbox.peak
    report.capacity = publisher.outbox.scoreCapacity
    report.dropped = outbox.droppedScores
    report.policy = "alerts wait, scores are dropped"
    reports.append(report)
    return reports
  }

  private func shardReports() -> [ShardReport] {
    let uptime = max(1, Clocks.monotonic() - startedTick)
    return shards.compactMap { shard in
      shard.ask { state in
        var report = ShardReport()
        report.index = state.around.index
        report.streams = state.streams.count
        report.events = state.counters.events
        report.batches = state.counters.batches
        report.busyShare = Double(state.counters.busy) / Double(uptime)
        return report
      }
    }
  }

  private func alertCounts() -> AlertCounts {
    let said = publisher.counters
    var counts = AlertCounts()
    counts.epoch = alerts.epoch
    counts.lastSeq = said.lastSeq
    counts.opened = said.opened
    counts.updated = said.updated
    counts.resolved = said.resolved
    counts.silenced = said.silenced
    counts.gated = said.gated
    counts.silencedStreams = publisher.silencedStreams
    counts.budget = budget.report.map { budget in
      var report = BudgetReport()
      report.perWeek = budget.perWeek
      report.span = budget.span
      report.incidents = budget.incidents
      report.allowed = budget.allowed
      report.strictness = Double(budget.strictness)
      return report
    }
    counts.openIncidents = (try? alerts.openIncidents().count) ?? 0
    return counts
  }

  private func scoringReport() -> ScoringReport {
    struct Part: Sendable {
      var latency = LatencyHistogram()
      var lag: UInt64 = 0
      var scored: UInt64 = 0
      var tails = [UInt64](repeating: 0, count: 4)
      var trained: [Double] = []
      var late: [String: UInt64] = [:]
      var missing: (values: UInt64, imputed: UInt64) = (0, 0)
    }
    let parts = onEveryShard { state in
      var part = Part()
      part.latency = state.counters.latency
      part.lag = state.counters.lag
      for entry in state.streams {
        let status = entry.detector.status
        part.scored += status.scored
        part.late.merge(status.late.byOutcome, uniquingKeysWith: +)
        part.missing.values += status.missingValues
        part.missing.imputed += status.imputedValues
        for level in 0..<4 { part.tails[level] += status.tails[level] }
        if let trainedAt = status.trainedAt { part.trained.append(trainedAt) }
      }
      return part
    }
    var report = ScoringReport()
    report.latency = parts.map(\.latency).reduce(LatencyHistogram(), +).report
    report.lag = Double(parts.map(\.lag).max() ?? 0) * 1e-9
    let scored = parts.reduce(0) { $0 + $1.scored }
    if scored > 0 {
      report.calibration = [0.1, 0.01, 0.001, 0.0001].enumerated().map { level, nominal in
        let hits = parts.reduce(UInt64(0)) { $0 + $1.tails[level] }
        return CalibrationPoint(nominal: nominal, measured: Double(hits) / Double(scored), events: scored)
      }
    }
    for part in parts {
      report.lateOutcomes.merge(part.late, uniquingKeysWith: +)
      report.missingValues += part.missing.values
      report.imputedValues += part.missing.imputed
    }
    let trained = parts.flatMap(\.trained)
    let now = Clocks.wall()
    report.models = trained.count
    report.oldestModelAge = trained.min().map { now - $0 }
    report.newestModelAge = trained.max().map { now - $0 }
    return report
  }

  private func admissionReports() -> [AdmissionReport] {
    authenticator.counts.sorted { $0.key < $1.key }.map { socket, counts in
      var report = AdmissionReport()
      report.socket = socket
      report.keys = counts.keys
      report.admitted = counts.admitted
      report.refused = counts.refused
      return report
    }
  }

  private func trainerReport() -> TrainerReport {
    let counters = trainer.counters
    var report = TrainerReport()
    report.budgetShare = life.withLock { $0.configuration.pipeline.retrain.budget }
    report.usedShare = counters.usedShare
    report.processorSeconds = counters.processorSeconds
    report.joules = counters.joules
    report.backlog = counters.backlog
    report.current = counters.current
    report.trained = counters.trained
    report.accepted = counters.accepted
    report.rejected = counters.rejected
    report.failed = counters.failed
    report.lastError = counters.lastError
    report.pooledStreams = onEveryShard { $0.streams.count(where: \.isPooled) }.reduce(0, +)
    return report
  }

  func configurationReport() -> ConfigurationReport {
    let life = life.withLock { $0 }
    var report = ConfigurationReport()
    report.path = around.configPath
    report.loadedAt = life.loadedAt
    report.lastReload = life.lastReload
    return report
  }

  /// Processor time of all threads of this process, seconds.
  static func processorSeconds() -> Double {
    var usage = rusage()
    guard unsafe getrusage(Int32(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6
  }

  /// Resident memory of this process, bytes; 0 where /proc does not tell.
  static func residentBytes() -> UInt64 {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
    let pages = text.split(separator: " ").dropFirst().first.flatMap { UInt64($0) } ?? 0
    return pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
  }
}

/// Events a second over the last seconds, from counts looked at now and then.
struct RateMeter: Sendable {
  private var marks: [(at: UInt64, events: UInt64)] = []

  mutating func update(events: UInt64, now: UInt64) -> Double {
    marks.append((at: now, events: events))
    while marks.count > 2, now - marks[1].at > 5_000_000_000 { marks.removeFirst() }
    guard let first = marks.first, now > first.at else { return 0 }
    return Double(events - first.events) / (Double(now - first.at) * 1e-9)
  }
}
