import Events
import Foundation
import Testing

@testable import Archive

@Suite struct SnapshotStoreTests {
  let folder: TemporaryFolder
  let store: SnapshotStore
  let stream = StreamKey("host/17 🦉")

  init() throws {
    folder = try TemporaryFolder()
    store = try Self.open(folder, keep: 3)
  }

  static func open(_ folder: TemporaryFolder, keep: Int = 3) throws -> SnapshotStore {
    try SnapshotStore(
      folder: folder.path + "/snapshots", sharedFolder: folder.path + "/shared", keep: keep, .process)
  }

  @discardableResult
  func save(_ stream: StreamKey, _ time: Double, shared: [String: SharedID] = [:], current: Bool = true)
    throws -> String
  {
    let name = try store.nextName(for: stream, trainedAt: time)
    let parent = try store.current(stream).snapshot?.name
    try store.save(
      Snapshot(
        stream: stream, name: name, trainedAt: time, parent: parent,
        sections: ["model": Array(name.utf8), "rbm": [1, 2, 3]], shared: shared), makeCurrent: current)
    return name
  }

  /// The file of a snapshot within the folder.
  func file(_ name: String) throws -> String {
    try #require(folder.files().first { $0.hasSuffix("\(name).model") })
  }

  /// 1795382100 is 2026-11-22T21:15:00Z according to `date -u -d @1795382100`, 951782400 is 2000-02-29, 4107542400 2100-03-01.
  @Test(
    arguments: [
      (1_795_382_100.9, 1, "20261122T211500-0001"), (0, 2, "19700101T000000-0002"),
      (951_782_400, 12_345, "20000229T000000-12345"), (4_107_542_400, 9, "21000301T000000-0009"),
      (.nan, 1, "19700101T000000-0001"),
    ] as [(Double, Int, String)])
  func `names say when and which`(time: Double, number: Int, name: String) {
    #expect(SnapshotName.make(time, number: number) == name)
    #expect(SnapshotName.number(of: name) == number)
  }

  @Test(arguments: [
    "", "x", "20261122T211500", "20261122T211500-1", "../2261122T211500-0001", "20261122X211500-0001",
  ])
  func `what is no snapshot's name is no file name either`(name: String) {
    #expect(SnapshotName.number(of: name) == nil)
    #expect(throws: ArchiveError.self) { try store.load(stream, name) }
  }

  @Test func `a snapshot is read back as it was saved`() throws {
    let id = try store.share([5, 6, 7])
    let snapshot = Snapshot(
      stream: stream, name: "20261122T211500-0001", trainedAt: 1_795_382_100.25, parent: nil,
      sections: ["model": Array(0...255), "empty": []], shared: ["autoencoder": id])
    try store.save(snapshot)
    #expect(try store.current(stream).snapshot == snapshot)
    #expect(try store.load(stream, snapshot.name) == snapshot)
    #expect(try store.sharedBytes(id) == [5, 6, 7])
  }

  @Test func `the last few are kept, in order, with their parents`() throws {
    // The clock is set back once: the number decides.
    let names = try [1000, 2000, 1500, 3000, 4000].map { try save(stream, $0) }
    let list = try store.list(stream)
    #expect(list.map(\.name) == Array(names.suffix(3)))
    #expect(list.map(\.isCurrent) == [false, false, true])
    #expect(list.map(\.parent) == [names[1], names[2], names[3]])
    #expect(try store.nextName(for: stream, trainedAt: 5000).hasSuffix("-0006"))
  }

  @Test func `reverting goes back one by one, or to a named one, and survives`() throws {
    let names = try [1000, 2000, 3000].map { try save(stream, $0) }
    #expect(try store.revert(stream) == names[1])
    #expect(try store.revert(stream) == names[0])
    #expect(throws: ArchiveError.self) { try store.revert(stream) }
    #expect(try store.revert(stream, to: names[2]) == names[2])
    #expect(throws: ArchiveError.self) { try store.revert(stream, to: "20261122T211500-0099") }
    try store.revert(stream, to: names[1])
    #expect(try Self.open(folder).current(stream).snapshot?.name == names[1])
  }

