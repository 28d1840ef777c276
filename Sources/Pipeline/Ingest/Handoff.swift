public import Events

/// What becomes of events when the consumer of a ``Handoff`` is slower than its producer.
public enum Overflow: String, Sendable, Codable, CaseIterable {
  /// The oldest waiting batch makes room: what is scored is fresh.
  case dropOldest
  /// The batch that just came is given up: what is scored is without holes up to the overload.
  case dropNewest
  /// Nothing is dropped: the source is not read until there is room, so that a PUSH publisher waits.
  case block
}

/// What the consumer of a ``Handoff`` woke up for.
public enum Wakeup<Mail: Sendable>: Sendable {
  /// The batch given to ``Handoff/wait(into:until:)`` now holds the next events.
  case batch
  /// A letter from another thread; letters go before batches.
  case mail(Mail)
  case timeout
  /// ``Handoff/close()`` was called, and everything that had been handed over has been taken.
  case closed
}

/// What went through a ``Handoff`` so far; every number is exact.
public struct HandoffCounters: Sendable, Equatable {
  public var acceptedEvents: UInt64 = 0
  public var acceptedBatches: UInt64 = 0
  public var droppedEvents: UInt64 = 0
  public var droppedBatches: UInt64 = 0
  /// Waiting now.
  public var waitingBatches = 0
  public var waitingEvents = 0
  /// Longest that the queue has been, in batches.
  public var peakBatches = 0
  public init() {}
}

/// What the producer of batches needs to know of a ``Handoff``, whatever its letters are.
public protocol BatchOutlet: AnyObject, Sendable {
  /// Hands the batch over and leaves an empty one (with the storage of an earlier one) in its place. Never waits: with
  /// ``Overflow/block`` the batch is taken even when there is no room, and the producer asks ``hasRoom`` before it
  /// reads on. Returns whether there is room for another batch.
  @discardableResult
  func push(_ batch: inout ObservationBatch, overflow: Overflow) -> Bool
  var hasRoom: Bool { get }
  var counters: HandoffCounters { get }
  /// Events dropped by policy, by stream id.
  var droppedByStream: [UInt32: UInt64] { get }
  func close()
}

/// A bounded queue of batches from one producer thread to one consumer thread, with a letter box for the consumer.
///
/// The lock is taken once per batch. Batches change places with the slots of the queue, so that storage circulates and
/// nothing is allocated in the steady state. Declarations (new streams and fields) are never lost: those of a dropped
/// batch move to the batch after it.
public final class Handoff<Mail: Sendable>: BatchOutlet, @unchecked Sendable {
  /// In batches.
  public let capacity: Int

  private let condition = Condition()
  // All below only while locked.
  private var slots: [ObservationBatch]
  private var keeps: [Bool]
  private var head = 0
  private var waiting = 0
  private var letters: [Mail] = []
  private var nextLetter = 0
  private var carried: [ObservationBatch.Declaration] = []
  private var isClosed = false
  private var isIdle = false
  private var tally = HandoffCounters()
  private var dropped: [UInt32: UInt64] = [:]

  /// - Parameter capacity: the most batches that wait (at 256 events each, 64 are 16,384 events).
  public init(capacity: Int = 64) {
    precondition(capacity > 0, "a handoff holds at least one batch, not \(capacity)")
    self.capacity = capacity
    slots = Array(repeating: ObservationBatch(), count: capacity)
    keeps = Array(repeating: false, count: capacity)
  }

  // MARK: Producer

  @discardableResult
  public func push(_ batch: inout ObservationBatch, overflow: Overflow) -> Bool {
    condition.locked {
      if batch.isEmpty { return waiting < capacity }
      if waiting >= capacity && !makeRoom(overflow) {
        tally.droppedBatches += 1
        count(droppedFrom: batch)
        carried.append(contentsOf: batch.declarations.lazy.map(\.what))
        batch.removeAll()
        return false
      }
      if !carried.isEmpty {
        batch.declarations.insert(contentsOf: carried.lazy.map { (before: 0, what: $0) }, at: 0)
        carried.removeAll(keepingCapacity: true)
      }
      if waiting == slots.count { grow() }
      let tail = (head + waiting) % slots.count
      tally.acceptedBatches += 1
      tally.acceptedEvents += UInt64(batch.count)
      tally.waitingEvents += batch.count
      swap(&slots[tail], &batch)
      keeps[tail] = overflow == .block
      waiting += 1
      tally.peakBatches = max(tally.peakBatches, waiting)
      if isIdle { condition.signal() }
      return waiting < capacity
    }
  }

