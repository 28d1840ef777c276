import CZeroMQ
import Glibc

/// A ZeroMQ socket. It is owned by one place at a time, so that use from two threads does not compile; it may move from
/// one thread to another. Closes when its owner lets go of it.
public struct Socket: ~Copyable, Sendable {
  /// ZeroMQ's socket types; see zmq_socket(3).
  public enum Kind: Sendable, CaseIterable {
    case pub, sub, xpub, xsub, push, pull, req, rep, dealer, router, pair
  }

  let handle: SocketHandle
  public let kind: Kind

  /// - Throws: ``MessagingError`` when the context is shut down or the process has too many sockets.
  public init(_ kind: Kind, in context: MessagingContext) throws(MessagingError) {
    self.kind = kind
    handle = try SocketHandle(kind, in: context)
  }

  /// Listens on an endpoint: `tcp://*:5555`, `tcp://127.0.0.1:*` (any free port), `ipc:///run/x`, `inproc://x`.
  ///
  /// - Returns: the endpoint as bound, with its port number.
  /// - Throws: ``MessagingError`` (port in use, not our address, no such folder, …).
  @discardableResult
  public borrowing func bind(_ endpoint: String) throws(MessagingError) -> String {
    if LocalEndpoint.isInUse(endpoint) { throw .of(code: EADDRINUSE, endpoint) }
    guard unsafe zmq_bind(handle.raw, endpoint) == 0 else { throw .last(endpoint) }
    return lastEndpoint
  }

  /// Connects, now or as soon as somebody listens there: an unreachable endpoint is not an error but tried again.
  ///
  /// - Throws: ``MessagingError`` when the endpoint is malformed.
  public borrowing func connect(_ endpoint: String) throws(MessagingError) {
    guard unsafe zmq_connect(handle.raw, endpoint) == 0 else { throw .last(endpoint) }
  }

  public borrowing func unbind(_ endpoint: String) throws(MessagingError) {
    guard unsafe zmq_unbind(handle.raw, endpoint) == 0 else { throw .last(endpoint) }
  }

  public borrowing func disconnect(_ endpoint: String) throws(MessagingError) {
    guard unsafe zmq_disconnect(handle.raw, endpoint) == 0 else { throw .last(endpoint) }
  }

  /// What was bound or connected last, with the port number that `*` became.
  public var lastEndpoint: String { handle.text(ZMQ_LAST_ENDPOINT, capacity: 1024) }

  /// Of a SUB: wants messages whose first frame begins with these bytes; the empty prefix wants all.
  public borrowing func subscribe(_ prefix: String = "") throws(MessagingError) {
    try handle.set(ZMQ_SUBSCRIBE, text: prefix, "subscription \"\(prefix)\"")
  }

  public borrowing func unsubscribe(_ prefix: String) throws(MessagingError) {
    try handle.set(ZMQ_UNSUBSCRIBE, text: prefix, "subscription \"\(prefix)\"")
  }
}

/// What a ``Socket`` is set to; to be set before ``Socket/bind(_:)`` and ``Socket/connect(_:)``.
public enum SocketOption: Sendable, Equatable {
  /// Messages that may wait on the way in, per peer (0: without bound).
  case receiveHighWater(Int)
  /// Messages that may wait on the way out, per peer (0: without bound).
  case sendHighWater(Int)
  /// A peer that sends a longer message, in bytes, is disconnected (-1: any length).
  case maxMessageSize(Int64)
  /// How long a closed socket still tries to send, in milliseconds (-1: for ever).
  case linger(Int)
  /// Of a PUB or XPUB: a full subscriber makes ``Socket/send(_:wait:)`` wait or return false, instead of missing messages.
  case publisherWaits(Bool)
  case ipv6(Bool)
  /// First waiting time before a connection is tried again, and the longest, in milliseconds.
  case reconnect(first: Int, longest: Int)
  /// Connected peers are asked for a sign of life this often, in milliseconds; after three times that they count as gone.
  case heartbeat(Int)
  /// Of a ROUTER: an unknown peer is an error instead of silence.
  case routerMandatory(Bool)
  /// Of a REQ: a new request may be sent although the last got no reply; replies are matched to requests.
  case requestRelaxed(Bool)
  /// The name under which a ROUTER knows this socket.
  case routingID(String)
  /// Buffers of the operating system, in bytes.
  case receiveBuffer(Int)
  case sendBuffer(Int)
  /// Queues only to peers whose connection stands.
  case immediate(Bool)
  /// Encrypts as the server; the key is the secret one, in Z85 (40 characters).
  case curveServer(secretKey: String)
  /// Encrypts as a client of the server with this public key; keys in Z85 (40 characters).
  case curveClient(serverKey: String, publicKey: String, secretKey: String)
  /// Peers are checked by the authentication handler under this name.
  case zapDomain(String)
}

extension Socket {
  /// - Throws: ``MessagingError`` naming the option when the value is refused.
  public borrowing func set(_ option: SocketOption) throws(MessagingError) {
    let name = "\(option)"
    switch option {
    case .receiveHighWater(let count): try handle.set(ZMQ_RCVHWM, count, name)
    case .sendHighWater(let count): try handle.set(ZMQ_SNDHWM, count, name)
    case .maxMessageSize(let bytes): try handle.set(ZMQ_MAXMSGSIZE, wide: bytes, name)
    case .linger(let milliseconds): try handle.set(ZMQ_LINGER, milliseconds, name)
    case .publisherWaits(let isOn): try handle.set(ZMQ_XPUB_NODROP, isOn ? 1 : 0, name)
    case .ipv6(let isOn): try handle.set(ZMQ_IPV6, isOn ? 1 : 0, name)
    case .reconnect(let first, let longest):
      try handle.set(ZMQ_RECONNECT_IVL, first, name)
      try handle.set(ZMQ_RECONNECT_IVL_MAX, longest, name)
    case .heartbeat(let milliseconds):
      try handle.set(ZMQ_HEARTBEAT_IVL, milliseconds, name)
      try handle.set(ZMQ_HEARTBEAT_TIMEOUT, milliseconds * 3, name)
    case .routerMandatory(let isOn): try handle.set(ZMQ_ROUTER_MANDATORY, isOn ? 1 : 0, name)
    case .requestRelaxed(let isOn):
      try handle.set(ZMQ_REQ_RELAXED, isOn ? 1 : 0, name)
      try handle.set(ZMQ_REQ_CORRELATE, isOn ? 1 : 0, name)
    case .routingID(let id): try handle.set(ZMQ_ROUTING_ID, text: id, name)
    case .receiveBuffer(let bytes): try handle.set(ZMQ_RCVBUF, bytes, name)
    case .sendBuffer(let bytes): try handle.set(ZMQ_SNDBUF, bytes, name)
    case .immediate(let isOn): try handle.set(ZMQ_IMMEDIATE, isOn ? 1 : 0, name)
    case .curveServer(let secretKey):
      try handle.set(ZMQ_CURVE_SERVER, 1, "CURVE server")
      try handle.set(ZMQ_CURVE_SECRETKEY, text: secretKey, "CURVE secret key")
    case .curveClient(let serverKey, let publicKey, let secretKey):
      try handle.set(ZMQ_CURVE_SERVERKEY, text: serverKey, "CURVE server key")
      try handle.set(ZMQ_CURVE_PUBLICKEY, text: publicKey, "CURVE public key")
      try handle.set(ZMQ_CURVE_SECRETKEY, text: secretKey, "CURVE secret key")
    case .zapDomain(let domain): try handle.set(ZMQ_ZAP_DOMAIN, text: domain, name)
    }
  }
}