  @Test func `a stream's current snapshot is not removed although many newer ones are saved`() throws {
    let first = try save(stream, 1000)
    for time in 2...6 { try save(stream, Double(time) * 1000, current: false) }
    #expect(try store.current(stream).snapshot?.name == first)
    #expect(try store.list(stream).count == 4)
  }

  @Test func `a snapshot cut off anywhere is set aside and the previous one used`() throws {
    let first = try save(stream, 1000)
    let second = try save(stream, 2000)
    let path = try file(second)
    let pointer = (path as NSString).deletingLastPathComponent + "/current"
    let (bytes, pointerBytes) = (try folder.bytes(path), try folder.bytes(pointer))
    for end in stride(from: 0, to: bytes.count, by: 7) {
      try folder.put(Array(bytes[..<end]), path)
      try folder.put(pointerBytes, pointer)
      let found = try store.current(stream)
      #expect(found.snapshot?.name == first)
      #expect(found.setAside.count == 1)
      #expect(found.setAside.first?.description.contains("truncated at byte \(end) of") == true)
      #expect(found.setAside.first?.instead == "the previous snapshot is used")
      #expect(try store.list(stream).map(\.name) == [first])
    }
    #expect(try folder.files().filter { $0.contains("damaged") }.count == 9)
  }

  @Test func `without any snapshot to trust the stream starts without a model`() throws {
    let name = try save(stream, 1000)
    try folder.put([1, 2, 3], try file(name))
    let found = try store.current(stream)
    #expect(found.snapshot == nil)
    #expect(found.setAside.first?.instead == "the stream starts without a model")
    #expect(try store.nextName(for: stream, trainedAt: 2000) == SnapshotName.make(2000, number: 1))
  }

  @Test func `a damaged pointer is set aside and the newest snapshot used`() throws {
    try save(stream, 1000)
    let second = try save(stream, 2000)
    let pointer = try #require(folder.files().first { $0.hasSuffix("/current") })
    try folder.put([0x61, 0x6e], pointer)
    let found = try store.current(stream)
    #expect(found.snapshot?.name == second)
    #expect(found.setAside.first?.damage == .truncated(atByte: 2, of: 8))
    #expect(try store.current(stream).setAside.isEmpty)
  }

  @Test func `a start hands out every stream's current snapshot and reports what is damaged`() throws {
    let streams = (0..<40).map { StreamKey("stream \($0)") }
    for stream in streams { try save(stream, 1000) }
    let lost = try #require(
      folder.files().first { $0.hasSuffix(".model") && $0.contains("stream-7-") })
    try folder.put([], lost)
    let leftover = (lost as NSString).deletingLastPathComponent + "/.x.new-1-1"
    try folder.put([1], leftover)
    var found: [StreamKey] = []
    let report = try store.forEachCurrent { found.append($0.stream) }
    #expect(found.sorted() == streams.filter { $0.name != "stream 7" }.sorted())
    #expect(report.setAside.count == 1)
    #expect(report.unreadable.isEmpty)
    #expect(try !folder.files().contains(leftover))
  }

  @Test func `shared bytes are kept once and removed when nobody refers to them any more`() throws {
    let a = try store.share(Array(repeating: 1, count: 1000))
    #expect(try store.share(Array(repeating: 1, count: 1000)) == a)
    let b = try store.share([2])
    let unused = try store.share([3])
    for number in 0..<5 { try save(StreamKey("pooled \(number)"), 1000, shared: ["autoencoder": a]) }
    try save(stream, 1000, shared: ["autoencoder": b])
    #expect(try folder.files().filter { $0.hasPrefix("shared/") }.count == 3)
    // Not yet named by a snapshot: perhaps it is about to be.
    #expect(try store.collectUnreferenced() == 0)
    // A new life of the process knows of no such intention.
    let reopened = try Self.open(folder)
    #expect(try reopened.collectUnreferenced() == 1)
    #expect(throws: ArchiveError.self) { try reopened.sharedBytes(unused) }
    try reopened.remove(stream)
    #expect(try reopened.collectUnreferenced() == 1)
    #expect(try reopened.sharedBytes(a).count == 1000)
    #expect(try reopened.current(stream).snapshot == nil)
  }

  @Test func `shared bytes that changed are refused, and mended when they are shared again`() throws {
    let id = try store.share([1, 2, 3])
    let path = try #require(folder.files().first { $0.hasPrefix("shared/") })
    var bytes = try folder.bytes(path)
    bytes[bytes.count - 9] ^= 1
    try folder.put(bytes, path)
    #expect(throws: ArchiveError.damaged(path: "\(folder.path)/\(path)", .checksum)) {
      try store.sharedBytes(id)
    }
    #expect(try store.share([1, 2, 3]) == id)
    #expect(try store.sharedBytes(id) == [1, 2, 3])
  }

  @Test func `saving from several threads keeps every stream's last snapshots`() async throws {
    let store = store
    await withTaskGroup(of: Void.self) { group in
      for thread in 0..<4 {
        group.addTask {
          let stream = StreamKey("thread \(thread % 2)")
          for number in 0..<10 {
            let name = SnapshotName.make(Double(number), number: thread * 10 + number + 1)
            try? store.save(Snapshot(stream: stream, name: name, trainedAt: 0, sections: ["a": [1]]))
            _ = try? store.current(stream)
          }
        }
      }
    }
    for number in 0..<2 {
      #expect(try store.list(StreamKey("thread \(number)")).filter(\.isCurrent).count == 1)
    }
    #expect(try folder.files().filter { $0.contains(".new-") || $0.contains("damaged") }.isEmpty)
  }
}

