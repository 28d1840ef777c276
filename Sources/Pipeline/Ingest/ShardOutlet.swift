import Events

/// The batch that is being filled for one shard, and the way to it.
struct ShardOutlet {
  let outlet: any BatchOutlet
  var batch = ObservationBatch()
  private let limit: Int
  private var overflow = Overflow.dropOldest
  /// Arrival of the first event in ``batch``, nanoseconds; 0 when it is empty.
  private(set) var waitingSince: UInt64 = 0
  /// Whether there was room at the last look.
  private(set) var hasRoom = true

  init(_ outlet: any BatchOutlet, limit: Int) {
    self.outlet = outlet
    self.limit = limit
  }

  /// Before events of a source with this policy are added: those of another leave first.
  @inline(__always)
  mutating func prepare(_ overflow: Overflow) {
    if overflow != self.overflow {
      flush()
      self.overflow = overflow
    }
  }

  /// After an event was added.
  @inline(__always)
  mutating func added(arrival: UInt64) {
    if waitingSince == 0 { waitingSince = arrival }
    if batch.count >= limit { flush() }
  }

  mutating func flush() {
    if !batch.isEmpty { hasRoom = outlet.push(&batch, overflow: overflow) }
    waitingSince = 0
  }

  /// Looks whether there is room by now.
  mutating func refreshRoom() -> Bool {
    if !hasRoom { hasRoom = outlet.hasRoom }
    return hasRoom
  }
}
