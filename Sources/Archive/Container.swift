/// The one format of whole files: a kind, its version, and named sections of bytes, with a checksum over everything.
///
/// Little-endian: `anomalyd` (8 bytes), version of this layout (4), version of the kind (4), size of the file (8), number
/// of sections (4), the kind (length 4, UTF-8); per section its name (length 4, UTF-8), its size (8) and its bytes; at
/// the end XXH64 of all that (8).
public struct Container: Sendable, Equatable {
  /// Bytes under a name.
  public struct Section: Sendable, Equatable {
    public var name: String
    public var bytes: [UInt8]
    public init(name: String, bytes: [UInt8]) {
      self.name = name
      self.bytes = bytes
    }
  }

  public var kind: String
  /// Of what the sections mean; readers refuse a newer one than they know.
  public var version: Int
  /// In the order written. Names may repeat.
  public var sections: [Section]

  public init(kind: String, version: Int, sections: [Section]) {
    self.kind = kind
    self.version = version
    self.sections = sections
  }

  private static let magic = Array("anomalyd".utf8)
  private static let layout: UInt32 = 1
  private static let fixedSize = 28

  public subscript(_ name: String) -> [UInt8]? { sections.first { $0.name == name }?.bytes }

  public func encode() -> [UInt8] {
    var size = Self.fixedSize + 4 + kind.utf8.count + 8
    for section in sections { size += 12 + section.name.utf8.count + section.bytes.count }
    var writer = ByteWriter()
    writer.bytes.reserveCapacity(size)
    writer.bytes.append(contentsOf: Self.magic)
    writer.put(Self.layout)
    writer.put(UInt32(version))
    writer.put(UInt64(size))
    writer.put(UInt32(sections.count))
    writer.put(kind)
    for section in sections {
      writer.put(section.name)
      writer.put(UInt64(section.bytes.count))
      writer.bytes.append(contentsOf: section.bytes)
    }
    writer.put(Checksum.xxh64(writer.bytes))
    return writer.bytes
  }

  /// Reads strictly: nothing of a file that is shorter, longer, changed, newer or of another kind is given out.
  ///
  /// - Parameters:
  ///   - kind: the one wanted.
  ///   - version: the newest known of that kind.
  public init(decoding bytes: [UInt8], kind: String, version: Int) throws(Damage) {
    let magic = Self.magic
    guard bytes.prefix(magic.count).elementsEqual(magic.prefix(bytes.count)) else { throw .notOurs }
    var reader = ByteReader(bytes)
    _ = try reader.take(magic.count)
    let layout = try reader.integer(UInt32.self)
    guard layout <= Self.layout else { throw .newerVersion(found: Int(layout), known: Int(Self.layout)) }
    let found = Int(try reader.integer(UInt32.self))
    let size = try reader.integer(UInt64.self)
    guard size <= Int.max, Int(size) >= Self.fixedSize + 12 else { throw .checksum }
    guard bytes.count >= Int(size) else { throw .truncated(atByte: bytes.count, of: Int(size)) }
    guard bytes.count == Int(size) else { throw .trailing(bytes: bytes.count - Int(size)) }
    let body = 0..<bytes.count - 8
    var sum = ByteReader(bytes, body.upperBound..<bytes.count)
    guard try sum.integer(UInt64.self) == Checksum.xxh64(bytes, body) else { throw .checksum }

    var content = ByteReader(bytes, reader.at..<body.upperBound)
    let count = Int(try content.integer(UInt32.self))
    self.kind = try content.text()
    guard self.kind == kind else { throw .wrongKind(found: self.kind, expected: kind) }
    guard found <= version else { throw .newerVersion(found: found, known: version) }
    self.version = found
    sections = []
    for _ in 0..<count {
      let name = try content.text()
      let size = try content.integer(UInt64.self)
      guard size <= UInt64(content.end - content.at) else {
        throw .malformed("section \(name) is said to be longer than the file")
      }
      sections.append(Section(name: name, bytes: Array(bytes[try content.take(Int(size))])))
    }
    guard content.at == content.end else {
      throw .malformed("\(content.end - content.at) bytes belong to no section")
    }
  }

  /// Writes it as a whole file.
  public func write(to path: String, _ durability: AtomicFile.Durability = .power) throws(ArchiveError) {
    try AtomicFile.write(encode(), to: path, durability)
  }

  /// Reads a whole file.
  ///
  /// - Throws: `ArchiveError.damaged` when it cannot be trusted; the file stays where it is.
  public init(reading path: String, kind: String, version: Int) throws(ArchiveError) {
    let bytes = try AtomicFile.read(path)
    do throws(Damage) {
      try self.init(decoding: bytes, kind: kind, version: version)
    } catch {
      throw .damaged(path: path, error)
    }
  }
}
