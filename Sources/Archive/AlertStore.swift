import GRDB
import Glibc

/// What was said and what people did about it: alerts, incidents, acknowledgements, silences, the log of control commands,
/// requests, counters. A SQLite database in WAL mode.
///
/// Each call is one transaction; when it returns, its effect survives `kill -9`. Alerts survive a loss of power when the
/// store is opened with `.power`, control commands always. May be used from several threads: reading never waits for
/// writing.
public final class AlertStore: Sendable {
  public let path: String
  /// Names one life of the database: 1, 2, 3, … count within it.
  public let epoch: String
  /// The database that was damaged and moved away when this one was opened.
  public let setAside: SetAside?
  let pool: DatabasePool

  /// Opens the database, makes it when it is not there, and brings an older one up to date. One that cannot be trusted is
  /// set aside and a new one made.
  ///
  /// - Parameters:
  ///   - newEpoch: gives the name of a new database's life, a random text.
  public init(
    path: String, _ durability: AtomicFile.Durability = .process, newEpoch: () -> String
  ) throws(ArchiveError) {
    self.path = path
    try Folder.make(Folder.parent(of: path))
    var setAside: SetAside?
    var opened: DatabasePool
    do throws(ArchiveError) {
      opened = try Self.open(path, durability)
    } catch {
      guard case .damaged(_, let damage) = error else { throw error }
      setAside = SetAside(
        path: path, damage: damage, movedTo: Self.moveAway(path), instead: "a new alert history begins")
      opened = try Self.open(path, durability)
    }
    pool = opened
    self.setAside = setAside
    do {
      epoch = try opened.write { db in
        if let known = try String.fetchOne(db, sql: "SELECT text FROM life WHERE name = 'epoch'") {
          return known
        }
        let epoch = newEpoch()
        try db.execute(sql: "INSERT INTO life(name, text) VALUES ('epoch', ?)", arguments: [epoch])
        return epoch
      }
    } catch {
      throw ArchiveError(error, path)
    }
  }

  public convenience init(
    _ state: StateFolder, _ durability: AtomicFile.Durability = .process, newEpoch: () -> String
  ) throws(ArchiveError) {
    try self.init(path: state.alerts, durability, newEpoch: newEpoch)
  }

  /// Writes what is pending into the database file and closes it. The store cannot be used after that.
  public func close() throws(ArchiveError) {
    do {
      // Closing alone leaves it in the write-ahead log, because the readers are closed last.
      try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
      try pool.close()
    } catch {
      throw ArchiveError(error, path)
    }
  }

  /// Writes into the database file what waits in the write-ahead log, as far as nobody reads it: best when nothing else has to be
  /// written soon, as it waits for the disk.
  public func checkpoint() throws(ArchiveError) {
    do {
      try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_checkpoint(PASSIVE)") }
    } catch {
      throw ArchiveError(error, path)
    }
  }

  /// Pages in the write-ahead log at which SQLite itself makes a writer wait for the disk: so many only when nobody asks for a
  /// ``checkpoint()`` before.
  private static let mostPagesWaiting = 4000

  private static func open(
    _ path: String, _ durability: AtomicFile.Durability
  ) throws(ArchiveError) -> DatabasePool {
    var configuration = Configuration()
    configuration.label = "alerts"
    configuration.maximumReaderCount = 2
    configuration.busyMode = .timeout(5)
    configuration.prepareDatabase { db in
      try db.execute(sql: "PRAGMA synchronous = \(durability == .power ? "FULL" : "NORMAL")")
      try db.execute(sql: "PRAGMA wal_autocheckpoint = \(mostPagesWaiting)")
    }
    do {
      let pool = try DatabasePool(path: path, configuration: configuration)
      let complaint = try pool.writeWithoutTransaction { db in
        try String.fetchOne(db, sql: "PRAGMA quick_check(1)")
      }
      if let complaint, complaint != "ok" {
        try pool.close()
        throw ArchiveError.damaged(path: path, .malformed(complaint))
      }
      if try pool.read({ try AlertSchema.migrator.hasBeenSuperseded($0) }) {
        try pool.close()
        throw ArchiveError.damaged(
          path: path, .newerVersion(found: AlertSchema.version + 1, known: AlertSchema.version))
      }
      try AlertSchema.migrator.migrate(pool)
      return pool
    } catch {
      throw ArchiveError(error, path)
    }
  }

  private static func moveAway(_ path: String) -> String? {
    let place = AtomicFile.setAside(path)
    for ending in ["-wal", "-shm"] {
      // They belong to the damaged database and would be applied to the new one.
      if let place {
        do throws(ArchiveError) { try Folder.rename(path + ending, to: place + ending) } catch {}
      }
      try? Folder.remove(path + ending)
    }
    return place
  }

  // MARK: transactions

