/// How rows lie in a history file, and how one row is written and read.
///
/// Header: a ``Container`` of kind `history`, filled up to a multiple of 4096 bytes. Then `ringBlocks` blocks that hold the
/// most recent rows, then `reservoirBlocks` blocks that are a uniform sample of the blocks that left the ring. A block is 64
/// records of one size; row number `n` belongs to block `n / 64`, and block `b` lies in place `b % ringBlocks` of the ring.
///
/// Record, little-endian: row number (8), timestamp (8), flags (4), values (4 each), low half of XXH64 of all that (4).
/// So each record says by itself what it is and whether it can be trusted; a hole (zeros) is no record.
struct HistoryLayout: Equatable, Sendable {
  static let blockRows = 64
  static let headerUnit = 4096
  static let kind = "history"
  static let version = 1

  /// Values per row.
  var width: Int
  var ringBlocks: Int
  var reservoirBlocks: Int
  var headerSize: Int

  var recordSize: Int { 24 + 4 * width }
  var blockSize: Int { Self.blockRows * recordSize }
  var blocks: Int { ringBlocks + reservoirBlocks }
  var fileSize: Int { headerSize + blocks * blockSize }

  /// Where place `index` (the ring's first, then the reservoir's) begins.
  func offset(place index: Int) -> Int { headerSize + index * blockSize }
  func place(ofBlock block: Int) -> Int { block % ringBlocks }
  func offset(row: Int) -> Int {
    offset(place: place(ofBlock: row / Self.blockRows)) + row % Self.blockRows * recordSize
  }

  /// Which place of the reservoir a block that leaves the ring gets, if any.
  ///
  /// Blocks leave in order, so `block` is also how many left before it: Algorithm R (Vitter, "Random sampling with a
  /// reservoir", 1985). The draw is a hash of seed and block, so it needs no state and is the same after a crash.
  func reservoirPlace(ofBlock block: Int, seed: UInt64) -> Int? {
    guard reservoirBlocks > 0 else { return nil }
    if block < reservoirBlocks { return ringBlocks + block }
    let draw = Self.mix(seed ^ Self.mix(UInt64(block))).multipliedFullWidth(by: UInt64(block + 1)).high
    return draw < UInt64(reservoirBlocks) ? ringBlocks + Int(draw) : nil
  }

  /// SplitMix64's finalizer. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
  static func mix(_ x: UInt64) -> UInt64 {
    var z = x &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z &>> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z &>> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z &>> 31)
  }
}

/// What the header of a history file says.
struct HistoryHeader: Equatable {
  var stream: String
  var fields: [String]
  var ringBlocks: Int
  var reservoirBlocks: Int

  var layout: HistoryLayout {
    HistoryLayout(
      width: fields.count, ringBlocks: ringBlocks, reservoirBlocks: reservoirBlocks,
      headerSize: Self.roundedUp(container.encode().count))
  }

  private static func roundedUp(_ size: Int) -> Int {
    (size + HistoryLayout.headerUnit - 1) / HistoryLayout.headerUnit * HistoryLayout.headerUnit
  }

  private var container: Container {
    var about = ByteWriter()
    about.put(UInt32(HistoryLayout.blockRows))
    about.put(UInt32(ringBlocks))
    about.put(UInt32(reservoirBlocks))
    about.put(stream)
    about.put(UInt32(fields.count))
    for field in fields { about.put(field) }
    return Container(
      kind: HistoryLayout.kind, version: HistoryLayout.version,
      sections: [.init(name: "layout", bytes: about.bytes)])
  }

  /// Filled up with zeros to the size that the layout says.
  func encode() -> [UInt8] {
    let bytes = container.encode()
    return bytes + [UInt8](repeating: 0, count: Self.roundedUp(bytes.count) - bytes.count)
  }

  init(stream: String, fields: [String], ringBlocks: Int, reservoirBlocks: Int) {
    self.stream = stream
    self.fields = fields
    self.ringBlocks = ringBlocks
    self.reservoirBlocks = reservoirBlocks
  }

  init(reading file: borrowing Descriptor) throws(ArchiveError) {
    var bytes: [UInt8] = []
    var count = try file.read(HistoryLayout.headerUnit, at: 0, into: &bytes)
    do throws(Damage) {
      // The container's own size stands at byte 16; an absurd one is refused by the size of the file.
      var sizeReader = ByteReader(bytes, min(16, count)..<count)
      let size = try sizeReader.integer(UInt64.self)
      guard size <= 1 << 26 else { throw .checksum }
      if Int(size) > count {
        do throws(ArchiveError) {
          count = try file.read(Int(size), at: 0, into: &bytes)
        } catch { throw .malformed(error.description) }
      }
      let exact = Array(bytes.prefix(min(Int(size), count)))
      let container = try Container(
        decoding: exact, kind: HistoryLayout.kind, version: HistoryLayout.version)
      var about = ByteReader(container["layout"] ?? [])
      let blockRows = try about.integer(UInt32.self)
      let ring = Int(try about.integer(UInt32.self))
      let reservoir = Int(try about.integer(UInt32.self))
      guard blockRows == HistoryLayout.blockRows, (2..<1 << 24).contains(ring), reservoir < 1 << 24 else {
        throw .malformed("\(ring) + \(reservoir) blocks of \(blockRows) rows")
      }
      ringBlocks = ring
      reservoirBlocks = reservoir
      stream = try about.text()
      fields = []
      for _ in 0..<(try about.integer(UInt32.self)) { fields.append(try about.text()) }
    } catch {
      throw .damaged(path: file.path, error)
    }
  }
}

