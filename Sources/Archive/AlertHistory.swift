public import Events
import Foundation
import GRDB

extension AlertStore {
  /// What became of a batch of statements.
  public struct Appended: Sendable, Equatable {
    /// Those now in the history, with their `seq` and `epoch`: to be published as they are.
    public var alerts: [Alert]
    public var refused: [Refused]
  }

  /// A statement that would contradict the history, for instance said again after a crash. Not to be published.
  public struct Refused: Sendable, Equatable {
    /// Why a statement was not taken.
    public enum Reason: String, Sendable {
      case incidentExists = "an incident of this id was opened before"
      case incidentResolved = "the incident is already resolved"
      case incidentUnknown = "the incident was never mentioned, or is no longer kept"
    }
    public var alert: Alert
    public var reason: Reason
  }

  /// Puts statements into the history, all in one transaction, and numbers them without holes.
  ///
  /// An update of an incident that the history does not know (it began anew) is taken as its beginning. One that amends an incident
  /// after its end (`Alert.resolvedAt`) leaves it resolved.
  public func append(_ alerts: [Alert]) throws(ArchiveError) -> Appended {
    if alerts.isEmpty { return Appended(alerts: [], refused: []) }
    let encoder = AlertCoding.encoder()
    return try write { db in
      var appended = Appended(alerts: [], refused: [])
      appended.alerts.reserveCapacity(alerts.count)
      let known = try db.cachedStatement(sql: "SELECT state FROM incident WHERE id = ?")
      let insert = try db.cachedStatement(
        sql: "INSERT INTO alert(incident, stream, ts, body) VALUES (?, ?, ?, ?)")
      let follow = try db.cachedStatement(
        sql: """
          INSERT INTO incident(id, stream, state, openedSeq, lastSeq) VALUES (?, ?, ?, ?, ?)
          ON CONFLICT(id) DO UPDATE SET state = excluded.state, lastSeq = excluded.lastSeq
          """)
      let prove = try db.cachedStatement(
        sql: """
          INSERT INTO evidence(incident, bytes) VALUES (?, ?)
          ON CONFLICT(incident) DO UPDATE SET bytes = excluded.bytes
          """)
      for alert in alerts {
        let state = try String.fetchOne(known, arguments: [alert.id])
        if alert.resolvedAt != nil {
          // It stays as it is, and what was never said is not said now.
          if state == nil {
            appended.refused.append(Refused(alert: alert, reason: .incidentUnknown))
            continue
          }
        } else if let state {
          if alert.state == .open || state == Alert.State.resolved.rawValue {
            appended.refused.append(
              Refused(alert: alert, reason: alert.state == .open ? .incidentExists : .incidentResolved))
            continue
          }
        }
        try insert.execute(
          arguments: [alert.id, alert.stream, AlertCoding.finite(alert.ts), encoder.encode(alert)])
        let seq = db.lastInsertedRowID
        let left = alert.isOver ? Alert.State.resolved : alert.state
        try follow.execute(arguments: [alert.id, alert.stream, left.rawValue, seq, seq])
        if !alert.evidence.isEmpty {
          try prove.execute(arguments: [alert.id, Data(alert.evidence)])
        }
        var numbered = alert
        numbered.seq = UInt64(seq)
        numbered.epoch = epoch
        appended.alerts.append(numbered)
      }
      return appended
    }
  }

