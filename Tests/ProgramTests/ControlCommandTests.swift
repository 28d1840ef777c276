import Control
import Events
import Foundation
import Messaging
import Synchronization
import Testing

/// `anomalyctl` against a true server that gives known answers and remembers what it was asked.
@Suite struct ControlCommandTests {
  final class Asked: Sendable {
    let requests = Mutex<[ControlRequest]>([])
    var last: ControlRequest? { requests.withLock { $0.last } }
  }

  func asking(
    _ reply: ControlReply, _ arguments: [String], environment: [String: String] = [:]
  ) throws -> (ended: Programs.Ended, request: ControlRequest?) {
    let asked = Asked()
    let server = try ControlServer(endpoint: "tcp://127.0.0.1:*", context: try MessagingContext()) {
      request in
      asked.requests.withLock { $0.append(request) }
      return reply
    }
    defer { server.stop() }
    let ended = try Programs.run(
      "anomalyctl", arguments, environment: environment.merging(["ANOMALYD_SOCKET": server.endpoint]) { $1 })
    return (ended, asked.last)
  }

  static let alert = Alert(
    seq: 7, epoch: "e", id: "01JABC", state: .open, stream: "host-17", ts: 1_732_270_048,
    onset: 1_732_270_000,
    severity: .major, score: 97.3, pValue: 2.1e-6,
    features: [
      Alert.Feature(name: "cpu.user", value: 0.98, expected: 0.21, low: 0.05, high: 0.44, share: 0.61),
      Alert.Feature(name: "mem.used", value: nil, expected: 1, low: 0, high: 2, share: 0.1),
    ],
    detectors: ["rbm": Alert.DetectorScore(raw: 3, pValue: 1e-5)],
    model: Alert.Model(snapshot: "s1", trainedAt: 1_732_200_000), kind: .value, text: "cpu.user is odd")

  @Test func `each command line asks what it should`() throws {
    let cases: [([String], ControlRequest)] = [
      (["status"], .status),
      (
        ["streams", "web-*", "--phase", "scoring", "--sort", "score", "--limit", "5"],
        .streams(StreamQuery(matching: "web-*", phase: .scoring, order: .score, limit: 5))
      ),
      (["stream", "a b"], .stream(name: "a b")),
      (["alerts", "--open"], .alerts(AlertQuery(openOnly: true, incidentsOnly: true))),
      (
        ["alerts", "--since", "2024-11-22T10:06:40Z", "--all", "--stream", "a", "--limit", "3"],
        .alerts(AlertQuery(since: 1_732_270_000, stream: "a", limit: 3))
      ),
      (
        ["alerts", "--since", "2024-11-22T11:06:40.5+01:00"],
        .alerts(AlertQuery(since: 1_732_270_000.5, incidentsOnly: true))
      ),
      (["alerts", "--after", "12"], .alerts(AlertQuery(afterSeq: 12))),
      (["ack", "01J", "--by", "me", "--note", "on it"], .acknowledge(id: "01J", by: "me", note: "on it")),
      (["silence", "a", "--for", "1h30m"], .silence(stream: "a", seconds: 5400)),
      (["unsilence", "a"], .unsilence(stream: "a")), (["retrain"], .retrain(stream: nil)),
      (["retrain", "a"], .retrain(stream: "a")), (["revert", "a"], .revert(stream: "a", snapshot: nil)),
      (["revert", "a", "s"], .revert(stream: "a", snapshot: "s")), (["reload"], .reload),
    ]
    for (arguments, request) in cases {
      // The answer is a failure for some: here it is the question that counts.
      let (ended, asked) = try asking(.done(Done("it is done")), arguments)
      #expect(asked == request, "\(arguments): \(ended.errors)")
    }
  }

  @Test func `an order that was carried out is one line, and exit code 0`() throws {
    let (ended, _) = try asking(.done(Done("host-17 is silent")), ["silence", "host-17", "--for", "2h"])
    #expect(ended.status == 0)
    #expect(ended.output == "host-17 is silent\n")
    #expect(ended.errors.isEmpty)
  }

