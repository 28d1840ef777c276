import FoundationEssentials
public import Tensors

/// Named tensors and a few words about them: an immutable value with one file format.
///
/// The format is safetensors (https://github.com/huggingface/safetensors): eight bytes of header length, a JSON
/// header, then the numbers, little-endian. Only `F32` is written and read.
public struct Weights: Sendable, Equatable {
  public let tensors: [String: Tensor]
  public let metadata: [String: String]

  public init(_ tensors: [String: Tensor], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// The tensor of this name, which must have this shape and hold finite numbers only; nil lengths are free.
  public func tensor(_ name: String, shape: [Int?]) throws(WeightsError) -> Tensor {
    guard let tensor = tensors[name] else { throw .missing(name) }
    guard tensor.shape.count == shape.count, zip(tensor.shape, shape).allSatisfy({ $1 == nil || $0 == $1 })
    else { throw .wrongShape(name, have: Array(tensor.shape), want: shape) }
    guard VectorMath.allFinite(tensor.values) else { throw .notFinite(name) }
    return tensor
  }

  /// The metadata under this key, which must be there.
  public func text(_ key: String) throws(WeightsError) -> String {
    guard let value = metadata[key] else { throw .missingMetadata(key) }
    return value
  }

  /// The file's bytes; the same weights give the same bytes.
  public func encode() -> [UInt8] {
    var header = Header(metadata: metadata, entries: [:])
    var data: [UInt8] = []
    data.reserveCapacity(4 * tensors.values.reduce(0) { $0 + $1.count })
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      let start = data.count
      #if _endian(little)
        unsafe tensor.values.withUnsafeBytes { unsafe data.append(contentsOf: $0) }
      #else
        for value in tensor.values {
          for shift: UInt32 in [0, 8, 16, 24] {
            data.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift))
          }
        }
      #endif
      header.entries[name] = Header.Entry(
        dtype: "F32", shape: Array(tensor.shape), offsets: [start, data.count])
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Strings and integers always encode.
    var text = [UInt8]((try? encoder.encode(header)) ?? Data())
    while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
    let length = UInt64(text.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + text + data
  }

  /// Reads a file's bytes, distrusting every number in them.
  public init(decoding bytes: [UInt8]) throws(WeightsError) {
    guard bytes.count >= 8 else { throw .truncated(have: bytes.count, need: 8) }
    let length = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << (8 * UInt64($1)) }
    guard length <= 16 << 20 else { throw .malformed("a header of \(length) bytes") }
    let begin = 8 + Int(length)
    guard bytes.count >= begin else { throw .truncated(have: bytes.count, need: begin) }
    let header: Header
    do {
      header = try JSONDecoder().decode(Header.self, from: Data(bytes[8..<begin]))
    } catch {
      throw .malformed("the header is not of the safetensors form")
    }
    var tensors: [String: Tensor] = [:]
    var end = 0
    // An empty tensor lies before the one that begins at the same place.
    let inOrder = header.entries.sorted { $0.value.offsets.lexicographicallyPrecedes($1.value.offsets) }
    for (name, entry) in inOrder {
      guard entry.dtype == "F32" else { throw .malformed("\(name) is of type \(entry.dtype), not F32") }
      var count = 1
      for length in entry.shape {
        guard length >= 0, case (let product, let overflow) = count.multipliedReportingOverflow(by: length),
          !overflow
        else { throw .malformed("\(name) has the impossible shape \(entry.shape)") }
        count = product
      }
      guard entry.shape.count <= Shape.mostAxes else {
        throw .malformed("\(name) has \(entry.shape.count) axes, more than \(Shape.mostAxes)")
      }
      let offsets = entry.offsets
      guard offsets.count == 2, offsets[0] == end, offsets[1] >= end, (offsets[1] - end) % 4 == 0,
        (offsets[1] - end) / 4 == count
      else { throw .malformed("\(name) of shape \(entry.shape) lies at \(offsets), not from \(end)") }
      guard bytes.count - begin >= offsets[1] else {
        throw .truncated(have: bytes.count, need: begin + offsets[1])
      }
      let at = begin + end
      let values = unsafe bytes.withUnsafeBytes { bytes in
        (0..<count).map {
          unsafe Float(
            bitPattern: UInt32(
              littleEndian: bytes.loadUnaligned(fromByteOffset: at + 4 * $0, as: UInt32.self)))
        }
      }
      tensors[name] = Tensor(values, shape: Shape(entry.shape))
      end = offsets[1]
    }
    guard bytes.count == begin + end else {
      throw .malformed("\(bytes.count - begin - end) bytes beyond the data")
    }
    self.init(tensors, metadata: header.metadata)
  }
}

/// Why bytes are not the weights that were asked for.
public enum WeightsError: Error, Sendable, Equatable, CustomStringConvertible {
  case truncated(have: Int, need: Int)
  case malformed(String)
  case missing(String)
  case missingMetadata(String)
  case wrongShape(String, have: [Int], want: [Int?])
  case notFinite(String)
  /// The file is of another model than the one asked for.
  case wrongModel(have: String, want: String)
  case wrongValue(String)

  public var description: String {
    switch self {
    case .truncated(let have, let need): "the weights end after \(have) bytes; \(need) are needed"
    case .malformed(let what): "the weights are malformed: \(what)"
    case .missing(let name): "the weights lack the tensor \(name)"
    case .missingMetadata(let key): "the weights lack the metadata \(key)"
    case .wrongShape(let name, let have, let want):
      "the tensor \(name) has the shape \(have), not [\(want.map { $0.map(String.init) ?? "any" }.joined(separator: ", "))]"
    case .notFinite(let name): "the tensor \(name) holds NaN or an infinity"
    case .wrongModel(let have, let want): "the weights are of the model \(have), not \(want)"
    case .wrongValue(let what): "the weights cannot be used: \(what)"
    }
  }
}

private struct Header: Codable {
  struct Entry: Codable {
    var dtype: String
    var shape: [Int]
    var offsets: [Int]
    enum CodingKeys: String, CodingKey {
      case dtype, shape
      case offsets = "data_offsets"
    }
  }
  struct Key: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
  }

  var metadata: [String: String]
  var entries: [String: Entry]

  init(metadata: [String: String], entries: [String: Entry]) {
    self.metadata = metadata
    self.entries = entries
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    metadata = try container.decodeIfPresent([String: String].self, forKey: Key("__metadata__")) ?? [:]
    entries = [:]
    for key in container.allKeys where key.stringValue != "__metadata__" {
      entries[key.stringValue] = try container.decode(Entry.self, forKey: key)
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    if !metadata.isEmpty { try container.encode(metadata, forKey: Key("__metadata__")) }
    for (name, entry) in entries { try container.encode(entry, forKey: Key(name)) }
  }
}