/// Records in bytes.
enum HistoryRecord {
  /// What a valid record holds besides its values.
  struct Head: Equatable {
    var row: Int
    var timestamp: Double
    var flags: UInt32
  }

  /// Writes consecutive rows from number `first` on as records, one after the other, at `at`.
  ///
  /// - Parameters:
  ///   - values: of all rows, as many to each; those of columns without a value become NaN.
  ///   - columns: of each of a row's values; nil when it is the value's own index.
  static func encode(
    row first: Int, timestamps: Span<Double>, flags: Span<UInt32>, values: Span<Float>, columns: [Int]?,
    width: Int, into bytes: inout [UInt8], at: Int
  ) {
    let rows = timestamps.count
    let size = 24 + 4 * width
    let carried = values.count / max(rows, 1)
    precondition(
      at >= 0 && at + rows * size <= bytes.count,
      "\(rows) records of \(size) at \(at) of \(bytes.count) bytes")
    precondition(
      flags.count == rows && values.count == rows * carried,
      "\(flags.count) flags and \(values.count) values for \(rows) rows")
    precondition(
      columns.map { $0.count >= carried && $0.allSatisfy((0..<width).contains) } ?? (carried <= width),
      "\(carried) values for \(width) columns")
    let missing = Float.nan.bitPattern.littleEndian
    unsafe bytes.withUnsafeMutableBytes { raw in
      unsafe values.withUnsafeBufferPointer { values in
        guard let start = raw.baseAddress else { return }
        for row in 0..<rows {
          let record = unsafe start + (at &+ row &* size)
          unsafe record.storeBytes(of: UInt64(first + row).littleEndian, as: UInt64.self)
          unsafe record.storeBytes(
            of: timestamps[row].bitPattern.littleEndian, toByteOffset: 8, as: UInt64.self)
          unsafe record.storeBytes(of: flags[row].littleEndian, toByteOffset: 16, as: UInt32.self)
          let to = unsafe record + 20
          let from = row &* carried
          if let columns {
            for column in 0..<width {
              unsafe to.storeBytes(of: missing, toByteOffset: 4 &* column, as: UInt32.self)
            }
            for index in 0..<carried {
              let bits = unsafe values[from &+ index].bitPattern.littleEndian
              unsafe to.storeBytes(of: bits, toByteOffset: 4 &* columns[index], as: UInt32.self)
            }
          } else {
            for index in 0..<carried {
              let bits = unsafe values[from &+ index].bitPattern.littleEndian
              unsafe to.storeBytes(of: bits, toByteOffset: 4 &* index, as: UInt32.self)
            }
            for column in carried..<width {
              unsafe to.storeBytes(of: missing, toByteOffset: 4 &* column, as: UInt32.self)
            }
          }
          let check = unsafe Checksum.xxh64(UnsafeRawBufferPointer(start: record, count: size &- 4), seed: 0)
          unsafe record.storeBytes(
            of: UInt32(truncatingIfNeeded: check).littleEndian, toByteOffset: size &- 4, as: UInt32.self)
        }
      }
    }
  }

  /// The head of the record at `at`, or nil when there is none that can be trusted.
  static func head(_ bytes: [UInt8], at: Int, size: Int) -> Head? {
    precondition(at >= 0 && at + size <= bytes.count, "a record of \(size) at \(at) of \(bytes.count) bytes")
    return unsafe bytes.withUnsafeBytes { raw -> Head? in
      let record = unsafe UnsafeRawBufferPointer(rebasing: raw[at..<at + size])
      let check = unsafe Checksum.xxh64(UnsafeRawBufferPointer(rebasing: record[..<(size - 4)]), seed: 0)
      let stored = unsafe UInt32(
        littleEndian: record.loadUnaligned(fromByteOffset: size - 4, as: UInt32.self))
      guard stored == UInt32(truncatingIfNeeded: check) else { return nil }
      let row = unsafe UInt64(littleEndian: record.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
      guard row < 1 << 56 else { return nil }
      let time = unsafe UInt64(littleEndian: record.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      let flags = unsafe UInt32(littleEndian: record.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
      return Head(row: Int(row), timestamp: Double(bitPattern: time), flags: flags)
    }
  }

  /// Appends the values of the record at `at`.
  static func values(_ bytes: [UInt8], at: Int, width: Int, into values: inout [Float]) {
    precondition(
      at >= 0 && at + 24 + 4 * width <= bytes.count, "\(width) values at \(at) of \(bytes.count) bytes")
    unsafe bytes.withUnsafeBytes { raw in
      for column in 0..<width {
        let bits = unsafe raw.loadUnaligned(fromByteOffset: at + 20 + 4 * column, as: UInt32.self)
        values.append(Float(bitPattern: UInt32(littleEndian: bits)))
      }
    }
  }
}
