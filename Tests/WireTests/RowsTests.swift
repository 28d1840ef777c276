import Testing
import Wire

struct RowsTests {
  private func bytes(_ values: [Float]) -> [UInt8] {
    values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } }
  }

  @Test func `every row is an event of the topic's stream, in the order of the fields`() throws {
    let source = try TestSource {
      $0.format = .f32
      $0.fields = ["i", "q"]
    }
    let events = source.events(bytes([1, 2, 3, .nan, .infinity, 6]), topic: "sig")
    #expect(events.map(\.stream) == ["sig", "sig", "sig"])
    #expect(events.map(\.timestamp) == [TestSource.arrival, TestSource.arrival, TestSource.arrival])
    #expect(events[0].values.map(\.value) == [1, 2])
    #expect(events[1].values[0].value == 3 && events[1].values[1].value.isNaN)
    #expect(events[2].values[0].value.isNaN && events[2].values[1].value == 6)
  }

  @Test func `a sample rate gives the rows their times, the last at arrival`() throws {
    let source = try TestSource {
      $0.format = .f32
      $0.fields = ["x"]
      $0.sampleRate = 4
    }
    let times = source.events(bytes([1, 2, 3]), topic: "s").map(\.timestamp)
    #expect(times == [TestSource.arrival - 0.5, TestSource.arrival - 0.25, TestSource.arrival])
  }

  // GNU Radio's pub_sink with pass_tags: f0 5f, 01, u64 offset, u64 number of tags, then floats.
  @Test func `a header before the rows is stepped over, at any alignment`() throws {
    let source = try TestSource {
      $0.format = .f32
      $0.fields = ["x"]
      $0.headerBytes = 19
    }
    let header: [UInt8] = [0xF0, 0x5F, 1] + [UInt8](repeating: 0, count: 16)
    let events = source.events(header + bytes([1, 0.998_023_27]))
    #expect(events.map { $0.values[0].value } == [1, 0.998_023_27])
    #expect(events[0].stream == "test")
    #expect(source.events(Array(header.prefix(10)))[0].refusal == .truncated)
    #expect(source.events(header)[0].refusal == .noNumbers)
  }

  @Test func `bytes that are no whole rows are refused`() throws {
    let source = try TestSource {
      $0.format = .f32
      $0.fields = ["a", "b", "c"]
    }
    #expect(source.events(bytes([1, 2, 3, 4]))[0].refusal == .wrongFieldCount)
    #expect(source.events([1, 2, 3])[0].refusal == .wrongFieldCount)
    #expect(source.events([])[0].refusal == .noNumbers)
  }

  @Test func `with rules for names, rows become named`() throws {
    let source = try TestSource {
      $0.format = .f32
      $0.fields = ["a", "b", "c"]
      $0.exclude = ["*.b"]
      $0.name = "{topic}.{key}"
    }
    #expect(
      source.events(bytes([1, 2, 3]), topic: "t") == [
        Decoded(stream: "t", timestamp: TestSource.arrival, values: [("t.a", 1), ("t.c", 3)])
      ])
  }
}
