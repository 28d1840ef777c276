import Glibc

/// The two clocks that the pipeline reads; everything below it is handed their values.
public enum Clocks {
  /// Nanoseconds of the monotonic clock: for deadlines, waiting times and ages.
  public static func monotonic() -> UInt64 { nanoseconds(of: CLOCK_MONOTONIC) }

  /// Seconds since 1970: the time of arrival of a message that carries no time of its own.
  public static func wall() -> Double { Double(nanoseconds(of: CLOCK_REALTIME)) * 1e-9 }

  private static func nanoseconds(of clock: clockid_t) -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
