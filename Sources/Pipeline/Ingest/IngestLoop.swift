import Messaging
import Wire

/// What runs on the ingest thread: it owns every socket that events come from, and never scores.
final class IngestLoop {
  private let context: MessagingContext
  private let log: @Sendable (_ reason: String, _ extract: String) -> Void
  private let seed: UInt64
  private let sink: EventSink
  private var router: EventRouter
  private let bell: Bell
  private(set) var settings: IngestSettings
  private(set) var slots: [SourceSlot] = []
  private var byNumber: [Int: SourceSlot] = [:]
  private var deadLetters: DeadLetterSocket?
  private var poller = Poller()
  private var message = Message()
  private var nextNumber = 0
  private var nextWatch: UInt64 = 0

  /// Messages read from one source before the others have their turn.
  private static let turn = 1024

  init(
    settings: IngestSettings, context: MessagingContext, outlets: [any BatchOutlet], known: [KnownStream],
    seed: UInt64,
    bell: Bell, log: @escaping @Sendable (_ reason: String, _ extract: String) -> Void
  ) {
    self.settings = settings
    self.context = context
    self.log = log
    self.seed = seed
    self.bell = bell
    sink = EventSink(seed: seed)
    router = EventRouter(outlets: outlets, flushEvents: settings.flushEvents, seed: seed)
    router.restore(known)
  }

  private func surroundings(_ settings: IngestSettings) -> SourceReader.Surroundings {
    SourceReader.Surroundings(
      context: context, sink: sink, seed: seed, earliest: settings.earliestTimestamp,
      latestAhead: settings.latestAhead, log: log)
  }

  // MARK: Settings

  /// Opens everything for the first time.
  func open() throws(IngestError) {
    try Self.check(settings)
    do throws(IngestError) {
      for source in settings.sources { slots.append(try slot(source, settings)) }
      deadLetters = try deadLetterSocket(settings)
    } catch {
      slots = []
      throw error
    }
    watchSockets()
  }

  private static func check(_ settings: IngestSettings) throws(IngestError) {
    if let problem = settings.problems().first {
      throw IngestError(.settings, "\(problem.path): \(problem.what)")
    }
  }

  private func slot(_ source: SourceSettings, _ settings: IngestSettings) throws(IngestError) -> SourceSlot {
    nextNumber += 1
    return SourceSlot(try SourceReader(source, number: nextNumber - 1, surroundings(settings)))
  }

  private func deadLetterSocket(_ settings: IngestSettings) throws(IngestError) -> DeadLetterSocket? {
    guard let endpoint = settings.deadLetterEndpoint else { return nil }
    return try DeadLetterSocket(endpoint, settings.deadLetterSecurity, context)
  }

  private func watchSockets() {
    byNumber = [:]
    poller.removeAll()
    poller.add(bell)
    for slot in slots {
      byNumber[slot.reader.number] = slot
      poller.add(slot.reader.link.socket)
    }
  }

  /// Takes on new settings as a whole, or throws and leaves everything as it was. Sources that stay keep their
  /// connections and counters; only their rules change.
  func apply(_ new: IngestSettings) throws(IngestError) {
    try Self.check(new)
    // Rules first, on the side: whether they can be made into decoders.
    for source in new.sources {
      do {
        _ = try MessageDecoder(rules: source.rules, source: source.name)
      } catch {
        throw IngestError(.settings, "source \(source.name): \(error)")
      }
    }
    let old = settings
    var staying: [String: SourceSlot] = [:]
    var leaving: [SourceSlot] = []
    for slot in slots {
      let name = slot.reader.settings.name
      if let source = new.sources.first(where: { $0.name == name }), slot.reader.canAdopt(source) {
        staying[name] = slot
      } else {
        leaving.append(slot)
      }
    }
    let movesDeadLetters = new.deadLetterEndpoint != old.deadLetterEndpoint
    // What leaves gives its endpoints back first: what comes may want them.
    for slot in leaving { slot.reader.link.release() }
    if movesDeadLetters { deadLetters?.release() }
    do throws(IngestError) {
      var next: [SourceSlot] = []
      for source in new.sources {
        if let slot = staying[source.name] {
          next.append(slot)
        } else {
          next.append(try patiently(source, new))
        }
      }
      if movesDeadLetters { deadLetters = try deadLetterSocket(new) }
      let areBoundsNew = new.earliestTimestamp != old.earliestTimestamp || new.latestAhead != old.latestAhead
      for source in new.sources {
        if let slot = staying[source.name], areBoundsNew || slot.reader.settings != source {
          try slot.reader.adopt(source, surroundings(new))
        }
      }
      router.setLimit(new.flushEvents)
      slots = next
      settings = new
    } catch {
      restore(leaving, old, movesDeadLetters: movesDeadLetters)
      watchSockets()
      throw error
    }
    watchSockets()
  }

