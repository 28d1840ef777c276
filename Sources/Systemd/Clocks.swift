import CSystemd
import Glibc

/// The system's clocks, as numbers.
enum Clocks {
  /// Since 1970.
  static func realtime() -> (seconds: Int, nanoseconds: Int) { read(CLOCK_REALTIME) }

  /// Microseconds since some moment that does not change while the machine runs.
  static func monotonicMicroseconds() -> Int {
    let now = read(CLOCK_MONOTONIC)
    return now.seconds * 1_000_000 + now.nanoseconds / 1000
  }

  private static func read(_ clock: clockid_t) -> (seconds: Int, nanoseconds: Int) {
    var now = timespec()
    _ = unsafe clock_gettime(clock, &now)
    return (now.tv_sec, now.tv_nsec)
  }
}
