import Testing

@testable import Wire

struct RulesTests {
  @Test func `circus watchers become streams, their processes do not`() throws {
    let source = try TestSource {
      $0.stream = "{topic.1}"
      $0.dropTopics = ["stat.*.*"]
      $0.identifiers = ["pid"]
    }
    let events = PublisherFrames.circus.flatMap { source.events($0.payload, topic: $0.topic) }
    #expect(
      events == [
        Decoded(
          stream: "burner", timestamp: TestSource.arrival,
          values: [("cpu", 4), ("mem", 0.07), ("age", 4.653_233_6)]),
        Decoded(stream: "sockets", timestamp: TestSource.arrival, values: [("reads", 0)]),
      ])
  }

  @Test func `with units, the texts of a circus process are numbers`() throws {
    let source = try TestSource {
      $0.units = true
      $0.identifiers = ["pid", "subtopic", "create_time"]
    }
    let event = source.events(PublisherFrames.circus[0].payload, topic: PublisherFrames.circus[0].topic)[0]
    #expect(event.stream == "stat.burner.8423")
    #expect(
      event.dictionary == [
        "mem_info1": 8_500_000, "mem_info2": 12_220_000, "ctime": 0.17, "cpu": 4, "mem": 0.035, "nice": 0,
        "age": 4.653_233_6,
      ])
  }

  @Test func `the time may come from a field of another name, which then is no value`() throws {
    let source = try TestSource {
      $0.stream = "{topic.1}"
      $0.timestamp = .field("time", .seconds)
      $0.identifiers = ["process_pid"]
    }
    let events = PublisherFrames.circusEvents.map { source.events($0.payload, topic: $0.topic)[0] }
    #expect(events[0].refusal == .noNumbers)
    #expect(
      events[1] == Decoded(stream: "burner", timestamp: 1_795_374_714.115_299_7, values: [("exit_code", -9)]))
  }

  @Test func `a field's time has the unit that the rules say, or is RFC 3339`() throws {
    let source = try TestSource { $0.timestamp = .field("at.ms", .milliseconds) }
    #expect(source.events(#"{"at":{"ms":1795374714115},"x":1}"#)[0].timestamp == 1_795_374_714.115)
    #expect(source.events(#"{"at":{"ms":"2026-11-22T19:12:32Z"},"x":1}"#)[0].timestamp == 1_795_374_752)
    #expect(source.events(#"{"at":{"ms":"soon"},"x":1}"#)[0].refusal == .badTimestamp)
    #expect(source.events(#"{"x":1}"#)[0].timestamp == TestSource.arrival)
    let arrival = try TestSource { $0.timestamp = .arrival }
    #expect(
      arrival.events(#"{"ts":17,"x":1}"#) == [
        Decoded(stream: "test", timestamp: TestSource.arrival, values: [("x", 1)])
      ])
    let scaled = try TestSource { $0.timestamp = .field("ts", .milliseconds) }
    #expect(scaled.events(#"{"ts":1795374714115,"x":1}"#)[0].timestamp == 1_795_374_714.115)
  }

  @Test func `Glances' plugins bring the fields of one host, named after them`() throws {
    let source = try TestSource {
      $0.stream = "{topic.0}"
      $0.name = "{topic.1}.{key}"
      $0.exclude = [
        "*_careful", "*_warning", "*_critical", "*.history_size", "*.time_since_update", "*.cpucore",
      ]
    }
    let events = PublisherFrames.glances.flatMap { source.events($0.payload, topic: $0.topic) }
    #expect(events.map(\.stream) == ["G", "G", "G", "G", "G"])
    #expect(events.map(\.refusal) == [.noNumbers, nil, nil, nil, .noNumbers])
    #expect(events[1].names == ["load.min1", "load.min5", "load.min15"])
    #expect(events[2].names.count == 13)
    #expect(events[2]["mem.percent"] == 2.2)
    #expect(events[3].names == ["irq.LOC.irq_rate"])
  }

  @Test func `rsyslog's objects are streams by their name in the payload, their counters are rates`() throws {
    let source = try TestSource {
      $0.stream = "rsyslog/{json.name}"
      $0.rates = ["processed", "failed", "enqueued"]
    }
    let events = PublisherFrames.rsyslog.flatMap { source.events($0.payload, topic: $0.topic) }
    #expect(events.map(\.stream) == ["rsyslog/global", "rsyslog/action-0-omczmq", "rsyslog/main Q"])
    #expect(events.map(\.refusal) == [.noNumbers, nil, nil])
    let last = source.sink.event(0)
    #expect(last.hasRates)
    #expect(last.values.map { source.sink.isRate($0) } == [false, true, false, false, false, false])
    #expect(last.values.map { source.sink.exactValue($0) } == [5, 17, 0, 0, 0, 6])
    #expect(try TestSource().events(PublisherFrames.rsyslogFile)[0].refusal == .noNumbers)
  }

  @Test func `without a pattern the stream is the payload's, else the topic, else the source`() throws {
    let source = try TestSource()
    #expect(source.events(#"{"stream":"own","x":1}"#, topic: "a/b")[0].stream == "own")
    #expect(source.events(#"{"x":1}"#, topic: "a/b")[0].stream == "a/b")
    #expect(source.events(#"{"x":1}"#)[0].stream == "test")
  }

  @Test func `a pattern of the topic yields to the payload, a pattern of the payload does not`() throws {
    let topical = try TestSource { $0.stream = "{topic.1}" }
    #expect(topical.events(#"{"stream":"own","x":1}"#, topic: "a/b")[0].stream == "own")
    #expect(topical.events(#"{"x":1}"#, topic: "a/b")[0].stream == "b")
    #expect(topical.events(#"{"x":1}"#, topic: "a")[0].refusal == .streamUnknown)
    let own = try TestSource { $0.stream = "{source}:{stream}@{json.dc}-{json.rack}" }
    #expect(own.events(#"{"stream":"own","dc":"x","rack":7,"y":1}"#)[0].stream == "test:own@x-7")
    #expect(own.events(#"{"stream":"own","y":1}"#)[0].stream == "own")
    #expect(own.events(#"{"y":1}"#)[0].refusal == .streamUnknown)
  }

  @Test func `topics are divided at slashes, else at dots`() throws {
    let source = try TestSource { $0.stream = "{topic.0}|{topic.2}|{topic}" }
    #expect(source.events(#"{"x":1}"#, topic: "a.b/c.d/e")[0].stream == "a.b|e|a.b/c.d/e")
    #expect(source.events(#"{"x":1}"#, topic: "a.b.c")[0].stream == "a|c|a.b.c")
  }

  @Test func `include and exclude choose among the names that a person sees`() throws {
    let source = try TestSource {
      $0.include = ["cpu.*", "mem"]
      $0.exclude = ["*.irq"]
    }
    let events = source.events(#"{"cpu":{"user":1,"irq":2},"mem":3,"disk":4}"#)
    #expect(events[0].names == ["cpu.user", "mem"])
  }

  @Test func `identifiers are left out with all below them`() throws {
    let source = try TestSource { $0.identifiers = ["pid", "meta.id"] }
    let events = source.events(#"{"pid":[1,2],"cpid":3,"a":{"pid":4,"b":5},"meta":{"id":{"x":6},"y":7}}"#)
    #expect(events[0].names == ["cpid", "a.b", "meta.y"])
  }

  @Test func `names sent once hold for later values without, also under rules`() throws {
    let source = try TestSource { $0.exclude = ["b"] }
    #expect(source.events(#"{"stream":"h","values":[1,2,3],"fields":["a","b","c"]}"#)[0].names == ["a", "c"])
    #expect(source.events(#"{"stream":"h","values":[4,5,6]}"#)[0].dictionary == ["a": 4, "c": 6])
    #expect(source.events(#"{"stream":"h","values":[4,5]}"#)[0].refusal == .wrongFieldCount)
    #expect(source.events(#"{"stream":"other","values":[4,5,6]}"#)[0].names == ["", "", ""])
    let schema = { source.sink.event(0).schema }
    _ = source.events(#"{"stream":"h","values":[4,5,6]}"#)
    let positional = schema()
    _ = source.events(#"{"a":1,"c":2}"#)
    #expect(schema() == positional)
  }

  @Test func `rules hold for every event of a message`() throws {
    let source = try TestSource {
      $0.units = true
      $0.stream = "{json.host}"
      $0.exclude = ["skip"]
    }
    let events = source.events(
      #"[{"host":"a","skip":1,"x":2,"m":"3k"},{"host":"b","x":"no"},{"host":"c","ts":1,"x":4},{"host":"d","y":"5%","x":6}]"#
    )
    #expect(events.map(\.stream) == ["a", "b", "c", "d"])
    #expect(events.map(\.refusal) == [nil, .noNumbers, .absurdTimestamp, nil])
    #expect(events[0].dictionary == ["x": 2, "m": 3000])
    #expect(events[3].dictionary == ["x": 6, "y": 5])
  }

  @Test(arguments: [
    ("stream", "{topic.x}"), ("stream", "{tpoic}"), ("stream", "{topic"), ("stream", "a}"), ("stream", ""),
    ("stream", "{json.}"),
    ("stream", "{key}"), ("name", "fixed"), ("name", "{kye}"),
  ])
  func `a wrong pattern is told with its key`(key: String, pattern: String) {
    var rules = SourceRules()
    if key == "stream" { rules.stream = pattern } else { rules.name = pattern }
    #expect(rules.problems().map(\.key).contains(key))
    #expect(throws: SourceRulesError.self) { try MessageDecoder(rules: rules, source: "s") }
  }

  @Test func `float rows need fields, rates and tolerances are positive`() {
    var rules = SourceRules()
    rules.format = .f32
    rules.sampleRate = 0
    rules.joinTolerance = -1
    rules.headerBytes = -1
    rules.maxFields = 0
    #expect(
      rules.problems().map(\.key) == [
        "fields", "sample_rate", "join_tolerance", "header_bytes", "max_fields",
      ])
    rules = SourceRules()
    rules.fields = ["a", "a"]
    #expect(rules.problems().map(\.key) == ["fields"])
    #expect(SourceRules().problems().isEmpty)
  }

  @Test func `plans are worked out anew when there are very many`() throws {
    let source = try TestSource { $0.exclude = ["z"] }
    for round in 0..<2 {
      for index in 0..<5000 {
        let events = source.events("{\"f\(index)\":\(round),\"z\":1}")
        #expect(events[0].names == ["f\(index)"])
      }
    }
  }
}
