import Control
import Events
import Foundation
import Messaging

extension Benchmarks {
  static let memory = Benchmark(
    name: "memory",
    summary: "RSS per stream, start-up time and training backlog at 1 to 10,000 streams of 16 features"
  ) { run in
    let sizes =
      run.settings["streams"].map { $0.split(separator: "/").compactMap { Int($0) } } ?? [
        1, 100, 1000, 10_000,
      ]
    for streams in sizes { try measureMemory(of: streams, run) }
  }

  /// Bytes that one stream may cost.
  private static let allowed = 64.0 * 1024

  /// Starts the true daemon, brings every stream to `scoring` with events of its own, then starts it again from its state.
  private static func measureMemory(of streams: Int, _ run: BenchRun) throws {
    let daemon = try LabDaemon(overrides: StreamLoad.overrides)
    defer {
      daemon.stop()
      daemon.removeFolder()
    }
    let empty = try daemon.waitUntilReady()
    let load = try StreamLoad(streams: streams, features: 16, daemon: daemon)
    let began = Deadline(after: 3600)
    try load.send(rounds: 700)
    var backlog = 0
    var status = try daemon.status()
    while status.streams.scoring < streams {
      backlog = max(backlog, status.trainer.backlog)
      if began.isOver || !daemon.isRunning {
        throw Failure(
          .temporary, what: "memory", why: "only \(status.streams.scoring) of \(streams) streams score",
          remedy: daemon.log())
      }
      // Streams that have their model need some fresh events to be calibrated; before that, events would only take the
      // processor from the training.
      if status.trainer.backlog == 0, status.streams.training == 0 { try load.send(rounds: 70) }
      _ = Deadline(after: 0.5).sleep(atMost: 0.5)
      // One that is late for an answer because it trains is no failure of what is measured here.
      status = (try? daemon.status()) ?? status
    }
    run.report("\(streams) streams, highest training backlog seen", Double(backlog), "streams")
    run.report("\(streams) streams, processor time of training", status.trainer.processorSeconds, "s")
    run.report("\(streams) streams, on a pooled model", Double(status.trainer.pooledStreams), "streams")
    let times = try (0..<9).map { _ in
      let begin = DispatchTime.now().uptimeNanoseconds
      _ = try daemon.status()
      return Double(DispatchTime.now().uptimeNanoseconds - begin) * 1e-6
    }
    run.report(
      "\(streams) streams, answer to a status request, median", times.sorted()[times.count / 2], "ms",
      reference: "allowed at 10,000 streams", 100)
    let grown = Double(status.memory.resident) - Double(empty.memory.resident)
    run.report("\(streams) streams, RSS", Double(status.memory.resident) / 1_048_576, "MiB")
    run.report(
      "\(streams) streams, RSS per stream over the empty daemon", grown / Double(streams) / 1024, "KiB",
      reference: "allowed at 10,000 streams", allowed / 1024)

    daemon.stop(seconds: 120)
    let again = try LabDaemon(overrides: StreamLoad.overrides, folder: daemon.folder)
    defer { again.stop() }
    let start = DispatchTime.now().uptimeNanoseconds
    let restored = try again.waitUntilReady(seconds: 120)
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9
    guard restored.streams.scoring == streams else {
      throw Failure(
        .data, what: "memory",
        why: "only \(restored.streams.scoring) of \(streams) streams score after a restart",
        remedy: again.log())
    }
    run.report(
      "\(streams) streams, restart until every one scores", seconds, "s", reference: "1 s per 1,000 streams",
      max(1, Double(streams) / 1000))
  }
}

/// Many streams of correlated noise for a daemon, as JSON events of one stream each, 64 to a message.
final class StreamLoad {
  /// The daemon listens on any free port, and may train on a whole core so that the measurement ends.
  static let overrides = [
    "ANOMALYD_SOURCES_0_BIND": "tcp://127.0.0.1:*", "ANOMALYD_SOURCES_0_SOCKET": "pull",
    "ANOMALYD_SOURCES_0_OVERFLOW": "block", "ANOMALYD_RETRAIN_BUDGET": "100%",
  ]

  let names: [String]
  let features: Int
  private let socket: Socket
  private var random: UInt64 = 1
  private var tick = 0

  init(streams: Int, features: Int, daemon: LabDaemon) throws {
    names = (0..<streams).map { "host-\($0)" }
    self.features = features
    guard let endpoint = try daemon.status().sources.first?.endpoints.first else {
      throw Failure(.unavailable, what: "source", why: "the daemon has none", remedy: daemon.log())
    }
    let socket = try Socket(.push, in: try MessagingContext())
    try socket.set(.linger(0))
    try socket.connect(endpoint)
    self.socket = socket
  }

  /// The same streams at the same point, for a daemon that was started again.
  convenience init(continuing load: StreamLoad, daemon: LabDaemon) throws {
    try self.init(streams: load.names.count, features: load.features, daemon: daemon)
    random = load.random
    tick = load.tick
  }

  /// Every stream gets so many more events, a second of event time apart; those of `odd` are far from normal.
  func send(rounds: Int, odd: Set<Int> = []) throws {
    for _ in 0..<rounds {
      tick += 1
      for start in stride(from: 0, to: names.count, by: 64) {
        var events: [String] = []
        for index in start..<min(start + 64, names.count) {
          events.append(event(index, isOdd: odd.contains(index)))
        }
        try socket.send([Array("[\(events.joined(separator: ","))]".utf8)], wait: .forever)
      }
    }
  }

  private func event(_ index: Int, isOdd: Bool) -> String {
    let common = noise()
    var text =
      "{\"stream\":\"\(names[index])\",\"ts\":\(1_750_000_000 + tick),\"seq\":\(tick),\"epoch\":\"bench\",\"values\":{"
    for feature in 0..<features {
      let value = 20 + common * Double(feature % 3) + noise() + (isOdd && feature == 3 ? 40 : 0)
      text += "\(feature == 0 ? "" : ",")\"m\(feature)\":\(Int(value * 1000)).5"
    }
    return text + "}}"
  }

  /// Irwin–Hall: the sum of four uniforms, standardised.
  private func noise() -> Double {
    var sum = 0.0
    for _ in 0..<4 {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      sum += Double(random >> 40) / Double(1 << 24)
    }
    return (sum - 2) * 1.732
  }
}
