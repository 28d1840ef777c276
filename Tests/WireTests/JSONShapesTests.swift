import Testing
import Wire

struct JSONShapesTests {
  @Test func `an object of named values is one event`() throws {
    let events = try TestSource().events(
      #"{"stream":"host-17","ts":1732270000.25,"seq":41,"epoch":"b7","values":{"cpu.user":0.12,"mem":3}}"#)
    #expect(
      events == [
        Decoded(
          stream: "host-17", timestamp: 1_732_270_000.25, seq: 41, hasEpoch: true,
          values: [("cpu.user", 0.12), ("mem", 3)])
      ])
  }

  @Test(arguments: [
    #"{"stream":"h","ts":1732270000,"values":[0.5,2],"fields":["a","b"]}"#,
    #"{"fields":["a","b"],"values":[0.5,2],"ts":1732270000,"stream":"h"}"#,
  ])
  func `values in a list take their names from the list of fields, wherever it stands`(message: String) throws
  {
    #expect(
      try TestSource().events(message) == [
        Decoded(stream: "h", timestamp: 1_732_270_000, values: [("a", 0.5), ("b", 2)])
      ])
  }

  @Test func `values in a list without fields are positional`() throws {
    let source = try TestSource()
    let events = source.events(#"{"stream":"h","ts":1732270000,"values":[0.5,null,true]}"#)
    #expect(events[0].names == ["", "", ""])
    #expect(
      events[0].values[0].value == 0.5 && events[0].values[1].value.isNaN && events[0].values[2].value == 1)
    #expect(source.sink.event(0).isPositional)
  }

  @Test func `an array of objects is many events, each with its own envelope`() throws {
    let events = try TestSource().events(
      #"[{"stream":"a","ts":1732270000,"values":{"x":1}},{"stream":"b","ts":1732270001,"x":2,"y":{"z":3}}]"#)
    #expect(
      events == [
        Decoded(stream: "a", timestamp: 1_732_270_000, values: [("x", 1)]),
        Decoded(stream: "b", timestamp: 1_732_270_001, values: [("x", 2), ("y.z", 3)]),
      ])
  }

  @Test func `any other object is flattened to its numeric leaves`() throws {
    let events = try TestSource().events(
      #"{"load":[1.5,0.5],"cpu":{"user":1,"sys":{"irq":2e1}},"host":"vm","gone":null,"up":true,"list":["a"]}"#,
      topic: "t")
    #expect(
      events == [
        Decoded(
          stream: "t", timestamp: TestSource.arrival,
          values: [("load.0", 1.5), ("load.1", 0.5), ("cpu.user", 1), ("cpu.sys.irq", 20), ("up", 1)])
      ])
  }

  @Test func `beside values, other numbers belong to the envelope`() throws {
    let events = try TestSource().events(#"{"version":3,"stream":"h","values":{"x":1},"count":4}"#)
    #expect(events[0].values.map(\.name) == ["x"])
  }

  @Test func `null, NaN, infinities and numbers beyond a float are missing, never zero`() throws {
    let events = try TestSource().events(
      #"{"stream":"h","values":{"a":null,"b":NaN,"c":-Infinity,"d":1e999,"e":1e300,"f":1}}"#)
    #expect(events[0].refusal == nil)
    #expect(events[0].names == ["a", "b", "c", "d", "e", "f"])
    #expect(events[0].values.map(\.value.isNaN) == [true, true, true, true, true, false])
  }

  @Test func `integers of any length are numbers`() throws {
    let events = try TestSource().events(
      #"{"a":123456789012345678901234567890,"b":18446744073709551616,"c":-9223372036854775809,"d":0}"#)
    #expect(events[0].values.map(\.value) == [1.2345679e29, 1.8446744e19, -9.223372e18, 0])
  }

  @Test func `of two equal keys the last counts`() throws {
    let events = try TestSource().events(
      #"{"ts":1732270000,"values":{"a":1},"values":{"a":2,"a":3},"ts":1732270009}"#)
    #expect(events[0].timestamp == 1_732_270_009)
    #expect(events[0]["a"] == 3)
    #expect(events[0].values.count == 2)
  }

  @Test func `escapes in names and in the stream are resolved`() throws {
    let events = try TestSource().events(
      #"{"stre\u0061m":"a\"b\\\u00e9","values":{"x\ty":1,"gr\u00fc\u00df":{"\u20ac":2}}}"#)
    #expect(events[0].stream == "a\"b\\é")
    #expect(events[0].names == ["x\ty", "grüß.€"])
  }

  @Test func `the stream may be a number`() throws {
    #expect(try TestSource().events(#"{"stream":17,"x":1}"#)[0].stream == "17")
  }

  @Test func `what is no sequence number is not one`() throws {
    #expect(try TestSource().events(#"{"seq":-1,"values":{"x":1}}"#)[0].seq == nil)
    #expect(try TestSource().events(#"{"seq":"4","values":{"x":1}}"#)[0].seq == nil)
    #expect(try TestSource().events(#"{"seq":18446744073709551615,"x":1}"#)[0].seq == .max)
  }

  @Test func `a time may be RFC 3339; without one it is the arrival`() throws {
    let source = try TestSource()
    #expect(source.events(#"{"ts":"2026-11-22T19:12:32.5+00:00","x":1}"#)[0].timestamp == 1_795_374_752.5)
    #expect(source.events(#"{"ts":null,"x":1}"#)[0].timestamp == TestSource.arrival)
    #expect(source.events(#"{"x":1}"#)[0].timestamp == TestSource.arrival)
  }

  @Test(arguments: [
    (#"{"stream":"h","x":1"#, Refusal.truncated), (#"{"stream":"h","x"#, .truncated), ("", .truncated),
    ("   ", .truncated),
    (#"[{"x":1},"#, .truncated), (#"{"x":1}}"#, .malformedJSON), (#"{"x":1} {"y":2}"#, .malformedJSON),
    ("tru", .malformedJSON), ("7}", .malformedJSON),
    (#"{"x":1,}"#, .malformedJSON), (#"{"x":01}"#, .malformedJSON), (#"{"x":1.}"#, .malformedJSON),
    (#"{"x":-}"#, .malformedJSON), (#"{"x":nul}"#, .malformedJSON), (#"{"x":truely}"#, .malformedJSON),
    (#"{"x" 1}"#, .malformedJSON), (#"{x:1}"#, .malformedJSON), (#"{"x":1 "y":2}"#, .malformedJSON),
    (#"{"s":"\q","x":1}"#, .malformedJSON), (#"{"a":[1,2,,3]}"#, .malformedJSON),
    (#"{"a":{"b":1]}"#, .malformedJSON),
    (#"{"values":{"x":1},"more":{"y":tru}}"#, .malformedJSON), ("17", .unknownShape),
    (#""text""#, .unknownShape),
    ("[1,2]", .unknownShape), ("null", .unknownShape), (#"{"values":["a"]}"#, .unknownShape),
    (#"{"values":[[1]]}"#, .unknownShape), (#"{"values":[1],"fields":[1]}"#, .unknownShape),
    (#"{"values":[1,2],"fields":["a"]}"#, .wrongFieldCount), (#"{"values":{}}"#, .noNumbers),
    ("{}", .noNumbers),
    (#"{"host":"vm","msg":"hello"}"#, .noNumbers), (#"{"ts":"yesterday","x":1}"#, .badTimestamp),
    (#"{"ts":true,"x":1}"#, .badTimestamp), (#"{"ts":{"a":1},"x":1}"#, .badTimestamp),
    (#"{"ts":12,"x":1}"#, .absurdTimestamp), (#"{"ts":1732270000000,"x":1}"#, .absurdTimestamp),
    (#"{"ts":-1e308,"x":1}"#, .absurdTimestamp), (#"{"ts":"1999-12-31T23:59:59Z","x":1}"#, .absurdTimestamp),
  ])
  func `what is wrong is refused with its reason`(message: String, reason: Refusal) throws {
    let events = try TestSource().events(message)
    #expect(events.map(\.refusal) == [reason])
  }

  @Test func `one wrong event of many is refused alone`() throws {
    let events = try TestSource().events(#"[{"x":1},{"ts":5,"x":2},{"values":[1],"fields":[]},{"x":4}]"#)
    #expect(events.map(\.refusal) == [nil, .absurdTimestamp, .wrongFieldCount, nil])
    #expect(events[3]["x"] == 4)
  }

  @Test func `bytes that are not UTF-8 are refused`() throws {
    let source = try TestSource()
    for bad in [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80]] as [[UInt8]] {
      let message = Array(#"{"x":1,"s":""#.utf8) + bad + Array(#""}"#.utf8)
      #expect(source.events(message)[0].refusal == .nonUTF8)
    }
  }

  @Test func `nesting is bounded`() throws {
    let source = try TestSource()
    func nested(_ depth: Int) -> String {
      String(repeating: #"{"a":"#, count: depth) + "1" + String(repeating: "}", count: depth)
    }
    #expect(source.events(nested(30))[0].refusal == nil)
    #expect(source.events(nested(40))[0].refusal == .tooDeep)
    #expect(source.events(#"{"a":"# + String(repeating: "[", count: 400_000))[0].refusal != nil)
    #expect(source.events(String(repeating: "[", count: 400_000))[0].refusal != nil)
  }

  @Test func `long names, many fields and long messages are bounded`() throws {
    let source = try TestSource { $0.maxFields = 100 }
    let long = String(repeating: "n", count: 300)
    #expect(source.events("{\"\(long)\":1}")[0].refusal == .nameTooLong)
    let half = String(repeating: "n", count: 200)
    #expect(source.events("{\"\(half)\":{\"\(half)\":1}}")[0].refusal == .nameTooLong)
    let many = (0..<101).map { "\"f\($0)\":\($0)" }.joined(separator: ",")
    #expect(source.events("{\(many)}")[0].refusal == .tooManyFields)
    let list = (0..<50_000).map { "\($0)" }.joined(separator: ",")
    #expect(source.events("{\"values\":[\(list)]}")[0].refusal == .tooManyFields)
    let small = try TestSource(SourceRules(), maxMessageSize: 100)
    #expect(small.events("{\"x\":\(String(repeating: "1", count: 100))}")[0].refusal == .tooLarge)
    #expect(small.events(#"{"x":1}"#)[0].refusal == nil)
  }

  @Test func `the same names give the same schema, others another`() throws {
    let source = try TestSource()
    func schema(_ message: String) -> UInt64 {
      _ = source.events(message)
      return source.sink.event(0).schema
    }
    let ab = schema(#"{"values":{"a":1,"b":2}}"#)
    #expect(schema(#"{"stream":"x","values":{"a":7,"b":null}}"#) == ab)
    #expect(schema(#"{"b":{},"a":1,"b":2}"#) == ab)
    #expect(schema(#"{"values":[1,2],"fields":["a","b"]}"#) == ab)
    let others = [
      #"{"b":1,"a":2}"#, #"{"a":1}"#, #"{"ab":1}"#, #"{"a":1,"b":2,"c":3}"#, #"{"values":[1,2]}"#,
      #"{"values":[1]}"#,
    ]
    #expect(Set(others.map(schema) + [ab]).count == others.count + 1)
  }

  @Test func `a large message is read whole, and the next small one too`() throws {
    let source = try TestSource()
    let events = (0..<5000).map {
      "{\"stream\":\"s\($0)\",\"ts\":1732270000,\"values\":{\"a\":\($0),\"b\":{\"c\":0.5}}}"
    }
    let decoded = source.events("[\(events.joined(separator: ","))]")
    #expect(decoded.count == 5000)
    #expect(
      decoded[4999]
        == Decoded(stream: "s4999", timestamp: 1_732_270_000, values: [("a", 4999), ("b.c", 0.5)]))
    #expect(source.events(#"{"x":1}"#)[0]["x"] == 1)
  }
}
