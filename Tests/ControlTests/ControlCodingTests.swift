import Control
import Events
import Foundation
import Testing

@Suite struct ControlCodingTests {
  static let requests: [ControlRequest] = [
    .status, .streams(StreamQuery()),
    .streams(StreamQuery(matching: "web-*", phase: .scoring, order: .score, limit: 20)),
    .stream(name: "host 17/ü\"\n"), .alerts(AlertQuery()),
    .alerts(
      AlertQuery(
        since: 1.5, until: 2.5, afterSeq: .max, stream: "a", openOnly: true, incidentsOnly: true, limit: 1)),
    .explain(id: "01J"), .acknowledge(id: "01J", by: "me", note: ""), .silence(stream: "a", seconds: 7200),
    .unsilence(stream: "a"), .models(stream: nil), .models(stream: "a"), .snapshots(stream: "a"),
    .retrain(stream: nil), .retrain(stream: "a"), .revert(stream: "a", snapshot: nil),
    .revert(stream: "a", snapshot: "s"), .reload, .check(file: "f", text: "a: b"),
    .sample(stream: "a", model: "rbm", count: 10, seed: .max), .doctor,
    .trace(stream: "a", count: 7), .traverse(stream: "a", model: "vae", unit: 2, count: 9),
    .label(LabelOrder(id: "01J", verdict: .falseAlarm, cause: "a \"test\"", by: "me", preview: true)),
    .undo(by: "me"), .forget(ForgetOrder(stream: "a", from: 1.5, to: 2.5, by: "me", preview: true)),
    .audit(limit: 12), .power(stream: "a"), .drift(stream: "a"),
    .forecast(ForecastQuery(stream: "a", field: "x", seconds: 60, limit: 5)),
    .promote(stream: "a", snapshot: "s"),
    .retain(stream: "a", snapshot: "s", release: true), .diff(stream: "a", first: "s", second: "t"),
    .rerun(id: "01J"),
  ]

  @Test(arguments: requests)
  func `a request comes back as it went`(request: ControlRequest) throws {
    #expect(try ControlCoding.decodeRequest(ControlCoding.encode(request)) == request)
    #expect(ControlRequest.commands.contains(request.command))
  }

  @Test func `every command has a request`() {
    #expect(Set(Self.requests.map(\.command)) == Set(ControlRequest.commands))
  }

  @Test func `the wire format of a request is the documented one`() throws {
    let bytes = try ControlCoding.encode(.silence(stream: "a/b", seconds: 60))
    #expect(
      String(decoding: bytes, as: UTF8.self)
        == #"{"arguments":{"seconds":60,"stream":"a/b"},"command":"silence","version":1}"#)
  }

  @Test func `arguments that may be left out have defaults`() throws {
    func decode(_ text: String) throws(Failure) -> ControlRequest {
      try ControlCoding.decodeRequest(Array(text.utf8))
    }
    #expect(try decode(#"{"version":1,"command":"streams"}"#) == .streams(StreamQuery()))
    #expect(try decode(#"{"version":1,"command":"retrain"}"#) == .retrain(stream: nil))
    #expect(try decode(#"{"version":1,"command":"models","arguments":{}}"#) == .models(stream: nil))
    #expect(
      try decode(#"{"version":1,"command":"sample","arguments":{"stream":"a","model":"rbm"}}"#)
        == .sample(stream: "a", model: "rbm", count: 100, seed: 1))
    // Limits that no list has become ones that it can have.
    for (given, taken) in [("-1", 1), ("0", 1), ("9223372036854775807", AlertQuery.most)] {
      #expect(
        try decode(#"{"version":1,"command":"alerts","arguments":{"limit":\#(given)}}"#)
          == .alerts(AlertQuery(limit: taken)))
    }
    #expect(
      try decode(#"{"version":1,"command":"streams","arguments":{"limit":-5}}"#)
        == .streams(StreamQuery(limit: 0)))
    #expect(
      try decode(#"{"version":1,"command":"label","arguments":{"id":"01J","verdict":"new-normal"}}"#)
        == .label(LabelOrder(id: "01J", verdict: .newNormal)))
  }

