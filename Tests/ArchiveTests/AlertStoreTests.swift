import Events
import Foundation
import GRDB
import Testing

@testable import Archive

@Suite struct AlertStoreTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  var path: String { folder.path + "/alerts.sqlite" }
  func open(epoch: String = "e1") throws -> AlertStore { try AlertStore(path: path) { epoch } }

  func alert(_ id: String, _ state: Alert.State, ts: Double = 1000, stream: String = "host-17") -> Alert {
    Alert(
      id: id, state: state, stream: stream, ts: ts, onset: ts - 5, severity: .major, score: 97.5,
      pValue: 2e-6,
      features: [.init(name: "cpu", value: nil, expected: 0.2, low: 0.1, high: 0.3, share: 0.75)],
      detectors: ["rbm": .init(raw: -3.5, pValue: 1e-4)],
      model: .init(snapshot: "20261122T211500-0001", trainedAt: 5),
      kind: .value, text: "cpu is high")
  }

  @Test func `statements are numbered without holes, also over a reopening and a failure`() throws {
    let store = try open()
    #expect(try store.lastSeq() == 0)
    let first = try store.append([alert("A", .open), alert("B", .open), alert("A", .update)])
    #expect(first.alerts.map(\.seq) == [1, 2, 3])
    #expect(first.alerts.allSatisfy { $0.epoch == "e1" })
    #expect(throws: (any Error).self) {
      try store.write { db in
        try db.execute(sql: "INSERT INTO alert(incident, stream, ts, body) VALUES ('x', 'x', 1, 'x')")
        throw CancellationError()
      }
    }
    try store.close()
    let again = try open(epoch: "never used")
    #expect(again.epoch == "e1")
    #expect(try again.append([alert("A", .resolved)]).alerts.map(\.seq) == [4])
    #expect(try again.lastSeq() == 4)
    #expect(try again.alerts(after: 0, limit: 100).map(\.seq) == [1, 2, 3, 4])
    #expect(try again.alerts(after: 2, limit: 1).map(\.id) == ["A"])
    #expect(try again.alerts(after: .max, limit: 1).isEmpty)
  }

  @Test func `a checkpoint puts what waits into the database file and loses nothing`() throws {
    let store = try open()
    _ = try store.append((0..<200).map { alert("I\($0)", .open) })
    #expect(try size(path + "-wal") > 0)
    let before = try size(path)
    try store.checkpoint()
    #expect(try size(path) > before)
    #expect(try store.alerts(after: 0, limit: 1000).count == 200)
    #expect(try store.append([alert("I7", .resolved)]).alerts.map(\.seq) == [201])
  }

  private func size(_ path: String) throws -> Int {
    try #require(FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
  }

  @Test func `an alert is read back as it was published`() throws {
    let store = try open()
    var odd = alert("A", .open, ts: 1234.5)
    odd.features[0].expected = .infinity
    odd.text = "quotes ' and \"; DROP TABLE alert; 🦉"
    let published = try store.append([odd]).alerts
    #expect(try store.history(of: "A") == published)
    #expect(try store.history(of: "B").isEmpty)
    odd.ts = .nan
    odd.state = .update
    try #require(store.append([odd]).alerts.count == 1)
    #expect(try store.history(of: "A").last?.ts.isNaN == true)
  }

  @Test func `what amends a resolved incident is numbered and kept, and leaves it resolved`() throws {
    let store = try open()
    var amendment = alert("A", .update)
    amendment.amended = true
    amendment.resolvedAt = 99
    amendment.evidence = [7]
    var stranger = amendment
    stranger.id = "B"
    _ = try store.append([alert("A", .open), alert("A", .resolved)])
    let appended = try store.append([amendment, stranger, alert("A", .update)])
    #expect(appended.alerts.map(\.seq) == [3] && appended.alerts.first?.resolvedAt == 99)
    #expect(appended.refused.map(\.reason) == [.incidentUnknown, .incidentResolved])
    #expect(try store.openAlerts().isEmpty && store.openIncidents().isEmpty)
    #expect(try store.incident("A")?.state == .resolved && store.incident("A")?.lastSeq == 3)
    #expect(try store.history(of: "A").last?.amended == true)
    #expect(try store.evidence(of: "A") == [7])
    #expect(try store.openings(after: 0) == 1 && store.openings(after: 1) == 0)
    #expect(try store.label("A", "false-alarm", at: 1) && store.openings(after: 0) == 1)
    #expect(try store.label("A", "expected", at: 2) && store.openings(after: 0) == 0)
  }

  @Test func `an incident is opened once and resolved once`() throws {
    let store = try open()
    _ = try store.append([alert("A", .open)])
    let again = try store.append([
      alert("A", .open), alert("A", .resolved), alert("A", .update), alert("A", .resolved),
    ])
    #expect(again.alerts.map(\.state) == [.resolved])
    #expect(again.refused.map(\.reason) == [.incidentExists, .incidentResolved, .incidentResolved])
    // Unknown because the history began anew.
    #expect(try store.append([alert("Z", .update)]).alerts.count == 1)
    #expect(try store.openAlerts().map(\.id) == ["Z"])
  }

  @Test func `the latest statement of every open incident is found, in order`() throws {
    let store = try open()
    _ = try store.append([
      alert("A", .open), alert("B", .open), alert("C", .open), alert("B", .resolved),
      alert("A", .update, ts: 2000),
    ])
    let open = try store.openAlerts()
    #expect(open.map(\.id) == ["C", "A"])
    #expect(open.last?.ts == 2000)
    #expect(try store.openIncidents().map(\.id) == ["A", "C"])
    #expect(try store.alerts(since: 1500, limit: 10).map(\.id) == ["A"])
  }

  @Test func `what kill -9 leaves on the disk holds everything that was answered`() throws {
    let store = try open()
    _ = try store.append([alert("A", .open), alert("B", .open)])
    #expect(try store.acknowledge("A", note: "looking", at: 50))
    try store.silence(.init(stream: StreamKey("host-17"), since: 50, until: 150, reason: "update"))
    try store.requestRetraining(StreamKey("host-17"), reason: "asked", at: 51)
    try store.setCounters(["events": 12])
    // The files as they are now, with the database still open: what a new process would find.
    let copy = try TemporaryFolder()
    for name in try folder.files() { try copy.put(folder.bytes(name), name) }
    let found = try AlertStore(path: copy.path + "/alerts.sqlite") { "other" }
    #expect(found.setAside == nil)
    #expect(found.epoch == "e1")
    #expect(try found.openAlerts().map(\.id) == ["A", "B"])
    let incident = try #require(try found.incident("A"))
    #expect(incident.acknowledgedAt == 50 && incident.note == "looking")
    #expect(try found.silences(at: 100).map(\.until) == [150])
    #expect(try found.retrainRequests().map(\.stream) == [StreamKey("host-17")])
    #expect(try found.counters() == ["events": 12])
    #expect(try found.commands(limit: 10).map(\.name) == ["retrain", "silence", "ack"])
    #expect(try found.append([alert("C", .open)]).alerts.map(\.seq) == [3])
  }

  @Test func `commands do what they say and are logged`() throws {
    let store = try open()
    _ = try store.append([alert("A", .open)])
    #expect(try !store.acknowledge("nobody", at: 1))
    #expect(try store.label("A", "new-normal", at: 2))
    #expect(try store.incident("A")?.label == "new-normal")
    #expect(try store.label("A", nil, at: 3))
    #expect(try store.incident("A")?.label == nil)
    #expect(try store.acknowledge("A", note: "n", at: 4) && store.acknowledge("A", at: 5))
    #expect(try store.incident("A")?.note == "n")
    let host = StreamKey("host-17")
    try store.silence(.init(stream: host, since: 0, until: 10, reason: "a"))
    try store.silence(.init(stream: host, since: 1, until: 20, reason: "b"))
    #expect(try store.silences(at: 15) == [.init(stream: host, since: 1, until: 20, reason: "b")])
    #expect(try store.silences(at: 20).isEmpty)
    #expect(try !store.unsilence(host, at: 21))
    try store.requestRetraining(nil, reason: "all", at: 22)
    let request = try #require(try store.retrainRequests().first)
    #expect(request.stream == nil && request.reason == "all")
    try store.finishRetraining(request.number)
    #expect(try store.retrainRequests().isEmpty)
    try store.log("reload", arguments: "anomalyd.yaml", outcome: "refused", at: 23)
    let commands = try store.commands(limit: 100)
    #expect(
      commands.map(\.name) == [
        "reload", "retrain", "unsilence", "silence", "silence", "ack", "ack", "label", "label", "ack",
      ])
    #expect(commands.last?.outcome == "no such incident")
    #expect(commands.first?.at == 23)
  }

  @Test func `a damaged database is set aside with its companions and a new life begins`() throws {
    let store = try open()
    _ = try store.append((0..<500).map { alert("A\($0)", .open) })
    try store.close()
    var bytes = try folder.bytes("alerts.sqlite")
    for index in 4096 * 3..<bytes.count { bytes[index] = UInt8(truncatingIfNeeded: index &* 31) }
    try folder.put(bytes, "alerts.sqlite")
    let next = try open(epoch: "e2")
    #expect(next.epoch == "e2")
    let aside = try #require(next.setAside)
    #expect(aside.description.hasSuffix("set aside as \(path).damaged-1; a new alert history begins"))
    #expect(try next.append([alert("A", .open)]).alerts.map(\.seq) == [1])
    #expect(try folder.files().contains("alerts.sqlite.damaged-1"))
  }

  @Test(arguments: [0, 1, 15, 16, 99, 100, 101, 4095, 4096, 9000])
  func `a database cut off anywhere is read or set aside, never a crash`(size: Int) throws {
    let store = try open()
    _ = try store.append((0..<50).map { alert("A\($0)", .open) })
    try store.close()
    try folder.put(Array(folder.bytes("alerts.sqlite").prefix(size)), "alerts.sqlite")
    let next = try open(epoch: "e2")
    #expect(try next.append([alert("new", .open)]).alerts.map(\.seq) == [1])
    #expect(next.epoch == "e2")
    // SQLite takes a file of a single byte for a new one.
    #expect((next.setAside == nil) == (size <= 1))
  }

  @Test func `a file that is no database and one of a newer program are set aside`() throws {
    try folder.put(
      Array("this is not a database, but it is long enough to be looked at. ".utf8), "alerts.sqlite")
    #expect(try open().setAside != nil)
    try open().write { try $0.execute(sql: "INSERT INTO grdb_migrations(identifier) VALUES ('99')") }
    let found = try open(epoch: "e3")
    #expect(found.setAside?.damage == .newerVersion(found: 4, known: 3))
    #expect(found.epoch == "e3")
  }

  @Test func `a full disk is a typed error and loses no number`() throws {
    let store = try open()
    _ = try store.append([alert("A", .open)])
    // SQLite's own limit acts as a disk that is full.
    try store.pool.writeWithoutTransaction { db in
      let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
      try db.execute(sql: "PRAGMA max_page_count = \(pages + 2)")
    }
    let many = (0..<200).map { alert("B\($0)", .open) }
    #expect(throws: ArchiveError.full(path: path)) { try store.append(many) }
    try store.pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = 100000") }
    #expect(try store.append(many).alerts.map(\.seq) == Array(2...201))
  }

  @Test func `pruning keeps the newest and everything about open incidents`() throws {
    let store = try open()
    _ = try store.append([alert("old open", .open, ts: 1)])
    _ = try store.append(
      (0..<100).flatMap { number in
        [Alert.State.open, .resolved].map { alert("I\(number)", $0, ts: Double(10 + number)) }
      })
    #expect(try store.prune(keeping: 50, since: 0) == 150)
    let left = try store.alerts(after: 0, limit: 1000)
    #expect(left.count == 51 && left.first?.id == "old open")
    #expect(try store.incident("I0") == nil)
    #expect(try store.prune(keeping: 1000, since: 105) == 40)
    #expect(try store.prune(keeping: 0, since: .infinity) == 10)
    #expect(try store.alerts(after: 0, limit: 1000).map(\.id) == ["old open"])
    #expect(try store.append([alert("next", .open)]).alerts.map(\.seq) == [202])
  }

  @Test func `writers and readers on several threads agree`() async throws {
    let store = try open()
    await withTaskGroup(of: Void.self) { group in
      for thread in 0..<4 {
        group.addTask {
          for number in 0..<8 {
            _ = try? store.append([alert("T\(thread)-\(number)", .open)])
            _ = try? store.openAlerts()
            _ = try? store.acknowledge("T\(thread)-\(number)", at: 1)
          }
        }
      }
    }
    #expect(try store.alerts(after: 0, limit: 1000).map(\.seq) == Array(1...32))
    #expect(try store.openIncidents().allSatisfy { $0.acknowledgedAt == 1 })
  }
}
