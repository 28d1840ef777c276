/// What a clock on the wall is ahead of UTC, and when that changes: a time zone as the event path can read it.
public struct LocalClock: Sendable, Equatable {
  /// From this time on (seconds since 1970, ascending) the clock is so many seconds ahead of UTC.
  public struct Change: Sendable, Equatable {
    public var from: Double
    public var offset: Double
    public init(from: Double, offset: Double) {
      self.from = from
      self.offset = offset
    }
  }

  /// Seconds ahead of UTC before the first change.
  public let offset: Double
  public let changes: [Change]

  public static let utc = LocalClock(offset: 0, changes: [])

  public init(offset: Double, changes: [Change]) {
    self.offset = offset
    self.changes = changes.sorted { $0.from < $1.from }
  }

  /// Seconds of local time that correspond to `time`, seconds since 1970.
  func local(_ time: Double) -> Double {
    var (low, high) = (0, changes.count)
    while low < high {
      let middle = (low + high) / 2
      if changes[middle].from <= time { low = middle + 1 } else { high = middle }
    }
    return time + (low > 0 ? changes[low - 1].offset : offset)
  }

  func encode(to writer: inout ByteWriter) {
    writer.append(offset)
    writer.append(UInt32(changes.count))
    for change in changes {
      writer.append(change.from)
      writer.append(change.offset)
    }
  }

  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    let offset = try reader.finiteDouble()
    var changes: [Change] = []
    for _ in 0..<(try reader.count(of: 16)) {
      changes.append(Change(from: try reader.finiteDouble(), offset: try reader.finiteDouble()))
    }
    self.init(offset: offset, changes: changes)
  }
}
