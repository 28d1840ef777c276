import Detection
import Events
import Testing

@testable import Pipeline

@Suite struct TrainingQueueTests {
  func job(_ id: UInt32, _ reason: TrainingReason, signature: UInt64 = 1) -> TrainingJob {
    TrainingJob(
      id: id, stream: StreamKey("s\(id)"), shard: 0, reason: reason, signature: signature, parent: nil)
  }

  @Test func `what a person asks for comes first, first models before newer ones`() {
    var queue = TrainingQueue(pooledFrom: 10)
    queue.add(job(1, .drift))
    queue.add(job(2, .first))
    queue.add(job(3, .requested))
    queue.addOwnLater(job(4, .first))
    var order: [UInt32] = []
    while case .own(let next) = queue.next() { order.append(next.id) }
    #expect(order == [3, 2, 1, 4])
    #expect(queue.isEmpty)
  }

  @Test func `many first models of one set of fields are pooled, those of another are not`() {
    var queue = TrainingQueue(pooledFrom: 3)
    for id in 0..<5 { queue.add(job(UInt32(id), .first)) }
    queue.add(job(9, .first, signature: 2))
    #expect(queue.backlog == 6)
    guard case .pool(let jobs) = queue.next() else {
      Issue.record("not pooled")
      return
    }
    #expect(jobs.map(\.id) == [0, 1, 2, 3, 4])
    #expect(queue.next() == .own(job(9, .first, signature: 2)))
    #expect(queue.next() == nil)
  }

  @Test func `a stream waits once, and a request moves it to the front`() {
    var queue = TrainingQueue(pooledFrom: 10)
    queue.add(job(1, .drift))
    queue.add(job(2, .drift))
    queue.add(job(2, .drift))
    queue.add(job(2, .requested))
    queue.add(job(2, .requested))
    #expect(queue.backlog == 2)
    #expect(queue.next() == .own(job(2, .requested)))
    #expect(queue.next() == .own(job(1, .drift)))
    #expect(queue.next() == nil)
  }
}

@Suite struct TrainingBudgetTests {
  @Test func `over a long time no more than the share is used`() {
    var budget = TrainingBudget(share: 0.25, burst: 10, now: 0)
    var now = 0.0
    while now < 4000 {
      now += budget.rest(now: now)
      budget.spend(2, now: now)
      now += 2
    }
    #expect(budget.used < 0.25 * now + 12 + 2)
    #expect(budget.used > 0.25 * now * 0.9)
  }

  @Test func `a rest saves up the burst and no more`() {
    var budget = TrainingBudget(share: 0.5, burst: 4, now: 0)
    #expect(budget.rest(now: 1000) == 0)
    budget.spend(3.9, now: 1000)
    #expect(budget.rest(now: 1000) == 0)
    budget.spend(1.1, now: 1000)
    #expect(abs(budget.rest(now: 1000) - 2.1) < 1e-9)
  }
}
