import Foundation
import Glibc
import Logging
import Testing

@testable import Systemd

/// A service manager's end of the notification socket.
private final class Manager {
  let path: String
  private let number: Int32

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/notify-\(UUID().uuidString.prefix(8)).sock"
    number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8)) }
    let bound = unsafe withUnsafePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(bound == 0)
  }

  deinit {
    close(number)
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The next message, or nil when there is none.
  func receive() -> String? {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = unsafe recv(number, &bytes, bytes.count, Int32(MSG_DONTWAIT))
    return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
  }
}

/// They set the environment of the process: one after the other.
@Suite(.serialized) struct ServiceNotifierTests {
  func with(_ environment: [String: String], _ body: () throws -> Void) rethrows {
    for (name, value) in environment { _ = unsafe setenv(name, value, 1) }
    defer { for name in environment.keys { _ = unsafe unsetenv(name) } }
    try body()
  }

  @Test func `everything a service says arrives at the manager's socket`() throws {
    let manager = try Manager()
    try with(["NOTIFY_SOCKET": manager.path]) {
      let notifier = ServiceNotifier()
      #expect(notifier.isActive)
      #expect(notifier.ready(status: "12 streams"))
      #expect(manager.receive() == "READY=1\nSTATUS=12 streams")
      notifier.status("two\nlines\r\nREADY=1")
      #expect(manager.receive() == "STATUS=two lines READY=1")
      notifier.watchdog()
      #expect(manager.receive() == "WATCHDOG=1")
      notifier.triggerWatchdog(status: "scoring stands still")
      #expect(manager.receive() == "WATCHDOG=trigger\nSTATUS=scoring stands still")
      notifier.extendTimeout(.milliseconds(1500))
      #expect(manager.receive() == "EXTEND_TIMEOUT_USEC=1500000")
      notifier.stopping(status: "draining")
      #expect(manager.receive() == "STOPPING=1\nSTATUS=draining")
      let before = Clocks.monotonicMicroseconds()
      notifier.reloading()
      let text = try #require(manager.receive())
      let prefix = "RELOADING=1\nMONOTONIC_USEC="
      #expect(text.hasPrefix(prefix))
      let time = try #require(Int(text.dropFirst(prefix.count)))
      #expect(time >= before && time <= Clocks.monotonicMicroseconds())
      #expect(manager.receive() == nil)
    }
  }

  @Test func `without a manager nothing happens`() {
    let notifier = ServiceNotifier()
    #expect(!notifier.isActive)
    #expect(!notifier.ready())
    #expect(!notifier.watchdog())
    #expect(notifier.watchdogInterval == nil)
  }

  @Test func `a manager that is gone is no error`() {
    with(["NOTIFY_SOCKET": "/nowhere/notify.sock"]) { #expect(!ServiceNotifier().ready()) }
  }

  @Test func `the watchdog's interval is that of this process`() {
    with(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "\(getpid())"]) {
      #expect(ServiceNotifier().watchdogInterval == .seconds(30))
    }
    with(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"]) {
      #expect(ServiceNotifier().watchdogInterval == nil)
    }
    with(["WATCHDOG_USEC": "soon"]) { #expect(ServiceNotifier().watchdogInterval == nil) }
  }

  @Test func `the journal is written to only when the standard error is its stream`() {
    var status = stat()
    #expect(unsafe fstat(STDERR_FILENO, &status) == 0)
    #expect(!ServiceLog.isConnectedToJournal())
    with(["JOURNAL_STREAM": "\(status.st_dev):\(status.st_ino)"]) {
      #expect(ServiceLog.isConnectedToJournal())
      #expect(ServiceLog.handler(label: "x", threshold: LogThreshold(.info)) is JournalLogHandler)
    }
    with(["JOURNAL_STREAM": "\(status.st_dev):\(status.st_ino + 1)"]) {
      #expect(!ServiceLog.isConnectedToJournal())
      #expect(ServiceLog.handler(label: "x", threshold: LogThreshold(.info)) is StandardErrorLogHandler)
    }
  }
}
