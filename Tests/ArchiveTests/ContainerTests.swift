import Events
import Testing

@testable import Archive

@Suite struct ContainerTests {
  /// From Python's xxhash 4.1.0: `xxh64_intdigest(bytes((i * 31 + 7) & 255 for i in range(n)), seed)`.
  @Test(
    arguments: [
      (0, 0, 0xef46_db37_51d8_e999), (0, 2_654_435_761, 0xac75_fda2_929b_17ef), (1, 0, 0xa96c_7f0c_e858_bbb7),
      (3, 0, 0x56e6_9576_32a4_87f9), (4, 2_654_435_761, 0xd4e4_b946_fb0b_fbb4), (7, 0, 0xafbe_fc3d_6c6f_9a8e),
      (8, 0, 0x3da5_c7aa_2696_83e0), (15, 0, 0xae2a_37eb_9357_caa7),
      (31, 2_654_435_761, 0xb806_f858_c847_89ea),
      (32, 0, 0x8d57_d6a4_671c_c43d), (33, 0, 0x62c9_fd21_ed85_7664), (63, 0, 0x5c32_0a0d_2707_057f),
      (64, 2_654_435_761, 0x861f_d034_d84d_ab20), (100, 0, 0xefa0_ad2d_3e70_c151),
      (1000, 0, 0x9959_4f48_2804_3d35),
    ] as [(Int, UInt64, UInt64)])
  func `the checksum is XXH64`(count: Int, seed: UInt64, expected: UInt64) {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 31 + 7) }
    #expect(Checksum.xxh64(bytes, seed: seed) == expected)
  }

  let container = Container(
    kind: "sample", version: 3,
    sections: [
      .init(name: "weights", bytes: Array(0..<200)), .init(name: "", bytes: []),
      .init(name: "größe/🦉", bytes: [1, 2, 3]), .init(name: "weights", bytes: [9]),
    ])

  @Test func `what was written is read back`() throws {
    let bytes = container.encode()
    #expect(try Container(decoding: bytes, kind: "sample", version: 3) == container)
    #expect(try Container(decoding: bytes, kind: "sample", version: 7).version == 3)
    #expect(container["größe/🦉"] == [1, 2, 3])
    #expect(container["no such"] == nil)
  }

  @Test func `a file cut off at any byte is never trusted, and the error says where it ends`() {
    let bytes = container.encode()
    for end in 0..<bytes.count {
      let error = #expect(throws: Damage.self) {
        try Container(decoding: Array(bytes[..<end]), kind: "sample", version: 3)
      }
      guard case .truncated(let at, let size)? = error else {
        Issue.record("cut at \(end): \(String(describing: error))")
        continue
      }
      #expect(at == end)
      #expect(size > end && size <= bytes.count)
    }
  }

  @Test func `a change of any single bit is noticed`() {
    let bytes = container.encode()
    for bit in 0..<bytes.count * 8 {
      var changed = bytes
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: Damage.self) { try Container(decoding: changed, kind: "sample", version: 3) }
    }
  }

  @Test func `bytes too many, other kinds, newer versions and strangers are told apart`() {
    let bytes = container.encode()
    #expect(throws: Damage.trailing(bytes: 2)) {
      try Container(decoding: bytes + [0, 0], kind: "sample", version: 3)
    }
    #expect(throws: Damage.wrongKind(found: "sample", expected: "snapshot")) {
      try Container(decoding: bytes, kind: "snapshot", version: 3)
    }
    #expect(throws: Damage.newerVersion(found: 3, known: 2)) {
      try Container(decoding: bytes, kind: "sample", version: 2)
    }
    #expect(throws: Damage.notOurs) {
      try Container(decoding: Array("SQLite format 3".utf8), kind: "sample", version: 3)
    }
    #expect(throws: Damage.truncated(atByte: 0, of: 8)) {
      try Container(decoding: [], kind: "sample", version: 3)
    }
  }

  @Test func `random bytes behind a right beginning are refused without a crash`() {
    var generator = SystemRandomNumberGenerator()
    let start = Array("anomalyd".utf8) + [1, 0, 0, 0]
    for _ in 0..<2000 {
      let bytes =
        start + (0..<Int.random(in: 0...120)).map { _ in UInt8.random(in: 0...255, using: &generator) }
      #expect(throws: Damage.self) { try Container(decoding: bytes, kind: "sample", version: 3) }
    }
  }

  @Test func `sections that claim to be longer than the file are refused even when the checksum holds`() {
    var writer = ByteWriter()
    writer.bytes.append(contentsOf: "anomalyd".utf8)
    writer.put(UInt32(1))
    writer.put(UInt32(3))
    let rest = 8 + 4 + 4 + 6 + 4 + 1 + 8 + 8
    writer.put(UInt64(16 + rest))
    writer.put(UInt32(1))
    writer.put("sample")
    writer.put("a")
    writer.put(UInt64.max)
    writer.put(Checksum.xxh64(writer.bytes))
    #expect(throws: Damage.malformed("section a is said to be longer than the file")) {
      try Container(decoding: writer.bytes, kind: "sample", version: 3)
    }
  }
}

