import Control
import Dashboard
import Foundation
import Logging
import Pipeline
import Synchronization

/// The HTTP server beside the pipeline. A port that is taken costs the dashboard and nothing else: it is tried again until
/// it is free, and events are scored meanwhile.
final class DashboardHost: Sendable {
  private let pipeline: AnomalyPipeline
  private let log: Logger
  private let address: HTTPAddress
  private let site: Site
  private let server = Mutex<HTTPServer?>(nil)
  private let isStopping = Mutex(false)

  init(
    _ settings: HTTPSettings, at address: HTTPAddress, token: Token, _ pipeline: AnomalyPipeline,
    _ log: Logger
  ) {
    self.pipeline = pipeline
    self.log = log
    self.address = address
    let pulse = Pulse(pipeline)
    site = Site(
      ask: { pipeline.answer($0) }, token: token, hosts: settings.hosts, alive: { pulse.complaint() },
      ready: { pulse.complaint() })
  }

  func start() {
    if bind() { return }
    let reason = unsafe String(cString: strerror(errno))
    log.error(
      "no dashboard yet: \(address): \(reason): stop who has it, or set http.listen; it is tried again")
    let thread = Thread { [self] in
      while !isStopping.withLock({ $0 }) {
        Thread.sleep(forTimeInterval: 1)
        if bind() { return }
      }
    }
    thread.name = "http retry"
    thread.start()
  }

  private func bind() -> Bool {
    isStopping.withLock { isStopping in
      if isStopping { return true }
      guard let bound = HTTPServer(address, handler: { [site] in site.respond(to: $0) }) else { return false }
      server.withLock { $0 = bound }
      pipeline.announce(http: "http://\(bound.address)/")
      log.notice("dashboard", metadata: ["at": "http://\(bound.address)/"])
      return true
    }
  }

  func stop() {
    isStopping.withLock { $0 = true }
    server.withLock { $0 }?.stop()
  }
}

/// Whether ingest and every shard still make turns.
private final class Pulse: Sendable {
  private let pipeline: AnomalyPipeline
  private let seen: Mutex<(turns: [UInt64], at: [ContinuousClock.Instant])>
  /// A thread that has nothing to do makes a turn a second.
  private static let patience = Duration.seconds(10)

  init(_ pipeline: AnomalyPipeline) {
    self.pipeline = pipeline
    let turns = pipeline.progress
    seen = Mutex((turns, turns.map { _ in .now }))
  }

  func complaint() -> String? {
    let turns = pipeline.progress
    let now = ContinuousClock.now
    // A thread stands still when its count is the one of a look that is long enough ago.
    let stuck = seen.withLock { seen -> Bool in
      for index in turns.indices where turns[index] != seen.turns[index] {
        seen.turns[index] = turns[index]
        seen.at[index] = now
      }
      return seen.at.contains { now - $0 > Self.patience }
    }
    if stuck { return "ingest or a shard makes no progress" }
    return pipeline.isTrainerStuck ? "the trainer is stuck" : nil
  }
}
