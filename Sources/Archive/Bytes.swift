/// Appends little-endian numbers and counted text to bytes.
struct ByteWriter {
  var bytes: [UInt8] = []

  mutating func put<T: FixedWidthInteger>(_ value: T) {
    var rest = value.littleEndian
    for _ in 0..<MemoryLayout<T>.size {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      if T.bitWidth > 8 { rest >>= 8 }
    }
  }

  mutating func put(_ value: Double) { put(value.bitPattern) }

  /// A length of four bytes, then UTF-8.
  mutating func put(_ text: String) {
    put(UInt32(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }
}

/// Takes them back, and says at which byte they ended too early.
struct ByteReader {
  let bytes: [UInt8]
  private(set) var at: Int
  let end: Int

  init(_ bytes: [UInt8], _ range: Range<Int>? = nil) {
    self.bytes = bytes
    at = range?.lowerBound ?? 0
    end = range?.upperBound ?? bytes.count
  }

  mutating func take(_ count: Int) throws(Damage) -> Range<Int> {
    guard count >= 0, end - at >= count else { throw .truncated(atByte: end, of: at + max(count, 0)) }
    defer { at += count }
    return at..<at + count
  }

  mutating func integer<T: FixedWidthInteger>(_: T.Type = T.self) throws(Damage) -> T {
    var value: T = 0
    for (place, index) in try take(MemoryLayout<T>.size).enumerated() {
      value |= T(truncatingIfNeeded: bytes[index]) << T(truncatingIfNeeded: 8 * place)
    }
    return value
  }

  mutating func double() throws(Damage) -> Double { Double(bitPattern: try integer(UInt64.self)) }

  mutating func text() throws(Damage) -> String {
    let count = Int(try integer(UInt32.self))
    let range = try take(count)
    guard let text = String(validating: bytes[range], as: UTF8.self) else {
      throw .malformed("a name that is not UTF-8 at byte \(range.lowerBound)")
    }
    return text
  }
}
