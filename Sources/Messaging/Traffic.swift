import CZeroMQ
import Glibc

/// Whether a call waits when it cannot be served at once.
public enum Wait: Sendable { case never, forever }

extension Socket {
  /// Receives one whole message into `message`, whose earlier frames are let go.
  ///
  /// - Returns: false when none is there and `wait` is ``Wait/never``.
  /// - Throws: ``MessagingError`` (the context is shut down; a REQ that has not asked).
  public borrowing func receive(
    into message: inout Message, wait: Wait = .never
  ) throws(MessagingError) -> Bool {
    let socket = unsafe handle.raw
    message.count = 0
    message.isCut = false
    var flags = wait == .never ? ZMQ_DONTWAIT : 0
    while true {
      let index = min(message.count, Message.maxFrames - 1)
      let frame = unsafe message.frames + index
      guard uninterrupted({ unsafe zmq_msg_recv(frame, socket, flags) }) >= 0 else {
        if zmq_errno() == EAGAIN { return false }
        throw .last("receiving from \(lastEndpoint)")
      }
      if message.count == Message.maxFrames { message.isCut = true } else { message.count += 1 }
      if unsafe zmq_msg_more(frame) == 0 { return true }
      // The frames of one message arrive together.
      flags = 0
    }
  }

  /// Receives one message as copied frames, waiting at most `timeout` milliseconds (-1: for ever); nil when none came.
  public borrowing func receive(timeout: Int) throws(MessagingError) -> [[UInt8]]? {
    var item = unsafe zmq_pollitem_t()
    unsafe item.socket = unsafe handle.raw
    unsafe item.events = Int16(ZMQ_POLLIN)
    let ready = uninterrupted { unsafe zmq_poll(&item, 1, timeout) }
    if ready < 0 { throw .last("waiting on \(lastEndpoint)") }
    if ready == 0 { return nil }
    var message = Message()
    return try receive(into: &message) ? message.copy() : nil
  }

  /// Receives so many frames and forgets them, in a bare C loop around libzmq's own call: what measurements of a
  /// receiver are held against.
  public borrowing func discard(frames: Int) throws(MessagingError) {
    guard unsafe czmq_discard(handle.raw, frames) == 0 else { throw .last("receiving from \(lastEndpoint)") }
  }

  /// Sends one frame, copied.
  ///
  /// - Parameter more: whether further frames of the same message follow.
  /// - Returns: false when the queue is full and `wait` is ``Wait/never``.
  @discardableResult
  public borrowing func send(
    _ bytes: Span<UInt8>, more: Bool = false, wait: Wait = .never
  ) throws(MessagingError) -> Bool {
    let socket = unsafe handle.raw
    let flags = (wait == .never ? ZMQ_DONTWAIT : 0) | (more ? ZMQ_SNDMORE : 0)
    let sent = unsafe bytes.withUnsafeBufferPointer { buffer in
      uninterrupted { unsafe zmq_send(socket, buffer.baseAddress, buffer.count, flags) }
    }
    if sent >= 0 { return true }
    if zmq_errno() == EAGAIN { return false }
    throw .last("sending to \(lastEndpoint)")
  }

  /// Sends one message of one or more frames.
  ///
  /// - Returns: false when the queue is full and `wait` is ``Wait/never``; then no frame was sent.
  @discardableResult
  public borrowing func send(_ frames: [[UInt8]], wait: Wait = .never) throws(MessagingError) -> Bool {
    precondition(!frames.isEmpty, "a message has at least one frame")
    for (index, frame) in frames.enumerated() {
      // When the first frame is taken, libzmq has room for the others.
      let isTaken = try send(
        frame.span, more: index + 1 < frames.count, wait: index == 0 ? wait : .forever)
      if !isTaken { return false }
    }
    return true
  }

  /// Passes a received message on, frame by frame, without copying the bytes; it is empty afterwards.
  ///
  /// - Returns: false when the queue is full: then it is as it was.
  @discardableResult
  public borrowing func forward(
    _ message: inout Message, topic: String? = nil
  ) throws(MessagingError) -> Bool {
    if let topic {
      guard try send(Array(topic.utf8).span, more: message.count > 0) else { return false }
    }
    let socket = unsafe handle.raw
    for index in 0..<message.count {
      let flags =
        (index == 0 && topic == nil ? ZMQ_DONTWAIT : 0) | (index + 1 < message.count ? ZMQ_SNDMORE : 0)
      let frame = unsafe message.frames + index
      guard uninterrupted({ unsafe zmq_msg_send(frame, socket, flags) }) >= 0 else {
        if zmq_errno() == EAGAIN { return false }
        throw .last("sending to \(lastEndpoint)")
      }
    }
    message.count = 0
    return true
  }
}