  func write<T>(_ body: (Database) throws -> T) throws(ArchiveError) -> T {
    do { return try pool.write(body) } catch { throw ArchiveError(error, path) }
  }

  /// A transaction that is on the disk when the call returns, whatever the durability of alerts is.
  func writeDurably(_ body: (Database) throws -> Void) throws(ArchiveError) {
    do {
      try pool.writeWithoutTransaction { db in
        let usual = try Int.fetchOne(db, sql: "PRAGMA synchronous") ?? 1
        try db.execute(sql: "PRAGMA synchronous = FULL")
        defer { try? db.execute(sql: "PRAGMA synchronous = \(usual)") }
        try db.inTransaction {
          try body(db)
          return .commit
        }
      }
    } catch {
      throw ArchiveError(error, path)
    }
  }

  func read<T>(_ body: (Database) throws -> T) throws(ArchiveError) -> T {
    do { return try pool.read(body) } catch { throw ArchiveError(error, path) }
  }
}

extension ArchiveError {
  /// The error that SQLite's result code stands for.
  init(_ error: any Error, _ path: String) {
    if let error = error as? ArchiveError {
      self = error
      return
    }
    guard let error = error as? DatabaseError else {
      self = .system(operation: "database", path: path, code: 0, text: "\(error)")
      return
    }
    let text = error.message ?? "\(error)"
    switch error.resultCode {
    case .SQLITE_FULL: self = .full(path: path)
    case .SQLITE_READONLY: self = .readOnly(path: path)
    case .SQLITE_PERM, .SQLITE_AUTH: self = .denied(path: path)
    case .SQLITE_CANTOPEN where unsafe access(path, F_OK) == 0 && access(path, R_OK | W_OK) != 0:
      self = .denied(path: path)
    case .SQLITE_BUSY, .SQLITE_LOCKED: self = .inUse(path: path)
    case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(path: path, .malformed(text))
    default:
      self = .system(operation: "database", path: path, code: error.extendedResultCode.rawValue, text: text)
    }
  }
}

/// Tables, and how older ones become newer ones.
enum AlertSchema {
  static let version = 3

  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { db in
      try db.execute(
        sql: """
          CREATE TABLE life(name TEXT PRIMARY KEY NOT NULL, text TEXT NOT NULL);
          -- body: the statement as published, without seq and epoch. AUTOINCREMENT: a number is never given twice, and a
          -- transaction that fails uses none.
          CREATE TABLE alert(
            seq INTEGER PRIMARY KEY AUTOINCREMENT, incident TEXT NOT NULL, stream TEXT NOT NULL, ts REAL NOT NULL,
            body BLOB NOT NULL);
          CREATE INDEX alertByIncident ON alert(incident, seq);
          CREATE INDEX alertByTime ON alert(ts);
          CREATE TABLE incident(
            id TEXT PRIMARY KEY NOT NULL, stream TEXT NOT NULL, state TEXT NOT NULL, openedSeq INTEGER NOT NULL,
            lastSeq INTEGER NOT NULL, acknowledgedAt REAL, note TEXT, label TEXT) WITHOUT ROWID;
          CREATE INDEX incidentOpen ON incident(lastSeq) WHERE state <> 'resolved';
          CREATE TABLE silence(
            stream TEXT PRIMARY KEY NOT NULL, since REAL NOT NULL, until REAL NOT NULL, reason TEXT NOT NULL);
          CREATE TABLE command(
            number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, name TEXT NOT NULL, arguments TEXT NOT NULL,
            outcome TEXT NOT NULL);
          CREATE TABLE retraining(
            number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, stream TEXT, reason TEXT NOT NULL);
          CREATE TABLE counter(name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) WITHOUT ROWID;
          """)
    }
    migrator.registerMigration("2") { db in
      try db.execute(
        sql: """
          -- changed: event times of the rows whose flags changed, float64 little-endian.
          CREATE TABLE verdict(
            number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, stream TEXT NOT NULL, incident TEXT,
            verdict TEXT NOT NULL, previous TEXT, author TEXT NOT NULL, cause TEXT NOT NULL, changed BLOB NOT NULL,
            flagsSet INTEGER NOT NULL, flagsCleared INTEGER NOT NULL, undone INTEGER NOT NULL DEFAULT 0);
          """)
    }
    migrator.registerMigration("3") { db in
      try db.execute(
        sql: """
          -- bytes: what the score of the incident's worst row can be computed from once more.
          CREATE TABLE evidence(incident TEXT PRIMARY KEY NOT NULL, bytes BLOB NOT NULL) WITHOUT ROWID;
          """)
    }
    migrator.registerMigration("4") { db in
      try db.execute(sql: "CREATE INDEX incidentOfStream ON incident(stream, openedSeq)")
    }
    return migrator
  }
}
