import CSystemd
import Glibc
public import Logging

/// Log lines for terminals, files and containers: `2026-11-22T21:15:00.123Z warning: message key=value`.
///
/// One write(2) per line. What other programs put into names and values cannot forge lines: control characters are
/// written as escapes.
public struct StandardErrorLogHandler: LogHandler {
  public var metadata: Logger.Metadata = [:]
  public var metadataProvider: Logger.MetadataProvider?
  private let threshold: LogThreshold
  private var ownLevel: Logger.Level?

  public init(threshold: LogThreshold) { self.threshold = threshold }

  public var logLevel: Logger.Level {
    get { ownLevel ?? threshold.level }
    set { ownLevel = newValue }
  }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) {
    var now = timespec()
    _ = unsafe clock_gettime(CLOCK_REALTIME, &now)
    Self.write(
      LogText.timestamp(seconds: now.tv_sec, nanoseconds: now.tv_nsec) + " " + line(of: event) + "\n")
  }

  /// Without the timestamp and the line break.
  func line(of event: LogEvent) -> String {
    let metadata = LogText.merged(metadata, metadataProvider, event.metadata)
    return "\(event.level): \(LogText.escaped(LogText.message(of: event)))\(LogText.words(metadata))"
  }

  private static func write(_ text: String) {
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
      let put = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.write(STDERR_FILENO, $0.baseAddress.map { unsafe $0 + done }, bytes.count - done)
      }
      // There is nobody left to tell when the standard error is gone.
      if put < 0 && errno != EINTR { return }
      if put > 0 { done += put }
    }
  }
}
