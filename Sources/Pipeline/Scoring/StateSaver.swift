import Archive
import Detection
import Events

/// Saves the running state of a shard's streams every so often, a few streams between two batches, so that no batch waits
/// for ten thousand streams to be written down.
struct StateSaver {
  /// Streams encoded between two batches.
  static let atOnce = 64

  private var entries: [StateStore.Entry] = []
  private var next = 0
  private var isUnderWay = false
  private var due: UInt64 = 0
  private(set) var savedAt: Double?

  /// - Returns: the entries to write once all streams were encoded.
  mutating func step(_ streams: inout [StreamEntry], every seconds: Double) -> [StateStore.Entry]? {
    let now = Clocks.monotonic()
    if !isUnderWay {
      if due == 0 { due = now + UInt64(seconds * 1e9) }
      if now < due { return nil }
      due = now + UInt64(seconds * 1e9)
      guard streams.contains(where: \.changed) else { return nil }
      isUnderWay = true
      next = 0
      entries.removeAll(keepingCapacity: true)
    }
    let end = min(next + Self.atOnce, streams.count)
    while next < end {
      entries.append(Self.entry(of: streams[next]))
      streams[next].changed = false
      next += 1
    }
    guard next == streams.count else { return nil }
    isUnderWay = false
    defer { entries = [] }
    return entries
  }

  /// Something happened that a crash should not undo: saves within a quarter of a second, with many streams a little later.
  mutating func hasten(streams: Int) {
    due = min(due == 0 ? .max : due, Clocks.monotonic() + 250_000_000 + UInt64(streams) * 1_000_000)
  }

  static func entry(of stream: StreamEntry) -> StateStore.Entry {
    StateStore.Entry(stream: stream.key, bytes: stream.detector.encodeState())
  }

  mutating func noteSaved() { savedAt = Clocks.wall() }
}

extension ShardState {
  mutating func saveSome() {
    guard let entries = saver.step(&streams, every: around.pipeline.keep.saveEvery) else { return }
    save(entries)
  }

  /// At the end: everything that is staged or known goes to disk.
  mutating func finish() {
    for local in streams.indices { flush(local) }
    save(streams.map(StateSaver.entry(of:)))
  }

  private mutating func save(_ entries: [StateStore.Entry]) {
    do {
      try around.states.save(entries, shard: around.index, of: around.shards, at: Clocks.wall())
      saver.noteSaved()
      // Nothing has failed since the last time that it could be saved: the disk is well again.
      if counters.storageErrors == counters.storageErrorsWhenSaved { counters.lastStorageError = nil }
      counters.storageErrorsWhenSaved = counters.storageErrors
      // Else it is looked at again after the next saving, which is to come though nothing happens until then.
      if counters.lastStorageError != nil && !streams.isEmpty { streams[0].changed = true }
    } catch {
      note("running state", error)
      // Tried again at the next time, whether anything happens until then or not.
      for local in streams.indices { streams[local].changed = true }
    }
  }
}
