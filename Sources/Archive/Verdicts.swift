public import Events
import Foundation
import GRDB

/// What people said of incidents and windows, with what it changed, so that it can be taken back.
extension AlertStore {
  /// A verdict as it was given.
  public struct VerdictRecord: Sendable, Equatable {
    public var number = 0
    /// Seconds since 1970.
    public var at = 0.0
    public var stream: StreamKey
    /// Nil of a window that was to be forgotten.
    public var incident: String?
    /// `true`, `expected`, `false-alarm`, `new-normal`, or `forget`.
    public var verdict: String
    /// What was said of the incident before.
    public var previous: String?
    public var by: String
    public var cause: String
    /// Event times of the rows whose flags changed.
    public var changed: [Double]
    /// Their flags that were set, and those that were cleared.
    public var set: UInt32
    public var cleared: UInt32

    public init(
      stream: StreamKey, incident: String?, verdict: String, by: String, cause: String, changed: [Double],
      set: UInt32, cleared: UInt32
    ) {
      self.stream = stream
      self.incident = incident
      self.verdict = verdict
      self.by = by
      self.cause = cause
      self.changed = changed
      self.set = set
      self.cleared = cleared
    }
  }

  /// Keeps a verdict, marks its incident with it and writes the audit log, in one transaction.
  ///
  /// - Returns: false when there is no such incident; nothing is changed then.
  public func record(_ verdict: VerdictRecord, at time: Double) throws(ArchiveError) -> Bool {
    var isKnown = true
    try writeDurably { db in
      var previous: String?
      if let id = verdict.incident {
        guard let row = try Row.fetchOne(db, sql: "SELECT label FROM incident WHERE id = ?", arguments: [id])
        else {
          isKnown = false
          return
        }
        previous = row[0]
        try db.execute(
          sql: "UPDATE incident SET label = ? WHERE id = ?", arguments: [verdict.verdict, id])
      }
      try db.execute(
        sql: """
          INSERT INTO verdict(at, stream, incident, verdict, previous, author, cause, changed, flagsSet, flagsCleared)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          AlertCoding.finite(time), verdict.stream.name, verdict.incident, verdict.verdict, previous,
          verdict.by,
          verdict.cause, Self.bytes(verdict.changed), Int64(verdict.set), Int64(verdict.cleared),
        ])
      let what = verdict.incident ?? "\(verdict.stream)"
      try Self.log(
        verdict.incident == nil ? "forget" : "label",
        [what, verdict.verdict, "by \(verdict.by)", verdict.cause].filter { !$0.isEmpty }.joined(
          separator: " "),
        "\(verdict.changed.count) rows", time, db)
    }
    return isKnown
  }

  /// The latest one that was not taken back; nil when there is none.
  public func lastVerdict() throws(ArchiveError) -> VerdictRecord? {
    try read { db in
      guard
        let row = try Row.fetchOne(
          db,
          sql: """
            SELECT number, at, stream, incident, verdict, previous, author, cause, changed, flagsSet, flagsCleared
            FROM verdict WHERE NOT undone ORDER BY number DESC LIMIT 1
            """)
      else { return nil }
      let set: Int64 = row[9]
      let cleared: Int64 = row[10]
      var record = VerdictRecord(
        stream: StreamKey(row[2]), incident: row[3], verdict: row[4], by: row[6], cause: row[7],
        changed: Self.times(row[8]), set: UInt32(truncatingIfNeeded: set),
        cleared: UInt32(truncatingIfNeeded: cleared))
      record.number = row[0]
      record.at = row[1]
      record.previous = row[5]
      return record
    }
  }

  /// Marks a verdict as taken back, gives its incident the label it had before, and writes the audit log.
  public func takeBack(_ verdict: VerdictRecord, by: String, at time: Double) throws(ArchiveError) {
    try writeDurably { db in
      try db.execute(sql: "UPDATE verdict SET undone = 1 WHERE number = ?", arguments: [verdict.number])
      if let id = verdict.incident {
        try db.execute(
          sql: "UPDATE incident SET label = ? WHERE id = ?", arguments: [verdict.previous, id])
      }
      try Self.log(
        "undo", "\(verdict.incident ?? verdict.stream.name) \(verdict.verdict) by \(by)",
        "\(verdict.changed.count) rows", time, db)
    }
  }

  /// Why an incident was what it was said to be, in a person's words; nil when nobody said so, or it was taken back.
  public func cause(of incident: String) throws(ArchiveError) -> String? {
    try read { db in
      try String.fetchOne(
        db,
        sql: """
          SELECT cause FROM verdict WHERE incident = ? AND NOT undone AND cause <> '' ORDER BY number DESC LIMIT 1
          """, arguments: [incident])
    }
  }

  /// Labels of incidents, by id; of those of `ids` that have one.
  public func labels(of ids: [String]) throws(ArchiveError) -> [String: String] {
    try read { db in
      var labels: [String: String] = [:]
      for id in ids {
        labels[id] = try String.fetchOne(
          db, sql: "SELECT label FROM incident WHERE id = ?", arguments: [id])
      }
      return labels
    }
  }

  /// Incidents that opened after the statement of a number and that nobody called `true` or `expected`, as far as they are kept.
  public func openings(after seq: UInt64) throws(ArchiveError) -> UInt64 {
    try read { db in
      let count = try Int64.fetchOne(
        db,
        sql:
          "SELECT count(*) FROM incident WHERE openedSeq > ? AND coalesce(label, '') NOT IN ('true', 'expected')",
        arguments: [Int64(clamping: seq)])
      return UInt64(count ?? 0)
    }
  }

  private static func bytes(_ times: [Double]) -> Data {
    var data = Data(capacity: times.count * 8)
    for time in times {
      let bits = time.bitPattern
      for byte in 0..<8 { data.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * byte))) }
    }
    return data
  }

  private static func times(_ data: Data) -> [Double] {
    let bytes = [UInt8](data)
    return stride(from: 0, to: bytes.count / 8 * 8, by: 8).map { at in
      Double(bitPattern: (0..<8).reduce(0) { $0 | UInt64(bytes[at + $1]) << UInt64(8 * $1) })
    }
  }
}