@Suite struct StateStoreTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  func entry(_ name: String, _ byte: UInt8) -> StateStore.Entry {
    .init(stream: StreamKey(name), bytes: [byte])
  }

  @Test func `states are read back over a change of the number of shards`() throws {
    let store = try StateStore(folder: folder.path)
    for shard in 0..<4 { try store.save([entry("s\(shard)", 1)], shard: shard, of: 4, at: 100) }
    let next = try StateStore(folder: folder.path)
    #expect(try next.load().entries.map(\.stream.name) == ["s0", "s1", "s2", "s3"])
    // Until all of the new shards have saved, the old files may hold what nothing else holds.
    try next.save([entry("s0", 2), entry("s2", 2)], shard: 0, of: 2, at: 200)
    #expect(try next.load().entries == [entry("s0", 2), entry("s1", 1), entry("s2", 2), entry("s3", 1)])
    try next.save([entry("s1", 2), entry("s3", 2)], shard: 1, of: 2, at: 200)
    #expect(
      try folder.files() == [
        "shard-0.state", "shard-0.state.previous", "shard-1.state", "shard-1.state.previous",
      ])
    #expect(try next.load().entries.allSatisfy { $0.bytes == [2] })
  }

  @Test func `a file cut off anywhere is set aside and the previous version used`() throws {
    let store = try StateStore(folder: folder.path)
    try store.save([entry("a", 1), entry("gone since", 1)], shard: 0, of: 1, at: 1)
    try store.save([entry("a", 2)], shard: 0, of: 1, at: 2)
    #expect(try store.load().entries == [entry("a", 2)])
    let bytes = try folder.bytes("shard-0.state")
    for end in stride(from: 0, to: bytes.count, by: 7) {
      try folder.put(Array(bytes[..<end]), "shard-0.state")
      let found = try store.load()
      #expect(found.entries == [entry("a", 1), entry("gone since", 1)])
      #expect(found.setAside.map(\.instead) == ["the previous version is used"])
    }
    try folder.put([], "shard-0.state.previous")
    #expect(try store.load().entries == [])
  }

  @Test func `names that Swift holds to be equal are one stream`() throws {
    let store = try StateStore(folder: folder.path)
    try store.save([entry("caf\u{e9}", 1), entry("cafe\u{301}", 2)], shard: 0, of: 1, at: 1)
    #expect(try store.load().entries.count == 1)
  }
}
