import Testing
import Wire

/// Examples after docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol.
struct LineProtocolTests {
  @Test func `a line is one event of the series that it names`() throws {
    let source = try TestSource { $0.format = .line }
    #expect(
      source.events("cpu,host=h1,cpu=cpu0 usage_user=0.5,usage_idle=99i,up=t 1732270000250000000") == [
        Decoded(
          stream: "cpu,host=h1,cpu=cpu0", timestamp: 1_732_270_000.25,
          values: [("usage_user", 0.5), ("usage_idle", 99), ("up", 1)])
      ])
  }

  @Test func `many lines are many events; empty lines and comments are none`() throws {
    let source = try TestSource { $0.format = .line }
    let events = source.events(
      "# a comment\ncpu x=1 1732270000000000000\r\n\n  \nmem y=2 1732270001000000000\nload z=3\n")
    #expect(events.map(\.stream) == ["cpu", "mem", "load"])
    #expect(events.map(\.timestamp) == [1_732_270_000, 1_732_270_001, TestSource.arrival])
    #expect(events.map(\.values[0].value) == [1, 2, 3])
  }

  @Test(
    arguments: [
      ("1", 1), ("1.0", 1), ("-1.234456e+78", -.infinity), ("1.5E-3", 0.0015), ("12i", 12), ("-12i", -12),
      ("12u", 12), ("t", 1),
      ("T", 1), ("true", 1), ("True", 1), ("TRUE", 1), ("f", 0), ("F", 0), ("false", 0), ("FALSE", 0),
      (".5", 0.5), ("5.", 5),
      ("9223372036854775807i", 9.223372e18), ("NaN", .nan), ("-Inf", .nan),
    ] as [(String, Float)])
  func `every type of value is read`(text: String, value: Float) throws {
    let event = try TestSource { $0.format = .line }.events("m x=\(text)")[0]
    #expect(event.refusal == nil)
    let read = try #require(event["x"])
    #expect(read == value || (!value.isFinite && read.isNaN))
  }

  @Test func `escapes are resolved by the rules of each place`() throws {
    let source = try TestSource {
      $0.format = .line
      $0.stream = "{measurement}|{tag.tag Key2}|{tag.s}"
      $0.name = "{key}"
    }
    let event = source.events(
      #"my\ Mea\,sure\ment,tag\ Key1=tag\ Value1,tag\ Key2=tag\=Value2 s="say \"hi\" \\ \no, =",field\=Key=100 "#
    )[0]
    #expect(event.refusal == nil)
    #expect(event.stream == #"my Mea,sure\ment|tag=Value2|say "hi" \ \no, ="#)
    #expect(event.names == ["field=Key"])
    #expect(event["field=Key"] == 100)
  }

  @Test func `text fields are left out, with commas, blanks and line ends within`() throws {
    let event = try TestSource { $0.format = .line }.events("m a=\"x, y=2\n z\",b=3")
    #expect(event.count == 1)
    #expect(event[0].names == ["b"])
  }

  @Test func `a wrong line is refused alone`() throws {
    let source = try TestSource { $0.format = .line }
    let wrong = [
      "cpu": Refusal.malformedLine, "cpu ": .malformedLine, "cpu x": .malformedLine, "cpu x=": .malformedLine,
      "cpu x=1,": .malformedLine, "cpu x=abc": .malformedLine, "cpu x=1.2.3": .malformedLine,
      "cpu x=12ii": .malformedLine,
      "cpu x=1.5i": .malformedLine, "cpu,host x=1": .malformedLine, "cpu,=h x=1": .malformedLine,
      ",a=b x=1": .malformedLine,
      "cpu =1": .malformedLine, "cpu x=\"open": .truncated, "cpu x=1 12:30": .badTimestamp,
      "cpu x=1 99999999999999999999": .badTimestamp, "cpu x=1 1732270000": .absurdTimestamp,
      "cpu x=\"text\"": .noNumbers,
      "cpu \(String(repeating: "k", count: 300))=1": .nameTooLong,
    ]
    for (line, reason) in wrong {
      let events = source.events("good a=1\n\(line)\ngood b=2")
      #expect(events.map(\.refusal) == [nil, reason, nil], "\(line)")
      #expect(events[2].names == ["b"])
    }
  }

  @Test func `the unit of timestamps can be said`() throws {
    let source = try TestSource {
      $0.format = .line
      $0.timestamp = .field("ts", .milliseconds)
    }
    #expect(source.events("cpu x=1 1732270000250")[0].timestamp == 1_732_270_000.25)
  }

  @Test func `lines that are not UTF-8 are refused`() throws {
    #expect(
      try TestSource { $0.format = .line }.events([0x61, 0xFF, 0x20, 0x78, 0x3D, 0x31])[0].refusal == .nonUTF8
    )
  }
}
