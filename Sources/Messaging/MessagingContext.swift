import CZeroMQ
import Synchronization

/// The input and output threads that all sockets of a program share. Its sockets keep it alive.
@safe public final class MessagingContext: @unchecked Sendable {
  let raw: UnsafeMutableRawPointer
  /// Who checks the peers of its CURVE sockets.
  let authenticator = Mutex(WeakAuthenticator())

  /// - Parameter ioThreads: one serves about a gigabyte a second.
  /// - Throws: ``MessagingError`` when the process has no file descriptors left.
  public init(ioThreads: Int = 1) throws(MessagingError) {
    guard let context = unsafe zmq_ctx_new() else { throw .last("ZeroMQ context") }
    unsafe raw = unsafe context
    unsafe zmq_ctx_set(raw, ZMQ_IO_THREADS, Int32(ioThreads))
    // A socket that is closed must not hold up the end of the program unless it was told to linger.
    unsafe zmq_ctx_set(raw, ZMQ_BLOCKY, 0)
  }

  deinit { unsafe zmq_ctx_term(raw) }

  /// Every call on every socket of this context, also one that waits, ends with ``MessagingError/Reason/terminated``
  /// from now on. From any thread.
  public func shutdown() { unsafe zmq_ctx_shutdown(raw) }

  /// The version of the libzmq that runs, as in "4.3.4".
  public static var libraryVersion: String {
    var (major, minor, patch) = (Int32(0), Int32(0), Int32(0))
    unsafe zmq_version(&major, &minor, &patch)
    return "\(major).\(minor).\(patch)"
  }

  /// Whether this libzmq was built with a capability: "curve", "ipc", "ws".
  public static func has(_ capability: String) -> Bool { unsafe zmq_has(capability) == 1 }
}
