import Events
import Testing

@testable import Archive

@Suite struct RowHistoryTests {
  let folder: TemporaryFolder
  let stream = StreamKey("host-17")
  init() throws { folder = try TemporaryFolder() }

  func open(capacity: Int = 512, seed: UInt64 = 1, stageRows: Int = 64) throws -> HistoryStore {
    try HistoryStore(folder: folder.path, capacity: capacity, seed: seed, stageRows: stageRows)
  }

  /// Appends rows `range`: time is the number, values are number + column / 10.
  func fill(
    _ history: inout RowHistory, _ range: Range<Int>, fields: [String] = ["a", "b", "c"], width: Int? = nil,
    flags: RowFlags = []
  ) throws {
    var scratch = HistoryScratch()
    for number in range {
      let row = (0..<(width ?? fields.count)).map { Float(number) + Float($0) / 10 }
      if history.append(timestamp: Double(number), flags: flags, values: row.span) {
        try history.flush(fields: fields, scratch: &scratch)
      }
    }
    try history.flush(fields: fields, scratch: &scratch)
  }

  func numbers(_ rows: HistoryRows) -> [Int] { rows.timestamps.map { Int($0) } }

  var file: String { get throws { try #require(folder.files().first { $0.hasSuffix(".rows") }) } }

  @Test func `rows come back in order with their values, flags and names`() throws {
    let store = try open()
    var history = store.history(of: stream)
    #expect(try store.read(stream) == nil)
    try fill(&history, 0..<100)
    try fill(&history, 100..<110, flags: .quarantined)
    let rows = try #require(try store.read(stream, skipping: []))
    #expect(rows.fields == ["a", "b", "c"])
    #expect(numbers(rows) == Array(0..<110))
    #expect(rows.values.count == 330)
    #expect(rows.values[3 * 42..<3 * 43] == [42, 42.1, 42.2])
    #expect(rows.flags[0] == .startsSegment)
    #expect(rows.flags[50] == [])
    #expect(rows.flags[105] == .quarantined)
    #expect(rows.segments == [0..<110])
    #expect(rows.damagedRows == 0)
    #expect(history.writtenRows == 110)
    #expect(numbers(try #require(try store.read(stream))) == Array(0..<100))
    #expect(numbers(try #require(try store.read(stream, last: 7))) == Array(93..<100))
  }

  @Test func `the most recent rows are there without gaps, older blocks as a whole or not at all`() throws {
    // 512 rows: four blocks of the ring, four of the reservoir.
    let store = try open(stageRows: 50)
    var history = store.history(of: stream)
    for count in stride(from: 0, to: 4000, by: 130) {
      try fill(&history, count..<count + 130)
      let end = count + 130
      let rows = try #require(try store.read(stream))
      let found = numbers(rows)
      #expect(found == found.sorted())
      #expect(Set(found).count == found.count)
      #expect(found.count <= 512)
      let firstOfRing = max(0, ((end - 1) / 64 - 3) * 64)
      #expect(found.filter { $0 >= firstOfRing } == Array(firstOfRing..<end))
      let older = Dictionary(grouping: found.filter { $0 < firstOfRing }) { $0 / 64 }
      #expect(older.values.allSatisfy { $0.count == 64 })
      #expect(older.count == min(4, firstOfRing / 64))
      // Segments cover everything and break exactly where rows are missing.
      #expect(rows.segments.flatMap(Array.init) == Array(found.indices))
      for segment in rows.segments {
        #expect(Array(found[segment]) == Array(found[segment.lowerBound]...(found[segment.upperBound - 1])))
      }
      for (a, b) in zip(rows.segments, rows.segments.dropFirst()) {
        #expect(found[a.upperBound - 1] + 1 != found[b.lowerBound])
      }
      #expect(rows.damagedRows == 0)
    }
  }

  @Test func `every block that left the ring is as likely to be kept as any other`() {
    // 6 places, 60 blocks, 2000 seeds: each is kept 200 times on average with a deviation of 13.
    let layout = HistoryLayout(width: 1, ringBlocks: 4, reservoirBlocks: 6, headerSize: 4096)
    var kept = [Int](repeating: 0, count: 60)
    for seed in 0..<2000 {
      var places = [Int: Int]()
      for block in 0..<60 {
        if let place = layout.reservoirPlace(ofBlock: block, seed: UInt64(seed)) {
          places[place] = block
        }
      }
      for (place, block) in places where (4..<10).contains(place) { kept[block] += 1 }
    }
    #expect(kept.reduce(0, +) == 12_000)
    #expect(kept.allSatisfy { abs($0 - 200) < 70 })
    let chiSquare = kept.map { Double(($0 - 200) * ($0 - 200)) / 200 }.reduce(0, +)
    // The 99.9 % point of chi-square with 59 degrees of freedom is 98.3 (SciPy); the sum is smaller without replacement.
    #expect(chiSquare < 98.3)
  }

  @Test func `after a restart rows follow the last ones, and the seam is a boundary`() throws {
    let store = try open()
    var history = store.history(of: stream)
    try fill(&history, 0..<70)
    // Staged and never flushed: lost with the process.
    history.append(timestamp: 1e6, values: [1, 2, 3].span)
    var next = try open().history(of: stream)
    try fill(&next, 70..<200)
    let rows = try #require(try store.read(stream))
    #expect(numbers(rows) == Array(0..<200))
    #expect(rows.segments == [0..<70, 70..<200])
  }

  @Test func `a stream that gains fields keeps its rows, with NaN for what was not known then`() throws {
    let store = try open()
    var history = store.history(of: stream)
    try fill(&history, 0..<500, fields: ["a", "b"])
    try fill(&history, 500..<550, fields: ["a", "b", "c"], width: 2)
    try fill(&history, 550..<600, fields: ["a", "b", "c"])
    let rows = try #require(try store.read(stream))
    #expect(rows.fields == ["a", "b", "c"])
    #expect(rows.count == 472)
    for (index, number) in numbers(rows).enumerated() {
      #expect(rows.values[3 * index + 1] == Float(number) + 0.1)
      #expect(rows.values[3 * index + 2].isNaN == (number < 550))
    }
  }

  @Test func `fields that come in another order after a restart go to their old columns`() throws {
    let store = try open()
    var history = store.history(of: stream)
    try fill(&history, 0..<10, fields: ["a", "b"])
    var next = store.history(of: stream)
    var scratch = HistoryScratch()
    next.append(timestamp: 10, values: [Float(7), 5, 6].span)
    try next.flush(fields: ["new", "b", "a"], scratch: &scratch)
    let rows = try #require(try store.read(stream))
    #expect(rows.fields == ["a", "b", "new"])
    #expect(rows.values.suffix(3) == [6, 5, 7])
    #expect(rows.values[0] == 0 && rows.values[2].isNaN)
  }

  @Test func `rows that grow while they are staged are filled up`() throws {
    let store = try open()
    var history = store.history(of: stream)
    history.append(timestamp: 0, values: [Float(1)].span)
    history.append(timestamp: 1, values: [Float(2), 3].span)
    history.append(timestamp: 2, values: [Float(4)].span)
    var scratch = HistoryScratch()
    try history.flush(fields: ["a", "b"], scratch: &scratch)
    let values = try #require(try store.read(stream)).values
    #expect(values.map { $0.isNaN ? -1 : $0 } == [1, -1, 2, 3, 4, -1])
  }

  @Test(arguments: [(512, 1024), (1024, 512), (512, 192)])
  func `another capacity keeps the most recent rows and as much of the sample as fits`(old: Int, new: Int)
    throws
  {
    var history = try open(capacity: old).history(of: stream)
    try fill(&history, 0..<3000)
    let before = Set(numbers(try #require(try open(capacity: old).read(stream))))
    let store = try open(capacity: new)
    var next = store.history(of: stream)
    try fill(&next, 3000..<3010)
    let found = numbers(try #require(try store.read(stream)))
    #expect(found == found.sorted() && found.count <= new)
    let ring = max(2, new / 128)
    let kept = max(3009 / 64 - ring + 1, 2999 / 64 - max(2, old / 128) + 1) * 64
    #expect(found.filter { $0 >= kept } == Array(kept..<3010))
    #expect(before.isSuperset(of: found.filter { $0 < 3000 }))
    #expect(found.count > min(old, new) - 64)
    // And it goes on: the ring is of the new size, free places of the sample fill up with time.
    try fill(&next, 3010..<6000)
    let later = numbers(try #require(try store.read(stream)))
    let first = (5999 / 64 - ring + 1) * 64
    #expect(later.count <= new && later.filter { $0 >= first } == Array(first..<6000))
  }

  @Test func `flags of a past time range can be changed, staged rows included`() throws {
    let store = try open()
    var history = store.history(of: stream)
    try fill(&history, 0..<600)
    try fill(&history, 600..<640, flags: .quarantined)
    for number in 640..<650 {
      history.append(timestamp: Double(number), flags: .quarantined, values: [1, 2, 3].span)
    }
    var scratch = HistoryScratch()
    #expect(try history.mark(620...645, clear: .quarantined, scratch: &scratch) == 26)
    #expect(try history.mark(620...645, clear: .quarantined, scratch: &scratch) == 0)
    #expect(try history.mark(500...509, set: .forgotten, scratch: &scratch) == 10)
    try history.flush(fields: ["a", "b", "c"], scratch: &scratch)
    let found = numbers(try #require(try store.read(stream)))
    #expect(found.filter { $0 >= 480 } == Array(480..<500) + Array(510..<600) + Array(620..<646))
    let all = try #require(try store.read(stream, skipping: []))
    #expect(all.damagedRows == 0)
    #expect(all.flags.count { $0.contains(.forgotten) } == 10)
  }

  @Test func `a file cut off at any byte costs the rows behind it and nothing else`() throws {
    let store = try open(capacity: 192)
    var history = store.history(of: stream)
    try fill(&history, 0..<120, fields: ["a"])
    let path = try file
    let bytes = try folder.bytes(path)
    for end in stride(from: 0, to: bytes.count, by: 97) {
      try folder.put(Array(bytes[..<end]), path)
      if end < 4096 {
        // Within the header: either it cannot be trusted, or only padding is missing.
        guard let rows = try? store.read(stream) else { continue }
        #expect(rows.count == 0)
      } else {
        let rows = try #require(try store.read(stream))
        #expect(numbers(rows) == Array(0..<(end - 4096) / 28))
        var next = store.history(of: stream)
        try fill(&next, 1000..<1001, fields: ["a"])
        #expect(try #require(try store.read(stream)).timestamps.last == 1000)
        #expect(next.damagedFiles == 0)
      }
    }
  }

  @Test func `damaged records are left out and counted, and are not joined over`() throws {
    let store = try open()
    var history = store.history(of: stream)
    try fill(&history, 0..<100)
    let path = try file
    var bytes = try folder.bytes(path)
    bytes[4096 + 36 * 30 + 25] ^= 4
    try folder.put(bytes, path)
    let rows = try #require(try store.read(stream))
    #expect(numbers(rows) == Array(0..<30) + Array(31..<100))
    #expect(rows.segments == [0..<30, 30..<99])
    #expect(rows.damagedRows == 1)
  }

  @Test func `a damaged header is set aside and collecting starts over`() throws {
    let store = try open()
    var history = store.history(of: stream)
    try fill(&history, 0..<100)
    let path = try file
    var bytes = try folder.bytes(path)
    bytes[40] ^= 1
    try folder.put(bytes, path)
    #expect(throws: ArchiveError.damaged(path: "\(folder.path)/\(path)", .checksum)) {
      try store.read(stream)
    }
    history.reopen()
    history.append(timestamp: 100, values: [Float(1), 2, 3].span)
    var scratch = HistoryScratch()
    let aside = try #require(try history.flush(fields: ["a", "b", "c"], scratch: &scratch))
    #expect(
      aside.description.hasSuffix(
        "set aside as \(folder.path)/\(path).damaged-1; collecting rows starts over"))
    #expect(history.damagedFiles == 1)
    #expect(try #require(try store.read(stream)).timestamps == [100])
  }

  @Test func `what an interrupted rewriting left is removed at the next start`() throws {
    var history = try open().history(of: stream)
    try fill(&history, 0..<10)
    try folder.put([1], String(StreamFile.path(of: stream).prefix(3)) + ".x.rows.new-1-1")
    _ = try open()
    #expect(try folder.files().filter { $0.contains("/.") } == [])
  }

  @Test func `a file that somebody removed is made anew`() throws {
    let store = try open()
    var history = store.history(of: stream)
    try fill(&history, 0..<10)
    try store.remove(stream)
    try fill(&history, 10..<20)
    #expect(numbers(try #require(try store.read(stream))) == Array(10..<20))
  }

  @Test func `rows that cannot be written are counted, and later ones are written again`() throws {
    let store = try open()
    var history = store.history(of: stream)
    // A file where the folder should be.
    let blocked = String(StreamFile.path(of: stream).prefix(2))
    try folder.put([], blocked)
    #expect(throws: ArchiveError.self) { try fill(&history, 0..<10) }
    #expect(history.lostRows == 10 && history.stagedRows == 0)
    try Folder.remove("\(folder.path)/\(blocked)")
    try fill(&history, 10..<20)
    #expect(numbers(try #require(try store.read(stream))) == Array(10..<20))
  }

  @Test func `a stage that nobody flushes stays bounded`() throws {
    var history = try open(stageRows: 8).history(of: stream)
    for number in 0..<20 {
      #expect(history.append(timestamp: Double(number), values: [Float(1)].span) == (number >= 7))
    }
    #expect(history.stagedRows == 8 && history.lostRows == 12)
  }

  @Test func `reading while another thread writes gives whole rows only`() async throws {
    let store = try open()
    let stream = stream
    let writer = Task.detached {
      var history = store.history(of: stream)
      var scratch = HistoryScratch()
      let fields = (0..<16).map { "f\($0)" }
      for number in 0..<3000 {
        let row = [Float](repeating: Float(number), count: 16)
        if history.append(timestamp: Double(number), values: row.span) {
          try history.flush(fields: fields, scratch: &scratch)
        }
      }
    }
    var reads = 0
    while reads < 10 {
      guard let rows = try store.read(stream) else { continue }
      reads += 1
      for (index, time) in rows.timestamps.enumerated() {
        #expect(rows.values[index * 16..<(index + 1) * 16].allSatisfy { Double($0) == time })
      }
      #expect(rows.timestamps == rows.timestamps.sorted())
    }
    try await writer.value
  }
}
