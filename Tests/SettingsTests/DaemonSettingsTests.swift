import Detection
import Foundation
import Pipeline
import Testing
import Wire

@testable import Settings

@Suite struct DaemonSettingsTests {
  func settings(_ text: String) throws -> DaemonSettings {
    try DaemonSettings.parse(text, file: "c.yaml").settings
  }

  func complaints(_ text: String, environment: [String: String] = [:]) -> [String] {
    do {
      _ = try DaemonSettings.parse(text, file: "c.yaml", environment: environment)
      return []
    } catch {
      return error.problems.map(\.description)
    }
  }

  @Test func `values reach the settings they belong to`() throws {
    let settings = try settings(
      """
      sources:
        - name: circus
          connect: tcp://127.0.0.1:15557
          topics: [stat., "other"]
          timestamp: field
          timestamp_field: at
          timestamp_unit: ms
          join_tolerance: 250ms
          overflow: drop_newest
        - {name: rows, socket: pull, bind: [ipc:///tmp/a, 'tcp://*:9'], format: f32, fields: [a, b], sample_rate: 0.5}
      detection:
        alerts: {open: 85.5, close: 60}
        calibration: {held_out_share: 30%, step: 0.02}
      retrain: {every: 2h, drift: 0, burst: 0}
      pipeline: {earliest_timestamp: "2026-11-22T21:15:00Z", latest_ahead: 1h, shards: 4}
      """)
    let sources = settings.pipeline.ingest.sources
    #expect(sources.count == 2)
    #expect(sources[0].endpoints == ["tcp://127.0.0.1:15557"] && sources[0].attachment == .connect)
    #expect(sources[0].topics == ["stat.", "other"])
    #expect(sources[0].rules.timestamp == .field("at", .milliseconds))
    #expect(sources[0].rules.joinTolerance == 0.25 && sources[0].overflow == .dropNewest)
    #expect(sources[1].kind == .pull && sources[1].attachment == .bind && sources[1].endpoints.count == 2)
    #expect(sources[1].rules.format == .f32 && sources[1].rules.sampleRate == 0.5)
    #expect(
      settings.pipeline.detection.alerts.open == 85.5 && settings.pipeline.detection.alerts.openAfter == 3)
    #expect(settings.pipeline.detection.calibration.heldOutShare == 0.3)
    #expect(settings.pipeline.detection.calibration.step == 0.02)
    #expect(
      settings.pipeline.detection.retraining.every == 7200 && settings.pipeline.pipeline.retrain.every == 7200
    )
    #expect(!settings.pipeline.pipeline.retrain.onDrift && settings.pipeline.pipeline.retrain.burst == 0)
    #expect(settings.pipeline.ingest.earliestTimestamp == 1_795_382_100)
    #expect(settings.pipeline.ingest.latestAhead == 3600 && settings.pipeline.pipeline.shards == 4)
  }

  @Test func `every mistake is told in one run, with place, key and the nearest right name`() {
    let found = complaints(
      """
      sources:
        - name: a
          conect: [tcp://127.0.0.1:1]
          format: jsno
        - name: a
          bind: [127.0.0.1:5]
          max_streams: lots
      detection:
        windw: 8
        alerts:
          open: 9O
          open_after: 0
      retrain:
        every: 300
        budget: 150%
        flush_events: 3
      logs:
        level: info
      log:
        level: chatty
      state: /var/lib
      publish:
        scores: yes
      """)
    #expect(
      found == [
        "c.yaml:2:5: sources[0]: needs an endpoint: connect or bind, as in tcp://127.0.0.1:5559",
        "c.yaml:3:5: sources[0].conect: no such key (did you mean connect?)",
        "c.yaml:4:13: sources[0].format: is \"jsno\", but should be one of json, msgpack, line, f32 (did you mean json?)",
        "c.yaml:5:5: sources[1].name: \"a\" comes twice: names tell sources apart",
        "c.yaml:6:5: sources[1].bind: \"127.0.0.1:5\" is not of the form tcp://HOST:PORT or ipc://PATH",
        "c.yaml:7:18: sources[1].max_streams: is \"lots\", but should be a whole number, 1 to 10000000",
        "c.yaml:9:3: detection.windw: no such key (did you mean window?)",
        "c.yaml:11:11: detection.alerts.open: is \"9O\", but should be a number, 0 to 100",
        "c.yaml:12:17: detection.alerts.open_after: is \"0\", but should be a whole number, 1 to 32",
        "c.yaml:14:10: retrain.every: is \"300\", but should be a duration with its unit such as 5s, 10m or 2h, 0 to 365d",
        "c.yaml:15:11: retrain.budget: is \"150%\", but should be a share such as 10%, 1% to 100%",
        "c.yaml:16:3: retrain.flush_events: no such key here (did you mean pipeline.flush_events?)",
        "c.yaml:17:1: logs: no such key (did you mean log?)",
        "c.yaml:20:10: log.level: is \"chatty\", but should be one of trace, debug, info, notice, warning, error, critical",
        "c.yaml:21:8: state: is \"/var/lib\", but should be a section with keys below it",
        "c.yaml:23:11: publish.scores: is \"yes\", but should be true or false",
      ])
  }

  @Test func `models are named for all streams or for some, and unknown ones are told with the nearest`()
    throws
  {
    let text = """
      detection:
        models:
          names: [made]
      streams:
        - match: ["press-*", boiler]
          models: none
        - match: x
          models: [made, gaussian-rbm]
      """
    let settings = try DaemonSettings.parse(text, file: "a.yaml").settings.pipeline
    #expect(settings.detection.models.names.map(\.rawValue) == ["made"])
    #expect(settings.exceptions.map { $0.models.map(\.rawValue) } == [[], ["made", "rbm"]])
    #expect(settings.exceptions[0].match.matches("press-7") && !settings.exceptions[0].match.matches("pres"))
    let wrong = "detection:\n  models:\n    names: [mode]\nstreams:\n  - models: [made]\n"
    #expect {
      try DaemonSettings.parse(wrong, file: "a.yaml")
    } throws: {
      let text = "\($0)"
      return text.contains("a.yaml:3:") && text.contains("did you mean made?") && text.contains("match")
    }
  }

  @Test func `what depends on several keys is checked too`() {
    #expect(
      complaints("detection:\n  alerts:\n    open: 50\n    close: 60\n") == [
        "c.yaml:3:5: detection.alerts.open: must be at least alerts.close and below 100"
      ])
    #expect(
      complaints(
        "detection: {autoencoder: {enabled: false}, rbm: {enabled: false}, companions: {names: none}}"
      ).first
        == "c.yaml:1:1: detection.detectors: at least one detector must be enabled")
    let source = "sources:\n- name: s\n  connect: tcp://a:1\n"
    #expect(
      complaints(source + "  bind: tcp://a:2\n") == [
        "c.yaml:4:3: sources[0].bind: a source either connects or binds: make two sources of it"
      ])
    let several = complaints(source + "  format: f32\n  field_name: x\n  stream: \"{key\"\n  topics: []\n")
    #expect(
      several.map { $0.split(separator: " ").prefix(2).joined(separator: " ") } == [
        "c.yaml:2:3: sources[0].fields:", "c.yaml:5:3: sources[0].field_name:",
        "c.yaml:6:3: sources[0].stream:",
        "c.yaml:7:3: sources[0].topics:",
      ])
    #expect(
      complaints(source + "  timestamp: field\n") == [
        "c.yaml:2:3: sources[0].timestamp_field: say which field: timestamp is `field`"
      ])
    #expect(
      complaints("state: {directory: here}") == ["c.yaml:1:9: state.directory: has to be an absolute path"])
  }

  @Test func `the surprises of YAML 1.1 do not happen`() throws {
    let source = "sources:\n- name: no\n  connect: tcp://a:1\n  topics: [on, 12:30:45, 1e3, ~x, 010]\n"
    let read = try settings(source).pipeline.ingest.sources[0]
    #expect(read.name == "no" && read.topics == ["on", "12:30:45", "1e3", "~x", "010"])
    #expect(try settings("detection: {collecting: {rows: 0100}}").pipeline.detection.collecting.rows == 100)
    #expect(try settings("detection: {alerts: {open: 9.5e1}}").pipeline.detection.alerts.open == 95)
    for text in [
      "detection: {window: 0x8}", "detection: {window: 1:0}", "publish: {scores: on}", "publish: {scores: 1}",
    ] {
      #expect(complaints(text).count == 1, "\(text)")
    }
    #expect(
      complaints("retrain:\n  every:\n") == [
        "c.yaml:2:9: retrain.every: has no value: give one or leave the key out for its default"
      ])
  }

  @Test(arguments: [
    ("a: [1, 2", "c.yaml:2:1: not YAML"),
    ("log:\n  level: a\n  level: b\n", "c.yaml:2:3: the same key twice in one section: level"),
    ("log:\n\tlevel: a\n", "c.yaml:2:1: not YAML"), ("log: *nothing", "c.yaml:1:6: not YAML"),
    ("log: {level: info}\n---\nlog: {level: info}\n", "c.yaml:2:1: not YAML"),
    ("- a\n- b\n", "c.yaml:1:1: is a list, but should be a section"),
    ("text", "c.yaml:1:1: is \"text\", but should be"),
    ("a: \u{1}", "c.yaml:1: not YAML"), ("[a]: 1", "c.yaml:1:1: a key has to be a name"),
    ("<<: {log: {level: info}}", "c.yaml:1:1: <<: no such key"),
  ])
  func `what is not a config is told in one line with its place`(text: String, start: String) {
    let found = complaints(text)
    #expect(found.count == 1)
    #expect(found.first?.hasPrefix(start) == true, "\(found)")
  }

  @Test func `mistakes in the environment name the variable, and strangers are only remarked`() throws {
    #expect(
      complaints("", environment: ["ANOMALYD_LOG_LEVEL": "loud", "ANOMALYD_SOURCES": "x"]).sorted() == [
        "environment: ANOMALYD_LOG_LEVEL: is \"loud\", but should be one of trace, debug, info, notice, warning, error, critical",
        "environment: ANOMALYD_SOURCES: is a list of sections, which a variable cannot hold",
      ])
    let remarks = try DaemonSettings.parse(
      "", file: "c",
      environment: ["ANOMALYD_SERVICE_HOST": "10.0.0.1", "ANOMALYD_SOCKET": "ipc://x", "HOME": "/"]
    )
    .remarks
    #expect(remarks.count == 1 && remarks[0].contains("ANOMALYD_SERVICE_HOST"))
  }

  @Test func `files that are missing, too large or no text are told apart`() throws {
    let path = FileManager.default.temporaryDirectory.path + "/settings-\(UUID().uuidString).yaml"
    defer { try? FileManager.default.removeItem(atPath: path) }
    func message() -> String {
      let error = #expect(throws: ConfigError.self) { try DaemonSettings.load(file: path) }
      return error?.description ?? ""
    }
    #expect(message() == "\(path): no such file: give another one with --config")
    try Data([0xff, 0xfe, 0x80]).write(to: URL(fileURLWithPath: path))
    #expect(message() == "\(path): not UTF-8 text")
    try Data(repeating: 0x20, count: 17 << 20).write(to: URL(fileURLWithPath: path))
    #expect(message().hasSuffix("bytes are too many for a config"))
  }
}

