import CSystemd
import Glibc

/// Tells the service manager how the service is doing; see sd_notify(3). Does nothing when nobody listens
/// (`NOTIFY_SOCKET` is not set), so programs need not ask whether they run under systemd.
public struct ServiceNotifier: Sendable {
  /// Whether a service manager listens.
  public let isActive: Bool

  /// How often ``watchdog()`` has to be called at the latest, or nil when nobody watches; call it about twice as often.
  public let watchdogInterval: Duration?

  public init() {
    isActive = unsafe getenv("NOTIFY_SOCKET") != nil
    var microseconds: UInt64 = 0
    let enabled = unsafe sd_watchdog_enabled(0, &microseconds) > 0 && microseconds > 0
    watchdogInterval = enabled ? .microseconds(Int64(clamping: microseconds)) : nil
  }

  /// Start-up or a reload is complete.
  @discardableResult
  public func ready(status: String? = nil) -> Bool { send("READY=1", status) }

  /// One line for `systemctl status`.
  @discardableResult
  public func status(_ text: String) -> Bool { send(nil, text) }

  /// A reload begins; ``ready(status:)`` ends it.
  @discardableResult
  public func reloading(status: String? = nil) -> Bool {
    send("RELOADING=1\nMONOTONIC_USEC=\(Clocks.monotonicMicroseconds())", status)
  }

  @discardableResult
  public func stopping(status: String? = nil) -> Bool { send("STOPPING=1", status) }

  /// Everything that must make progress did.
  @discardableResult
  public func watchdog() -> Bool { send("WATCHDOG=1", nil) }

  /// A fault that only a restart heals: the manager acts as if the watchdog had not been fed.
  @discardableResult
  public func triggerWatchdog(status: String? = nil) -> Bool { send("WATCHDOG=trigger", status) }

  /// Start, reload or stop may take this much longer, counted from now. To be repeated while it lasts.
  @discardableResult
  public func extendTimeout(_ duration: Duration) -> Bool {
    let (seconds, attoseconds) = duration.components
    return send("EXTEND_TIMEOUT_USEC=\(max(0, seconds * 1_000_000 + attoseconds / 1_000_000_000_000))", nil)
  }

  /// - Returns: whether the manager got it.
  private func send(_ state: String?, _ status: String?) -> Bool {
    guard isActive else { return false }
    // A line break would begin another assignment.
    let line = status.map { "STATUS=" + $0.map { $0.isNewline ? " " : $0 } }
    return unsafe sd_notify(0, [state, line].compactMap(\.self).joined(separator: "\n")) > 0
  }
}
