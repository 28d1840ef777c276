public import Events
import GRDB

/// What people and their programs asked for. All of this is on the disk when the call returns, so that a command that was
/// answered is never lost; each is also written to the log of commands in the same transaction.
extension AlertStore {
  /// One incident with what people said about it.
  public struct Incident: Sendable, Equatable {
    public var id: String
    public var stream: StreamKey
    public var state: Alert.State
    /// Numbers of its first and its latest statement.
    public var openedSeq: UInt64
    public var lastSeq: UInt64
    /// Seconds since 1970; nil while nobody did.
    public var acknowledgedAt: Double?
    public var note: String?
    /// `true`, `expected`, `false-alarm`, `new-normal` or nil.
    public var label: String?
  }

  /// No alerts of this stream are published before `until` (seconds since 1970).
  public struct Silence: Sendable, Equatable {
    public var stream: StreamKey
    public var since: Double
    public var until: Double
    public var reason: String
    public init(stream: StreamKey, since: Double, until: Double, reason: String) {
      self.stream = stream
      self.since = since
      self.until = until
      self.reason = reason
    }
  }

  /// One control command that changed something.
  public struct Command: Sendable, Equatable {
    public var number: Int
    public var at: Double
    public var name: String
    public var arguments: String
    public var outcome: String
  }

  /// A wish that models be trained again, kept until it is met.
  public struct RetrainRequest: Sendable, Equatable {
    public var number: Int
    public var at: Double
    /// Nil: all streams.
    public var stream: StreamKey?
    public var reason: String
  }

  // MARK: incidents

  /// - Returns: nil when the history does not know it.
  public func incident(_ id: String) throws(ArchiveError) -> Incident? {
    try read { db in try Self.incidents(db, where: "id = ?", [id]).first }
  }

  /// Those not resolved, in the order in which they were opened.
  public func openIncidents() throws(ArchiveError) -> [Incident] {
    try read { db in try Self.incidents(db, where: "state <> 'resolved' ORDER BY openedSeq", []) }
  }

  /// - Returns: false when there is no such incident; nothing is changed then.
  public func acknowledge(_ id: String, note: String? = nil, at time: Double) throws(ArchiveError) -> Bool {
    try change(id, "ack", note.map { "\(id) \($0)" } ?? id, at: time) { db in
      try db.execute(
        sql: "UPDATE incident SET acknowledgedAt = ?, note = coalesce(?, note) WHERE id = ?",
        arguments: [time, note, id])
    }
  }

  /// - Parameters:
  ///   - label: `true`, `expected`, `false-alarm`, `new-normal`; nil takes it back.
  /// - Returns: false when there is no such incident; nothing is changed then.
  public func label(_ id: String, _ label: String?, at time: Double) throws(ArchiveError) -> Bool {
    try change(id, "label", "\(id) \(label ?? "(none)")", at: time) { db in
      try db.execute(sql: "UPDATE incident SET label = ? WHERE id = ?", arguments: [label, id])
    }
  }

  // MARK: silences

  /// Replaces an earlier silence of the same stream.
  public func silence(_ silence: Silence) throws(ArchiveError) {
    try writeDurably { db in
      try db.execute(
        sql: """
          INSERT INTO silence(stream, since, until, reason) VALUES (?, ?, ?, ?)
          ON CONFLICT(stream) DO UPDATE SET since = excluded.since, until = excluded.until, reason = excluded.reason
          """,
        arguments: [
          silence.stream.name, AlertCoding.finite(silence.since), AlertCoding.finite(silence.until),
          silence.reason,
        ])
      try Self.log("silence", "\(silence.stream) until \(silence.until)", "done", silence.since, db)
    }
  }

  /// - Returns: false when the stream was not silenced.
  public func unsilence(_ stream: StreamKey, at time: Double) throws(ArchiveError) -> Bool {
    var changed = false
    try writeDurably { db in
      try db.execute(sql: "DELETE FROM silence WHERE stream = ?", arguments: [stream.name])
      changed = db.changesCount > 0
      try Self.log("unsilence", stream.name, changed ? "done" : "was not silenced", time, db)
    }
    return changed
  }

  /// Those that still hold at `time`; the others are removed.
  public func silences(at time: Double) throws(ArchiveError) -> [Silence] {
    try write { db in
      try db.execute(sql: "DELETE FROM silence WHERE until <= ?", arguments: [AlertCoding.finite(time)])
      return try Row.fetchAll(db, sql: "SELECT stream, since, until, reason FROM silence ORDER BY stream").map
      {
        Silence(stream: StreamKey($0[0]), since: $0[1], until: $0[2], reason: $0[3])
      }
    }
  }

