import Pipeline
import Wire

/// Keys of `sources`.
enum SourceReading {
  /// Without `sources` the default ones stay, and may still be changed by the environment.
  static func read(
    _ root: ConfigSection, _ security: SecurityReading, _ ingest: inout IngestSettings
  ) {
    if root.has("sources") {
      var sources: [SourceSettings] = []
      root.sections("sources") { section in
        var source = SourceSettings(name: "", endpoints: [])
        read(section, security, &source)
        sources.append(source)
      }
      ingest.sources = sources
    } else {
      for index in ingest.sources.indices {
        root.reader.section(nil, path: "sources[\(index)]") { read($0, security, &ingest.sources[index]) }
      }
    }
  }

  private static func read(
    _ section: ConfigSection, _ security: SecurityReading, _ source: inout SourceSettings
  ) {
    section.text("name", &source.name)
    if source.name.isEmpty && !section.has("name") { section.report("", "needs a name") }
    section.choice("socket", &source.kind)
    readEndpoints(section, &source)
    security.readSource(section, binds: source.attachment == .bind, &source.security)
    section.texts("topics", &source.topics)
    section.choice("format", &source.rules.format)
    section.text("stream", &source.rules.stream, absence: "none")
    section.text("field_name", &source.rules.name)
    section.texts("include", &source.rules.include)
    section.texts("exclude", &source.rules.exclude)
    section.texts("identifiers", &source.rules.identifiers)
    section.flag("units", &source.rules.units)
    section.texts("rates", &source.rules.rates)
    readTimestamp(section, &source.rules.timestamp)
    section.duration("join_tolerance", &source.rules.joinTolerance, 0.000_001...3600, absence: "none")
    section.texts("fields", &source.rules.fields)
    section.number("sample_rate", &source.rules.sampleRate, 0.000_001...1e9, absence: "none")
    section.integer("header_bytes", &source.rules.headerBytes, 0...1_048_576)
    section.texts("drop_topics", &source.rules.dropTopics)
    section.texts("drop_streams", &source.rules.dropStreams)
    section.integer("max_streams", &source.rules.maxStreams, 1...10_000_000)
    section.integer("max_fields", &source.rules.maxFields, 1...65_536)
    section.integer("max_depth", &source.rules.maxDepth, 1...256)
    section.integer("max_name_length", &source.rules.maxNameLength, 1...4096)
    section.size("max_message_size", &source.maxMessageSize, 64...(1 << 30))
    section.size("disconnect_size", &source.disconnectSize, 64...(1 << 31))
    section.integer("receive_high_water", &source.receiveHighWater, 1...10_000_000)
    section.choice(
      "overflow", &source.overflow,
      [("drop_oldest", .dropOldest), ("drop_newest", .dropNewest), ("block", .block)])
  }

  private static func readEndpoints(_ section: ConfigSection, _ source: inout SourceSettings) {
    var connect = source.attachment == .connect ? source.endpoints : []
    var bind = source.attachment == .bind ? source.endpoints : []
    section.texts("connect", &connect)
    section.texts("bind", &bind)
    for (key, endpoints) in [("connect", connect), ("bind", bind)] {
      DaemonSettings.checkEndpoints(section, key, endpoints)
    }
    if connect.isEmpty && bind.isEmpty {
      section.report("", "needs an endpoint: connect or bind, as in tcp://127.0.0.1:5559")
    } else if !connect.isEmpty && !bind.isEmpty {
      section.report("bind", "a source either connects or binds: make two sources of it")
    }
    source.attachment = bind.isEmpty ? .connect : .bind
    source.endpoints = bind.isEmpty ? connect : bind
  }

  private enum TimestampSource: String, CaseIterable { case payload, arrival, field }

  private static func readTimestamp(_ section: ConfigSection, _ rule: inout TimestampRule) {
    var from = TimestampSource.payload
    var field: String?
    var unit = TimestampRule.Unit.seconds
    section.choice("timestamp", &from)
    section.text("timestamp_field", &field, absence: "none")
    section.choice("timestamp_unit", &unit)
    switch (from, field) {
    case (.payload, nil): rule = .payload
    case (.arrival, nil): rule = .arrival
    case (.field, let name?): rule = .field(name, unit)
    case (.field, nil): section.report("timestamp_field", "say which field: timestamp is `field`")
    case (_, _?): section.report("timestamp_field", "is used with `timestamp: field` only")
    }
  }

  /// What depends on more than one key.
  static func check(_ root: ConfigSection, _ ingest: IngestSettings) {
    var ofRules: Set<String> = []
    for (index, source) in ingest.sources.enumerated() {
      for problem in source.rules.problems() {
        ofRules.insert("sources[\(index)].\(problem.key) \(problem.what)")
        let key = problem.key == "name" ? "field_name" : problem.key
        root.report("sources[\(index)].\(key)", problem.what)
      }
    }
    for problem in ingest.problems() where !ofRules.contains("\(problem.path) \(problem.what)") {
      // Missing names and endpoints, and endpoints of a wrong form, are reported where they are read.
      if problem.path.hasSuffix(".endpoints") || problem.what == "is empty" { continue }
      root.report(problem.path.hasPrefix("sources") ? problem.path : "pipeline.\(problem.path)", problem.what)
    }
  }
}
