import Glibc
import Synchronization

/// The threads that a computation may use, and working space for each.
///
/// Work is split so that every number is computed by one thread in the same way: the result has the same bits however
/// many there are. Belongs to the thread that made it.
public final class Workers {
  /// How many threads work, the caller's among them.
  public let count: Int
  private let team: Team?
  private var spaces: [Storage]

  public init(count: Int = 1) {
    precondition(count >= 1, "\(count) threads")
    self.count = count
    team = count > 1 ? Team(helpers: count - 1) : nil
    spaces = (0..<count).map { _ in Storage(capacity: 0) }
  }

  deinit { team?.dismiss() }

  /// Working space of one worker for `count` numbers, valid until it is asked for again; grows and stays. Inside a split only what was
  /// reserved.
  func space(_ count: Int, worker: Int = 0) -> Storage {
    if spaces[worker].capacity < count { spaces[worker] = Storage(capacity: count + count / 4) }
    return spaces[worker]
  }

  /// Makes room for `count` numbers for every worker, so that each may ask for its space inside a split.
  func reserve(_ count: Int) { for worker in 0..<self.count { _ = space(count, worker: worker) } }

  /// Calls with consecutive parts of `0 ..< total` at once, each at least `grain` long, and waits for all.
  func split(_ total: Int, grain: Int = 1, _ body: (_ worker: Int, _ part: Range<Int>) -> Void) {
    let parts = min(count, max(total / max(grain, 1), 1))
    guard parts > 1, let team else {
      body(0, 0..<total)
      return
    }
    team.run(parts) { worker in body(worker, total * worker / parts..<total * (worker + 1) / parts) }
  }
}

/// Threads that wait for work: for some microseconds by looking again and again, then asleep.
@safe private final class Team: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  /// Counts the tasks given out; helpers wait for it to change.
  private let task = Atomic<Int>(0)
  private let running = Atomic<Int>(0)
  private let isDismissed = Atomic<Bool>(false)
  private let helpers: Int
  private var parts = 0
  private var body: ((Int) -> Void)?

  init(helpers: Int) {
    self.helpers = helpers
    unsafe pthread_mutex_init(mutex, nil)
    unsafe pthread_cond_init(wake, nil)
    for helper in 1...helpers {
      let start = Start(team: self, worker: helper)
      var thread = pthread_t()
      let failed = unsafe pthread_create(
        &thread, nil,
        { argument in
          guard let argument = unsafe argument else { return nil }
          let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
          start.team.help(start.worker)
          return nil
        }, Unmanaged.passRetained(start).toOpaque())
      precondition(failed == 0, "no thread could be made (error \(failed))")
      pthread_detach(thread)
    }
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe pthread_cond_destroy(wake)
    unsafe mutex.deallocate()
    unsafe wake.deallocate()
  }

  private final class Start: Sendable {
    let team: Team
    let worker: Int
    init(team: Team, worker: Int) {
      self.team = team
      self.worker = worker
    }
  }

  /// Runs the parts `1 ..< parts` on helpers and part 0 here.
  func run(_ parts: Int, _ body: (Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      self.parts = parts
      self.body = body
      running.store(helpers, ordering: .relaxed)
      unsafe pthread_mutex_lock(mutex)
      task.add(1, ordering: .releasing)
      unsafe pthread_cond_broadcast(wake)
      unsafe pthread_mutex_unlock(mutex)
      body(0)
      while running.load(ordering: .acquiring) > 0 { sched_yield() }
      self.body = nil
    }
  }

  private func help(_ worker: Int) {
    var seen = 0
    while true {
      var looks = 0
      while task.load(ordering: .acquiring) == seen && looks < 2000 { looks += 1 }
      unsafe pthread_mutex_lock(mutex)
      while task.load(ordering: .acquiring) == seen { unsafe pthread_cond_wait(wake, mutex) }
      seen = task.load(ordering: .acquiring)
      unsafe pthread_mutex_unlock(mutex)
      if isDismissed.load(ordering: .acquiring) { return }
      if worker < parts { body?(worker) }
      // Also without a part: the next task is not given out before all have seen this one.
      running.subtract(1, ordering: .releasing)
    }
  }

  func dismiss() {
    isDismissed.store(true, ordering: .releasing)
    unsafe pthread_mutex_lock(mutex)
    task.add(1, ordering: .releasing)
    unsafe pthread_cond_broadcast(wake)
    unsafe pthread_mutex_unlock(mutex)
  }
}
