import CZeroMQ
import Glibc
import Synchronization

/// The libzmq socket behind a ``Socket``; a ``Poller`` keeps it open while it watches it.
@safe final class SocketHandle: @unchecked Sendable {
  let raw: UnsafeMutableRawPointer
  private let context: MessagingContext

  init(_ kind: Socket.Kind, in context: MessagingContext) throws(MessagingError) {
    guard let socket = unsafe zmq_socket(context.raw, kind.code) else {
      throw .last("a new \(kind) socket")
    }
    unsafe raw = unsafe socket
    self.context = context
  }

  deinit { unsafe zmq_close(raw) }

  var authenticator: Authenticator? { context.authenticator.withLock { $0.value } }

  func set(_ option: Int32, _ value: Int, _ name: String) throws(MessagingError) {
    guard var number = Int32(exactly: value) else { throw .refused(name) }
    guard unsafe zmq_setsockopt(raw, option, &number, MemoryLayout<Int32>.size) == 0 else {
      throw .refused(name)
    }
  }

  func set(_ option: Int32, wide value: Int64, _ name: String) throws(MessagingError) {
    var number = value
    guard unsafe zmq_setsockopt(raw, option, &number, MemoryLayout<Int64>.size) == 0 else {
      throw .refused(name)
    }
  }

  func set(_ option: Int32, text: String, _ name: String) throws(MessagingError) {
    var bytes = Array(text.utf8)
    // Keys in Z85 are given with their terminating zero or not; without it, their length is 40 and means Z85 too only
    // from 4.x on with 41; so keys are passed with it.
    if option == ZMQ_CURVE_SECRETKEY || option == ZMQ_CURVE_PUBLICKEY || option == ZMQ_CURVE_SERVERKEY {
      bytes.append(0)
    }
    guard unsafe zmq_setsockopt(raw, option, bytes, bytes.count) == 0 else { throw .refused(name) }
  }

  func number(_ option: Int32) -> Int32 {
    var value: Int32 = 0
    var size = MemoryLayout<Int32>.size
    return unsafe zmq_getsockopt(raw, option, &value, &size) == 0 ? value : 0
  }

  func text(_ option: Int32, capacity: Int) -> String {
    var bytes = [UInt8](repeating: 0, count: capacity)
    var size = capacity
    guard unsafe zmq_getsockopt(raw, option, &bytes, &size) == 0 else { return "" }
    return String(decoding: bytes.prefix(size).prefix { $0 != 0 }, as: UTF8.self)
  }
}

extension MessagingError {
  static func refused(_ option: String) -> MessagingError {
    let words = unsafe zmq_strerror(zmq_errno()).map { unsafe String(cString: $0) } ?? "refused"
    let isOver = zmq_errno() == Int32(ETERM)
    return MessagingError(reason: isOver ? .terminated : .badOption, subject: option, explanation: words)
  }
}

extension Socket.Kind {
  var code: Int32 {
    switch self {
    case .pub: ZMQ_PUB
    case .sub: ZMQ_SUB
    case .xpub: ZMQ_XPUB
    case .xsub: ZMQ_XSUB
    case .push: ZMQ_PUSH
    case .pull: ZMQ_PULL
    case .req: ZMQ_REQ
    case .rep: ZMQ_REP
    case .dealer: ZMQ_DEALER
    case .router: ZMQ_ROUTER
    case .pair: ZMQ_PAIR
    }
  }
}
