import Control
import Events
import Foundation
import Messaging
import Testing

/// A true `anomalyd` with its state, its control socket and its alerts in one folder, and a way to ask it.
final class Daemon {
  let folder: URL
  let client: ControlClient
  let process: Running

  /// Starts it and waits until it answers.
  ///
  /// - Parameters:
  ///   - config: the text of the config, or nil when `configFile` names one.
  ///   - environment: overrides as `ANOMALYD_SECTION_KEY`, on top of those for the sockets.
  ///   - client: of a daemon whose control socket is not the usual one.
  ///   - throughShell: a shell becomes it. A preloaded library that changes the environment as it is loaded would otherwise
  ///     cost it its arguments, which Swift looks for beside the environment.
  ///   - state: name of the state folder in `folder`; the same one continues an earlier life.
  init(
    _ config: String? = nil, configFile: URL? = nil, in folder: URL, environment: [String: String] = [:],
    state: String = "state", asking client: ControlClient? = nil, throughShell: Bool = false
  ) throws {
    self.folder = folder
    let file = configFile ?? Self.configFile(in: folder)
    if let config { try config.write(to: file, atomically: true, encoding: .utf8) }
    self.client = client ?? ControlClient(endpoint: Self.endpoint("control", in: folder), timeout: 20)
    let arguments = Self.arguments(config: file, state: state, in: folder)
    process = try Running(
      throughShell ? "/bin/sh" : "anomalyd",
      throughShell ? ["-c", #"exec "$0" "$@""#, Programs.path("anomalyd").path] + arguments : arguments,
      environment: Self.sockets(in: folder).merging(environment) { $1 }, folder: folder)
    do {
      try waitUntilReady()
    } catch {
      process.stop()
      throw error
    }
  }

  deinit { process.stop() }

  static func configFile(in folder: URL) -> URL { folder.appending(path: "anomalyd.yaml") }
  static func endpoint(_ name: String, in folder: URL) -> String {
    "ipc://" + folder.appending(path: name).path
  }
  static func sockets(in folder: URL) -> [String: String] {
    [
      "ANOMALYD_CONTROL_ENDPOINT": endpoint("control", in: folder),
      "ANOMALYD_PUBLISH_ENDPOINTS": endpoint("alerts", in: folder), "ANOMALYD_HTTP_LISTEN": "127.0.0.1:0",
      // As from a plain terminal, whatever runs the tests.
      "NOTIFY_SOCKET": "", "WATCHDOG_USEC": "", "JOURNAL_STREAM": "",
    ]
  }
  static func arguments(config: URL, state: String = "state", in folder: URL) -> [String] {
    ["--config", config.path, "--state", folder.appending(path: state).path]
  }

  /// Runs it in the expectation that it does not start.
  static func refusal(
    _ config: String, in folder: URL, environment: [String: String] = [:], state: String = "state"
  ) throws -> Programs.Ended {
    let file = folder.appending(path: "refused.yaml")
    try config.write(to: file, atomically: true, encoding: .utf8)
    return try Programs.run(
      "anomalyd", arguments(config: file, state: state, in: folder),
      environment: sockets(in: folder).merging(environment) { $1 })
  }

  var state: URL { folder.appending(path: "state") }
  var log: String { process.errors + process.output }

  private func waitUntilReady() throws {
    let end = Date().addingTimeInterval(60)
    while Date() < end, process.isRunning {
      if (try? status()) != nil { return }
      Thread.sleep(forTimeInterval: 0.02)
    }
    throw Complaint("it \(process.isRunning ? "does not answer" : "ended (\(process.status))"): \(log)")
  }

  struct Complaint: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  // MARK: Asking

  func status() throws -> StatusReport {
    guard case .status(let report) = try client.ask(.status) else { throw Complaint("not a status") }
    return report
  }

  func source(_ name: String) throws -> SourceReport {
    try #require(try status().sources.first { $0.name == name }, "no source \(name)")
  }

  func streams() throws -> [StreamSummary] {
    guard case .streams(let list) = try client.ask(.streams(StreamQuery())) else {
      throw Complaint("not a list of streams")
    }
    return list.rows
  }

  func doctor(_ name: String) throws -> DoctorReport.Check {
    guard case .doctor(let report) = try client.ask(.doctor) else { throw Complaint("not a report") }
    return try #require(report.checks.first { $0.name == name }, "no check of \(name)")
  }

  /// What `anomalyctl` prints for a person.
  func control(_ arguments: String...) throws -> String {
    let ended = try Programs.run("anomalyctl", ["--socket", client.endpoint] + arguments)
    return ended.output + ended.errors
  }

  /// Asks again and again until `condition` holds of what it says; fails after `seconds`.
  @discardableResult
  func wait<Value>(
    _ what: String, seconds: Double = 60, for value: () throws -> Value, until condition: (Value) -> Bool
  ) throws -> Value {
    let end = Date().addingTimeInterval(seconds)
    while true {
      let now = try value()
      if condition(now) { return now }
      guard process.isRunning else { throw Complaint("it ended (\(process.status)): \(log)") }
      guard Date() < end else { throw Complaint("\(what): still \(now) after \(seconds) s; \(log)") }
      Thread.sleep(forTimeInterval: 0.03)
    }
  }

  /// Waits until a source has taken so many messages in, and gives its counters.
  @discardableResult
  func waitForMessages(_ count: Int, of name: String) throws -> SourceReport {
    try wait("\(count) messages of \(name)", for: { try source(name) }, until: { $0.messages >= count })
  }

  /// Waits until this many events have been looked at by the detectors.
  func waitForEvents(_ count: Int, of stream: String) throws {
    try wait(
      "\(count) events of \(stream)", for: { try streams().first { $0.name == stream }?.events ?? 0 },
      until: { $0 >= count })
  }

  /// SIGTERM, and its exit code; nil when it did not end by itself.
  func end() -> Int32? {
    process.signal(SIGTERM)
    return process.wait(seconds: 40) ? process.status : nil
  }
}

/// Sends to a source of a daemon; what it sends waits for the daemon and is not lost.
final class Sender {
  private let context: MessagingContext
  private let socket: Socket

  init(to endpoint: String, security: SocketSecurity = .none) throws {
    context = try MessagingContext()
    let socket = try Socket(.push, in: context)
    try socket.set(.linger(0))
    try socket.secure(security, domain: "sender")
    try socket.set(.sendHighWater(1000))
    try socket.connect(endpoint)
    self.socket = socket
  }

  func send(_ frames: [[UInt8]]) throws { try socket.send(frames, wait: .forever) }
  func send(_ texts: String...) throws { try send(texts.map { Array($0.utf8) }) }

  /// Ordinary events of one stream: two fields that move a little.
  func sendOrdinary(_ stream: String, _ range: Range<Int>) throws {
    for index in range {
      let wave = (Double(index) * 0.7).remainder(dividingBy: 1)
      let noise = Double((index &* 7919) % 101) / 101
      try send(
        #"{"stream":"\#(stream)","ts":\#(1_700_000_000 + index),"values":{"a":\#(10 + wave),"b":\#(20 + noise)}}"#
      )
    }
  }
}
