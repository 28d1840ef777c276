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

/// Clocks of the rim, read here and handed down as values.
enum Clock {
  /// Nanoseconds of the monotonic clock.
  static func monotonic() -> UInt64 { read(CLOCK_MONOTONIC) }

  /// Processor time of the calling thread, seconds.
  static func threadProcessorTime() -> Double { Double(read(CLOCK_THREAD_CPUTIME_ID)) / 1e9 }

  /// Seconds since 1970.
  static func now() -> Double { Double(read(CLOCK_REALTIME)) / 1e9 }

  private static func read(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    _ = unsafe clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
