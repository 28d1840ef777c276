import Events
import Foundation
import Synchronization

/// One scoring thread and the way to it.
///
/// Everything it knows about its streams is a ``ShardState`` that lives on that thread; others send letters, closures
/// that run between two batches.
final class Shard: Sendable {
  typealias Letter = @Sendable (inout ShardState) -> Void

  let index: Int
  let handoff: Handoff<Letter>
  /// Counts the turns of the loop; stands still only when the thread is stuck.
  private let turns = Atomic<UInt64>(0)
  private let thread = Mutex<DedicatedThread?>(nil)

  init(index: Int, queueBatches: Int) {
    self.index = index
    handoff = Handoff(capacity: queueBatches)
  }

  var progress: UInt64 { turns.load(ordering: .relaxed) }

  /// Starts the thread; `make` builds the state on it, once, and is let go with all that it holds: the streams as they were restored
  /// would otherwise stay in memory beside what becomes of them.
  func start(_ make: @escaping @Sendable () -> ShardState) {
    let making = Making(make)
    thread.withLock {
      $0 = DedicatedThread(name: "shard \(index)") { [self] in
        var state = making.run()
        run(&state)
      }
    }
  }

  /// A function that is called once.
  private final class Making: Sendable {
    private let make: Mutex<(@Sendable () -> ShardState)?>

    init(_ make: @escaping @Sendable () -> ShardState) { self.make = Mutex(make) }

    func run() -> ShardState {
      let taken = make.withLock { $0.take() }
      guard let taken else { preconditionFailure("a shard's state is made once") }
      return taken()
    }
  }

  private func run(_ state: inout ShardState) {
    var batch = ObservationBatch()
    while true {
      turns.add(1, ordering: .relaxed)
      // Wakes at least once a second, so that standing still can be told from having nothing to do.
      switch handoff.wait(into: &batch, until: Clocks.monotonic() + 1_000_000_000) {
      case .batch: state.process(batch)
      case .mail(let letter): letter(&state)
      case .timeout: break
      case .closed:
        state.finish()
        return
      }
      state.lookForSilence()
      state.saveSome()
    }
  }

  /// Runs `question` on the shard's thread and waits for the answer; nil when none comes in time or the shard has ended.
  func ask<Answer: Sendable>(
    seconds: Double = 5, _ question: @escaping @Sendable (inout ShardState) -> Answer
  )
    -> Answer?
  {
    let reply = Reply<Answer>()
    guard handoff.post({ reply.give(question(&$0)) }) else { return nil }
    return reply.wait(seconds: seconds)
  }

  /// Runs `letter` on the shard's thread some time soon; false when the shard has ended.
  @discardableResult
  func tell(_ letter: @escaping Letter) -> Bool { handoff.post(letter) }

  /// Waits for the end of the thread after ``Handoff/close()``.
  func join(seconds: Double) -> Bool {
    thread.withLock { $0 }?.join(seconds: seconds) ?? true
  }
}

/// A place for one answer from another thread.
final class Reply<Answer: Sendable>: Sendable {
  private let answer = Mutex<Answer?>(nil)
  private let given = DispatchSemaphore(value: 0)

  func give(_ value: Answer) {
    answer.withLock { $0 = value }
    given.signal()
  }

  func wait(seconds: Double) -> Answer? {
    guard given.wait(timeout: .now() + seconds) == .success else { return nil }
    return answer.withLock { $0 }
  }
}
