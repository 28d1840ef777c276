import CZeroMQ

/// What happened to a connection of a watched socket.
public struct ConnectionEvent: Sendable, Equatable {
  /// What happened.
  public enum Kind: Sendable, Equatable {
    /// A connection stands and both sides understand each other.
    case ready
    case connecting, retrying, disconnected, accepted, listening
    /// The peer was refused or refused us: wrong protocol, wrong key.
    case handshakeFailed
    case other
  }
  public let kind: Kind
  public let endpoint: String
}

/// Reports what happens to the connections of one socket: a socket of its own, read by the thread that owns it.
public struct SocketMonitor: ~Copyable, Sendable {
  public let socket: Socket

  /// - Parameter name: unique within the context.
  public init(of watched: borrowing Socket, name: String, in context: MessagingContext) throws(MessagingError)
  {
    let address = "inproc://monitor.\(name)"
    let events =
      ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_CONNECT_DELAYED | ZMQ_EVENT_CONNECT_RETRIED
      | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_LISTENING
      | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
      | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
    guard unsafe zmq_socket_monitor(watched.handle.raw, address, events) == 0 else { throw .last(address) }
    let pair = try Socket(.pair, in: context)
    try pair.connect(address)
    socket = pair
  }

  /// The next event, if there is one.
  public borrowing func next() throws(MessagingError) -> ConnectionEvent? {
    guard let frames = try socket.receive(timeout: 0), frames.count == 2, frames[0].count >= 2 else {
      return nil
    }
    let code = Int32(frames[0][0]) | Int32(frames[0][1]) << 8
    return ConnectionEvent(kind: .init(code: code), endpoint: String(decoding: frames[1], as: UTF8.self))
  }
}

extension ConnectionEvent.Kind {
  fileprivate init(code: Int32) {
    switch code {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: self = .ready
    case ZMQ_EVENT_CONNECT_DELAYED: self = .connecting
    case ZMQ_EVENT_CONNECT_RETRIED: self = .retrying
    case ZMQ_EVENT_DISCONNECTED: self = .disconnected
    case ZMQ_EVENT_ACCEPTED: self = .accepted
    case ZMQ_EVENT_LISTENING: self = .listening
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
      ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      self = .handshakeFailed
    default: self = .other
    }
  }
}
