public import Events

/// Bounded memory of one stream's rows on disk, to learn from: the most recent ones without gaps, and a uniform sample of
/// what came before.
///
/// Rows are staged in memory (``append(_:width:timestamps:flags:)``, no system call) and written together
/// (``flush(fields:scratch:)``, a few system calls). Owned by the thread of the stream; other threads read the file with
/// ``HistoryStore/read(_:last:skipping:)`` at any time. What is not yet flushed is lost in a crash, nothing else.
public struct RowHistory: Sendable {
  public static let blockRows = HistoryLayout.blockRows

  public let stream: StreamKey
  /// Rows that could not be written or staged, since this value was made.
  public private(set) var lostRows = 0
  /// Files that could not be trusted and were set aside.
  public private(set) var damagedFiles = 0
  /// Rows written since this value was made.
  public private(set) var writtenRows = 0

  private let path: String
  private let ringBlocks: Int
  private let reservoirBlocks: Int
  private let seed: UInt64
  private let stageRows: Int
  private var stage = Stage()
  private var file: Open?
  private var isFirstRow = true

  /// What is known of the file once it was opened; it is not held open.
  private struct Open: Sendable {
    var layout: HistoryLayout
    var nextRow: Int
    /// How many of the caller's fields have a column.
    var mapped: Int
    /// The caller's field → column; nil while they are the same.
    var columns: [Int]?
  }

  private struct Stage: Sendable {
    var timestamps: [Double] = []
    var flags: [UInt32] = []
    var values: [Float] = []
    /// Values per row in `values`: the widest row so far.
    var width = 0
  }

  init(
    stream: StreamKey, path: String, ringBlocks: Int, reservoirBlocks: Int, seed: UInt64, stageRows: Int
  ) {
    self.stream = stream
    self.path = path
    self.ringBlocks = ringBlocks
    self.reservoirBlocks = reservoirBlocks
    self.seed = seed
    self.stageRows = stageRows
  }

  public var stagedRows: Int { stage.timestamps.count }
  /// Rows that can be staged before ``flush(fields:scratch:)`` is needed.
  public var room: Int { stageRows - stagedRows }

  /// Stages rows; nothing is written yet. Those beyond ``room`` are lost and counted.
  ///
  /// - Parameters:
  ///   - values: row-major, `width` to a row, in the order of the stream's fields; NaN is missing. A row may be shorter than
  ///     the fields are many.
  ///   - timestamps: one per row, as are the flags.
  /// - Returns: true when the stage is full and should be flushed.
  @discardableResult
  public mutating func append(
    _ values: Span<Float>, width: Int, timestamps: Span<Double>, flags: Span<RowFlags>
  ) -> Bool {
    precondition(
      values.count == width * timestamps.count && flags.count == timestamps.count,
      "\(values.count) values and \(flags.count) flags for \(timestamps.count) rows of \(width)")
    let count = min(timestamps.count, room)
    lostRows += timestamps.count - count
    if count == 0 { return room == 0 }
    if width > stage.width { widen(to: width) }
    let first = stage.timestamps.count
    if first == 0 && stage.timestamps.capacity < stageRows {
      stage.timestamps.reserveCapacity(stageRows)
      stage.flags.reserveCapacity(stageRows)
      stage.values.reserveCapacity(stageRows * stage.width)
    }
    unsafe timestamps.extracting(0..<count).withUnsafeBufferPointer {
      unsafe stage.timestamps.append(contentsOf: $0)
    }
    for row in 0..<count { stage.flags.append(flags[row].rawValue) }
    if isFirstRow { stage.flags[first] |= RowFlags.startsSegment.rawValue }
    isFirstRow = false
    unsafe values.withUnsafeBufferPointer { values in
      if width == stage.width {
        unsafe stage.values.append(contentsOf: values[..<(count * width)])
      } else {
        for row in 0..<count {
          unsafe stage.values.append(contentsOf: values[row * width..<(row + 1) * width])
          stage.values.append(contentsOf: repeatElement(.nan, count: stage.width - width))
        }
      }
    }
    return room == 0
  }

  private mutating func widen(to width: Int) {
    let old = stage.values
    let oldWidth = stage.width
    stage.values = []
    stage.values.reserveCapacity(stageRows * width)
    for row in stage.timestamps.indices {
      stage.values.append(contentsOf: old[row * oldWidth..<(row + 1) * oldWidth])
      stage.values.append(contentsOf: repeatElement(.nan, count: width - oldWidth))
    }
    stage.width = width
  }

