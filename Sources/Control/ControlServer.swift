import Foundation
public import Messaging
import Synchronization

/// Answers control requests on a thread of its own: one request frame, one reply frame, over a ROUTER socket.
///
/// A request that cannot be read gets a ``Failure`` as its reply and is counted; a client that has left or does not
/// read its replies costs nothing but a count. The handler runs on the server's thread, one request at a time; requests that
/// take seconds (``ControlRequest/takesTime``) on a second thread, also one at a time.
public final class ControlServer: Sendable {
  public typealias Handler = @Sendable (ControlRequest) -> ControlReply

  /// Where it listens, with the port number that `*` became.
  public let endpoint: String
  private let loop: ControlLoop

  /// Binds and begins to answer.
  ///
  /// - Parameters:
  ///   - endpoint: `ipc:///run/anomalyd/control.sock` or `tcp://127.0.0.1:PORT`. Whoever can connect can command. An
  ///     ipc socket is made readable and writable for its owner and group only.
  ///   - security: who may connect.
  ///   - handler: called on the server's own two threads; must not wait for long.
  /// - Throws: ``Failure`` when the endpoint cannot be bound, or when another daemon answers there already.
  public init(
    endpoint: String, security: SocketSecurity = .none, context: MessagingContext,
    handler: @escaping Handler
  ) throws(Failure) {
    let path = ControlEndpoint.path(endpoint)
    if let path, FileManager.default.fileExists(atPath: path) {
      // Binding would silently take the socket away from a running daemon.
      let other = ControlClient(endpoint: endpoint, timeout: 1)
      if case .success = Result(catching: { () throws(Failure) in try other.ask(.status) }) {
        throw Failure(
          .unavailable, what: "control socket \(endpoint)", why: "another anomalyd answers there",
          remedy: "stop it, or give this one a control.endpoint of its own")
      }
    }
    do {
      loop = try ControlLoop(endpoint: endpoint, security: security, context: context, handler: handler)
    } catch {
      throw Failure(error)
    }
    self.endpoint = loop.endpoint
    if let path {
      try? FileManager.default.setAttributes([.posixPermissions: 0o660], ofItemAtPath: path)
    }
    let loop = loop
    let thread = Thread { loop.run() }
    thread.name = "control"
    thread.start()
  }

  /// Requests answered, malformed ones, and replies nobody took.
  public var counts: ControlCounts { loop.counts.withLock { $0 } }

  /// Answers nothing more, and returns when the thread has ended. The request in hand is answered first.
  public func stop() { loop.stop() }
}

/// What the server's thread owns.
private final class ControlLoop: Sendable {
  let endpoint: String
  let counts = Mutex(ControlCounts())
  /// Held until the thread takes it over, and closes it at its end.
  private let bound: Mutex<Socket?>
  private let handler: ControlServer.Handler
  private let worker: ControlWorker
  private let bell: Bell
  private let ended = DispatchSemaphore(value: 0)
  private let isStopped = Mutex(false)

  init(
    endpoint: String, security: SocketSecurity, context: MessagingContext,
    handler: @escaping ControlServer.Handler
  ) throws(MessagingError) {
    bell = try Bell()
    worker = try ControlWorker(handler)
    let router = try Socket(.router, in: context)
    try router.set(.maxMessageSize(Int64(ControlCoding.largestRequest) * 4))
    try router.set(.routerMandatory(true))
    try router.set(.sendHighWater(16))
    try router.set(.linger(500))
    try router.secure(security, domain: "control")
    self.endpoint = try router.bind(endpoint)
    bound = Mutex(router)
    self.handler = handler
  }

  func run() {
    defer { ended.signal() }
    guard let socket = bound.withLock({ $0.take() }) else { return }
    worker.start()
    serve(socket)
  }

  private func serve(_ socket: consuming Socket) {
    var poller = Poller()
    poller.add(socket)
    let stop = poller.add(bell)
    let done = poller.add(worker.bell)
    var message = Message()
    do {
      while true {
        try poller.wait(milliseconds: -1)
        if poller.isReady(stop) { break }
        if poller.isReady(done) { sendAnswers(on: socket) }
        while try socket.receive(into: &message) { answer(message.copy(), on: socket) }
      }
    } catch {
      // The context was shut down: the daemon is ending.
    }
    worker.close()
    sendAnswers(on: socket)
  }

  /// Those of requests that took time.
  private func sendAnswers(on socket: borrowing Socket) {
    for answer in worker.takeAnswers() {
      counts.withLock { $0.answered += 1 }
      if !send(answer.reply, to: answer.envelope, on: socket) { counts.withLock { $0.undelivered += 1 } }
    }
  }

  /// `frames`: who asks, an empty frame when a REQ does, the request.
  private func answer(_ frames: [[UInt8]], on socket: borrowing Socket) {
    guard frames.count >= 2, let request = frames.last else {
      counts.withLock { $0.malformed += 1 }
      return
    }
    var isMalformed = false
    let reply: ControlReply
    do {
      let request = try ControlCoding.decodeRequest(request)
      if request.takesTime {
        if worker.add(request, for: frames.dropLast()) { return }
        reply = .failure(
          Failure(
            .temporary, what: request.command, why: "\(ControlWorker.most) such questions wait already",
            remedy: "ask again in a while"))
      } else {
        reply = handler(request)
      }
    } catch {
      isMalformed = true
      reply = .failure(error)
    }
    // Before the answer is out: whoever has it finds it counted.
    counts.withLock { [isMalformed] counts in
      if isMalformed { counts.malformed += 1 } else { counts.answered += 1 }
    }
    if !send(reply, to: frames.dropLast(), on: socket) { counts.withLock { $0.undelivered += 1 } }
  }

  private func send(
    _ reply: ControlReply, to envelope: ArraySlice<[UInt8]>, on socket: borrowing Socket
  ) -> Bool {
    do {
      var bytes = try ControlCoding.encode(reply)
      if bytes.count > ControlCoding.largestReply {
        bytes = try ControlCoding.encode(
          .failure(
            Failure(
              .usage, what: reply.kind, why: "the answer would be \(bytes.count) bytes long",
              remedy: "ask for less, with a limit or a name")))
      }
      return try socket.send(Array(envelope) + [bytes])
    } catch {
      return false
    }
  }

  func stop() {
    let isFirst = isStopped.withLock { stopped in
      defer { stopped = true }
      return !stopped
    }
    guard isFirst else { return }
    bell.ring()
    ended.wait()
  }
}
