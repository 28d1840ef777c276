import Events
import Wire

/// Takes decoded events to the batch of their shard: finds the stream's number and the slots of the values, follows
/// sequence numbers, joins parts, turns counters into rates. Lives on the ingest thread; a struct, because every event
/// passes here and access to a class's members is checked each time.
struct EventRouter: ~Copyable {
  private(set) var registry = StreamRegistry()
  private var layouts = FieldLayouts()
  private(set) var shards: [ShardOutlet]
  private let seed: UInt64
  private let namer: EventSink
  private var rows: [OpenRow] = []
  /// Streams with an open row, in the order of their opening.
  private var openRows: [UInt32] = []
  private var memories: [CounterMemory] = []
  private var scratch: [Float] = []

  init(outlets: [any BatchOutlet], flushEvents: Int, seed: UInt64) {
    shards = outlets.map { ShardOutlet($0, limit: flushEvents) }
    self.seed = seed
    namer = EventSink(seed: seed)
  }

  /// Streams and fields from an earlier life, which the shards know already.
  mutating func restore(_ known: [KnownStream]) {
    for stream in known {
      let name = Array(stream.key.name.utf8)
      let id = registry.add(name.span, hash: namer.hash(name.span), source: -1)
      let shard = Int(id) % shards.count
      shards[shard].batch.declare(.stream(id: id, key: stream.key))
      for field in stream.fields {
        registry[id].layout = layouts.appending(
          field, hash: namer.hash(Array(field.utf8).span), to: registry[id].layout)
        shards[shard].batch.declare(.field(stream: id, name: field))
      }
    }
  }

  // MARK: Events

  /// Routes all events of a message.
  mutating func route(_ sink: EventSink, from source: inout SourceReader, arrival: UInt64) {
    // Events that share the bytes of a name, as all that are named by the topic, are of one stream.
    var latest: (name: Range<Int>, id: UInt32)?
    for index in 0..<sink.count {
      let event = sink.event(index)
      if let refusal = event.refusal {
        source.refuse(refusal)
        continue
      }
      guard let name = event.stream else { continue }
      if latest?.name != name { latest = stream(name, sink, &source).map { (name, $0) } }
      guard let id = latest?.id else { continue }
      route(event, of: id, sink, from: &source, arrival: arrival)
    }
  }

  private mutating func stream(_ name: Range<Int>, _ sink: EventSink, _ source: inout SourceReader) -> UInt32?
  {
    sink.withBytes(name) { bytes in
      let hash = sink.hash(bytes)
      if let id = registry.find(bytes, hash: hash) {
        if registry[id].source < 0 { adopt(id, &source) }
        return id
      }
      if source.dropStreams.matches(bytes) {
        source.counters.droppedByRule += 1
        return nil
      }
      if source.counters.streams >= source.settings.rules.maxStreams {
        source.counters.streamsRefused += 1
        source.note(.streams)
        return nil
      }
      source.counters.streams += 1
      let id = registry.add(bytes, hash: hash, source: source.number)
      let shard = Int(id) % shards.count
      shards[shard].prepare(source.settings.overflow)
      shards[shard].batch.declare(.stream(id: id, key: StreamKey(registry.name(id))))
      return id
    }
  }

  /// The first event of a stream from an earlier life.
  private mutating func adopt(_ id: UInt32, _ source: inout SourceReader) {
    registry[id].source = Int32(source.number)
    source.counters.streams += 1
  }

  private mutating func route(
    _ event: EventSink.Event, of id: UInt32, _ sink: EventSink, from source: inout SourceReader,
    arrival: UInt64
  ) {
    guard let placement = placement(of: event, id, sink, &source) else { return }
    let joins = source.settings.rules.joinTolerance != nil
    switch registry[id].observe(
      event, digest: event.seq == nil ? sink.digest(of: event) : 0, arrival: arrival)
    {
    case .next: break
    case .late: source.counters.late += 1
    case .repeated:
      // Parts of one observation may share a number.
      if !joins {
        source.counters.repeated += 1
        return
      }
    }
    let placed = layouts.placements[placement]
    if placed.refused > 0 {
      source.counters.fieldsRefused += UInt64(placed.refused)
      source.note(.fields)
    }
    if event.hasRates || joins {
      slowly(event, of: id, placed, sink, &source, arrival)
      return
    }
    let shard = Int(id) % shards.count
    shards[shard].prepare(source.settings.overflow)
    sink.withValues(event.values) { values in
      shards[shard].append(values, placed)
    }
    close(shard, id, timestamp: event.timestamp, arrival: arrival, &source)
  }

  private mutating func close(
    _ shard: Int, _ id: UInt32, timestamp: Double, arrival: UInt64, _ source: inout SourceReader
  ) {
    shards[shard].batch.close(stream: id, timestamp: timestamp, arrival: arrival)
    registry[id].events += 1
    source.counters.events += 1
    shards[shard].added(arrival: arrival)
  }

  // MARK: Fields

