public import Events
import Foundation
import Messaging

/// Alerts as the daemon publishes them, as they come.
public struct AlertFeed: ~Copyable {
  private let context: MessagingContext
  private let socket: Socket
  /// Messages that were no alert of a schema known here.
  public private(set) var unreadable: UInt64 = 0

  /// - Parameters:
  ///   - endpoints: what ``EndpointReport/alerts`` of the status names; `*` and `0.0.0.0` are taken as this machine.
  ///   - topic: `alert/` for all, `alert/major/` for one severity.
  /// - Throws: ``Failure`` when an endpoint is malformed.
  public init(endpoints: [String], topic: String = "alert/") throws(Failure) {
    do {
      context = try MessagingContext()
      socket = try Socket(.sub, in: context)
      try socket.set(.linger(0))
      try socket.subscribe(topic)
      for endpoint in endpoints {
        try socket.connect(
          endpoint.replacingOccurrences(of: "//*:", with: "//127.0.0.1:")
            .replacingOccurrences(of: "//0.0.0.0:", with: "//127.0.0.1:"))
      }
    } catch {
      throw Failure(.unavailable, what: error.subject, why: error.explanation, remedy: error.advice)
    }
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
        throw Failure(.unavailable, what: error.subject, why: error.explanation, remedy: error.advice)
      }
      guard let payload = frames?.last else { return nil }
      if let alert = try? JSONDecoder().decode(Alert.self, from: Data(payload)) { return alert }
      unreadable += 1
    }
  }
}