  /// Writes what is staged.
  ///
  /// - Parameters:
  ///   - fields: the stream's field names in the order of the values; they may only have grown since the last time.
  ///   - scratch: reused by all streams of a thread.
  /// - Returns: the file that was set aside when what was there could not be trusted.
  /// - Throws: when it cannot be written; the staged rows are then lost and counted, and the next flush tries anew.
  @discardableResult
  public mutating func flush(
    fields: [String], scratch: inout HistoryScratch
  ) throws(ArchiveError) -> SetAside? {
    guard !stage.timestamps.isEmpty else { return nil }
    precondition(
      fields.count >= stage.width, "\(fields.count) fields for rows of \(stage.width) values")
    do throws(ArchiveError) {
      let setAside = try prepare(fields, &scratch)
      try writeStaged(&scratch)
      writtenRows += stage.timestamps.count
      emptyStage()
      return setAside
    } catch {
      file = nil
      scratch.close(seed)
      lostRows += stage.timestamps.count
      emptyStage()
      throw error
    }
  }

  /// Changes the flags of all rows of a time range, staged ones included: a new normal was accepted, a window is to be
  /// forgotten.
  ///
  /// - Returns: how many rows changed.
  @discardableResult
  public mutating func mark(
    _ times: ClosedRange<Double>, set: RowFlags = [], clear: RowFlags = [], scratch: inout HistoryScratch
  ) throws(ArchiveError) -> Int {
    var changed = 0
    for row in stage.timestamps.indices where times.contains(stage.timestamps[row]) {
      let new = stage.flags[row] & ~clear.rawValue | set.rawValue
      if new != stage.flags[row] { changed += 1 }
      stage.flags[row] = new
    }
    guard Folder.exists(path) else { return changed }
    let descriptor = try Descriptor(.changing, path)
    let image = try HistoryImage(reading: descriptor)
    let size = image.layout.recordSize
    for at in image.blocks.flatMap(\.records) {
      guard var head = HistoryRecord.head(image.bytes, at: at, size: size), times.contains(head.timestamp)
      else { continue }
      let new = head.flags & ~clear.rawValue | set.rawValue
      guard new != head.flags else { continue }
      head.flags = new
      scratch.values.removeAll(keepingCapacity: true)
      HistoryRecord.values(image.bytes, at: at, width: image.layout.width, into: &scratch.values)
      scratch.ensure(size)
      let values = scratch.values
      HistoryRecord.encode(
        row: head.row, timestamps: [head.timestamp].span, flags: [head.flags].span,
        values: values.span, columns: nil, width: image.layout.width, into: &scratch.bytes, at: 0)
      try descriptor.write(scratch.bytes, 0..<size, at: at)
      changed += 1
    }
    return changed
  }

  /// Looks at the file anew before the next write, for instance after a reader found it damaged.
  public mutating func reopen() { file = nil }

  // MARK: writing

  private mutating func emptyStage() {
    stage.timestamps.removeAll(keepingCapacity: true)
    stage.flags.removeAll(keepingCapacity: true)
    stage.values.removeAll(keepingCapacity: true)
  }

  private mutating func writeStaged(_ scratch: inout HistoryScratch) throws(ArchiveError) {
    guard var open = file else { return }
    let layout = open.layout
    let descriptor = try scratch.open(path, seed)
    var done = 0
    while done < stage.timestamps.count {
      let row = open.nextRow
      let inBlock = row % HistoryLayout.blockRows
      let count = min(stage.timestamps.count - done, HistoryLayout.blockRows - inBlock)
      if inBlock == 0 {
        try retire(row / HistoryLayout.blockRows - layout.ringBlocks, descriptor.file, layout, &scratch)
      }
      scratch.ensure(count * layout.recordSize)
      let part = done..<done + count
      HistoryRecord.encode(
        row: row, timestamps: stage.timestamps.span.extracting(part),
        flags: stage.flags.span.extracting(part),
        values: stage.values.span.extracting(done * stage.width..<(done + count) * stage.width),
        columns: open.columns, width: layout.width, into: &scratch.bytes, at: 0)
      try descriptor.file.write(scratch.bytes, 0..<count * layout.recordSize, at: layout.offset(row: row))
      done += count
      open.nextRow += count
      file?.nextRow = open.nextRow
    }
  }

  /// Copies a block that is about to leave the ring to its place in the reservoir, if it has one.
  private func retire(
    _ block: Int, _ file: borrowing Descriptor, _ layout: HistoryLayout, _ scratch: inout HistoryScratch
  ) throws(ArchiveError) {
    guard block >= 0, let place = layout.reservoirPlace(ofBlock: block, seed: seed) else { return }
    let from = layout.offset(place: layout.place(ofBlock: block))
    let count = try file.read(layout.blockSize, at: from, into: &scratch.bytes)
    try file.write(scratch.bytes, 0..<count, at: layout.offset(place: place))
  }

