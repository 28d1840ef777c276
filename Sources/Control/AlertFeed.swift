public import Events
import Foundation
public import Messaging

/// Alerts as the daemon publishes them, as they come.
public struct AlertFeed: ~Copyable {
  private let socket: Socket
  /// Messages that were no alert of a schema known here.
  public private(set) var unreadable: UInt64 = 0

  /// - Parameters:
  ///   - endpoints: what ``EndpointReport/alerts`` of the status names; `*` and `0.0.0.0` are taken as this machine.
  ///   - topic: `alert/` for all, `alert/major/` for one severity.
  ///   - security: of a daemon that asks for keys.
  /// - Throws: ``Failure`` when an endpoint is malformed.
  public init(
    endpoints: [String], topic: String = "alert/", security: SocketSecurity = .none
  ) throws(Failure) {
    do {
      socket = try Self.open(endpoints, topic, security)
    } catch {
      throw Failure(error)
    }
  }

  private static func open(
    _ endpoints: [String], _ topic: String, _ security: SocketSecurity
  ) throws(MessagingError) -> Socket {
    let socket = try Socket(.sub, in: try MessagingContext())
    try socket.set(.linger(0))
    try socket.secure(security, domain: "feed")
    try socket.subscribe(topic)
    for endpoint in endpoints {
      try socket.connect(
        endpoint.replacingOccurrences(of: "//*:", with: "//127.0.0.1:")
          .replacingOccurrences(of: "//0.0.0.0:", with: "//127.0.0.1:"))
    }
    return socket
  }

  /// The next alert, waiting at most so many seconds; nil when none came.
  public mutating func next(within seconds: Double) throws(Failure) -> Alert? {
    let end = ContinuousClock.now + .seconds(seconds)
    while true {
      let left = max(0, ContinuousClock.now.duration(to: end) / .milliseconds(1))
      let frames: [[UInt8]]?
      do {
        frames = try socket.receive(timeout: Int(left.rounded(.up)))
      } catch {
        throw Failure(error)
      }
      guard let payload = frames?.last else { return nil }
      if let alert = try? JSONDecoder().decode(Alert.self, from: Data(payload)) { return alert }
      unreadable += 1
    }
  }
}

extension Failure {
  init(_ error: MessagingError) {
    let isMistake = error.reason == .badEndpoint || error.reason == .transportNotSupported
    self.init(
      isMistake ? .usage : .unavailable, what: error.subject, why: error.explanation, remedy: error.advice)
  }
}
