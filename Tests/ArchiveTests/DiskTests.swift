import Events
import Foundation
import Glibc
import Testing

@testable import Archive

/// A small file system of its own, where the tests may mount one (as root).
private final class SmallDisk {
  let path: String
  private let folder: TemporaryFolder

  /// Nil where mounting is not allowed.
  init?(kilobytes: Int) throws {
    folder = try TemporaryFolder()
    path = folder.path
    guard unsafe mount("anomalyd-test", path, "tmpfs", 0, "size=\(kilobytes)k") == 0 else { return nil }
  }

  func makeReadOnly() -> Bool {
    unsafe mount("anomalyd-test", path, "tmpfs", UInt(MS_REMOUNT | MS_RDONLY), nil) == 0
  }

  deinit { _ = unsafe umount2(path, Int32(MNT_DETACH)) }
}

@Suite struct DiskTests {
  static func canMount() -> Bool { (try? SmallDisk(kilobytes: 64)) ?? nil != nil }

  func snapshot(_ store: SnapshotStore, _ time: Double, bytes: Int) throws -> Snapshot {
    let stream = StreamKey("host-17")
    return Snapshot(
      stream: stream, name: try store.nextName(for: stream, trainedAt: time), trainedAt: time,
      sections: ["model": [UInt8](repeating: 1, count: bytes)])
  }

  @Test(.enabled(if: canMount()))
  func `on a full disk what was there stays, and there is nothing half-written`() throws {
    let disk = try #require(try SmallDisk(kilobytes: 512))
    let state = try StateFolder(disk.path + "/state")
    let store = try SnapshotStore(state, keep: 3)
    let first = try snapshot(store, 1000, bytes: 50_000)
    try store.save(first)
    let states = try StateStore(state)
    try states.save([.init(stream: StreamKey("a"), bytes: [1])], shard: 0, of: 1, at: 1)
    let alerts = try AlertStore(state) { "e" }
    var history = try HistoryStore(state, capacity: 4096, seed: 1).history(of: StreamKey("host-17"))

    let filler = disk.path + "/filler"
    let descriptor = try Descriptor(.making, filler)
    #expect(throws: ArchiveError.full(path: filler)) {
      try descriptor.write([UInt8](repeating: 0, count: 1 << 20), 0..<1 << 20, at: 0)
    }
    let second = try snapshot(store, 2000, bytes: 50_000)
    let full = #expect(throws: ArchiveError.self) { try store.save(second) }
    guard case .full? = full else {
      Issue.record("\(String(describing: full))")
      return
    }
    #expect(throws: ArchiveError.self) {
      try states.save(
        [.init(stream: StreamKey("a"), bytes: [UInt8](repeating: 2, count: 9000))], shard: 0, of: 1, at: 2)
    }
    var scratch = HistoryScratch()
    history.append(timestamp: 1, values: [Float(1)].span)
    #expect(throws: ArchiveError.self) { try history.flush(fields: ["a"], scratch: &scratch) }
    #expect(history.lostRows == 1)

    #expect(try store.current(StreamKey("host-17")).snapshot == first)
    #expect(try states.load().entries.map(\.bytes) == [[1]])
    #expect(
      try FileManager.default.subpathsOfDirectory(atPath: disk.path).filter { $0.contains(".new-") } == [])

    try Folder.remove(filler)
    _ = consume descriptor
    try store.save(second)
    #expect(try store.current(StreamKey("host-17")).snapshot == second)
    history.append(timestamp: 2, values: [Float(2)].span)
    try history.flush(fields: ["a"], scratch: &scratch)
    #expect(try alerts.lastSeq() == 0)
  }

  @Test(.enabled(if: canMount()))
  func `on a read-only disk everything can be read and writing is a typed error`() throws {
    let disk = try #require(try SmallDisk(kilobytes: 512))
    let store = try SnapshotStore(folder: disk.path + "/s", sharedFolder: disk.path + "/w", keep: 3)
    let first = try snapshot(store, 1000, bytes: 100)
    try store.save(first)
    try #require(disk.makeReadOnly())
    let error = #expect(throws: ArchiveError.self) { try store.save(try snapshot(store, 2000, bytes: 100)) }
    guard case .readOnly? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try store.current(StreamKey("host-17")).snapshot == first)
    #expect(throws: ArchiveError.readOnly(path: disk.path + "/lock")) { try StateFolder(disk.path) }
  }
}