  /// The number of the last statement ever made in this epoch; 0 when there is none.
  public func lastSeq() throws(ArchiveError) -> UInt64 {
    try read { db in
      try Int64.fetchOne(db, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'alert'").map(UInt64.init)
        ?? 0
    }
  }

  /// Statements with a higher number than `seq`, in order.
  public func alerts(after seq: UInt64, limit: Int) throws(ArchiveError) -> [Alert] {
    try alerts(
      sql: "SELECT seq, body FROM alert WHERE seq > ? ORDER BY seq LIMIT ?",
      [Int64(clamping: seq), limit])
  }

  /// Statements whose event time is at or after `time` (seconds since 1970), in order of their numbers; the first
  /// `limit`.
  public func alerts(since time: Double, limit: Int) throws(ArchiveError) -> [Alert] {
    try alerts(
      sql: "SELECT seq, body FROM alert WHERE ts >= ? ORDER BY seq LIMIT ?",
      [AlertCoding.finite(time), limit])
  }

  /// All statements about one incident that are still kept, in order; empty when there is none such.
  public func history(of incident: String) throws(ArchiveError) -> [Alert] {
    try alerts(sql: "SELECT seq, body FROM alert WHERE incident = ? ORDER BY seq", [incident])
  }

  /// The latest statement of each incident of a stream that opened before another one did, newest first; the first `limit`.
  ///
  /// - Parameter seq: the number of the first statement of that other one.
  public func latest(
    of stream: StreamKey, openedBefore seq: UInt64, limit: Int
  ) throws(ArchiveError) -> [Alert] {
    try alerts(
      sql: """
        SELECT alert.seq, alert.body FROM incident JOIN alert ON alert.seq = incident.lastSeq
        WHERE incident.stream = ? AND incident.openedSeq < ? ORDER BY incident.openedSeq DESC LIMIT ?
        """, [stream.name, Int64(clamping: seq), limit])
  }

  /// What was kept of an incident's worst row; nil when nothing was.
  public func evidence(of incident: String) throws(ArchiveError) -> [UInt8]? {
    try read { db in
      try Data.fetchOne(db, sql: "SELECT bytes FROM evidence WHERE incident = ?", arguments: [incident])
        .map { [UInt8]($0) }
    }
  }

  /// The latest statement of each incident that is not resolved, in order of their numbers.
  public func openAlerts() throws(ArchiveError) -> [Alert] {
    try alerts(
      sql: """
        SELECT seq, body FROM alert WHERE seq IN (SELECT lastSeq FROM incident WHERE state <> 'resolved') ORDER BY seq
        """, [])
  }

  /// Removes the oldest statements until at most `maximum` are left, and those before `time`. Statements of open incidents
  /// stay, and numbers are never given again.
  ///
  /// - Returns: how many statements were removed.
  @discardableResult
  public func prune(keeping maximum: Int, since time: Double) throws(ArchiveError) -> Int {
    try write { db in
      let oldest =
        try Int64.fetchOne(
          db, sql: "SELECT seq FROM alert ORDER BY seq DESC LIMIT 1 OFFSET ?", arguments: [max(0, maximum)])
        ?? 0
      try db.execute(
        sql: """
          DELETE FROM alert WHERE (seq <= ? OR ts < ?)
            AND incident NOT IN (SELECT id FROM incident WHERE state <> 'resolved')
          """, arguments: [oldest, AlertCoding.finite(time)])
      let removed = db.changesCount
      try db.execute(
        sql: "DELETE FROM incident WHERE state = 'resolved' AND id NOT IN (SELECT incident FROM alert)")
      try db.execute(sql: "DELETE FROM evidence WHERE incident NOT IN (SELECT id FROM incident)")
      return removed
    }
  }

  private func alerts(
    sql: String, _ arguments: [any DatabaseValueConvertible]
  ) throws(ArchiveError) -> [Alert] {
    let decoder = AlertCoding.decoder()
    return try read { db in
      var found: [Alert] = []
      let rows = try Row.fetchCursor(db.cachedStatement(sql: sql), arguments: StatementArguments(arguments))
      while let row = try rows.next() {
        let seq: Int64 = row[0]
        found.append(try AlertCoding.alert(row[1], seq: seq, epoch: epoch, decoder))
      }
      return found
    }
  }
}

/// Alerts as they lie in the database.
enum AlertCoding {
  /// Numbers that JSON does not have are kept as text: an odd one must not cost the alert.
  static func encoder() -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return encoder
  }

  static func decoder() -> JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return decoder
  }

  static func alert(_ body: Data, seq: Int64, epoch: String, _ decoder: JSONDecoder) throws -> Alert {
    var alert = try decoder.decode(Alert.self, from: body)
    alert.seq = UInt64(seq)
    alert.epoch = epoch
    return alert
  }

  /// SQLite has no NaN: it would become NULL and be refused.
  static func finite(_ time: Double) -> Double {
    time.isNaN ? 0 : min(max(time, -Double.greatestFiniteMagnitude), Double.greatestFiniteMagnitude)
  }
}
