/// The format of MNIST: two zeros, the kind of numbers, the number of axes, each extent in four bytes, the numbers; all with
/// the high byte first (LeCun, Cortes and Burges, "The MNIST database").
enum IDXFile {
  private static func kind(_ code: UInt8) -> NumberKind? {
    switch code {
    case 0x08: .uint8
    case 0x09: .int8
    case 0x0b: .int16
    case 0x0c: .int32
    case 0x0d: .float32
    case 0x0e: .float64
    default: nil
    }
  }

  static func isMark(_ bytes: [UInt8]) -> Bool {
    bytes[0] == 0 && bytes[1] == 0 && kind(bytes[2]) != nil && (1...8).contains(bytes[3])
  }

  static func decode(_ bytes: [UInt8], name: String) throws(DataError) -> DataArray {
    guard bytes.count >= 8, isMark(bytes), let kind = kind(bytes[2]) else {
      throw .damaged(name, "does not begin as an IDX file")
    }
    var reader = ByteReader(bytes, at: 4)
    var shape: [Int] = []
    for _ in 0..<bytes[3] {
      guard let extent = reader.number(4, bigEndian: true) else {
        throw .damaged(name, "ends within its header")
      }
      shape.append(extent)
    }
    guard let count = boundedSize(shape, limit: reader.left / kind.size) else {
      throw .damaged(name, "holds \(reader.left) bytes, too few for the shape \(shape) of its header")
    }
    guard count > 0 else {
      throw DataError(
        .data, what: name, why: "holds no rows (shape \(shape))", remedy: "give at least one row")
    }
    var values = kind.floats(bytes, from: reader.at, count: count, bigEndian: true)
    let mask = kind.isFloat ? separatingMissing(&values) : nil
    return DataArray(shape: shape, values: values, mask: mask, levels: kind == .uint8 ? 256 : nil)
  }

  /// Bytes when values are the whole numbers of at most 256 levels, float32 otherwise.
  static func encode(_ array: DataArray, name: String) throws(DataError) -> [UInt8] {
    guard array.shape.count <= 8, array.shape.allSatisfy({ $0 <= UInt32.max }) else {
      throw DataError(
        .output, what: name, why: "an IDX file has at most 8 axes, these data have \(array.shape.count)",
        remedy: "write a .npy file")
    }
    let isBytes =
      (array.levels.map { $0 <= 256 } ?? false) && array.mask == nil
      && array.values.allSatisfy { $0 >= 0 && $0 <= 255 && $0 == $0.rounded() }
    var bytes: [UInt8] = [0, 0, isBytes ? 0x08 : 0x0d, UInt8(array.shape.count)]
    for extent in array.shape { bytes.append(number: extent, size: 4, bigEndian: true) }
    if isBytes { return bytes + array.values.map { UInt8($0) } }
    for (i, value) in array.values.enumerated() {
      bytes.append(
        number: (array.mask?[i] == 0 ? Float.nan : value).bitPattern, size: 4, bigEndian: true)
    }
    return bytes
  }
}
