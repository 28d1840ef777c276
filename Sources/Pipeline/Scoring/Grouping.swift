import Events

/// Puts the events of a batch that belong to one stream side by side, in the order in which they came.
///
/// A counting sort over the streams that occur; nothing is allocated once it has grown.
struct Grouping {
  /// Local indices (`id / shards`) of the streams that occur, by their first event.
  private(set) var streams: [Int] = []
  /// Events of the batch, stream after stream: those of `streams[k]` are `order[starts[k] ..< starts[k + 1]]`.
  private(set) var order: [Int] = []
  private(set) var starts: [Int] = []
  /// Per local index: place among ``streams`` plus one; 0 between batches.
  private var places: [Int32] = []
  private var next: [Int] = []
  /// Per event: its stream's place among ``streams``.
  private var found: [Int32] = []

  mutating func group(_ batch: ObservationBatch, shards: Int, known: Int) {
    streams.removeAll(keepingCapacity: true)
    starts.removeAll(keepingCapacity: true)
    next.removeAll(keepingCapacity: true)
    while places.count < known { places.append(0) }
    found.removeAll(keepingCapacity: true)
    // In 32 bits a division takes a third of the time.
    let divisor = UInt32(shards)
    for id in batch.streams {
      let local = Int(id / divisor)
      precondition(local < known, "stream \(id) was never declared: \(known) are known")
      if places[local] == 0 {
        streams.append(local)
        places[local] = Int32(streams.count)
        next.append(0)
      }
      let place = places[local] - 1
      next[Int(place)] += 1
      found.append(place)
    }
    var start = 0
    for k in streams.indices {
      starts.append(start)
      start += next[k]
      next[k] = starts[k]
    }
    starts.append(start)
    while order.count < start { order.append(0) }
    for (event, place) in found.enumerated() {
      order[next[Int(place)]] = event
      next[Int(place)] += 1
    }
    for local in streams { places[local] = 0 }
  }
}