@Suite struct UnitsTests {
  @Test(
    arguments: [
      ("5s", 5), ("250ms", 0.25), ("1h30m", 5400), ("0", 0), ("1.5d", 129_600), ("2w", 1_209_600),
      ("10min", 600),
      ("15us", 15e-6), ("300", nil), ("", nil), ("s", nil), ("5 s", nil), ("30m1h", nil), ("1h1h", nil),
      ("-5s", nil),
      ("5S", nil), (".5s", nil), ("5.s", nil), ("5sec", nil),
    ] as [(String, Double?)])
  func `durations`(text: String, seconds: Double?) { #expect(Units.seconds(text) == seconds) }

  @Test(
    arguments: [
      ("64MiB", 67_108_864), ("1.5GB", 1_500_000_000), ("4096", 4096), ("3 KiB", 3072), ("64mb", nil),
      ("0.3B", nil),
      ("MiB", nil), ("-1", nil), ("1e3", nil),
    ] as [(String, Int?)])
  func `sizes`(text: String, bytes: Int?) { #expect(Units.bytes(text) == bytes) }

  @Test(
    arguments: [("10%", 0.1), ("0.1", 0.1), ("100%", 1), ("%", nil), ("ten", nil)] as [(String, Double?)])
  func `shares`(text: String, share: Double?) { #expect(Units.share(text) == share) }

  @Test(
    arguments: [
      ("10_000", 10_000), ("-7", -7), ("007", 7), ("0x10", nil), ("1e3", nil), ("_1", nil), ("1_", nil),
      ("1__0", nil),
      ("", nil), ("-", nil), ("99999999999999999999", nil), ("１", nil),
    ] as [(String, Int?)])
  func `whole numbers`(text: String, value: Int?) { #expect(Units.integer(text) == value) }

  @Test(
    arguments: [
      ("2000-01-01", 946_684_800), ("2026-11-22T21:15:00Z", 1_795_382_100), ("12.5", 12.5),
      ("yesterday", nil),
      ("2000-13-01", nil),
    ] as [(String, Double?)])
  func `moments`(text: String, seconds: Double?) { #expect(Units.moment(text) == seconds) }

  @Test func `lengths are written back in the unit that suits them`() {
    #expect(
      [0, 0.002, 90, 5400, 86_400, 31_536_000].map(Units.text(seconds:)) == [
        "0", "2ms", "90s", "90m", "1d", "365d",
      ])
    #expect([64, 1536, 4 << 20, 1 << 30].map(Units.text(bytes:)) == ["64", "1536", "4MiB", "1GiB"])
  }

  @Test(
    arguments: [
      ("conect", "connect"), ("Max-Streams", "max_streams"), ("lvel", "level"), ("zzz", nil),
      ("windwo", "window"),
    ] as [(String, String?)])
  func `the nearest name is found, and a far one is not suggested`(name: String, nearest: String?) {
    #expect(NearestName.of(name, among: ["connect", "max_streams", "level", "window", "bind"]) == nearest)
  }
}