  public var hasRoom: Bool { condition.locked { waiting < capacity } }

  /// No more batches will come; the consumer still gets those that wait, then ``Wakeup/closed``.
  public func close() {
    condition.locked {
      isClosed = true
      condition.signal()
    }
  }

  // MARK: Consumer

  /// Waits for the next batch or letter.
  ///
  /// - Parameters:
  ///   - batch: what was taken last (its storage goes back into circulation); with ``Wakeup/batch`` it holds the new
  ///     events, else it is left as it was.
  ///   - deadline: nanoseconds of ``Clocks/monotonic()``; `.max` waits for ever.
  public func wait(into batch: inout ObservationBatch, until deadline: UInt64 = .max) -> Wakeup<Mail> {
    condition.locked {
      while true {
        if nextLetter < letters.count { return .mail(takeLetter()) }
        if waiting > 0 {
          take(into: &batch)
          return .batch
        }
        if isClosed { return .closed }
        isIdle = true
        let isInTime = condition.wait(until: deadline)
        isIdle = false
        if !isInTime && nextLetter == letters.count && waiting == 0 && !isClosed { return .timeout }
      }
    }
  }

  /// Wakes the consumer with a letter; from any thread. False when the handoff is closed: nobody would read it.
  @discardableResult
  public func post(_ mail: Mail) -> Bool {
    condition.locked {
      if isClosed { return false }
      letters.append(mail)
      if isIdle { condition.signal() }
      return true
    }
  }

  // MARK: Anyone

  public var counters: HandoffCounters {
    condition.locked {
      var now = tally
      now.waitingBatches = waiting
      return now
    }
  }

  public var droppedByStream: [UInt32: UInt64] { condition.locked { dropped } }

  // MARK: While locked

  private func takeLetter() -> Mail {
    let letter = letters[nextLetter]
    nextLetter += 1
    if nextLetter == letters.count {
      letters.removeAll(keepingCapacity: true)
      nextLetter = 0
    }
    return letter
  }

  private func take(into batch: inout ObservationBatch) {
    batch.removeAll()
    swap(&slots[head], &batch)
    head = (head + 1) % slots.count
    waiting -= 1
    tally.waitingEvents -= batch.count
  }

  private func makeRoom(_ overflow: Overflow) -> Bool {
    switch overflow {
    case .block: return true
    case .dropNewest: return false
    case .dropOldest:
      // Batches of a source that blocks are not anybody's to drop.
      guard let oldest = (0..<waiting).first(where: { !keeps[(head + $0) % slots.count] }) else {
        return false
      }
      for step in stride(from: oldest, to: 0, by: -1) {
        let here = (head + step) % slots.count
        let before = (head + step - 1) % slots.count
        slots.swapAt(here, before)
        keeps.swapAt(here, before)
      }
      dropHead(movedPast: oldest)
      return true
    }
  }

  /// Drops the batch at the head; it stood `movedPast` places further back, and what it declared must not come later
  /// than it would have.
  private func dropHead(movedPast: Int) {
    tally.droppedBatches += 1
    tally.waitingEvents -= slots[head].count
    count(droppedFrom: slots[head])
    let declared = slots[head].declarations.map(\.what)
    slots[head].removeAll()
    head = (head + 1) % slots.count
    waiting -= 1
    if declared.isEmpty { return }
    if movedPast < waiting {
      let heir = (head + movedPast) % slots.count
      slots[heir].declarations.insert(contentsOf: declared.lazy.map { (before: 0, what: $0) }, at: 0)
    } else {
      carried.append(contentsOf: declared)
    }
  }

  private func count(droppedFrom batch: ObservationBatch) {
    tally.droppedEvents += UInt64(batch.count)
    for stream in batch.streams { dropped[stream, default: 0] += 1 }
  }

  private func grow() {
    var wider: [ObservationBatch] = []
    wider.reserveCapacity(slots.count * 2)
    var widerKeeps: [Bool] = []
    for index in 0..<slots.count {
      wider.append(slots[(head + index) % slots.count])
      widerKeeps.append(keeps[(head + index) % slots.count])
    }
    wider.append(contentsOf: repeatElement(ObservationBatch(), count: slots.count))
    widerKeeps.append(contentsOf: repeatElement(false, count: slots.count))
    slots = wider
    keeps = widerKeeps
    head = 0
  }
}
