import CZeroMQ

/// The frames of one message as they came off a socket; made once and received into again and again, without copying
/// the bytes. A message of more than ``maxFrames`` frames is cut (``isCut``): nobody means that.
@safe public struct Message: ~Copyable {
  public static let maxFrames = 64

  let frames: UnsafeMutablePointer<zmq_msg_t>
  public internal(set) var count = 0
  /// Whether frames beyond ``maxFrames`` were thrown away.
  public internal(set) var isCut = false

  public init() {
    unsafe frames = .allocate(capacity: Self.maxFrames)
    for index in 0..<Self.maxFrames { unsafe zmq_msg_init(frames + index) }
  }

  deinit {
    for index in 0..<Self.maxFrames { unsafe zmq_msg_close(frames + index) }
    unsafe frames.deallocate()
  }

  /// Gives the memory of its frames back now, and not only when others are received into it.
  public mutating func clear() {
    for index in 0..<Self.maxFrames {
      unsafe zmq_msg_close(frames + index)
      unsafe zmq_msg_init(frames + index)
    }
    count = 0
    isCut = false
  }

  /// Lends the bytes of one frame for the time of the call.
  public borrowing func withFrame<Value, Failure: Error>(
    _ index: Int, _ body: (Span<UInt8>) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    precondition(index >= 0 && index < count, "frame \(index) of a message of \(count) frames")
    let size = unsafe zmq_msg_size(frames + index)
    let start = unsafe zmq_msg_data(frames + index)
    let bytes = unsafe UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : size)
    return try body(unsafe Span(_unsafeBytes: bytes))
  }

  /// Bytes of one frame.
  public borrowing func size(of index: Int) -> Int {
    precondition(index >= 0 && index < count, "frame \(index) of a message of \(count) frames")
    return unsafe zmq_msg_size(frames + index)
  }

  /// All bytes.
  public var size: Int {
    var sum = 0
    for index in 0..<count { unsafe sum += zmq_msg_size(frames + index) }
    return sum
  }

  /// A copy of one frame.
  public borrowing func bytes(of index: Int) -> [UInt8] {
    withFrame(index) { frame in
      unsafe frame.withUnsafeBufferPointer { unsafe Array($0) }
    }
  }

  /// A copy of one frame as text; wrong UTF-8 becomes U+FFFD.
  public borrowing func text(of index: Int) -> String { String(decoding: bytes(of: index), as: UTF8.self) }

  /// A copy of all frames.
  public borrowing func copy() -> [[UInt8]] { (0..<count).map { bytes(of: $0) } }
}
