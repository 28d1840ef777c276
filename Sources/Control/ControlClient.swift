import Foundation
public import Messaging

/// Asks a running daemon; one request, one reply, one connection each.
public struct ControlClient: Sendable {
  public let endpoint: String
  /// Seconds to wait for a reply; three times as long for what takes time.
  public var timeout: Double
  /// Of a daemon that asks for keys.
  public var security: SocketSecurity

  public init(
    endpoint: String = ControlEndpoint.standard, timeout: Double = 10, security: SocketSecurity = .none
  ) {
    self.endpoint = endpoint
    self.timeout = timeout
    self.security = security
  }

  /// Asks and waits for the reply. From any thread.
  ///
  /// - Throws: ``Failure``: kind `unavailable` when no daemon answers, `permission` when the socket is not ours to
  ///   use, `protocol` when the answer is of another version, and whatever failure the daemon replied with.
  public func ask(_ request: ControlRequest) throws(Failure) -> ControlReply {
    try check()
    let bytes = try ControlCoding.encode(request)
    let outcome: Outcome
    do {
      outcome = try exchange(bytes, timeout: request.takesTime ? 3 * timeout : timeout)
    } catch {
      throw Failure(error)
    }
    switch outcome {
    case .refused: throw notRunning("nobody listens there")
    case .stranger:
      throw Failure(
        .permission, what: endpoint, why: "the daemon does not let this key in, or has another one itself",
        remedy: "put the public key into its directory of allowed keys; see --key and --server-key")
    case .silent:
      throw Failure(
        .unavailable, what: endpoint,
        why: "no answer within \(Readable.span(seconds: request.takesTime ? 3 * timeout : timeout))",
        remedy: "is anomalyd busy or stuck? see `systemctl status anomalyd`")
    case .answered(let frame):
      let reply = try ControlCoding.decodeReply(frame)
      if case .failure(let failure) = reply { throw failure }
      return reply
    }
  }

  /// What can be said without asking, and sooner.
  private func check() throws(Failure) {
    guard let path = ControlEndpoint.path(endpoint) else { return }
    guard FileManager.default.fileExists(atPath: path) else { throw notRunning("there is no such socket") }
    guard FileManager.default.isWritableFile(atPath: path) else {
      throw Failure(
        .permission, what: endpoint, why: "this user may not use the socket",
        remedy: "be root or a member of the group anomalyd")
    }
  }

  private func notRunning(_ why: String) -> Failure {
    Failure(
      .unavailable, what: endpoint, why: why,
      remedy: "is anomalyd running? start it, or name its socket with --socket or ANOMALYD_SOCKET")
  }

  private enum Outcome {
    case answered([UInt8])
    case refused, silent, stranger
  }

  private func exchange(_ request: [UInt8], timeout: Double) throws(MessagingError) -> Outcome {
    let context = try MessagingContext()
    let socket = try Socket(.req, in: context)
    try socket.set(.linger(0))
    try socket.secure(security, domain: "client")
    try socket.set(.maxMessageSize(Int64(ControlCoding.largestReply)))
    let monitor = try SocketMonitor(of: socket, name: "client", in: context)
    try socket.connect(endpoint)
    try socket.send([request])
    var poller = Poller()
    let answered = poller.add(socket)
    let moved = poller.add(monitor.socket)
    let end = ContinuousClock.now + .seconds(timeout)
    while true {
      let left = ContinuousClock.now.duration(to: end) / .milliseconds(1)
      guard left > 0 else { return .silent }
      try poller.wait(milliseconds: Int(left.rounded(.up)))
      if poller.isReady(answered), let frame = try socket.receive(timeout: 0)?.last {
        return .answered(frame)
      }
      while poller.isReady(moved), let event = try monitor.next() {
        if event.kind == .retrying { return .refused }
        if event.kind == .handshakeFailed { return .stranger }
      }
    }
  }
}

/// Where the daemon listens for requests.
public enum ControlEndpoint {
  /// Where it listens unless told otherwise.
  public static let standard = "ipc:///run/anomalyd/control.sock"

  /// The file of an `ipc://` endpoint; nil for the others and for abstract names (`ipc://@name`).
  static func path(_ endpoint: String) -> String? {
    guard endpoint.hasPrefix("ipc://") else { return nil }
    let path = String(endpoint.dropFirst("ipc://".count))
    return path.isEmpty || path.hasPrefix("@") || path == "*" ? nil : path
  }
}