  @Test func `status names what is lost and why`() throws {
    var report = StatusReport()
    report.version = "0.1.0"
    report.streams[.scoring] = 12
    report.totals.malformed = 4
    report.sources = [SourceReport()]
    report.sources[0].name = "machines"
    report.sources[0].malformed = ["truncated JSON": 4]
    let (ended, _) = try asking(.status(report), ["status"])
    #expect(ended.status == 0)
    #expect(ended.output.contains("12 scoring"))
    #expect(ended.output.contains("machines: 4 malformed: truncated JSON"))
    #expect(!ended.output.contains("\u{1B}"), "no colour off a terminal")
    let json = try asking(.status(report), ["--json", "status"]).ended.json()
    #expect((json["streams"] as? [String: Any])?["scoring"] as? Int == 12)
  }

  @Test func `an incident is explained with its features and their usual range`() throws {
    let reply = ControlReply.explanation(
      Explanation(
        statements: [Self.alert], acknowledged: AcknowledgementRecord(by: "me", note: "on it", at: 0),
        trajectory: [ScorePoint(ts: 1, score: 3), ScorePoint(ts: 2, score: 97)]))
    let (ended, _) = try asking(reply, ["explain", "01JABC"])
    for part in [
      "MAJOR", "cpu.user is odd", "0.05 to 0.44", "61 %", "since      2024-11-22T10:06:40Z", "by me", "▁█",
      "missing",
    ] {
      #expect(ended.output.contains(part), "no \(part) in\n\(ended.output)")
    }
    #expect(try asking(reply, ["explain", "x", "--json"]).ended.json()["statements"] is [Any])
  }