  @Test(arguments: [
    ("", Failure.Kind.protocol), ("{", .protocol), ("[]", .protocol), ("null", .protocol),
    ("\u{0}", .protocol),
    (#"{"command":"status"}"#, .protocol), (#"{"version":2,"command":"status"}"#, .protocol),
    (#"{"version":1,"command":"dance"}"#, .usage), (#"{"version":1,"command":"stream"}"#, .protocol),
    (#"{"version":1,"command":"stream","arguments":{"name":3}}"#, .protocol),
    (#"{"version":1,"command":"silence","arguments":{"stream":"a","seconds":-1}}"#, .usage),
    (#"{"version":1,"command":"silence","arguments":{"stream":"a","seconds":"nan"}}"#, .usage),
    (
      #"{"version":1,"command":"sample","arguments":{"stream":"a","model":"rbm","count":100000000}}"#,
      .usage
    ),
  ])
  func `what is no request is refused with a reason and a remedy`(text: String, kind: Failure.Kind) {
    do {
      let request = try ControlCoding.decodeRequest(Array(text.utf8))
      Issue.record("taken as \(request)")
    } catch {
      #expect(error.kind == kind)
      #expect(!error.why.isEmpty && !error.remedy.isEmpty)
    }
  }

  @Test func `a request cut short anywhere is refused, not a crash`() throws {
    let whole = try ControlCoding.encode(Self.requests[5])
    for length in 0..<whole.count {
      #expect(throws: Failure.self) { try ControlCoding.decodeRequest(Array(whole.prefix(length))) }
    }
  }

  @Test func `a request beyond the limit is refused`() {
    let huge = [UInt8](repeating: 0x20, count: ControlCoding.largestRequest + 1)
    #expect(throws: Failure.self) { try ControlCoding.decodeRequest(huge) }
  }

  @Test(arguments: Replies.all)
  func `a reply comes back as it went`(reply: ControlReply) throws {
    #expect(try ControlCoding.decodeReply(ControlCoding.encode(reply)) == reply)
  }

  @Test func `a number that is not finite does not stop a reply`() throws {
    var report = StatusReport()
    report.uptime = .infinity
    report.totals.eventsPerSecond = .nan
    guard case .status(let back) = try ControlCoding.decodeReply(ControlCoding.encode(.status(report))) else {
      Issue.record("not a status")
      return
    }
    #expect(back.uptime == .infinity)
    #expect(back.totals.eventsPerSecond.isNaN)
  }

  @Test func `an alert keeps its published names inside a reply`() throws {
    let text = String(decoding: try ControlCoding.encode(Replies.alerts), as: UTF8.self)
    for name in ["\"p_value\"", "\"trained_at\"", "\"schema\":1", "\"last_seq\""] {
      #expect(text.contains(name), "no \(name)")
    }
  }

  @Test func `a failure is one line and has its exit code`() {
    let failure = Failure(.configuration, what: "a", why: "b\nc", remedy: "d")
    #expect(failure.description == "a: b c: d")
    #expect(failure.kind.exitCode == 78)
    #expect(Set(Failure.Kind.allCases.map(\.exitCode)).count == Failure.Kind.allCases.count)
  }
}

enum Replies {
  static let alert = Alert(
    seq: 12, epoch: "e", id: "01J", state: .open, stream: "host-17", ts: 2, onset: 1, severity: .major,
    score: 97.3, pValue: 2.1e-6,
    features: [
      Alert.Feature(name: "cpu.user", value: 0.98, expected: 0.21, low: 0.05, high: 0.44, share: 0.61),
      Alert.Feature(name: "mem", value: nil, expected: 1, low: 0, high: 2, share: 0.1),
    ],
    detectors: ["rbm": Alert.DetectorScore(raw: 3, pValue: 1e-5)],
    model: Alert.Model(snapshot: "s", trainedAt: 0), kind: .value, text: "odd")

  static let alerts = ControlReply.alerts(
    AlertList(
      alerts: [alert], acknowledged: ["01J": AcknowledgementRecord(by: "me", note: "", at: 3)], epoch: "e",
      lastSeq: 12, more: true))

  static let all: [ControlReply] = {
    var status = StatusReport()
    status.streams[.scoring] = 3
    status.sources = [SourceReport()]
    status.sources[0].malformed = ["truncated": 4]
    status.queues = [QueueReport()]
    status.shards = [ShardReport()]
    status.configuration.lastReload = ConfigurationReport.Reload()
    var detail = StreamDetail()
    detail.fields = [FieldReport()]
    detail.models = [ModelSummary()]
    detail.calibration = [CalibrationPoint(nominal: 0.01, measured: 0.011, events: 1000)]
    detail.drift = DriftReport()
    detail.incident = alert
    var sample = SampleReport()
    sample.fields = ["a", "b"]
    sample.sampled = [[1, 2]]
    sample.recent = [[nil, 2]]
    return [
      .status(status), .streams(StreamList(rows: [detail.summary], total: 9)), .stream(detail), alerts,
      .explanation(Explanation(statements: [alert], trajectory: [ScorePoint(ts: 1, score: 2)])),
      .models(ModelList(models: detail.models)),
      .snapshots(SnapshotList(stream: "a", snapshots: [SnapshotSummary()])),
      .check(CheckReport(file: "f", problems: ["f:1:2: no"])), .sample(sample),
      .doctor(DoctorReport(checks: [.init("a", .warn, why: "b", remedy: "c")])),
      .diff(SnapshotDiff(stream: "a", first: "s", second: "t", changes: [.init("rows", "1", "2")])),
      .rerun(RerunReport()),
      .done(Done("it is done", details: ["a": "b"])), .failure(.unknownStream("x")),
    ]
  }()
}