  /// Where the values of an event go; nil when nobody knows.
  private mutating func placement(
    of event: EventSink.Event, _ id: UInt32, _ sink: EventSink, _ source: inout SourceReader
  ) -> Int? {
    if event.schema == registry[id].schema, registry[id].generation == layouts.generation,
      registry[id].placement >= 0
    {
      return Int(registry[id].placement)
    }
    let before = registry[id].layout
    let limit = source.settings.rules.maxFields
    let index: Int
    if event.isPositional {
      guard let found = positional(event, id, sink, &source) else { return nil }
      index = found
    } else {
      index = layouts.placement(of: event.schema, in: before, limit: limit) { sink.names(of: event) }
      if event.namesFields { registry[id].fieldSchema = event.schema }
    }
    let placed = layouts.placements[index]
    if placed.layout != before { declare(placed.layout, of: id, after: before, &source) }
    // Next time the stream has the new layout: then this list has a placement of its own that changes nothing.
    registry[id].schema = event.schema
    registry[id].placement = Int32(index)
    registry[id].generation = layouts.generation
    if placed.layout != before || event.namesFields { registry[id].placement = -1 }
    return index
  }

  /// Values without names: those of the list that was sent, else of the source's rules, else of the stream's fields.
  private mutating func positional(
    _ event: EventSink.Event, _ id: UInt32, _ sink: EventSink, _ source: inout SourceReader
  ) -> Int? {
    let limit = source.settings.rules.maxFields
    let layout = registry[id].layout
    let index: Int
    if let names = source.fields, !names.isEmpty {
      guard names.count == event.values.count else {
        source.refuse(.wrongFieldCount)
        return nil
      }
      index = layouts.placement(of: event.schema ^ source.fieldsHash, in: layout, limit: limit) { names }
    } else if registry[id].fieldSchema != 0,
      let found = layouts.known(schema: registry[id].fieldSchema, in: layout, limit: limit)
    {
      guard layouts.placements[found].values == event.values.count else {
        source.refuse(.wrongFieldCount)
        return nil
      }
      index = found
    } else if layouts.count(layout) > 0 {
      guard layouts.count(layout) == event.values.count else {
        source.refuse(.wrongFieldCount)
        return nil
      }
      index = layouts.identity(in: layout, limit: limit, schema: event.schema)
    } else {
      source.refuse(.fieldsUnknown)
      return nil
    }
    return index
  }

  private mutating func declare(
    _ layout: Int32, of id: UInt32, after before: Int32, _ source: inout SourceReader
  ) {
    let shard = Int(id) % shards.count
    shards[shard].prepare(source.settings.overflow)
    for name in layouts.names(layout, from: layouts.count(before)) {
      shards[shard].batch.declare(.field(stream: id, name: name))
    }
    registry[id].layout = layout
  }

  // MARK: Rates and parts

  private mutating func slowly(
    _ event: EventSink.Event, of id: UInt32, _ placed: FieldLayouts.Placement, _ sink: EventSink,
    _ source: inout SourceReader, _ arrival: UInt64
  ) {
    scratch.removeAll(keepingCapacity: true)
    sink.withValues(event.values) { values in
      for index in 0..<values.count { scratch.append(values[index]) }
    }
    if event.hasRates {
      takeRates(event, of: id, placed, sink)
      if scratch.allSatisfy(\.isNaN) {
        source.refuse(.noNumbers)
        return
      }
    }
    if let tolerance = source.settings.rules.joinTolerance {
      join(event, of: id, placed, &source, tolerance, arrival)
      return
    }
    let shard = Int(id) % shards.count
    shards[shard].prepare(source.settings.overflow)
    let values = scratch
    shards[shard].append(values.span, placed)
    close(shard, id, timestamp: event.timestamp, arrival: arrival, &source)
  }

  private mutating func takeRates(
    _ event: EventSink.Event, of id: UInt32, _ placed: FieldLayouts.Placement, _ sink: EventSink
  ) {
    if registry[id].rates < 0 {
      registry[id].rates = Int32(memories.count)
      memories.append(CounterMemory())
    }
    let memory = Int(registry[id].rates)
    for (index, value) in event.values.enumerated() where sink.isRate(value) {
      let slot = placed.slot(index)
      scratch[index] =
        slot < 0
        ? .nan : memories[memory].rate(of: sink.exactValue(value), at: event.timestamp, slot: slot)
    }
  }

  private mutating func join(
    _ event: EventSink.Event, of id: UInt32, _ placed: FieldLayouts.Placement, _ source: inout SourceReader,
    _ tolerance: Double, _ arrival: UInt64
  ) {
    if registry[id].joining < 0 {
      registry[id].joining = Int32(rows.count)
      rows.append(OpenRow(stream: id, source: source.number))
    }
    let row = Int(registry[id].joining)
    let slots = (0..<scratch.count).lazy.map { placed.slot($0) }.filter { $0 >= 0 }
    if rows[row].isOpen, !rows[row].accepts(slots, timestamp: event.timestamp, tolerance: tolerance) {
      closeRow(row, &source)
    }
    if !rows[row].isOpen {
      rows[row].begin(timestamp: event.timestamp, arrival: arrival)
      if !rows[row].isListed { openRows.append(id) }
      rows[row].isListed = true
    }
    for index in 0..<scratch.count {
      let slot = placed.slot(index)
      if slot >= 0 { rows[row].put(scratch[index], slot: slot, width: Int(placed.width)) }
    }
    source.counters.parts += 1
  }

