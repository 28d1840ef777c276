import Control
import Events
import Foundation
import Messaging
import Testing

/// A true `anomalyd` with a small appetite, and a publisher that it listens to.
final class TestDaemon {
  let folder: URL
  let client: ControlClient
  let running: Running
  private let publisher: Socket
  private var sent: UInt64
  /// What an earlier life of it was sent.
  private let before: UInt64
  /// Events of that life that it knows of, by stream: those up to the last time that it saved its state.
  private var restored: [String: UInt64] = [:]
  private var random = Xorshift(state: 88_172_645_463_325_252)

  /// - Parameters:
  ///   - config: the packaged one unless another is named.
  ///   - overrides: on top of settings with which it learns from 512 rows.
  ///   - earlier: the life of it that this one goes on from; its events go on where that one's ended.
  init(
    folder: URL, config: String = packagedConfig, overrides: [String: String] = [:],
    after earlier: TestDaemon? = nil
  ) throws {
    self.folder = folder
    before = earlier?.sent ?? 0
    sent = before
    client = ControlClient(endpoint: "ipc://" + folder.appending(path: "control.sock").path, timeout: 20)
    publisher = try Socket(.xpub, in: try MessagingContext())
    try publisher.set(.publisherWaits(true))
    let environment = [
      "ANOMALYD_SOURCES_0_CONNECT": try publisher.bind("tcp://127.0.0.1:*"), "ANOMALYD_SOURCES_0_BIND": "",
      "ANOMALYD_PUBLISH_ENDPOINTS": "tcp://127.0.0.1:*", "ANOMALYD_CONTROL_ENDPOINT": client.endpoint,
      "ANOMALYD_DETECTION_COLLECTING_ROWS": "512", "ANOMALYD_DETECTION_CALIBRATION_FRESH_ROWS": "16",
      "ANOMALYD_RETRAIN_GROWTH": "0", "ANOMALYD_HTTP_LISTEN": "127.0.0.1:0",
    ]
    running = try Running(
      "anomalyd", ["--config", config, "--state", folder.appending(path: "state").path],
      environment: environment.merging(overrides) { $1 }, folder: folder)
    try waitUntilReady()
    guard earlier != nil, case .streams(let list) = try client.ask(.streams(StreamQuery())) else { return }
    for row in list.rows { restored[row.name] = row.events }
  }

  static var packagedConfig: String {
    var folder = URL(filePath: #filePath)
    for _ in 0..<3 { folder.deleteLastPathComponent() }
    return folder.appending(path: "config/anomalyd.yaml").path
  }

  private func waitUntilReady() throws {
    let isReady = try wait { (try? client.ask(.status)) != nil || running.wait(seconds: 0) }
    try #require(isReady && !running.wait(seconds: 0), "anomalyd did not start: \(running.errors)")
    try #require(try publisher.receive(timeout: 20_000) != nil, "anomalyd did not subscribe")
  }

  func status() throws -> StatusReport {
    guard case .status(let report) = try client.ask(.status) else { throw Failure.unknownCommand("status") }
    return report
  }

  func stream(_ name: String) throws -> StreamSummary? {
    guard case .streams(let list) = try client.ask(.streams(StreamQuery(matching: name))) else { return nil }
    return list.rows.first
  }

  /// Waits until it holds, at most for a while; whether it did.
  func wait(seconds: Double = 30, _ condition: () throws -> Bool) throws -> Bool {
    let end = Date().addingTimeInterval(seconds)
    while Date() < end {
      if try condition() { return true }
      Thread.sleep(forTimeInterval: 0.02)
    }
    return false
  }

  /// Sends events of one stream: four related metrics with a little noise, a second apart; `cpu` is that much higher, and all
  /// of them are so many times as far from where they usually are.
  func send(_ stream: String, rows: Int, cpuHigherBy step: Double = 0, wider width: Double = 1) throws {
    for _ in 0..<rows {
      sent += 1
      let wave = sin(Double(sent) / 9)
      let values = [
        "cpu": 0.3 + width * (0.1 * wave + 0.02 * random.normal()) + step,
        "load": 1 + width * (0.4 * wave + 0.05 * random.normal()),
        "mem": 500 + width * 5 * random.normal(), "net": 20 + width * 2 * random.normal(),
      ]
      let text = values.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",")
      let event =
        "{\"stream\":\"\(stream)\",\"ts\":\(1_700_000_000 + sent),\"seq\":\(sent),\"values\":{\(text)}}"
      try publisher.send([Array(stream.utf8), Array(event.utf8)], wait: .forever)
    }
  }

  /// Sends raw payloads.
  func send(payload: String) throws {
    try publisher.send([Array("raw".utf8), Array(payload.utf8)], wait: .forever)
  }

  /// Sends normal rows until the stream scores.
  func learn(_ stream: String) throws {
    let scores = try wait(seconds: 60) {
      guard let row = try self.stream(stream) else {
        if sent == 0 { try send(stream, rows: 512) }
        return false
      }
      if row.phase == .scoring { return true }
      if row.phase == .calibrating { try send(stream, rows: 8) }
      return false
    }
    try #require(scores, "it did not learn: \(running.errors.suffix(1000))")
    try send(stream, rows: 64)
    try settle(stream)
  }

  /// Waits until everything that was sent has been scored.
  func settle(_ stream: String) throws {
    let wanted = sent - before + (restored[stream] ?? 0)
    let isDone = try wait { try self.stream(stream)?.events == wanted }
    let row = try self.stream(stream)
    try #require(isDone, "not everything sent has come: \(wanted) of which \(row?.events ?? 0)")
  }

  /// Runs `anomalyctl` against it.
  func ctl(_ arguments: [String]) throws -> Programs.Ended {
    try Programs.run("anomalyctl", arguments + ["--socket", client.endpoint])
  }
}

/// Seeded noise (Marsaglia 2003).
struct Xorshift: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }

  /// Standard normal, by Box and Muller.
  mutating func normal() -> Double {
    sqrt(-2 * log(Double.random(in: 1e-12..<1, using: &self)))
      * cos(2 * .pi * Double.random(in: 0..<1, using: &self))
  }
}
