import Control
import Events
import Foundation
import Messaging
import Wire

extension Benchmarks {
  static let pipeline = Benchmark(
    name: "pipeline",
    summary:
      "events a second through the true daemon over loopback TCP against a bare C loop that only receives them, "
      + "and the time from publishing to score and alert (--set rate=50000: only that)"
  ) { run in
    let bench = BenchPipeline(
      run: run, streams: run.setting("streams", 8), seconds: run.setting("seconds", 4.0),
      rounds: run.setting("rounds", 3), shards: run.settings["shards"])
    let rate = run.setting("rate", 0.0)
    if rate > 0 { return try bench.latency(rate: rate) }
    // `--set shapes=json64/f32` leaves the others, and the latency, out.
    let wanted = run.settings["shapes"]?.split(separator: "/").map(String.init)
    var single: Double?
    for shape in BenchLoad.Shape.allCases where wanted?.contains(shape.rawValue) ?? true {
      let rates = try bench.throughput(of: shape)
      if shape == .json {
        single = rates
      } else if let single {
        run.report(
          "\(bench.name(shape)), against one JSON event to a message", rates, "events/s",
          reference: bench.name(.json), single)
      }
    }
    if wanted == nil, let single { try bench.latency(rate: single / 10) }
  }
}

/// Runs the true daemon and a separate publisher, and beside them the bare loop, in turns.
struct BenchPipeline {
  let run: BenchRun
  let streams: Int
  let seconds: Double
  let rounds: Int
  /// Scoring threads; nil: as packaged.
  let shards: String?

  func name(_ shape: BenchLoad.Shape) -> String {
    switch shape {
    case .json: "JSON of 200 bytes, 16 features, one event to a message"
    case .json64: "the same, 64 events to a message"
    case .f32: "64 float32 rows of 16 features to a message"
    }
  }

  // Training is over when it is measured; what would start another is off.
  func overrides(_ shape: BenchLoad.Shape) -> [String: String] {
    var result = [
      "ANOMALYD_SOURCES_0_BIND": "tcp://127.0.0.1:*", "ANOMALYD_SOURCES_0_SOCKET": "pull",
      "ANOMALYD_SOURCES_0_OVERFLOW": "block", "ANOMALYD_RETRAIN_BUDGET": "100%",
      "ANOMALYD_RETRAIN_GROWTH": "0",
      "ANOMALYD_RETRAIN_DRIFT": "0", "ANOMALYD_LOG_LEVEL": "warning",
    ]
    if let shards { result["ANOMALYD_PIPELINE_SHARDS"] = shards }
    if shape == .f32 {
      result["ANOMALYD_SOURCES_0_FORMAT"] = "f32"
      result["ANOMALYD_SOURCES_0_FIELDS"] = BenchLoad.features.joined(separator: ",")
    }
    return result
  }

  /// Events a second through the daemon, the median of the rounds; each round measures the bare loop as well.
  func throughput(of shape: BenchLoad.Shape) throws -> Double {
    let daemon = try LabDaemon(overrides: overrides(shape))
    defer {
      daemon.stop()
      daemon.removeFolder()
    }
    let endpoint = try trained(daemon, shape)
    var ours: [Double] = []
    var bare: [Double] = []
    var costs: [String: [Double]] = [:]
    for _ in 0..<rounds {
      bare.append(try bareLoop(shape))
      ours.append(try daemonLoop(daemon, endpoint, shape, &costs))
    }
    try checkNothingLost(daemon)
    ours.sort()
    bare.sort()
    let (rate, reference) = (ours[rounds / 2], bare[rounds / 2])
    run.report(name(shape), rate, "events/s", reference: "a bare C loop receiving the same", reference)
    for (thread, values) in costs.sorted(by: { $0.key < $1.key }) {
      let microseconds = values.sorted()[values.count / 2] * 1e6
      if microseconds >= 0.005 {
        run.report("\(name(shape)), processor time on \(thread)", microseconds, "µs/event")
      }
    }
    return rate
  }

  /// Trains every stream; the endpoint of the daemon's source.
  func trained(_ daemon: LabDaemon, _ shape: BenchLoad.Shape) throws -> String {
    let status = try daemon.waitUntilReady()
    guard let endpoint = status.sources.first?.endpoints.first else {
      throw Failure(.unavailable, what: "source", why: "the daemon has none", remedy: daemon.log())
    }
    let end = Deadline(after: 180)
    let each = max(1, 800 * streams / shape.eventsPerMessage)
    try publish(shape, endpoint, count: each).waitUntilExit()
    while true {
      let status = try daemon.status()
      let isIdle = status.trainer.backlog == 0 && status.trainer.current == nil
      if status.streams.scoring == streams && isIdle { return endpoint }
      if end.isOver || !daemon.isRunning {
        throw Failure(
          .temporary, what: "pipeline", why: "only \(status.streams.scoring) of \(streams) streams score",
          remedy: daemon.log())
      }
      // Streams that have their model need fresh events to be calibrated.
      if isIdle { try publish(shape, endpoint, count: each / 4).waitUntilExit() }
      _ = end.sleep(atMost: 0.2)
    }
  }

