import Control
import Foundation
import Messaging

/// Sends the streams of a simulated day to a daemon, 64 events to a message; waits where the daemon cannot keep up.
struct SoakPublisher: ~Copyable {
  private let socket: Socket
  private let plan: SoakPlan
  private let names: [String]
  /// When the simulation begins, seconds since 1970: its last event is of yesterday.
  static let begin = 1_750_000_000.0

  init(_ plan: SoakPlan, _ daemon: LabDaemon) throws {
    guard let endpoint = try daemon.status().sources.first?.endpoints.first else {
      throw Failure(.unavailable, what: "source", why: "the daemon has none", remedy: daemon.log())
    }
    let socket = try Socket(.push, in: try MessagingContext())
    try socket.set(.linger(0))
    try socket.set(.sendHighWater(1000))
    try socket.connect(endpoint)
    self.socket = socket
    self.plan = plan
    names = (0..<plan.streams).map(Self.name)
  }

  static func name(_ stream: Int) -> String { "soak-\(stream)" }
  static func time(_ tick: Int, _ plan: SoakPlan) -> Double { begin + Double(tick) * plan.interval }

  func send(_ values: [Float], tick: Int) throws {
    let time = Self.time(tick, plan)
    for start in stride(from: 0, to: plan.streams, by: 64) {
      var text = "["
      for stream in start..<min(start + 64, plan.streams) {
        if stream > start { text += "," }
        text +=
          "{\"stream\":\"\(names[stream])\",\"ts\":\(time),\"seq\":\(tick),\"epoch\":\"soak\",\"values\":{"
        for feature in 0..<plan.features {
          text += "\(feature == 0 ? "" : ",")\"m\(feature)\":\(values[stream * plan.features + feature])"
        }
        text += "}}"
      }
      text += "]"
      try socket.send([Array(text.utf8)], wait: .forever)
    }
  }
}