  @Test func `alerts are rows, and those seen are marked`() throws {
    let list = AlertList(
      alerts: [Self.alert], acknowledged: ["01JABC": AcknowledgementRecord(by: "me", note: "", at: 0)],
      epoch: "e", lastSeq: 7)
    let (ended, _) = try asking(.alerts(list), ["alerts", "--since", "1h"])
    #expect(ended.lines.count == 2)
    #expect(
      ended.output.contains("open (seen)") && ended.output.contains("cpu.user 0.98, usual 0.05 to 0.44"))
  }

  @Test func `a failure is one line on standard error with its exit code`() throws {
    let (ended, _) = try asking(.failure(.unknownStream("x")), ["stream", "x"])
    #expect(ended.status == 65)
    #expect(
      ended.errors == "anomalyctl: stream x: no stream of this name is known: see `anomalyctl streams`\n")
    #expect(ended.output.isEmpty)
  }

  @Test func `doctor ends with 69 when something fails`() throws {
    func doctor(_ finding: DoctorReport.Finding) throws -> Programs.Ended {
      try asking(
        .doctor(DoctorReport(checks: [.init("kernel", finding, why: "it is Prescott", remedy: "restart")])),
        ["doctor"]
      ).ended
    }
    #expect(try doctor(.ok).status == 0)
    #expect(try doctor(.warn).status == 0)
    let failed = try doctor(.fail)
    #expect(failed.status == 69)
    #expect(failed.output.contains("FAIL  kernel: it is Prescott") && failed.output.contains("→ restart"))
  }

  @Test func `check sends the file and ends with 78 when it has mistakes`() throws {
    try Programs.withFolder { folder in
      let file = folder.appending(path: "a.yaml")
      try "sources: []\n".write(to: file, atomically: true, encoding: .utf8)
      let (bad, asked) = try asking(
        .check(CheckReport(file: file.path, problems: ["a.yaml:1:1: no"])), ["check", file.path])
      #expect(bad.status == 78 && bad.output == "a.yaml:1:1: no\n")
      #expect(asked == .check(file: file.path, text: "sources: []\n"))
      let good = try asking(.check(CheckReport(file: file.path, problems: [])), ["check", file.path]).ended
      #expect(good.status == 0)
      #expect(try asking(.done(Done("")), ["check", folder.path + "/none"]).ended.status == 66)
    }
  }

  @Test func `sample writes a picture, a table and the rows themselves`() throws {
    var report = SampleReport()
    report.stream = "a<b"
    report.model = "rbm"
    report.fields = ["cpu,user", "mem"]
    report.sampled = (0..<50).map { [Double($0), 7] }
    report.recent = (0..<60).map { [Double($0) + 10, $0 == 0 ? nil : 7] }
    try Programs.withFolder { folder in
      let svg = folder.appending(path: "p.svg").path
      let csv = folder.appending(path: "p.csv").path
      let (ended, asked) = try asking(
        .sample(report), ["sample", "a<b", "--model", "rbm", "--count", "50", "--seed", "9", "--out", svg])
      #expect(asked == .sample(stream: "a<b", model: "rbm", count: 50, seed: 9))
      #expect(ended.status == 0 && ended.output.contains("50 rows drawn from the rbm"))
      let picture = try XMLDocumentReader.elements(of: svg)
      #expect(picture.filter { $0 == "g" }.count == 2 && picture.filter { $0 == "path" }.count == 2)
      _ = try asking(.sample(report), ["sample", "a<b", "--model", "rbm", "--out", csv])
      let rows = try String(contentsOfFile: csv, encoding: .utf8).split(separator: "\n")
      #expect(rows.first == "\"cpu,user\",mem" && rows.count == 51 && rows[1] == "0.0,7.0")
    }
  }

  @Test(arguments: [
    [], ["dance"], ["stream"], ["streams", "--phase", "asleep"], ["silence", "a"],
    ["silence", "a", "--for", "soon"],
    ["alerts", "--since", "yesterday"], ["sample", "a", "--model", "oracle"],
    ["sample", "a", "--model", "rbm", "--count", "0"],
    ["sample", "a", "--model", "rbm", "--out", "x.png"], ["status", "--timeout", "0"], ["status", "--wat"],
    ["--socket"], ["status", "--socket", "nonsense"],
  ])
  func `a usage mistake ends with 64 and one line`(arguments: [String]) throws {
    let ended = try Programs.run("anomalyctl", arguments)
    #expect(ended.status == (arguments.isEmpty ? 0 : 64))
    if !arguments.isEmpty {
      #expect(
        ended.errors.split(separator: "\n").count == 1 && ended.errors.hasPrefix("anomalyctl: "),
        "\(ended.errors)")
    }
  }

  @Test func `without a daemon every command ends with 69 and says what to do`() throws {
    let ended = try Programs.run("anomalyctl", ["--socket", "ipc:///nowhere/control.sock", "status"])
    #expect(ended.status == 69)
    #expect(ended.errors.contains("is anomalyd running?"))
    #expect(
      try Programs.run("anomalyctl", ["watch", "--socket", "ipc:///nowhere/control.sock"]).status == 69)
  }

  @Test func `help and version go to standard output`() throws {
    for arguments in [["--help"], ["--version"], ["status", "--help"]] {
      let ended = try Programs.run("anomalyctl", arguments)
      #expect(ended.status == 0 && !ended.output.isEmpty && ended.errors.isEmpty)
    }
    #expect(try Programs.run("anomalyctl", ["--version"]).output == "\(Release.version)\n")
  }

  @Test func `watch prints alerts as they are published, and asks for those it missed`() throws {
    let context = try MessagingContext()
    let publisher = try Socket(.xpub, in: context)
    var report = StatusReport()
    report.endpoints.alerts = [try publisher.bind("tcp://127.0.0.1:*")]
    report.alerts.epoch = "e"
    report.alerts.lastSeq = 5
    let known = report
    var missed = Self.alert
    missed.seq = 6
    missed.id = "01MISSED"
    let list = AlertList(alerts: [missed, Self.alert], epoch: "e", lastSeq: 7)
    let server = try ControlServer(endpoint: "tcp://127.0.0.1:*", context: context) { request in
      switch request {
      case .status: .status(known)
      case .alerts(let query): query.afterSeq == 5 ? .alerts(list) : .failure(.unknownStream(""))
      default: .failure(.unknownStream(""))
      }
    }
    defer { server.stop() }
    try Programs.withFolder { folder in
      let watch = try Running(
        "anomalyctl", ["watch", "--count", "2", "--for", "20s", "--socket", server.endpoint], folder: folder)
      // Its subscription has come: it is listening.
      let subscription = try publisher.receive(timeout: 15_000)
      #expect(subscription != nil)
      try publisher.send([Array("alert/major/host-17".utf8), [UInt8](try JSONEncoder().encode(Self.alert))])
      #expect(watch.wait(seconds: 20), "it did not end")
      #expect(watch.status == 0)
      let lines = watch.output.split(separator: "\n")
      #expect(lines.count == 2 && lines[0].contains("01MISSED") && lines[1].contains("01JABC"))
    }
  }
}
