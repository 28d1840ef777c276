import Foundation
import Synchronization

/// Decides who may connect to the CURVE sockets of one context: libzmq asks it in every handshake (ZAP, ZeroMQ RFC 27).
///
/// Without it libzmq would encrypt and let everybody in. It has to exist before the first such socket is bound.
public final class Authenticator: Sendable {
  /// Handshakes of one domain, since the start.
  public struct Counts: Sendable, Equatable {
    public var admitted: UInt64 = 0
    public var refused: UInt64 = 0
    /// Keys in its directory now.
    public var keys = 0
    public init() {}
  }

  struct Domain {
    var allowed: AllowedKeys
    var counts = Counts()
  }

  private struct State: ~Copyable {
    var domains: [String: Domain] = [:]
    var socket: Socket?
    var isStopped = false
  }

  private let state: Mutex<State>
  private let bell: Bell
  private let ended = DispatchSemaphore(value: 0)
  private let refused: @Sendable (_ domain: String, _ address: String) -> Void

  /// - Parameters:
  ///   - refused: told of every peer that is turned away, on a thread of its own.
  /// - Throws: ``MessagingError`` when the context has one already.
  public init(
    _ context: MessagingContext,
    refused: @escaping @Sendable (_ domain: String, _ address: String) -> Void = { _, _ in }
  ) throws(MessagingError) {
    bell = try Bell()
    self.refused = refused
    let socket = try Socket(.rep, in: context)
    try socket.set(.linger(0))
    try socket.bind("inproc://zeromq.zap.01")
    state = Mutex(State(socket: socket))
    context.authenticator.withLock { [weak self] in $0.value = self }
    let thread = Thread { [bell] in
      defer { self.ended.signal() }
      guard let socket = self.state.withLock({ $0.socket.take() }) else { return }
      self.serve(socket, bell)
    }
    thread.name = "authenticator"
    thread.start()
  }

  /// Keys of this directory may connect under this domain.
  func admit(_ directory: String, domain: String) {
    state.withLock { state in
      if state.domains[domain]?.allowed.directory == directory { return }
      state.domains[domain] = Domain(
        allowed: AllowedKeys(directory: directory), counts: state.domains[domain]?.counts ?? Counts())
    }
  }

  /// By domain.
  public var counts: [String: Counts] {
    state.withLock { state in
      state.domains.mapValues { domain in
        var counts = domain.counts
        counts.keys = domain.allowed.count
        return counts
      }
    }
  }

  /// Answers nothing more: nobody can connect from now on. Returns when its thread has ended.
  public func stop() {
    let isFirst = state.withLock { state in
      defer { state.isStopped = true }
      return !state.isStopped
    }
    guard isFirst else { return }
    bell.ring()
    ended.wait()
  }

  private func serve(_ socket: consuming Socket, _ bell: Bell) {
    var poller = Poller()
    poller.add(socket)
    let stop = poller.add(bell)
    do {
      while true {
        try poller.wait(milliseconds: -1)
        if poller.isReady(stop) { return }
        while let frames = try socket.receive(timeout: 0) {
          try socket.send(answer(frames), wait: .forever)
        }
      }
    } catch {
      // The context was shut down: the daemon is ending.
    }
  }

  private func answer(_ frames: [[UInt8]]) -> [[UInt8]] {
    guard let request = AuthenticationRequest(frames) else {
      return AuthenticationRequest.reply(to: frames, status: 500, text: "not understood", user: "")
    }
    let isAllowed = state.withLock { state -> Bool in
      guard let key = request.key, state.domains[request.domain] != nil else { return false }
      let isAllowed = state.domains[request.domain]?.allowed.contains(key) ?? false
      if isAllowed {
        state.domains[request.domain]?.counts.admitted += 1
      } else {
        state.domains[request.domain]?.counts.refused += 1
      }
      return isAllowed
    }
    if !isAllowed { refused(request.domain, request.address) }
    return AuthenticationRequest.reply(
      to: frames, status: isAllowed ? 200 : 400, text: isAllowed ? "" : "not allowed",
      user: isAllowed ? request.key ?? "" : "")
  }
}

/// What libzmq asks in a handshake. Frames: version, request id, domain, address, identity, mechanism, credentials.
struct AuthenticationRequest: Equatable {
  var domain: String
  var address: String
  /// The peer's public key in Z85; nil when it did not come with CURVE.
  var key: String?

  init?(_ frames: [[UInt8]]) {
    guard frames.count >= 6, frames[0] == Array("1.0".utf8) else { return nil }
    domain = String(decoding: frames[2], as: UTF8.self)
    address = String(decoding: frames[3], as: UTF8.self)
    let isCurve = frames[5] == Array("CURVE".utf8) && frames.count == 7
    key = isCurve ? CurveKeys.text(ofKey: frames[6]) : nil
  }

  static func reply(to frames: [[UInt8]], status: Int, text: String, user: String) -> [[UInt8]] {
    let id = frames.count > 1 ? frames[1] : []
    return [Array("1.0".utf8), id, Array("\(status)".utf8), Array(text.utf8), Array(user.utf8), []]
  }
}

/// A context knows its authenticator without keeping it alive.
struct WeakAuthenticator {
  weak var value: Authenticator?
}
