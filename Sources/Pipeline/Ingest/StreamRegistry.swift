import Events
import Wire

/// The streams that came so far: from the bytes of a name to a dense number, without making a String on the way.
struct StreamRegistry {
  struct Stream {
    var hash: UInt64
    var nameStart: UInt32
    var nameLength: UInt32
    /// Number of the source that brought it first in this life; -1 while none did.
    var source: Int32
    /// Order of the fields.
    var layout = FieldLayouts.root
    /// The list of names that came last, and where its values go; good while the generation is that of the layouts.
    var schema: UInt64 = 0
    var placement: Int32 = -1
    var generation: UInt32 = 0
    /// The list that holds for values without names; 0 when none was sent.
    var fieldSchema: UInt64 = 0
    /// Parts that wait to be joined, and counters that become rates: index into the lists of the router, -1 for none.
    var joining: Int32 = -1
    var rates: Int32 = -1
    var events: UInt64 = 0
    var late: UInt64 = 0
    var lastTimestamp = Double.nan
    var lastArrival: UInt64 = 0
    /// Of the values of the latest event without a sequence number; 0 when there is none.
    var lastDigest: UInt64 = 0
    var sequence = SequenceTracker()

    /// How an event stands to those before it.
    enum Standing { case next, late, repeated }

    /// Follows time and sequence number of an event.
    ///
    /// - Parameter digest: of the values of an event without a sequence number.
    mutating func observe(_ event: EventSink.Event, digest: UInt64, arrival: UInt64) -> Standing {
      var isRepeated = false
      if let seq = event.seq {
        // A publisher that gives the same number to all it sends is not repeating itself: time goes on.
        isRepeated = sequence.observe(seq: seq, epoch: event.epoch) && event.timestamp <= lastTimestamp
        lastDigest = 0
      } else {
        // The time of arrival is not the event's own: two that came together may well be alike.
        isRepeated =
          digest == lastDigest && event.timestamp == lastTimestamp && !event.hasArrivalTime
        if isRepeated { sequence.noteRepeat() }
        lastDigest = digest
      }
      lastArrival = arrival
      if isRepeated { return .repeated }
      if event.timestamp < lastTimestamp {
        late += 1
        return .late
      }
      lastTimestamp = event.timestamp
      return .next
    }
  }

  private(set) var streams: [Stream] = []
  private var names: [UInt8] = []
  // Open addressing with linear steps; 0 is free, else number + 1. At most half full.
  private var table = [UInt32](repeating: 0, count: 1 << 10)

  var count: Int { streams.count }

  subscript(id: UInt32) -> Stream {
    @inline(__always) _read { yield streams[Int(id)] }
    @inline(__always) _modify { yield &streams[Int(id)] }
  }

  /// The number of a name, nil when it never came.
  func find(_ name: Span<UInt8>, hash: UInt64) -> UInt32? {
    let mask = table.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while table[slot] != 0 {
      let id = table[slot] - 1
      if streams[Int(id)].hash == hash, isName(of: id, name) { return id }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// Gives a new name its number.
  mutating func add(_ name: Span<UInt8>, hash: UInt64, source: Int) -> UInt32 {
    let id = UInt32(streams.count)
    streams.append(
      Stream(
        hash: hash, nameStart: UInt32(names.count), nameLength: UInt32(name.count),
        source: Int32(source)))
    for index in 0..<name.count { names.append(name[index]) }
    if streams.count * 2 > table.count { widen() } else { insert(id) }
    return id
  }

  func name(_ id: UInt32) -> String {
    let stream = streams[Int(id)]
    return String(
      decoding: names[Int(stream.nameStart)..<Int(stream.nameStart + stream.nameLength)], as: UTF8.self)
  }

  private func isName(of id: UInt32, _ name: Span<UInt8>) -> Bool {
    let stream = streams[Int(id)]
    if Int(stream.nameLength) != name.count { return false }
    let start = Int(stream.nameStart)
    for index in 0..<name.count where names[start + index] != name[index] { return false }
    return true
  }

  private mutating func insert(_ id: UInt32) {
    let mask = table.count - 1
    var slot = Int(truncatingIfNeeded: streams[Int(id)].hash) & mask
    while table[slot] != 0 { slot = (slot + 1) & mask }
    table[slot] = id + 1
  }

  private mutating func widen() {
    table = [UInt32](repeating: 0, count: table.count * 2)
    for id in 0..<UInt32(streams.count) { insert(id) }
  }
}