  /// Hands on the observations whose parts have had their time. Returns whether some are still waiting.
  mutating func closeRows(now: UInt64, sources: [Int: SourceSlot], all: Bool = false) -> Bool {
    var waiting: [UInt32] = []
    for id in openRows {
      let row = Int(registry[id].joining)
      // A source that was taken away has nobody to count for any more: its open rows go with it.
      if rows[row].isOpen, let slot = sources[rows[row].source] {
        let tolerance = UInt64((slot.reader.settings.rules.joinTolerance ?? 0) * 1e9)
        if !all, now &- rows[row].arrival <= tolerance {
          waiting.append(id)
          continue
        }
        closeRow(row, &slot.reader)
      }
      rows[row].isOpen = false
      rows[row].isListed = false
    }
    openRows = waiting
    return !waiting.isEmpty
  }

  private mutating func closeRow(_ row: Int, _ source: inout SourceReader) {
    let id = rows[row].stream
    let shard = Int(id) % shards.count
    shards[shard].prepare(source.settings.overflow)
    let values = rows[row].values
    shards[shard].append(values.span, width: layouts.count(registry[id].layout))
    close(shard, id, timestamp: rows[row].timestamp, arrival: rows[row].arrival, &source)
    rows[row].isOpen = false
  }

  // MARK: Batches

  /// Events at which a batch is full, from the next batch on.
  mutating func setLimit(_ events: Int) {
    for index in shards.indices { shards[index].limit = events }
  }

  /// Hands over batches whose first event came before this time. Returns the earliest arrival that still waits.
  mutating func flush(before deadline: UInt64) -> UInt64? {
    var earliest: UInt64?
    for index in shards.indices {
      if shards[index].waitingSince == 0 {
        if !shards[index].batch.isEmpty { shards[index].flush() }
      } else if shards[index].waitingSince <= deadline {
        shards[index].flush()
      } else {
        earliest = min(earliest ?? .max, shards[index].waitingSince)
      }
    }
    return earliest
  }

  /// Whether every shard has room.
  mutating func hasRoom() -> Bool {
    var hasRoom = true
    for index in shards.indices where !shards[index].refreshRoom() { hasRoom = false }
    return hasRoom
  }

  /// Copies what is known of every stream.
  func streamCounters(sources: [Int: String]) -> [String: StreamCounters] {
    var result: [String: StreamCounters] = [:]
    result.reserveCapacity(registry.count)
    var dropped: [UInt32: UInt64] = [:]
    for shard in shards { dropped.merge(shard.outlet.droppedByStream) { $0 + $1 } }
    for id in 0..<UInt32(registry.count) {
      let stream = registry[id]
      var counters = StreamCounters()
      counters.source = sources[Int(stream.source)] ?? ""
      counters.events = stream.events
      counters.sequence = stream.sequence.counters
      counters.late = stream.late
      counters.dropped = dropped[id] ?? 0
      counters.lastTimestamp = stream.lastTimestamp
      counters.lastArrival = stream.lastArrival
      result[registry.name(id)] = counters
    }
    return result
  }

  /// Events dropped by the shards, by the source that brought their stream first.
  func droppedBySource() -> [Int: UInt64] {
    var result: [Int: UInt64] = [:]
    for shard in shards where shard.outlet.counters.droppedEvents > 0 {
      for (id, count) in shard.outlet.droppedByStream {
        result[Int(registry[id].source), default: 0] += count
      }
    }
    return result
  }
}

extension ShardOutlet {
  /// Appends a row; slots without a value are missing.
  @inline(__always)
  mutating func append(_ values: Span<Float>, _ placed: FieldLayouts.Placement) {
    guard let slots = placed.slots else {
      append(values, width: Int(placed.width))
      return
    }
    let start = batch.values.count
    batch.values.append(contentsOf: repeatElement(.nan, count: Int(placed.width)))
    for index in 0..<values.count where slots[index] >= 0 {
      batch.values[start + Int(slots[index])] = values[index]
    }
  }

  /// Appends a row whose value k belongs to slot k.
  @inline(__always)
  mutating func append(_ values: Span<Float>, width: Int) {
    unsafe values.withUnsafeBufferPointer { unsafe batch.values.append(contentsOf: $0) }
    for _ in values.count..<max(values.count, width) { batch.values.append(.nan) }
  }
}

extension FieldLayouts.Placement {
  /// Slot of a value; -1 for one that is refused.
  @inline(__always)
  func slot(_ index: Int) -> Int { slots.map { Int($0[index]) } ?? index }
}
