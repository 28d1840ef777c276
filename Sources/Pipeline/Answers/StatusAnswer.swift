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
    let parts = shardParts()
    report.streams = Self.phases(parts)
    report.sources = sourceReports()
    report.totals = traffic(report.sources)
    report.queues = queueReports()
    report.shards = parts.map(\.report)
    report.scoring = scoringReport(parts)
    report.totals.scored = parts.reduce(0) { $0 + $1.totals.scored }
    report.alerts = alertCounts(events: parts.reduce(0) { $0 + $1.report.events })
    report.trainer = trainerReport()
    report.trainer.pooledStreams = parts.reduce(0) { $0 + $1.pooled }
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
    report.endpoints.http = life.withLock { $0.http }
    report.memory.processorSeconds = Self.processorSeconds()
    return report
  }

  /// What one shard says of itself, in one answer: each waits until the shard is between two batches.
  private struct ShardPart: Sendable {
    var phases = PhaseCounts()
    var report = ShardReport()
    var latency = LatencyHistogram()
    var lag: UInt64 = 0
    var totals = DetectorTotals()
    var pooled = 0
  }

  private func shardParts() -> [ShardPart] {
    let uptime = max(1, Clocks.monotonic() - startedTick)
    return onEveryShard { state in
      var part = ShardPart()
      part.report.index = state.around.index
      part.report.streams = state.streams.count
      part.report.events = state.counters.events
      part.report.batches = state.counters.batches
      part.report.busyShare = Double(state.counters.busy) / Double(uptime)
      part.latency = state.counters.latency
      part.lag = state.counters.lag
      for index in state.streams.indices {
        part.phases[state.streams[index].detector.phase] += 1
        part.totals.add(state.streams[index].detector)
        if state.streams[index].isPooled { part.pooled += 1 }
      }
      return part
    }
  }

  func phaseCounts() -> PhaseCounts { Self.phases(shardParts()) }

  private static func phases(_ parts: [ShardPart]) -> PhaseCounts {
    parts.map(\.phases).reduce(into: PhaseCounts()) { sum, part in
      for phase in Phase.allCases { sum[phase] += part[phase] }
    }
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

  private func alertCounts(events: UInt64) -> AlertCounts {
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
    var run = FalseAlarmRunReport()
    run.events = events
    run.openings = (try? alerts.openings(after: publisher.firstSeq)) ?? 0
    run.measured = run.openings > 0 ? Double(run.events) / Double(run.openings) : nil
    run.promised = FalseAlarmRun.least(
      life.withLock { $0.configuration.detection.alerts }, strictness: Double(budget.strictness))
    counts.falseAlarmRun = run
    counts.openIncidents = (try? alerts.openIncidents().count) ?? 0
    return counts
  }

  private func scoringReport(_ parts: [ShardPart]) -> ScoringReport {
    let totals = parts.map(\.totals).reduce(DetectorTotals(), +)
    var report = ScoringReport()
    report.latency = parts.map(\.latency).reduce(LatencyHistogram(), +).report
    report.lag = Double(parts.map(\.lag).max() ?? 0) * 1e-9
    if totals.scored > 0 {
      report.calibration = [0.1, 0.01, 0.001, 0.0001].enumerated().map { level, nominal in
        CalibrationPoint(
          nominal: nominal, measured: Double(totals.tails[level]) / Double(totals.scored),
          events: totals.scored)
      }
    }
    report.lateOutcomes = totals.late.byOutcome
    report.missingValues = totals.missingValues
    report.imputedValues = totals.imputedValues
    let now = Clocks.wall()
    report.models = totals.models
    report.oldestModelAge = totals.oldest.map { now - $0 }
    report.newestModelAge = totals.newest.map { now - $0 }
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
