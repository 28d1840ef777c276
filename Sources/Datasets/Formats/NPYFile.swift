/// NumPy's format: a mark, a version, a Python dictionary in text, the numbers (NEP 1).
enum NPYFile {
  static let mark: [UInt8] = [0x93] + Array("NUMPY".utf8)

  static func decode(_ bytes: [UInt8], name: String) throws(DataError) -> DataArray {
    var reader = ByteReader(bytes)
    guard reader.take(mark.count).map(Array.init) == mark, let major = reader.number(1),
      reader.number(1) != nil
    else { throw .damaged(name, "does not begin as a .npy file") }
    guard (1...3).contains(major) else {
      throw DataError(
        .data, what: name, why: "is version \(major) of .npy", remedy: "save it as version 1, 2 or 3")
    }
    guard let length = reader.number(major == 1 ? 2 : 4), let text = reader.take(length) else {
      throw .damaged(name, "ends within its header")
    }
    let header = try NPYHeader(text, name: name)
    let kind = try header.kind(name)
    guard let count = boundedSize(header.shape, limit: reader.left / kind.size) else {
      throw .damaged(
        name, "holds \(reader.left) bytes, too few for the shape \(header.shape) of its header")
    }
    guard let rows = header.shape.first, rows > 0, count > 0 else {
      throw DataError(
        .data, what: name, why: "holds no rows (shape \(header.shape))", remedy: "give at least one row")
    }
    var values = kind.floats(bytes, from: reader.at, count: count, bigEndian: header.isBigEndian)
    if header.isColumnMajor { values = rowMajor(values, header.shape) }
    let mask = kind.isFloat ? separatingMissing(&values) : nil
    let levels: Int? =
      switch kind {
      case .boolean: 2
      case .uint8: 256
      default: nil
      }
    return DataArray(shape: header.shape, values: values, mask: mask, levels: levels)
  }

  /// From the order in which the first axis runs fastest.
  private static func rowMajor(_ values: [Float], _ shape: [Int]) -> [Float] {
    var steps = shape
    var step = 1
    for axis in shape.indices {
      steps[axis] = step
      step *= shape[axis]
    }
    var place = [Int](repeating: 0, count: shape.count)
    var from = 0
    return values.indices.map { _ in
      defer {
        var axis = shape.count - 1
        while axis >= 0 {
          place[axis] += 1
          from += steps[axis]
          if place[axis] < shape[axis] { break }
          from -= steps[axis] * shape[axis]
          place[axis] = 0
          axis -= 1
        }
      }
      return values[from]
    }
  }

  /// Version 1, little-endian float32, NaN where something is missing.
  static func encode(_ array: DataArray) -> [UInt8] {
    let shape =
      array.shape.map(String.init).joined(separator: ", ") + (array.shape.count == 1 ? "," : "")
    var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(shape)), }"
    // The numbers begin at a multiple of 64, as NumPy writes it.
    while (mark.count + 4 + header.utf8.count + 1) % 64 != 0 { header += " " }
    header += "\n"
    var bytes = mark + [1, 0]
    bytes.append(number: header.utf8.count, size: 2)
    bytes += Array(header.utf8)
    bytes.reserveCapacity(bytes.count + 4 * array.values.count)
    for (i, value) in array.values.enumerated() {
      bytes.append(number: (array.mask?[i] == 0 ? Float.nan : value).bitPattern, size: 4)
    }
    return bytes
  }
}

/// The dictionary of a `.npy` file.
struct NPYHeader {
  var descriptor = ""
  var isColumnMajor = false
  var shape: [Int] = []

  /// - Throws: ``DataError`` for anything that NumPy does not write.
  init(_ text: ArraySlice<UInt8>, name: String) throws(DataError) {
    let text = String(decoding: text, as: UTF8.self)
    guard let descriptor = Self.value("descr", in: text), let order = Self.value("fortran_order", in: text),
      let shape = Self.value("shape", in: text)
    else { throw .damaged(name, "has a header without descr, fortran_order or shape") }
    guard descriptor.first == "'" || descriptor.first == "\"", descriptor.count > 2 else {
      throw DataError(
        .data, what: name, why: "holds records of several fields, not numbers",
        remedy: "save one plain array")
    }
    self.descriptor = String(descriptor.dropFirst().dropLast())
    isColumnMajor = order == "True"
    for part in shape.dropFirst().dropLast().split(separator: ",") {
      let digits = part.filter { $0 != " " }
      if digits.isEmpty { continue }
      guard let extent = Int(digits), extent >= 0 else {
        throw .damaged(name, "has no shape in its header: \(shape.prefix(40))")
      }
      self.shape.append(extent)
    }
    guard self.shape.count <= 32 else { throw .damaged(name, "has \(self.shape.count) axes") }
  }

  /// The text of a value: up to the comma or brace that ends it.
  private static func value(_ key: String, in text: String) -> String? {
    for quote in ["'", "\""] {
      guard let start = text.firstRange(of: "\(quote)\(key)\(quote):")?.upperBound else { continue }
      let rest = text[start...].drop { $0 == " " }
      guard let first = rest.first else { return nil }
      switch first {
      case "'", "\"":
        return rest.dropFirst().firstIndex(of: first).map { String(rest[...$0]) }
      case "(": return rest.firstIndex(of: ")").map { String(rest[...$0]) }
      case "[": return "["
      default: return String(rest.prefix { $0 != "," && $0 != "}" && $0 != " " })
      }
    }
    return nil
  }

  var isBigEndian: Bool { descriptor.first == ">" }

  func kind(_ name: String) throws(DataError) -> NumberKind {
    let type = descriptor.drop { "<>|=".contains($0) }
    switch type {
    case "b1", "?": return .boolean
    case "u1": return .uint8
    case "i1": return .int8
    case "u2": return .uint16
    case "i2": return .int16
    case "u4": return .uint32
    case "i4": return .int32
    case "u8": return .uint64
    case "i8": return .int64
    case "f2": return .float16
    case "f4": return .float32
    case "f8": return .float64
    default:
      throw DataError(
        .data, what: name, why: "holds numbers of the type \"\(descriptor.prefix(20))\", which is not read",
        remedy: "save it as float32: numpy.save(file, array.astype(numpy.float32))")
    }
  }
}
