/// How a number lies in a file.
enum NumberKind {
  case boolean, uint8, int8, uint16, int16, uint32, int32, uint64, int64, float16, float32, float64
  /// Three bytes, as in WAV.
  case int24

  var size: Int {
    switch self {
    case .boolean, .uint8, .int8: 1
    case .uint16, .int16, .float16: 2
    case .int24: 3
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    }
  }

  /// Only such numbers can be missing.
  var isFloat: Bool { self == .float16 || self == .float32 || self == .float64 }

  /// `count` numbers of this kind as `Float`.
  ///
  /// What is too large for it becomes the largest there is; infinities and NaN stay.
  /// - Precondition: `bytes` holds them from `start` on.
  func floats(_ bytes: [UInt8], from start: Int, count: Int, bigEndian: Bool = false) -> [Float] {
    precondition(start >= 0 && count >= 0 && count <= (bytes.count - start) / size, "numbers beyond the end")
    func read<Raw: FixedWidthInteger>(_ number: (Raw) -> Float) -> [Float] {
      unsafe bytes.withUnsafeBytes { source in
        unsafe [Float](unsafeUninitializedCapacity: count) { target, filled in
          for i in 0..<count {
            let raw = unsafe source.loadUnaligned(
              fromByteOffset: start + i * MemoryLayout<Raw>.size, as: Raw.self)
            unsafe target.initializeElement(at: i, to: number(bigEndian ? raw.bigEndian : raw.littleEndian))
          }
          filled = count
        }
      }
    }
    switch self {
    case .boolean: return read { (raw: UInt8) in raw == 0 ? 0 : 1 }
    case .uint8: return read { (raw: UInt8) in Float(raw) }
    case .int8: return read { (raw: Int8) in Float(raw) }
    case .uint16: return read { (raw: UInt16) in Float(raw) }
    case .int16: return read { (raw: Int16) in Float(raw) }
    case .uint32: return read { (raw: UInt32) in Float(raw) }
    case .int32: return read { (raw: Int32) in Float(raw) }
    case .uint64: return read { (raw: UInt64) in Float(raw) }
    case .int64: return read { (raw: Int64) in Float(raw) }
    case .float16: return read { (raw: UInt16) in Self.float(half: raw) }
    case .float32: return read { (raw: UInt32) in Float(bitPattern: raw) }
    case .float64: return read { (raw: UInt64) in Self.float(Double(bitPattern: raw)) }
    case .int24:
      return (0..<count).map { i in
        let at = start + 3 * i
        let (low, high) = bigEndian ? (bytes[at + 2], bytes[at]) : (bytes[at], bytes[at + 2])
        return Float(Int32(Int8(bitPattern: high)) << 16 | Int32(bytes[at + 1]) << 8 | Int32(low))
      }
    }
  }

  /// The nearest `Float`; the largest there is for what lies beyond its range.
  static func float(_ number: Double) -> Float {
    guard number.isFinite else { return Float(number) }
    let largest = Double(Float.greatestFiniteMagnitude)
    return Float(min(max(number, -largest), largest))
  }

  /// IEEE 754 binary16.
  private static func float(half bits: UInt16) -> Float {
    let sign: Float = bits >> 15 == 0 ? 1 : -1
    let exponent = Int(bits >> 10 & 31)
    let fraction = Float(bits & 1023)
    switch exponent {
    case 0: return sign * fraction * 0x1p-24
    case 31: return fraction == 0 ? sign * .infinity : .nan
    default:
      return sign * Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction / 1024)
    }
  }
}

/// Reads bytes one after the other; nil beyond the end.
struct ByteReader {
  let bytes: [UInt8]
  var at = 0

  init(_ bytes: [UInt8], at: Int = 0) {
    self.bytes = bytes
    self.at = at
  }

  var left: Int { bytes.count - at }

  mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
    guard count >= 0, count <= left else { return nil }
    defer { at += count }
    return bytes[at..<at + count]
  }

  /// An unsigned number of `size` bytes.
  mutating func number(_ size: Int, bigEndian: Bool = false) -> Int? {
    guard let taken = take(size) else { return nil }
    return (bigEndian ? Array(taken) : taken.reversed()).reduce(0) { $0 << 8 | Int($1) }
  }
}

extension [UInt8] {
  /// Appends the low `size` bytes of a number.
  mutating func append(number: some BinaryInteger, size: Int, bigEndian: Bool = false) {
    let bits = UInt64(truncatingIfNeeded: number)
    for place in 0..<size {
      append(UInt8(truncatingIfNeeded: bits >> (8 * UInt64(bigEndian ? size - 1 - place : place))))
    }
  }
}

/// The product of extents, or nil when it is more than `limit` or one is negative: a lying header must not overflow.
func boundedSize(_ shape: [Int], limit: Int) -> Int? {
  var size = 1
  for extent in shape {
    guard extent >= 0 else { return nil }
    let (product, overflows) = size.multipliedReportingOverflow(by: extent)
    guard !overflows else { return nil }
    size = product
  }
  return size <= limit ? size : nil
}

/// Values as they come from a file, with what is not finite set apart as missing.
func separatingMissing(_ values: inout [Float]) -> [Float]? {
  guard values.contains(where: { !$0.isFinite }) else { return nil }
  var mask = [Float](repeating: 1, count: values.count)
  for i in values.indices where !values[i].isFinite {
    values[i] = 0
    mask[i] = 0
  }
  return mask
}
