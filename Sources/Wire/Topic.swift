/// The topic of the message at hand, kept from message to message because it seldom changes.
struct Topic {
  private(set) var bytes: [UInt8] = []
  private(set) var parts: [Range<Int>] = []

  /// Takes over a topic; false when it is the one it has.
  mutating func adopt(_ topic: Span<UInt8>) -> Bool {
    if topic.count == bytes.count {
      let isSame = unsafe topic.withUnsafeBytes { new in
        unsafe bytes.withUnsafeBytes { old in unsafe new.elementsEqual(old) }
      }
      if isSame { return false }
    }
    bytes.removeAll(keepingCapacity: true)
    unsafe topic.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
    parts.removeAll(keepingCapacity: true)
    let separator = bytes.contains(UInt8(ascii: "/")) ? UInt8(ascii: "/") : UInt8(ascii: ".")
    var start = 0
    for index in 0...bytes.count where index == bytes.count || bytes[index] == separator {
      if parts.count < 64 { parts.append(start..<index) }
      start = index + 1
    }
    return true
  }
}
