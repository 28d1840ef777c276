public import Events

/// The histories of all streams, a file each.
public struct HistoryStore: Sendable {
  public let folder: String
  /// Most rows kept of a stream: half of them the most recent, half a sample of what came before.
  public let capacity: Int
  private let seed: UInt64
  private let stageRows: Int

  /// - Parameters:
  ///   - capacity: rows; used in blocks of 64, at least three of them.
  ///   - seed: decides which older blocks stay.
  ///   - stageRows: 1 ... 64, rows held in memory per stream before they are written.
  public init(folder: String, capacity: Int, seed: UInt64, stageRows: Int = 64) throws(ArchiveError) {
    precondition((1...HistoryLayout.blockRows).contains(stageRows), "stageRows is \(stageRows), not 1 ... 64")
    precondition(capacity > 0, "capacity is \(capacity)")
    self.folder = folder
    self.capacity = capacity
    self.seed = seed
    self.stageRows = stageRows
    try Folder.make(folder)
    try AtomicFile.sweepBelow(folder)
  }

  public init(
    _ state: StateFolder, capacity: Int, seed: UInt64, stageRows: Int = 64
  ) throws(ArchiveError) {
    try self.init(folder: state.histories, capacity: capacity, seed: seed, stageRows: stageRows)
  }

  /// The history of a stream, for its one writer. Touches no file yet.
  public func history(of stream: StreamKey) -> RowHistory {
    let blocks = max(3, capacity / HistoryLayout.blockRows)
    let ring = max(2, blocks / 2)
    return RowHistory(
      stream: stream, path: path(of: stream), ringBlocks: ring, reservoirBlocks: blocks - ring,
      seed: seed ^ Checksum.xxh64(Array(stream.name.utf8)), stageRows: stageRows)
  }

  /// Rows of a stream, oldest first; from any thread, also while they are written.
  ///
  /// - Parameters:
  ///   - last: at most so many, the most recent ones; nil for all.
  ///   - skipping: rows with any of these flags are left out.
  /// - Returns: nil when nothing was ever written.
  /// - Throws: `damaged` when the file cannot be trusted; ``RowHistory/reopen()`` then makes the writer start over.
  public func read(
    _ stream: StreamKey, last: Int? = nil, skipping: RowFlags = [.quarantined, .forgotten, .maintenance]
  ) throws(ArchiveError) -> HistoryRows? {
    let path = path(of: stream)
    guard Folder.exists(path) else { return nil }
    let image = try HistoryImage(reading: Descriptor(.reading, path))
    guard StreamKey(image.header.stream) == stream else {
      throw .nameTaken(path: path, by: image.header.stream)
    }
    return image.rows(last: last, skipping: skipping)
  }

  /// Forgets all rows of a stream.
  public func remove(_ stream: StreamKey) throws(ArchiveError) { try Folder.remove(path(of: stream)) }

  private func path(of stream: StreamKey) -> String { "\(folder)/\(StreamFile.path(of: stream)).rows" }
}
