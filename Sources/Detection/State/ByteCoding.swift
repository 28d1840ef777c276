/// Writes numbers as little-endian bytes.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  mutating func append<T: FixedWidthInteger>(_ value: T) {
    var rest = value.littleEndian
    for _ in 0..<MemoryLayout<T>.size {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  mutating func append(_ value: Float) { append(value.bitPattern) }
  mutating func append(_ value: Double) { append(value.bitPattern) }
  mutating func append(_ value: Bool) { append(UInt8(value ? 1 : 0)) }

  mutating func append(_ text: String) {
    append(UInt32(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  mutating func append(_ texts: [String]) {
    append(UInt32(texts.count))
    for text in texts { append(text) }
  }

  mutating func append(bytes more: [UInt8]) {
    append(UInt32(more.count))
    bytes.append(contentsOf: more)
  }

  mutating func append(_ values: [Float]) {
    append(UInt32(values.count))
    bytes.reserveCapacity(bytes.count + 4 * values.count)
    for value in values { append(value) }
  }
}

/// Reads what ``ByteWriter`` wrote; every step is checked, nothing is trusted.
struct ByteReader {
  let section: String
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8], section: String) {
    self.bytes = bytes
    self.section = section
  }

  private mutating func integer<T: FixedWidthInteger & UnsignedInteger>(
    _: T.Type
  ) throws(DetectionDecodingError) -> T {
    let size = MemoryLayout<T>.size
    guard bytes.count - position >= size else { throw .truncated(section: section, at: position) }
    var value: T = 0
    for index in 0..<size { value |= T(bytes[position + index]) << T(8 * index) }
    position += size
    return value
  }

  mutating func uint8() throws(DetectionDecodingError) -> UInt8 { try integer(UInt8.self) }
  mutating func uint32() throws(DetectionDecodingError) -> UInt32 { try integer(UInt32.self) }
  mutating func uint64() throws(DetectionDecodingError) -> UInt64 { try integer(UInt64.self) }
  mutating func float() throws(DetectionDecodingError) -> Float {
    Float(bitPattern: try integer(UInt32.self))
  }
  mutating func double() throws(DetectionDecodingError) -> Double {
    Double(bitPattern: try integer(UInt64.self))
  }

  mutating func finiteFloat() throws(DetectionDecodingError) -> Float {
    let value = try float()
    guard value.isFinite else {
      throw .invalid(section: section, what: "a number that is not finite at byte \(position - 4)")
    }
    return value
  }

  mutating func finiteDouble() throws(DetectionDecodingError) -> Double {
    let value = try double()
    guard value.isFinite else {
      throw .invalid(section: section, what: "a number that is not finite at byte \(position - 8)")
    }
    return value
  }

  mutating func bool() throws(DetectionDecodingError) -> Bool {
    switch try uint8() {
    case 0: return false
    case 1: return true
    case let other:
      throw .invalid(section: section, what: "\(other) is neither true nor false at byte \(position - 1)")
    }
  }

  /// A number of things that take at least `size` bytes each, so that a wrong one cannot ask for absurd memory.
  mutating func count(of size: Int) throws(DetectionDecodingError) -> Int {
    let count = Int(try uint32())
    guard count <= (bytes.count - position) / max(size, 1) else {
      throw .truncated(section: section, at: position)
    }
    return count
  }

  mutating func string() throws(DetectionDecodingError) -> String {
    let count = try count(of: 1)
    guard let text = String(validating: bytes[position..<position + count], as: UTF8.self) else {
      throw .invalid(section: section, what: "text that is not UTF-8 at byte \(position)")
    }
    position += count
    return text
  }

  mutating func strings() throws(DetectionDecodingError) -> [String] {
    let count = try count(of: 4)
    var values: [String] = []
    for _ in 0..<count { values.append(try string()) }
    return values
  }

  mutating func byteString() throws(DetectionDecodingError) -> [UInt8] {
    let count = try count(of: 1)
    defer { position += count }
    return Array(bytes[position..<position + count])
  }

  mutating func floats() throws(DetectionDecodingError) -> [Float] {
    let count = try count(of: 4)
    var values: [Float] = []
    values.reserveCapacity(count)
    for _ in 0..<count { values.append(try float()) }
    return values
  }

  mutating func finiteFloats() throws(DetectionDecodingError) -> [Float] {
    let count = try count(of: 4)
    var values: [Float] = []
    values.reserveCapacity(count)
    for _ in 0..<count { values.append(try finiteFloat()) }
    return values
  }

  /// A version this program knows, or an error that says which one it is.
  mutating func version(_ known: UInt32) throws(DetectionDecodingError) {
    let found = try uint32()
    if found != known { throw .wrongVersion(section: section, found: found) }
  }

  /// The version, one of those this program knows, or an error that says which one it is.
  mutating func version(
    from oldest: UInt32, to newest: UInt32
  ) throws(DetectionDecodingError) -> UInt32 {
    let found = try uint32()
    guard oldest <= found && found <= newest else { throw .wrongVersion(section: section, found: found) }
    return found
  }

  func end() throws(DetectionDecodingError) {
    if position != bytes.count {
      throw .invalid(section: section, what: "\(bytes.count - position) bytes too many")
    }
  }
}
