import Events
import Foundation
import Synchronization
import Testing

@testable import Pipeline

struct IngestHandoffTests {
  /// Events of one stream, numbered by their time, and the declaration of a field named after the first.
  private func batch(_ numbers: Range<Int>, stream: UInt32 = 0) -> ObservationBatch {
    var batch = ObservationBatch()
    if numbers.lowerBound == 0 { batch.declare(.stream(id: stream, key: StreamKey("s\(stream)"))) }
    batch.declare(.field(stream: stream, name: "from \(numbers.lowerBound)"))
    for number in numbers {
      batch.values.append(Float(number))
      batch.close(stream: stream, timestamp: Double(number), arrival: UInt64(number))
    }
    return batch
  }

  private func drain(_ handoff: Handoff<Int>) -> (numbers: [Int], declared: [ObservationBatch.Declaration]) {
    var batch = ObservationBatch()
    var numbers: [Int] = []
    var declared: [ObservationBatch.Declaration] = []
    while case .batch = handoff.wait(into: &batch, until: 0) {
      numbers += batch.timestamps.map { Int($0) }
      declared += batch.declarations.map(\.what)
    }
    return (numbers, declared)
  }

  private func fields(_ numbers: [Int]) -> [ObservationBatch.Declaration] {
    [.stream(id: 0, key: StreamKey("s0"))] + numbers.map { .field(stream: 0, name: "from \($0)") }
  }

  @Test func `batches come out as they went in, and an empty one comes back in exchange`() {
    let handoff = Handoff<Int>(capacity: 4)
    for start in [0, 3] {
      var full = batch(start..<start + 3)
      #expect(handoff.push(&full, overflow: .dropNewest))
      #expect(full.isEmpty)
    }
    #expect(handoff.counters.waitingBatches == 2 && handoff.counters.waitingEvents == 6)
    let out = drain(handoff)
    #expect(out.numbers == [0, 1, 2, 3, 4, 5])
    #expect(out.declared == fields([0, 3]))
    #expect(handoff.counters.acceptedEvents == 6 && handoff.counters.waitingEvents == 0)
    #expect(handoff.counters.peakBatches == 2 && handoff.counters.droppedEvents == 0)
  }

  @Test func `when full, the newest is dropped, counted by stream, and its declarations kept`() {
    let handoff = Handoff<Int>(capacity: 2)
    for start in [0, 2, 4, 6] {
      var full = batch(start..<start + 2)
      #expect(handoff.push(&full, overflow: .dropNewest) == (start == 0))
      #expect(full.isEmpty)
    }
    #expect(handoff.counters.droppedEvents == 4 && handoff.counters.droppedBatches == 2)
    #expect(handoff.droppedByStream == [0: 4])
    let first = drain(handoff)
    #expect(first.numbers == [0, 1, 2, 3])
    var next = batch(8..<9)
    handoff.push(&next, overflow: .dropNewest)
    let second = drain(handoff)
    #expect(second.numbers == [8])
    #expect(first.declared + second.declared == fields([0, 2, 4, 6, 8]))
  }

  @Test func `when full, the oldest is dropped, counted by stream, and its declarations kept in order`() {
    let handoff = Handoff<Int>(capacity: 2)
    for start in [0, 2, 4, 6] {
      var full = batch(start..<start + 2)
      handoff.push(&full, overflow: .dropOldest)
    }
    #expect(handoff.droppedByStream == [0: 4])
    let out = drain(handoff)
    #expect(out.numbers == [4, 5, 6, 7])
    #expect(out.declared == fields([0, 2, 4, 6]))
  }

  @Test func `batches that must not be lost are taken beyond the capacity and never dropped`() {
    let handoff = Handoff<Int>(capacity: 2)
    #expect(handoff.hasRoom)
    for start in [0, 1, 2, 3, 4] {
      var full = batch(start..<start + 1)
      #expect(handoff.push(&full, overflow: .block) == (start < 1))
    }
    #expect(!handoff.hasRoom)
    var other = batch(5..<6)
    handoff.push(&other, overflow: .dropOldest)
    #expect(handoff.counters.droppedEvents == 1)
    #expect(drain(handoff).numbers == [0, 1, 2, 3, 4])
    #expect(handoff.hasRoom)
  }

  @Test func `among both kinds the oldest that may be lost goes, and what it declared comes no later`() {
    let handoff = Handoff<Int>(capacity: 3)
    for (start, policy) in [(0, Overflow.block), (1, .dropOldest), (2, .block), (3, .dropOldest)] {
      var full = batch(start..<start + 1)
      handoff.push(&full, overflow: policy)
    }
    let out = drain(handoff)
    #expect(out.numbers == [0, 2, 3])
    #expect(out.declared == fields([0, 1, 2, 3]))
  }

  @Test func `letters go before batches, and end a wait`() {
    let handoff = Handoff<Int>(capacity: 2)
    var full = batch(0..<1)
    handoff.push(&full, overflow: .block)
    handoff.post(7)
    handoff.post(8)
    var batch = ObservationBatch()
    var letters: [Int] = []
    for _ in 0..<2 {
      if case .mail(let letter) = handoff.wait(into: &batch, until: 0) { letters.append(letter) }
    }
    #expect(letters == [7, 8])
    guard case .batch = handoff.wait(into: &batch, until: 0) else { return #expect(Bool(false)) }
    Thread.detachNewThread { handoff.post(9) }
    guard case .mail(9) = handoff.wait(into: &batch) else { return #expect(Bool(false)) }
    #expect(batch.count == 1)
  }

  @Test func `a wait ends at its deadline, and for good when all is taken after the end`() {
    let handoff = Handoff<Int>(capacity: 2)
    var out = ObservationBatch()
    let start = Clocks.monotonic()
    guard case .timeout = handoff.wait(into: &out, until: start + 20_000_000) else {
      return #expect(Bool(false))
    }
    #expect(Clocks.monotonic() >= start + 20_000_000)
    var full = batch(0..<1)
    handoff.push(&full, overflow: .block)
    handoff.close()
    #expect(!handoff.post(1))
    guard case .batch = handoff.wait(into: &out) else { return #expect(Bool(false)) }
    guard case .closed = handoff.wait(into: &out) else { return #expect(Bool(false)) }
  }

  @Test(arguments: Overflow.allCases)
  func `between two threads every event is either taken once, in order, or counted as dropped`(
    overflow: Overflow
  ) {
    let handoff = Handoff<Int>(capacity: 3)
    let total = 20_000
    Thread.detachNewThread {
      var batch = ObservationBatch()
      for number in 0..<total {
        batch.values.append(Float(number))
        batch.close(stream: UInt32(number % 3), timestamp: Double(number), arrival: 0)
        if batch.count == 16 { handoff.push(&batch, overflow: overflow) }
      }
      handoff.push(&batch, overflow: overflow)
      handoff.close()
    }
    var batch = ObservationBatch()
    var latest = -1.0
    var taken: UInt64 = 0
    while case .batch = handoff.wait(into: &batch) {
      for time in batch.timestamps {
        #expect(time > latest)
        latest = time
      }
      taken += UInt64(batch.count)
    }
    let dropped = handoff.counters.droppedEvents
    #expect(taken + dropped == UInt64(total))
    #expect(handoff.droppedByStream.values.reduce(0, +) == dropped)
    #expect(overflow != .block || dropped == 0)
  }
}
