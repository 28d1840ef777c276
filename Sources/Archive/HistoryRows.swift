/// What is remembered about a row besides its values.
public struct RowFlags: OptionSet, Sendable, Hashable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Seen during an open incident: not learned from unless it is accepted as the new normal.
  public static let quarantined = RowFlags(rawValue: 1)
  /// Somebody asked that it be forgotten.
  public static let forgotten = RowFlags(rawValue: 2)
  /// Seen during a maintenance: never learned from.
  public static let maintenance = RowFlags(rawValue: 4)
  /// Does not follow the row before it in time: a restart or a gap lies between.
  public static let startsSegment = RowFlags(rawValue: 1 << 31)
}

/// Rows of a stream's history, oldest first.
public struct HistoryRows: Sendable, Equatable {
  /// Names of the columns.
  public var fields: [String]
  /// Seconds since 1970.
  public var timestamps: [Double]
  public var flags: [RowFlags]
  /// `rows × fields`, row-major; NaN where a field was missing or not yet known.
  public var values: [Float]
  /// Contiguous stretches: windows and differences must not cross from one to the next. They cover all rows.
  public var segments: [Range<Int>]
  /// Records that could not be trusted and were left out.
  public var damagedRows: Int

  public var count: Int { timestamps.count }

  public init(
    fields: [String], timestamps: [Double] = [], flags: [RowFlags] = [], values: [Float] = [],
    segments: [Range<Int>] = [], damagedRows: Int = 0
  ) {
    self.fields = fields
    self.timestamps = timestamps
    self.flags = flags
    self.values = values
    self.segments = segments
    self.damagedRows = damagedRows
  }
}

/// A whole history file in memory, understood block by block.
struct HistoryImage {
  struct Block {
    var number: Int
    /// Where in the file it lies: the ring's places first, then the reservoir's.
    var place: Int
    /// Offsets in ``HistoryImage/bytes``, in order of rows.
    var records: [Int]
  }

  var header: HistoryHeader
  var layout: HistoryLayout
  var bytes: [UInt8] = []
  /// In order of their numbers.
  var blocks: [Block] = []
  var damagedRows = 0

  init(reading file: borrowing Descriptor) throws(ArchiveError) {
    header = try HistoryHeader(reading: file)
    layout = header.layout
    let size = min(try file.size(), layout.fileSize)
    let count = try file.read(size, at: 0, into: &bytes)
    if count < bytes.count { bytes.removeLast(bytes.count - count) }
    var numbers: Set<Int> = []
    // The ring comes first, so that a block that a crash left in both is taken from there.
    for place in 0..<layout.blocks {
      guard let block = block(at: place), numbers.insert(block.number).inserted else { continue }
      blocks.append(block)
    }
    blocks.sort { $0.number < $1.number }
  }

  /// The newest block at a place: a place that is being overwritten also holds rows of the one before.
  private mutating func block(at place: Int) -> Block? {
    var found: Block?
    for index in 0..<HistoryLayout.blockRows {
      let at = layout.offset(place: place) + index * layout.recordSize
      guard at + layout.recordSize <= bytes.count else { break }
      guard let head = HistoryRecord.head(bytes, at: at, size: layout.recordSize),
        head.row % HistoryLayout.blockRows == index
      else {
        if !isHole(at) { damagedRows += 1 }
        continue
      }
      let number = head.row / HistoryLayout.blockRows
      guard place >= layout.ringBlocks || layout.place(ofBlock: number) == place else { continue }
      if let known = found?.number, known > number { continue }
      if found?.number != number { found = Block(number: number, place: place, records: []) }
      found?.records.append(at)
    }
    return found
  }

  private func isHole(_ at: Int) -> Bool { bytes[at..<at + layout.recordSize].allSatisfy { $0 == 0 } }

  /// - Parameters:
  ///   - last: at most so many, the most recent ones.
  ///   - skipping: rows with any of these flags are left out.
  func rows(last: Int?, skipping: RowFlags) -> HistoryRows {
    var kept: [(at: Int, head: HistoryRecord.Head)] = []
    for block in blocks {
      for at in block.records {
        guard let head = HistoryRecord.head(bytes, at: at, size: layout.recordSize),
          RowFlags(rawValue: head.flags).isDisjoint(with: skipping)
        else { continue }
        kept.append((at, head))
      }
    }
    if let last, kept.count > last { kept.removeFirst(kept.count - last) }
    var rows = HistoryRows(fields: header.fields, damagedRows: damagedRows)
    rows.timestamps.reserveCapacity(kept.count)
    rows.flags.reserveCapacity(kept.count)
    rows.values.reserveCapacity(kept.count * layout.width)
    var start = 0
    for (index, (at, head)) in kept.enumerated() {
      let flags = RowFlags(rawValue: head.flags)
      if index > 0, flags.contains(.startsSegment) || kept[index - 1].head.row + 1 != head.row {
        rows.segments.append(start..<index)
        start = index
      }
      rows.timestamps.append(head.timestamp)
      rows.flags.append(flags)
      HistoryRecord.values(bytes, at: at, width: layout.width, into: &rows.values)
    }
    if start < kept.count { rows.segments.append(start..<kept.count) }
    return rows
  }
}
