import CZeroMQ
import Glibc

/// Waits for the first of several sockets that has something to read (or to be woken by a ``Bell``). Keeps the sockets
/// it watches open until they are removed.
@safe public struct Poller: ~Copyable {
  private var items: [zmq_pollitem_t] = unsafe []
  private var handles: [SocketHandle?] = []
  private var bells: [Bell?] = []

  public init() {}

  /// Watches a socket. Returns its number.
  @discardableResult
  public mutating func add(_ socket: borrowing Socket) -> Int {
    var item = unsafe zmq_pollitem_t()
    unsafe item.socket = unsafe socket.handle.raw
    unsafe item.events = Int16(ZMQ_POLLIN)
    return unsafe append(item, socket.handle, nil)
  }

  /// Watches a bell. Returns its number.
  @discardableResult
  public mutating func add(_ bell: Bell) -> Int {
    var item = unsafe zmq_pollitem_t()
    unsafe item.fd = bell.descriptor
    unsafe item.events = Int16(ZMQ_POLLIN)
    return unsafe append(item, nil, bell)
  }

  private mutating func append(_ item: zmq_pollitem_t, _ handle: SocketHandle?, _ bell: Bell?) -> Int {
    unsafe items.append(item)
    handles.append(handle)
    bells.append(bell)
    return handles.count - 1
  }

  /// Watches nothing any more.
  public mutating func removeAll() {
    unsafe items.removeAll(keepingCapacity: true)
    handles.removeAll(keepingCapacity: true)
    bells.removeAll(keepingCapacity: true)
  }

  /// Looks away from one of them (its number stays), or looks again.
  public mutating func setWatched(_ index: Int, _ isWatched: Bool) {
    unsafe items[index].events = isWatched ? Int16(ZMQ_POLLIN) : 0
  }

  /// Waits at most so many milliseconds (-1: for ever). Returns how many are ready.
  ///
  /// - Throws: ``MessagingError`` when the context is shut down. An interrupting signal ends the wait with 0.
  @discardableResult
  public mutating func wait(milliseconds: Int) throws(MessagingError) -> Int {
    let count = handles.count
    let ready = unsafe items.withUnsafeMutableBufferPointer {
      unsafe zmq_poll($0.baseAddress, Int32(count), milliseconds)
    }
    if ready >= 0 { return Int(ready) }
    if zmq_errno() == EINTR { return 0 }
    throw .last("waiting for messages")
  }

  /// Whether number `index` had something at the last ``wait(milliseconds:)``.
  public func isReady(_ index: Int) -> Bool { unsafe items[index].revents & Int16(ZMQ_POLLIN) != 0 }
}

/// Wakes a thread that waits in a ``Poller``; to be rung from any thread.
public final class Bell: Sendable {
  let descriptor: Int32

  /// - Throws: ``MessagingError`` when the process has no file descriptors left.
  public init() throws(MessagingError) {
    descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
    if descriptor < 0 { throw .of(code: errno, "a wake-up descriptor") }
  }

  deinit { close(descriptor) }

  public func ring() { _ = eventfd_write(descriptor, 1) }

  /// Hushes it; true when it had been rung.
  @discardableResult
  public func hush() -> Bool {
    var count: eventfd_t = 0
    return unsafe eventfd_read(descriptor, &count) == 0
  }
}