  // MARK: the log of commands

  /// Writes a command that takes effect elsewhere (reload, promote, forget, …), before it is answered.
  public func log(
    _ name: String, arguments: String, outcome: String, at time: Double
  ) throws(ArchiveError) {
    try writeDurably { db in try Self.log(name, arguments, outcome, time, db) }
  }

  /// The latest commands, newest first.
  public func commands(limit: Int) throws(ArchiveError) -> [Command] {
    try read { db in
      try Row.fetchAll(
        db, sql: "SELECT number, at, name, arguments, outcome FROM command ORDER BY number DESC LIMIT ?",
        arguments: [limit]
      ).map { Command(number: $0[0], at: $0[1], name: $0[2], arguments: $0[3], outcome: $0[4]) }
    }
  }

  // MARK: requests to retrain

  /// Remembered until ``finishRetraining(_:)``, also over a restart.
  ///
  /// - Parameters:
  ///   - stream: nil for all.
  public func requestRetraining(
    _ stream: StreamKey?, reason: String, at time: Double
  ) throws(ArchiveError) {
    try writeDurably { db in
      try db.execute(
        sql: "INSERT INTO retraining(at, stream, reason) VALUES (?, ?, ?)",
        arguments: [AlertCoding.finite(time), stream?.name, reason])
      try Self.log("retrain", stream?.name ?? "all", "requested", time, db)
    }
  }

  /// In the order asked.
  public func retrainRequests() throws(ArchiveError) -> [RetrainRequest] {
    try read { db in
      try Row.fetchAll(db, sql: "SELECT number, at, stream, reason FROM retraining ORDER BY number").map {
        row in
        let stream: String? = row[2]
        return RetrainRequest(number: row[0], at: row[1], stream: stream.map(StreamKey.init), reason: row[3])
      }
    }
  }

  /// Forgets one request: it is done or of no use any more.
  public func finishRetraining(_ number: Int) throws(ArchiveError) {
    try write { db in
      try db.execute(sql: "DELETE FROM retraining WHERE number = ?", arguments: [number])
    }
  }

  // MARK: counters

  /// Totals over all lives of the daemon, by name.
  public func counters() throws(ArchiveError) -> [String: Int] {
    try read { db in
      var counters: [String: Int] = [:]
      for row in try Row.fetchAll(db, sql: "SELECT name, value FROM counter") {
        let name: String = row[0]
        counters[name] = row[1]
      }
      return counters
    }
  }

  /// Sets the given ones; the others stay.
  public func setCounters(_ counters: [String: Int]) throws(ArchiveError) {
    try write { db in
      let upsert = try db.cachedStatement(
        sql:
          "INSERT INTO counter(name, value) VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value"
      )
      for (name, value) in counters { try upsert.execute(arguments: [name, value]) }
    }
  }

  // MARK: inside a transaction

  private func change(
    _ id: String, _ name: String, _ arguments: String, at time: Double, _ body: (Database) throws -> Void
  ) throws(ArchiveError) -> Bool {
    var known = false
    try writeDurably { db in
      known = try !Self.incidents(db, where: "id = ?", [id]).isEmpty
      if known { try body(db) }
      try Self.log(name, arguments, known ? "done" : "no such incident", time, db)
    }
    return known
  }

  private static func incidents(
    _ db: Database, where condition: String, _ arguments: StatementArguments
  ) throws -> [Incident] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT id, stream, state, openedSeq, lastSeq, acknowledgedAt, note, label FROM incident WHERE \(condition)
        """, arguments: arguments
    ).map { row in
      let opened: Int64 = row[3]
      let last: Int64 = row[4]
      return Incident(
        id: row[0], stream: StreamKey(row[1]), state: Alert.State(rawValue: row[2]) ?? .update,
        openedSeq: UInt64(opened), lastSeq: UInt64(last), acknowledgedAt: row[5], note: row[6], label: row[7])
    }
  }

  /// At most 10,000 commands are kept.
  static func log(
    _ name: String, _ arguments: String, _ outcome: String, _ time: Double, _ db: Database
  ) throws {
    try db.execute(
      sql: "INSERT INTO command(at, name, arguments, outcome) VALUES (?, ?, ?, ?)",
      arguments: [AlertCoding.finite(time), name, arguments, outcome])
    try db.execute(
      sql: "DELETE FROM command WHERE number <= ?", arguments: [db.lastInsertedRowID - 10_000])
  }
}