@Suite struct AtomicFileTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  @Test func `a file is replaced whole and nothing else is left`() throws {
    let path = folder.path + "/file"
    try AtomicFile.write([1, 2, 3], to: path)
    try AtomicFile.write(Array(repeating: 7, count: 100_000), to: path, .process)
    #expect(try AtomicFile.read(path) == Array(repeating: 7, count: 100_000))
    #expect(try folder.files() == ["file"])
  }

  @Test func `an empty file is written and read`() throws {
    try AtomicFile.write([], to: folder.path + "/empty")
    #expect(try AtomicFile.read(folder.path + "/empty") == [])
  }

  @Test func `a missing folder or file is said to be missing`() {
    let path = folder.path + "/no/file"
    #expect(throws: ArchiveError.missing(path: path)) { try AtomicFile.read(path) }
    #expect(throws: ArchiveError.self) { try AtomicFile.write([1], to: path) }
  }

  @Test func `what an interrupted write left is swept away`() throws {
    try folder.put([1], ".file.new-123-4")
    try folder.put([2], "file")
    try AtomicFile.sweep(folder.path)
    #expect(try folder.files() == ["file"])
  }

  @Test func `damaged files are numbered, and the ninth is replaced`() throws {
    for number in 1...12 {
      try folder.put([UInt8(number)], "file")
      #expect(AtomicFile.setAside(folder.path + "/file") == folder.path + "/file.damaged-\(min(number, 9))")
    }
    #expect(try folder.files().count == 9)
    #expect(try folder.bytes("file.damaged-9") == [12])
    #expect(AtomicFile.setAside(folder.path + "/file") == nil)
  }

  @Test func `the state folder is for one process at a time`() throws {
    let path = folder.path + "/state"
    let state = try StateFolder(path)
    #expect(throws: ArchiveError.inUse(path: path)) { try StateFolder(path) }
    #expect(state.alerts == path + "/alerts.sqlite")
    withExtendedLifetime(state) {}
  }

  @Test func `file names of streams are safe, readable and distinct`() {
    let names = [
      "host-17", "HOST-17", "", ".", "..", "a/b", "a/../../etc/passwd", "a\u{0}b", "日本語", "x y", "x-y",
      String(repeating: "long", count: 500), "\n",
    ]
    let files = names.map { StreamFile.path(of: .init($0)) }
    #expect(Set(files).count == names.count)
    for file in files {
      let parts = file.split(separator: "/", omittingEmptySubsequences: false)
      #expect(parts.count == 2)
      #expect(parts[0].count == 2)
      #expect(!parts[1].hasPrefix("."))
      #expect(parts[1].utf8.count < 70)
      #expect(file.utf8.allSatisfy { $0 > 32 && $0 < 127 })
    }
    #expect(files[0].hasPrefix("\(files[0].suffix(16).prefix(2))/host-17-"))
    // One stream to Swift, one file.
    #expect(StreamFile.path(of: .init("caf\u{e9}")) == StreamFile.path(of: .init("cafe\u{301}")))
  }
}
