import Testing
import Wire

/// Seeded mutations of good messages: whatever comes, the answer is events or a reason, and the next good message is read.
struct MutationTests {
  struct Sample: Sendable, CustomStringConvertible {
    var name: String
    var format: PayloadFormat
    var payload: [UInt8]
    var hasRules = false
    var description: String { name }
  }

  static let samples: [Sample] = {
    let json = [
      #"{"stream":"host-17","ts":1732270000.25,"seq":41,"epoch":"b7","values":{"cpu.user":0.12,"mem":{"free":3e2}}}"#,
      #"{"stream":"h","ts":"2026-11-22T19:12:32.5+00:00","values":[0.5,null,-2],"fields":["a","b\u0041","c"]}"#,
      #"[{"x":1,"y":{"z":[1,2,{"q":true}]}},{"s":"8.50M","t":"0:00.17","u":null,"v":NaN}]"#,
      PublisherFrames.circus[0].payload, PublisherFrames.glances[2].payload,
      PublisherFrames.rsyslog[1].payload,
    ]
    var samples = json.enumerated().map { Sample(name: "json \($0)", format: .json, payload: Array($1.utf8)) }
    samples += json.enumerated().map {
      Sample(name: "json with rules \($0)", format: .json, payload: Array($1.utf8), hasRules: true)
    }
    let packed = Packed.map([
      ("stream", Packed.text("host-17")), ("ts", Packed.double(1_732_270_000.25)), ("seq", [0x29]),
      ("values", Packed.map([("a", Packed.double(0.5)), ("b", Packed.map([("c", Packed.float(2))]))])),
    ])
    let listed = Packed.map([
      ("values", Packed.list([Packed.double(1), [0xC0], [0xC3]])), ("epoch", Packed.text("e")),
      ("fields", Packed.list(["x", "y", "z"].map(Packed.text))),
      ("tags", Packed.list([[0xC4, 1, 0xFF], [0xD4, 1, 2]])),
    ])
    samples.append(Sample(name: "msgpack", format: .msgpack, payload: Packed.list([packed, packed])))
    samples.append(Sample(name: "msgpack list", format: .msgpack, payload: listed))
    samples.append(Sample(name: "msgpack with rules", format: .msgpack, payload: listed, hasRules: true))
    let line = #"my\ cpu,host=h\,1 user=0.5,idle=99i,s="a \"b\" c",up=t 1732270000250000000"# + "\nmem x=1\n"
    samples.append(Sample(name: "line", format: .line, payload: Array(line.utf8)))
    samples.append(Sample(name: "line with rules", format: .line, payload: Array(line.utf8), hasRules: true))
    samples.append(Sample(name: "f32", format: .f32, payload: (0..<96).map { UInt8($0) }))
    return samples
  }()

  private func source(_ sample: Sample) throws -> TestSource {
    try TestSource { rules in
      rules.format = sample.format
      if sample.format == .f32 { rules.fields = ["a", "b", "c"] }
      rules.maxFields = 64
      if sample.hasRules {
        rules.units = true
        rules.exclude = ["y*"]
        rules.rates = ["a*"]
        rules.identifiers = ["pid"]
        rules.stream = "{topic.0}{source}"
        rules.name = "{topic.1}.{key}"
      }
    }
  }

  /// Looks at everything that a decoder gave.
  private func inspect(_ source: TestSource, _ payload: [UInt8]) -> Int {
    let events = source.events(payload, topic: "t/u")
    for event in events {
      for value in event.values where value.value.isInfinite { Issue.record("an infinity in \(payload)") }
      if event.refusal == nil {
        #expect(!event.stream.isEmpty && !event.values.isEmpty && event.timestamp.isFinite, "\(payload)")
      }
    }
    return events.count
  }

  @Test(arguments: samples)
  func `a message cut after any byte gives a reason or events`(sample: Sample) throws {
    let source = try source(sample)
    let whole = source.events(sample.payload, topic: "t/u")
    #expect(whole.contains { $0.refusal == nil })
    for length in 0..<sample.payload.count { _ = inspect(source, Array(sample.payload.prefix(length))) }
    #expect(source.events(sample.payload, topic: "t/u") == whole)
  }

  @Test(arguments: samples)
  func `a message with flipped, lost, doubled and foreign bytes gives a reason or events`(sample: Sample)
    throws
  {
    let source = try source(sample)
    var generator = Generator(seed: UInt64(sample.payload.count))
    let whole = source.events(sample.payload, topic: "t/u")
    for _ in 0..<600 {
      var bytes = sample.payload
      for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: bytes[index] = UInt8.random(in: 0...255, using: &generator)
        case 2: bytes.remove(at: index)
        case 3: bytes.insert(bytes[index], at: index)
        case 4: bytes.insert(contentsOf: bytes.prefix(index), at: index)
        default: bytes.swapAt(index, Int.random(in: 0..<bytes.count, using: &generator))
        }
      }
      _ = inspect(source, bytes)
    }
    #expect(source.events(sample.payload, topic: "t/u") == whole)
  }

  @Test(arguments: PayloadFormat.allCases)
  func `random bytes give a reason or events`(format: PayloadFormat) throws {
    let source = try source(Sample(name: "", format: format, payload: [], hasRules: true))
    var generator = Generator(seed: 17)
    for length in 0..<400 {
      _ = inspect(source, (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }
  }
}
