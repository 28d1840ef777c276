/// Many observations of many streams, as arrays: what crosses from the ingest thread to a shard.
///
/// Event `i` belongs to stream `streams[i]` (the id that ``Declaration/stream(id:key:)`` announced), happened at
/// `timestamps[i]` (seconds since 1970), and its values are `values[offsets[i] ..< offsets[i + 1]]` in the order in which
/// the fields of that stream were declared; a missing one is NaN. A stream's fields only ever grow, so that an index
/// keeps its meaning; a row is as wide as the number of fields declared up to that event.
public struct ObservationBatch: Sendable {
  /// An announcement that holds from event `before` of this batch on.
  public enum Declaration: Sendable, Equatable {
    case stream(id: UInt32, key: StreamKey)
    case field(stream: UInt32, name: String)
  }

  public var streams: [UInt32] = []
  public var timestamps: [Double] = []
  /// When the message arrived: nanoseconds of the monotonic clock.
  public var arrivals: [UInt64] = []
  /// One more than there are events; starts with 0.
  public var offsets: [UInt32] = [0]
  public var values: [Float] = []
  /// In order of `before`.
  public var declarations: [(before: Int, what: Declaration)] = []

  public init() {}

  public var count: Int { streams.count }
  public var isEmpty: Bool { streams.isEmpty && declarations.isEmpty }

  /// Appends one event whose values the caller has already appended to ``values``.
  @inlinable
  public mutating func close(stream: UInt32, timestamp: Double, arrival: UInt64) {
    streams.append(stream)
    timestamps.append(timestamp)
    arrivals.append(arrival)
    offsets.append(UInt32(truncatingIfNeeded: values.count))
  }

  public mutating func declare(_ what: Declaration) {
    declarations.append((before: count, what: what))
  }

  /// Empties the batch and keeps its storage, so that a recycled batch does not allocate.
  public mutating func removeAll() {
    streams.removeAll(keepingCapacity: true)
    timestamps.removeAll(keepingCapacity: true)
    arrivals.removeAll(keepingCapacity: true)
    offsets.removeAll(keepingCapacity: true)
    offsets.append(0)
    values.removeAll(keepingCapacity: true)
    declarations.removeAll(keepingCapacity: true)
  }
}