  /// Opens again what was to leave. What cannot be had back is told, and the rest goes on.
  private func restore(_ leaving: [SourceSlot], _ old: IngestSettings, movesDeadLetters: Bool) {
    for gone in leaving {
      guard let index = slots.firstIndex(where: { $0 === gone }) else { continue }
      do throws(IngestError) {
        let again = try patiently(gone.reader.settings, old)
        let endpoints = again.reader.counters.endpoints
        again.reader.counters = gone.reader.counters
        again.reader.counters.endpoints = endpoints
        slots[index] = again
      } catch {
        log("\(error)", "")
      }
    }
    guard movesDeadLetters else { return }
    do throws(IngestError) {
      deadLetters = try deadLetterSocket(old)
    } catch {
      deadLetters = nil
      log("\(error)", "")
    }
  }

  /// Opens a source whose endpoint one of ours may just have given back: libzmq does that in the background.
  private func patiently(
    _ source: SourceSettings, _ settings: IngestSettings
  ) throws(IngestError) -> SourceSlot {
    let deadline = Clocks.monotonic() + 500_000_000
    while true {
      do {
        return try slot(source, settings)
      } catch {
        let isOurs = slots.contains { $0.reader.isBound(toAnyOf: source) }
        if !isOurs || Clocks.monotonic() > deadline { throw error }
        // Waits for nothing: a way to wait that needs no other clock.
        var pause = Poller()
        _ = try? pause.wait(milliseconds: 5)
      }
    }
  }

  // MARK: Running

  /// One turn: waits for something to do, at most as long as the watchdog or a waiting batch allows, and does it.
  func turn() throws(MessagingError) {
    let now = Clocks.monotonic()
    let interval = UInt64(settings.flushInterval) * 1_000_000
    let isJoining = router.closeRows(now: now, sources: byNumber)
    var wait = isJoining ? settings.flushInterval * 5 : 250
    if let earliest = router.flush(before: now &- interval) {
      wait = Int((earliest + interval - now + 999_999) / 1_000_000)
    }
    var isHeldBack = false
    let hasRoom = router.hasRoom()
    for (index, slot) in slots.enumerated() {
      let isBlocked = !hasRoom && slot.reader.settings.overflow == .block
      slot.reader.counters.isHeldBack = isBlocked
      poller.setWatched(index + 1, !isBlocked)
      isHeldBack = isHeldBack || isBlocked
    }
    if isHeldBack { wait = min(wait, 1) }
    try poller.wait(milliseconds: wait)
    if poller.isReady(0) { bell.hush() }
    for (index, slot) in slots.enumerated() where poller.isReady(index + 1) {
      _ = try drain(slot)
    }
    if now >= nextWatch {
      nextWatch = now + 250_000_000
      for slot in slots { try slot.reader.watchConnections() }
    }
  }

  private func drain(_ slot: SourceSlot) throws(MessagingError) -> Int {
    try slot.reader.drain(most: Self.turn, through: &message, to: &router, deadLetters: deadLetters)
  }

  /// Takes what has arrived already and hands everything over; at most about a second.
  func finish() {
    let deadline = Clocks.monotonic() + 1_000_000_000
    var isMore = true
    while isMore, Clocks.monotonic() < deadline {
      isMore = false
      for slot in slots {
        let count = (try? drain(slot)) ?? 0
        isMore = isMore || count > 0
      }
    }
    _ = router.closeRows(now: 0, sources: byNumber, all: true)
    _ = router.flush(before: .max)
  }

  // MARK: Counting

  func counters() -> [SourceCounters] {
    let dropped = router.droppedBySource()
    return slots.map { slot in
      var counters = slot.reader.counters
      counters.droppedByPolicy = dropped[slot.reader.number] ?? 0
      return counters
    }
  }

  func streamCounters() -> [String: StreamCounters] {
    router.streamCounters(sources: byNumber.mapValues { $0.reader.settings.name })
  }
}