  /// Starts the publisher, a process of its own.
  func publish(
    _ shape: BenchLoad.Shape, _ endpoint: String, count: Int = 0, rate: Double = 0, odd: Double = 0
  ) throws -> Process {
    let process = Process()
    process.executableURL = LabDaemon.beside("anomalylab")
    process.arguments = [
      "bench-publish", "--endpoint", endpoint, "--shape", shape.rawValue, "--streams", "\(streams)",
      "--count",
      "\(count)", "--rate", "\(rate)", "--odd", "\(odd)",
    ]
    try process.run()
    return process
  }

  func end(_ process: Process) {
    process.terminate()
    process.waitUntilExit()
  }

  // MARK: Events a second

  private func bareLoop(_ shape: BenchLoad.Shape) throws -> Double {
    let socket = try Socket(.pull, in: try MessagingContext())
    try socket.set(.receiveHighWater(10_000))
    try socket.set(.linger(0))
    let publisher = try publish(shape, try socket.bind("tcp://127.0.0.1:*"))
    defer { end(publisher) }
    // A float row's message has two frames: its topic and its rows.
    let frames = shape == .f32 ? 2 : 1
    let chunk = shape == .json ? 4096 : 256
    let warm = Deadline(after: 1)
    while !warm.isOver { try socket.discard(frames: chunk * frames) }
    let start = DispatchTime.now().uptimeNanoseconds
    let limit = Deadline(after: seconds)
    var messages = 0
    while !limit.isOver {
      try socket.discard(frames: chunk * frames)
      messages += chunk
    }
    let elapsed = Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9
    return Double(messages * shape.eventsPerMessage) / elapsed
  }

  /// Events a second, and what each cost on each thread.
  private func daemonLoop(
    _ daemon: LabDaemon, _ endpoint: String, _ shape: BenchLoad.Shape, _ costs: inout [String: [Double]]
  ) throws -> Double {
    let publisher = try publish(shape, endpoint)
    defer { end(publisher) }
    _ = Deadline(after: 1).sleep(atMost: 1)
    let spentBefore = Self.processorTime(of: daemon.processIdentifier)
    let before = try mark(daemon)
    _ = Deadline(after: seconds).sleep(atMost: seconds)
    let after = try mark(daemon)
    let events = Double(after.scored - before.scored)
    for (thread, spent) in Self.processorTime(of: daemon.processIdentifier) {
      costs[thread, default: []].append((spent - (spentBefore[thread] ?? 0)) / events)
    }
    return events / (after.at - before.at)
  }

  /// Seconds of processor time that each thread of a process has used, by its name.
  private static func processorTime(of process: Int32) -> [String: Double] {
    let folder = "/proc/\(process)/task"
    var result: [String: Double] = [:]
    for task in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
      // Nanoseconds on a processor, nanoseconds waited for one, turns.
      guard let name = try? String(contentsOfFile: "\(folder)/\(task)/comm", encoding: .utf8),
        let times = try? String(contentsOfFile: "\(folder)/\(task)/schedstat", encoding: .utf8),
        let spent = times.split(separator: " ").first.flatMap({ Double($0) })
      else { continue }
      result[name.trimmingCharacters(in: .newlines), default: 0] += spent * 1e-9
    }
    return result
  }

  /// Events that have been given a score, and when that was so.
  private func mark(_ daemon: LabDaemon) throws -> (scored: UInt64, at: Double) {
    let start = DispatchTime.now().uptimeNanoseconds
    let scored = try daemon.status().totals.scored
    let end = DispatchTime.now().uptimeNanoseconds
    return (scored, Double(start / 2 + end / 2) * 1e-9)
  }

  private func checkNothingLost(_ daemon: LabDaemon) throws {
    // What waits in the queues is still to be scored.
    let end = Deadline(after: 20)
    var status = try daemon.status()
    while status.totals.scored + UInt64(streams) * 2000 < status.totals.events, !end.isOver {
      _ = end.sleep(atMost: 0.1)
      status = try daemon.status()
    }
    run.report(
      "events dropped or refused meanwhile",
      Double(status.totals.dropped + status.totals.malformed + status.totals.refused), "events",
      reference: "events taken in", Double(status.totals.events))
  }
}
