import Events
import Testing

@testable import Pipeline

@Suite struct GroupingTests {
  @Test func `every event stands once, by stream, in the order in which it came`() {
    var generator = SystemRandomNumberGenerator()
    var grouping = Grouping()
    for _ in 0..<50 {
      var batch = ObservationBatch()
      let count = Int.random(in: 0...300, using: &generator)
      for event in 0..<count {
        // Shard 1 of 3 owns the ids 1, 4, 7, …
        batch.close(
          stream: UInt32(Int.random(in: 0..<20, using: &generator) * 3 + 1), timestamp: Double(event),
          arrival: 0)
      }
      grouping.group(batch, shards: 3, known: 20)
      #expect(grouping.order.prefix(count).sorted() == Array(0..<count))
      #expect(grouping.starts.last == count)
      for (k, local) in grouping.streams.enumerated() {
        let events = Array(grouping.order[grouping.starts[k]..<grouping.starts[k + 1]])
        #expect(events == events.sorted())
        #expect(events == batch.streams.indices.filter { Int(batch.streams[$0]) / 3 == local })
      }
    }
  }
}
