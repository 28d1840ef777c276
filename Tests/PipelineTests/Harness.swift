import Control
import Detection
import Events
import Foundation
import Logging
import Messaging
import Testing

@testable import Pipeline

/// A whole pipeline in a temporary folder, fed and heard through real sockets.
final class Harness {
  let folder: String
  var configuration = PipelineConfiguration()
  var pipeline: AnomalyPipeline?
  private let context: MessagingContext
  private let sender: Socket
  private var random = SplitMix(state: 7)
  private var tick = 0

  init() throws {
    folder = NSTemporaryDirectory() + "anomalyd-test-\(UUID().uuidString.prefix(8))"
    context = try MessagingContext()
    sender = try Socket(.push, in: context)
    try sender.set(.linger(0))
    let endpoint = try sender.bind("tcp://127.0.0.1:*")
    var source = SourceSettings(name: "test", endpoints: [endpoint])
    source.kind = .pull
    source.overflow = .block
    configuration.ingest = IngestSettings(sources: [source])
    configuration.pipeline.publish.endpoints = ["tcp://127.0.0.1:*"]
    configuration.control.endpoint = "ipc://\(folder)/control.sock"
    configuration.detection.collecting.rows = 256
    // What is sent in one go would wait for the first model behind a provisional one.
    configuration.detection.collecting.earlyRows = 0
    configuration.detection.calibration.freshRows = 32
  }

  deinit {
    pipeline?.stop(seconds: 5)
    try? FileManager.default.removeItem(atPath: folder)
  }

  func start() throws {
    var log = Logger(label: "test")
    log.logLevel = .critical
    let configuration = self.configuration
    pipeline = try AnomalyPipeline(
      configuration,
      PipelineSurroundings(
        version: "test", state: folder, configPath: nil, entropy: UInt64.random(in: 1 ... .max), log: log,
        reread: { configuration }, check: { _, _ in .mistakes([]) }))
  }

  func stop() {
    pipeline?.stop(seconds: 10)
    pipeline = nil
  }

  /// Four correlated metrics with noise, one event a second; `shift` is added to the second.
  func send(_ count: Int, streams: [String] = ["a"], shift: Double = 0) throws {
    for _ in 0..<count {
      tick += 1
      for stream in streams {
        let common = sin(Double(tick) / 30)
        let values = (0..<4).map { index in
          common * Double(index + 1) + random.gaussian() * 0.3 + (index == 1 ? shift : 0)
        }
        let fields = values.enumerated().map { "\"m\($0.offset)\":\($0.element)" }.joined(separator: ",")
        let text =
          "{\"stream\":\"\(stream)\",\"ts\":\(1_700_000_000 + tick),\"seq\":\(tick),\"values\":{\(fields)}}"
        try sender.send([Array(text.utf8)], wait: .forever)
      }
    }
  }

  func send(raw text: String) throws { try sender.send([Array(text.utf8)], wait: .forever) }

  func ask(_ request: ControlRequest) throws -> ControlReply {
    try ControlClient(endpoint: configuration.control.endpoint).ask(request)
  }

  func status() throws -> StatusReport {
    guard case .status(let report) = try ask(.status) else { throw Unexpected() }
    return report
  }

  func stream(_ name: String) throws -> StreamDetail {
    guard case .stream(let detail) = try ask(.stream(name: name)) else { throw Unexpected() }
    return detail
  }

  func alerts(open: Bool = false) throws -> [Alert] {
    guard case .alerts(let list) = try ask(.alerts(AlertQuery(openOnly: open))) else { throw Unexpected() }
    return list.alerts
  }

  struct Unexpected: Error {}

  /// Waits until `condition` holds; fails the test after `seconds`.
  func wait(
    seconds: Double = 60, for what: String, location: SourceLocation = #_sourceLocation,
    until condition: () throws -> Bool
  ) throws {
    let end = Clocks.monotonic() + UInt64(seconds * 1e9)
    while Clocks.monotonic() < end {
      if (try? condition()) == true { return }
      Thread.sleep(forTimeInterval: 0.05)
    }
    Issue.record("waited \(seconds) s in vain for \(what)", sourceLocation: location)
    throw Unexpected()
  }

  func waitForScoring(_ streams: [String] = ["a"]) throws {
    try send(400, streams: streams)
    try wait(for: "models") {
      try streams.allSatisfy { try stream($0).summary.snapshot != nil }
    }
    try send(64, streams: streams)
    try wait(for: "scoring") { try status().streams.scoring == streams.count }
  }
}

struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
  mutating func gaussian() -> Double {
    (0..<12).reduce(-6.0) { sum, _ in sum + Double.random(in: 0..<1, using: &self) }
  }
}
