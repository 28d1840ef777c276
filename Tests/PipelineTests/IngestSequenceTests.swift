import Testing

@testable import Pipeline

struct IngestSequenceTests {
  private func counters(_ numbers: [UInt64], epoch: UInt64? = nil) -> SequenceCounters {
    var tracker = SequenceTracker()
    for number in numbers { tracker.observe(seq: number, epoch: epoch) }
    return tracker.counters
  }

  private func expected(
    missing: UInt64 = 0, gaps: UInt64 = 0, repeats: UInt64 = 0, reordered: UInt64 = 0, restarts: UInt64 = 0
  ) -> SequenceCounters {
    var counters = SequenceCounters()
    counters.missing = missing
    counters.gaps = gaps
    counters.repeats = repeats
    counters.reordered = reordered
    counters.restarts = restarts
    return counters
  }

  @Test func `numbers in order are nothing to tell, from wherever they start`() {
    #expect(counters(Array(0...1000)) == expected())
    #expect(counters(Array(41...1041)) == expected())
    #expect(counters([UInt64.max - 1, .max]) == expected())
  }

  @Test func `skipped numbers are missing until they come`() {
    #expect(counters([1, 2, 5, 6, 10]) == expected(missing: 5, gaps: 2))
    #expect(counters([1, 2, 5, 3, 4, 6]) == expected(gaps: 1, reordered: 2))
    #expect(counters([1, 1000]) == expected(missing: 998, gaps: 1))
  }

  @Test func `numbers that came before are repeats`() {
    #expect(counters([5, 6, 7, 6, 7, 7, 8]) == expected(repeats: 3))
    #expect(counters([7, 7, 7, 7]) == expected(repeats: 3))
    #expect(counters(Array(100...300) + [150]) == expected(repeats: 1))
  }

  @Test func `what was sent before the first number that came is late, and neither a repeat nor a loss`() {
    #expect(counters([5, 4]) == expected(reordered: 1))
    #expect(counters([5, 3, 4, 6]) == expected(reordered: 2))
    #expect(counters([5, 4, 4]) == expected(repeats: 1, reordered: 1))
    #expect(counters([500, 401, 501]) == expected(reordered: 1))
    #expect(counters([500, 501, 499, 503, 502]) == expected(gaps: 1, reordered: 2))
  }

  @Test func `another epoch is a restart, and counting begins anew`() {
    var tracker = SequenceTracker()
    for (epoch, numbers) in [(1, [5, 6]), (2, [0, 1]), (2, [4]), (1, [7])] as [(UInt64, [UInt64])] {
      for number in numbers { tracker.observe(seq: number, epoch: epoch) }
    }
    #expect(tracker.counters == expected(missing: 2, gaps: 1, restarts: 2))
  }

  @Test func `without an epoch a count that begins anew is a restart`() {
    #expect(counters(Array(1...200) + Array(0...50)) == expected(restarts: 1))
    #expect(counters(Array(1...200) + Array(1...50)) == expected(restarts: 1))
  }

  // Every number of a shuffled, thinned and doubled sequence, counted by hand beside it.
  @Test func `whatever the order, missing and repeated numbers are counted exactly`() {
    var state: UInt64 = 1
    func random(_ bound: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % bound
    }
    var sent: [UInt64] = []
    var number: UInt64 = 1000
    for _ in 0..<5000 {
      number += random(20) == 0 ? 1 + random(5) : 1
      sent.append(number)
      if random(30) == 0 { sent.append(number) }
    }
    for index in stride(from: 1, to: sent.count - 9, by: 7) where random(3) == 0 {
      sent.swapAt(index, index + Int(random(8)))
    }
    let result = counters(sent)
    let distinct = Set(sent.dropFirst().filter { $0 > sent[0] }).count
    #expect(result.missing == number - sent[0] - UInt64(distinct))
    #expect(result.repeats == UInt64(sent.count - 1 - distinct))
    #expect(result.restarts == 0 && result.reordered > 100)
  }
}
