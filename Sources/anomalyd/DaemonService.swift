import Control
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
    log.notice("ready", metadata: ["alerts": "\(pipeline.publishEndpoints.joined(separator: " "))"])
    dashboard?.start()
    notifier.ready(status: pipeline.summary)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await reloadOnHangup() }
      group.addTask { await feedWatchdog() }
      try? await gracefulShutdown()
      group.cancelAll()
    }
    log.notice("stopping")
    notifier.stopping()
    notifier.extendTimeout(.seconds(drainSeconds + 5))
    dashboard?.stop()
    pipeline.stop(seconds: drainSeconds)
    log.notice("stopped")
  }

  private func reloadOnHangup() async {
    for await _ in await UnixSignalsSequence(trapping: .sighup) {
      notifier.reloading()
      let report = pipeline.reload()
      notifier.ready(status: "reload \(report.message)")
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
        log.error("no progress", metadata: ["ingest and shards": "\(now)"])
      } else {
        notifier.watchdog()
        notifier.status(pipeline.summary)
      }
    }
  }
}
