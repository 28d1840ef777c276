import Control
import Dashboard
import Foundation
import Logging
import Pipeline
import ServiceLifecycle
import Systemd
import UnixSignals

/// The running pipeline as the service manager sees it: ready, alive, reloading, stopping.
struct DaemonService: Service {
  let pipeline: AnomalyPipeline
  let dashboard: DashboardHost?
  let notifier: ServiceNotifier
  let log: Logger
  /// Longest time for what came in to be scored and saved at the end.
  let drainSeconds: Double

  func run() async throws {
    log.notice(
      "ready",
      metadata: LoggedEvent.ready.metadata([
        "alerts": "\(pipeline.publishEndpoints.joined(separator: " "))"
      ]))
    dashboard?.start()
    notifier.ready(status: pipeline.summary)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await reloadOnHangup() }
      group.addTask { await feedWatchdog() }
      if let every = pipeline.metricsEvery { group.addTask { await publishMetrics(every: every) } }
      try? await gracefulShutdown()
      group.cancelAll()
    }
    log.notice("stopping", metadata: LoggedEvent.stopping.metadata())
    notifier.stopping()
    notifier.extendTimeout(.seconds(drainSeconds + 5))
    dashboard?.stop()
    pipeline.stop(seconds: drainSeconds)
    log.notice("stopped", metadata: LoggedEvent.stopped.metadata())
  }

  private func reloadOnHangup() async {
    for await _ in await UnixSignalsSequence(trapping: .sighup) {
      notifier.reloading()
      let report = pipeline.reload()
      notifier.ready(status: "reload \(report.message)")
    }
  }

  /// The figures of `/metrics` for those who listen on ZeroMQ.
  private func publishMetrics(every seconds: Double) async {
    while (try? await Task.sleep(for: .seconds(seconds))) != nil {
      guard case .status(let status) = pipeline.answer(.status) else { continue }
      pipeline.publish(
        figures: Metrics.event(status, stream: "anomalyd", time: Date().timeIntervalSince1970))
    }
  }

  /// The watchdog hears from us only when ingest and every shard made a turn since the last time, and the trainer is not
  /// stuck: a process that merely lives is restarted.
  private func feedWatchdog() async {
    let interval = (notifier.watchdogInterval ?? .seconds(20)) / 2
    var before = pipeline.progress
    while !Task.isCancelled {
      try? await Task.sleep(for: interval)
      if Task.isCancelled { return }
      let now = pipeline.progress
      let stuck = zip(before, now).contains { $0 == $1 } || pipeline.isTrainerStuck
      before = now
      if stuck {
        log.error(
          "no progress", metadata: LoggedEvent.noProgress.metadata(["ingest and shards": "\(now)"]))
      } else {
        notifier.watchdog()
        notifier.status(pipeline.summary)
      }
    }
  }
}
