import Foundation
import Synchronization

/// A thread with a name and a low or usual priority, for a loop that blocks; never one of the shared pool's.
final class DedicatedThread: Sendable {
  enum Priority: Sendable { case usual, low }

  private let done = DispatchSemaphore(value: 0)

  /// Starts at once. `body` runs to its end on the new thread.
  init(name: String, priority: Priority = .usual, body: @escaping @Sendable () -> Void) {
    let done = self.done
    let thread = Thread {
      // Foundation's own name does not reach the kernel here, and top and perf should show it.
      try? name.write(toFile: "/proc/thread-self/comm", atomically: false, encoding: .utf8)
      if priority == .low {
        // On Linux a priority set for process 0 is that of the calling thread alone.
        _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, 10)
      }
      body()
      done.signal()
    }
    thread.name = name
    thread.stackSize = 1 << 21
    thread.start()
  }

  /// Waits for the end of the thread, at most `seconds`; whether it has ended.
  func join(seconds: Double) -> Bool {
    guard done.wait(timeout: .now() + seconds) == .success else { return false }
    done.signal()
    return true
  }
}

extension Clocks {
  /// Processor time that the calling thread has used, seconds: what a budget is charged with.
  static func threadProcessorTime() -> Double {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