  /// Makes sure that there is a file with a column for every field.
  private mutating func prepare(
    _ fields: [String], _ scratch: inout HistoryScratch
  ) throws(ArchiveError) -> SetAside? {
    if let file, file.mapped == fields.count, scratch.holds(path, seed) || Folder.exists(path) { return nil }
    scratch.close(seed)
    var setAside: SetAside?
    do throws(ArchiveError) {
      if Folder.exists(path) {
        try open(fields, &scratch)
        return nil
      }
    } catch {
      guard case .damaged(_, let damage) = error else { throw error }
      damagedFiles += 1
      setAside = SetAside(
        path: path, damage: damage, movedTo: AtomicFile.setAside(path), instead: "collecting rows starts over"
      )
    }
    let header = HistoryHeader(
      stream: stream.name, fields: fields, ringBlocks: ringBlocks, reservoirBlocks: reservoirBlocks)
    try Folder.make(Folder.parent(of: path))
    try AtomicFile.write(header.encode(), to: path, .process)
    file = Open(layout: header.layout, nextRow: 0, mapped: fields.count, columns: nil)
    return setAside
  }

  private mutating func open(_ fields: [String], _ scratch: inout HistoryScratch) throws(ArchiveError) {
    let descriptor = try Descriptor(.changing, path)
    let header = try HistoryHeader(reading: descriptor)
    guard StreamKey(header.stream) == stream else { throw .nameTaken(path: path, by: header.stream) }
    var column: [String: Int] = [:]
    for (index, name) in header.fields.enumerated() { column[name] = index }
    var wanted = header
    for name in fields where column[name] == nil {
      column[name] = wanted.fields.count
      wanted.fields.append(name)
    }
    wanted.ringBlocks = ringBlocks
    wanted.reservoirBlocks = reservoirBlocks
    let columns = fields.compactMap { column[$0] }
    if wanted != header {
      try HistoryRewriting.rewrite(path, HistoryImage(reading: descriptor), as: wanted, seed: seed)
    }
    let layout = wanted.layout
    let nextRow =
      try wanted == header ? Self.nextRow(descriptor, layout, &scratch) : reopenedNextRow(layout, &scratch)
    file = Open(
      layout: layout, nextRow: nextRow, mapped: fields.count,
      columns: columns.elementsEqual(0..<columns.count) ? nil : columns)
  }

  private func reopenedNextRow(
    _ layout: HistoryLayout, _ scratch: inout HistoryScratch
  ) throws(ArchiveError) -> Int {
    try Self.nextRow(Descriptor(.reading, path), layout, &scratch)
  }

  /// One more than the last row in the ring. Reads the first record of each block and one whole block.
  private static func nextRow(
    _ file: borrowing Descriptor, _ layout: HistoryLayout, _ scratch: inout HistoryScratch
  ) throws(ArchiveError) -> Int {
    var newest: Int?
    for place in 0..<layout.ringBlocks {
      let count = try file.read(layout.recordSize, at: layout.offset(place: place), into: &scratch.bytes)
      guard count == layout.recordSize,
        let head = HistoryRecord.head(scratch.bytes, at: 0, size: layout.recordSize),
        head.row % HistoryLayout.blockRows == 0
      else { continue }
      let block = head.row / HistoryLayout.blockRows
      if layout.place(ofBlock: block) == place { newest = max(newest ?? block, block) }
    }
    guard let newest else { return 0 }
    let start = layout.offset(place: layout.place(ofBlock: newest))
    let count = try file.read(layout.blockSize, at: start, into: &scratch.bytes)
    var last = newest * HistoryLayout.blockRows
    for index in 0..<count / layout.recordSize {
      let head = HistoryRecord.head(scratch.bytes, at: index * layout.recordSize, size: layout.recordSize)
      if let head, head.row == newest * HistoryLayout.blockRows + index { last = head.row }
    }
    return last + 1
  }
}

/// Working space for histories, one per thread; keeps the files open that were written last.
public struct HistoryScratch: Sendable {
  /// An open file, closed when nobody has it any more.
  final class Opened: Sendable {
    let file: Descriptor
    init(_ file: consuming Descriptor) { self.file = file }
  }

  var bytes: [UInt8] = []
  var values: [Float] = []
  // Opening a file takes longer than writing 64 rows to it. Each stream has its place by its seed; another stream with the
  // same place takes it over.
  private var opened: [Opened?] = Array(repeating: nil, count: 64)

  public init() {}

  mutating func ensure(_ count: Int) {
    if bytes.count < count { bytes.append(contentsOf: repeatElement(0, count: count - bytes.count)) }
  }

  private func place(_ seed: UInt64) -> Int { Int(seed % UInt64(opened.count)) }

  /// Whether this file is open and still the one that has the name.
  func holds(_ path: String, _ seed: UInt64) -> Bool {
    guard let held = opened[place(seed)], held.file.path == path else { return false }
    return held.file.hasName
  }

  mutating func open(_ path: String, _ seed: UInt64) throws(ArchiveError) -> Opened {
    if let held = opened[place(seed)], held.file.path == path { return held }
    let new = Opened(try Descriptor(.changing, path))
    opened[place(seed)] = new
    return new
  }

  mutating func close(_ seed: UInt64) { opened[place(seed)] = nil }
}
