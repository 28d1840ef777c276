import Control
import Events
import Foundation
import Glibc
import Testing

/// The state directory on a disk of its own, where the tests may mount one (as root).
@Suite struct FullDiskTests {
  private static func mounted(_ path: String, kilobytes: Int) -> Bool {
    unsafe mount("anomalyd-test", path, "tmpfs", 0, "size=\(kilobytes)k") == 0
  }

  static func canMount() -> Bool {
    (try? Programs.withFolder { folder in
      defer { _ = unsafe umount2(folder.path, Int32(MNT_DETACH)) }
      return mounted(folder.path, kilobytes: 64)
    }) ?? false
  }

  private func withDisk(_ body: (URL, URL) throws -> Void) throws {
    try Programs.withFolder { folder in
      let disk = folder.appending(path: "state")
      try FileManager.default.createDirectory(at: disk, withIntermediateDirectories: false)
      try #require(Self.mounted(disk.path, kilobytes: 8192))
      defer { _ = unsafe umount2(disk.path, Int32(MNT_DETACH)) }
      try body(folder, disk)
    }
  }

  private static func config(_ folder: URL) -> String {
    """
    sources: [{name: in, socket: pull, bind: ["\(Daemon.endpoint("in", in: folder))"]}]
    detection: {collecting: {early_rows: 0, rows: 256}, calibration: {fresh_rows: 64}}
    retrain: {growth: 0}
    state: {save_every: 1s}

    """
  }

  /// A stream that has learned.
  private func learned(_ daemon: Daemon, _ sender: Sender) throws {
    try sender.sendOrdinary("a", 0..<256)
    try daemon.wait(
      "a model", for: { try daemon.streams().first?.phase }, until: { $0 == .calibrating || $0 == .scoring })
    try sender.sendOrdinary("a", 256..<400)
    try daemon.waitForEvents(400, of: "a")
  }

  private func sendFault(_ sender: Sender, _ range: Range<Int>) throws {
    for index in range {
      try sender.send(
        #"{"stream":"a","ts":\#(1_700_000_000 + index),"values":{"a":\#(900 + index % 3),"b":20.5}}"#)
    }
  }

  @Test(.enabled(if: canMount(), "needs to mount"))
  func `on a full disk events go on, alerts wait, and are said and numbered when there is room`() throws {
    try withDisk { folder, disk in
      let daemon = try Daemon(Self.config(folder), in: folder)
      let sender = try Sender(to: Daemon.endpoint("in", in: folder))
      try learned(daemon, sender)
      let filler = disk.appending(path: "filler")
      // To the last byte.
      _ = FileManager.default.createFile(atPath: filler.path, contents: nil)
      let handle = try FileHandle(forWritingTo: filler)
      for size in [1 << 16, 1 << 12, 1] {
        while (try? handle.write(contentsOf: Data(count: size))) != nil {}
      }
      try handle.close()
      try sendFault(sender, 400..<440)
      try daemon.waitForEvents(440, of: "a")
      let full = try daemon.wait(
        "a problem", for: { try daemon.status() }, until: { $0.state.problem != nil })
      #expect(full.state.problem?.isEmpty == false)
      #expect(try daemon.doctor("state directory").finding == .fail)
      #expect(full.alerts.opened == 0)
      try sender.sendOrdinary("a", 440..<600)
      try daemon.waitForEvents(600, of: "a")

      try FileManager.default.removeItem(at: filler)
      let mended = try daemon.wait(
        "what waited", for: { try daemon.status() },
        until: { $0.alerts.opened >= 1 && $0.alerts.resolved >= 1 && $0.state.healthy })
      guard case .alerts(let list) = try daemon.client.ask(.alerts(AlertQuery())) else { return }
      let numbers = list.alerts.map(\.seq).sorted()
      #expect(numbers == Array(numbers[0]..<numbers[0] + UInt64(numbers.count)))
      #expect(mended.alerts.opened == 1)
      #expect(daemon.end() == 0, "\(daemon.log)")
      let again = try Daemon(in: folder)
      #expect(try again.streams().first?.events == 600)
    }
  }

  @Test(.enabled(if: canMount(), "needs to mount"))
  func `a state directory that becomes read-only is shown, and scoring goes on`() throws {
    try withDisk { folder, disk in
      let daemon = try Daemon(Self.config(folder), in: folder)
      let sender = try Sender(to: Daemon.endpoint("in", in: folder))
      try learned(daemon, sender)
      // Files that are open for writing would forbid it; a bind mount over itself is made read-only instead.
      try #require(unsafe mount(disk.path, disk.path, nil, UInt(MS_BIND), nil) == 0)
      defer { _ = unsafe umount2(disk.path, Int32(MNT_DETACH)) }
      try #require(
        unsafe mount(nil, disk.path, nil, UInt(MS_REMOUNT | MS_BIND | MS_RDONLY), nil) == 0)
      try sender.sendOrdinary("a", 400..<600)
      try daemon.waitForEvents(600, of: "a")
      let status = try daemon.wait("a problem", for: { try daemon.status() }, until: { !$0.state.healthy })
      #expect(status.state.problem?.isEmpty == false)
      #expect(daemon.process.isRunning)
    }
  }
}
