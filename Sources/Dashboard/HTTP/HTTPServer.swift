import Foundation
import Glibc
import Synchronization

/// A small HTTP/1.1 server for one machine: a thread that accepts, and one for each of a bounded number of connections.
///
/// Everything a peer can make it hold is bounded: connections, the length of a head and of a body, and the time it may take
/// to send them.
public final class HTTPServer: Sendable {
  /// Bounds on what clients can make the server hold.
  public struct Limits: Sendable {
    public var connections = 64
    /// Bytes of request line and headers.
    public var head = 16 << 10
    public var body = 1 << 20
    /// Seconds in which a whole request has to come, and in which a piece of an answer has to be taken.
    public var patience = 10.0
    /// Seconds that a connection may stand without a request.
    public var idle = 60.0
    public init() {}
  }

  /// What it did since it started.
  public struct Counters: Sendable, Equatable {
    /// By status.
    public var answered: [Int: UInt64] = [:]
    public var connections = 0
    public init() {}
  }

  public typealias Handler = @Sendable (HTTPRequest) -> HTTPResponse

  /// As bound, with its port.
  public let address: HTTPAddress
  private let limits: Limits
  private let handler: Handler
  private let listener: Int32
  private let state = Mutex(State())
  private let ended = DispatchSemaphore(value: 0)

  private struct State {
    var open: Set<Int32> = []
    var isStopping = false
    var counters = Counters()
  }

  /// Binds and begins to answer; nil with `errno` set when the address is not to be had.
  public init?(_ address: HTTPAddress, limits: Limits = Limits(), handler: @escaping Handler) {
    guard let listener = address.listen() else { return nil }
    self.listener = listener
    var bound = address
    bound.port = HTTPAddress.port(of: listener)
    self.address = bound
    self.limits = limits
    self.handler = handler
    Self.thread("http") { self.acceptAll() }
  }

  public var counters: Counters {
    state.withLock { state in
      var counters = state.counters
      counters.connections = state.open.count
      return counters
    }
  }

  /// Closes every connection; returns when their threads have ended, or after about two seconds.
  public func stop() {
    let open = state.withLock { state -> Set<Int32>? in
      if state.isStopping { return nil }
      state.isStopping = true
      return state.open
    }
    guard let open else { return }
    shutdown(listener, Int32(SHUT_RDWR))
    for descriptor in open { shutdown(descriptor, Int32(SHUT_RDWR)) }
    _ = ended.wait(timeout: .now() + 2)
    let end = Date().addingTimeInterval(2)
    while state.withLock({ !$0.open.isEmpty }), Date() < end { Thread.sleep(forTimeInterval: 0.005) }
  }

  private static func thread(_ name: String, _ body: @escaping @Sendable () -> Void) {
    let thread = Thread {
      try? name.write(toFile: "/proc/thread-self/comm", atomically: false, encoding: .utf8)
      body()
    }
    thread.name = name
    thread.stackSize = 1 << 20
    thread.start()
  }

  private func acceptAll() {
    defer {
      close(listener)
      ended.signal()
    }
    while true {
      let descriptor = Glibc.accept(listener, nil, nil)
      if state.withLock({ $0.isStopping }) {
        if descriptor >= 0 { close(descriptor) }
        return
      }
      guard descriptor >= 0 else {
        // No descriptors left: others have to end first.
        if errno == EMFILE || errno == ENFILE { Thread.sleep(forTimeInterval: 0.05) }
        continue
      }
      let isTaken = state.withLock { state in
        guard state.open.count < limits.connections, !state.isStopping else { return false }
        state.open.insert(descriptor)
        return true
      }
      let connection = HTTPConnection(descriptor: descriptor, limits: limits)
      guard isTaken else {
        _ = connection.answer(
          HTTPResponse(503, type: "text/plain", text: "too many connections\n"), keepsAlive: false)
        close(descriptor)
        continue
      }
      Self.thread("http \(descriptor)") { self.serve(connection) }
    }
  }

  private func serve(_ connection: HTTPConnection) {
    defer {
      // Out of the set before the number is given back: it may be another connection's a moment later.
      state.withLock { _ = $0.open.remove(connection.descriptor) }
      close(connection.descriptor)
    }
    while !state.withLock({ $0.isStopping }) {
      switch connection.request() {
      case .gone: return
      case .refused(let response):
        count(response)
        _ = connection.answer(response, keepsAlive: false)
        return
      case .request(let request):
        let response = handler(request)
        count(response)
        let isTaken = connection.answer(
          response, keepsAlive: request.keepsAlive, onlyHead: request.method == "HEAD")
        guard isTaken, request.keepsAlive else { return }
      }
    }
  }

  private func count(_ response: HTTPResponse) {
    state.withLock { $0.counters.answered[response.status, default: 0] += 1 }
  }
}
