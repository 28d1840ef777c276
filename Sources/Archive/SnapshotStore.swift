public import Events
import Synchronization

/// The model snapshots of all streams: the last few of each, which of them is current, and what streams share.
///
/// May be used from several threads; writers of the same store wait for each other, readers do not wait.
/// `current` is a file that names a snapshot and is replaced whole, so that a crash leaves the old or the new one.
public final class SnapshotStore: Sendable {
  public let folder: String
  /// Snapshots kept of each stream, the current one included.
  public let keep: Int
  private let durability: AtomicFile.Durability
  let sharedFiles: SharedFiles
  private let writing = Mutex<Void>(())

  /// - Parameters:
  ///   - folder: of the snapshots, two levels deep.
  ///   - sharedFolder: of what streams have in common.
  ///   - keep: at least 1.
  public init(
    folder: String, sharedFolder: String, keep: Int, _ durability: AtomicFile.Durability = .power
  ) throws(ArchiveError) {
    precondition(keep >= 1, "keep is \(keep): at least the current snapshot is kept")
    self.folder = folder
    self.keep = keep
    self.durability = durability
    try Folder.make(folder)
    sharedFiles = try SharedFiles(folder: sharedFolder, durability)
  }

  public convenience init(
    _ state: StateFolder, keep: Int, _ durability: AtomicFile.Durability = .power
  ) throws(ArchiveError) {
    try self.init(folder: state.snapshots, sharedFolder: state.shared, keep: keep, durability)
  }

  // MARK: writing

  /// The name that the stream's next snapshot should get.
  public func nextName(for stream: StreamKey, trainedAt: Double) throws(ArchiveError) -> String {
    let last = try names(in: path(of: stream)).last.flatMap(SnapshotName.number) ?? 0
    return SnapshotName.make(trainedAt, number: last + 1)
  }

  /// Writes a snapshot, by default makes it current, and removes the oldest beyond ``keep``.
  ///
  /// When it throws, what was current still is.
  public func save(_ snapshot: Snapshot, makeCurrent: Bool = true) throws(ArchiveError) {
    precondition(
      SnapshotName.number(of: snapshot.name) != nil,
      "\(snapshot.name) is not a snapshot's name such as 20261122T211500-0001")
    let bytes = snapshot.encode()
    let folder = path(of: snapshot.stream)
    try exclusively { () throws(ArchiveError) in
      try Folder.make(folder)
      try AtomicFile.write(bytes, to: file(snapshot.name, in: folder), durability)
      if makeCurrent { try point(folder, to: snapshot.name) }
      sharedFiles.settle(snapshot.shared.values)
      let current = currentName(in: folder)
      let retained = Self.retained(among: try Folder.list(folder))
      let passing = try names(in: folder).filter { !retained.contains($0) }
      for old in passing.dropLast(keep) where old != current && old != snapshot.name {
        try Folder.remove(file(old, in: folder))
      }
    }
  }

  /// Keeps bytes that several snapshots refer to, once.
  public func share(_ bytes: [UInt8]) throws(ArchiveError) -> SharedID { try sharedFiles.put(bytes) }

  /// Bytes kept by ``share(_:)``. Callers that load many streams should remember what they decoded, by id.
  public func sharedBytes(_ id: SharedID) throws(ArchiveError) -> [UInt8] { try sharedFiles.get(id) }

  /// Makes another kept snapshot current: `name`, or without one the newest before the current one.
  ///
  /// - Returns: its name.
  /// - Throws: `missing` when there is none such, `damaged` when it cannot be trusted; the current one then stays.
  @discardableResult
  public func revert(_ stream: StreamKey, to name: String? = nil) throws(ArchiveError) -> String {
    let folder = path(of: stream)
    return try exclusively { () throws(ArchiveError) in
      let names = try names(in: folder)
      let position = currentName(in: folder).flatMap { names.firstIndex(of: $0) }
      let before = position.flatMap { names[..<$0].last }
      guard let target = name ?? before, names.contains(target) else {
        throw .missing(path: file(name ?? "(a snapshot before the current one)", in: folder))
      }
      _ = try read(file(target, in: folder))
      try point(folder, to: target)
      return target
    }
  }

  /// Keeps a snapshot however many newer ones there are, or no longer does.
  ///
  /// - Throws: `missing` when there is no such snapshot.
  public func retain(_ stream: StreamKey, _ name: String, _ isRetained: Bool = true) throws(ArchiveError) {
    let folder = path(of: stream)
    try exclusively { () throws(ArchiveError) in
      guard try names(in: folder).contains(name) else { throw .missing(path: file(name, in: folder)) }
      let mark = "\(folder)/\(name)\(Self.mark)"
      if isRetained {
        try AtomicFile.write([], to: mark, durability)
      } else if Folder.exists(mark) {
        try Folder.remove(mark)
      }
    }
  }

  /// Forgets all snapshots of a stream.
  public func remove(_ stream: StreamKey) throws(ArchiveError) {
    let folder = path(of: stream)
    try exclusively { () throws(ArchiveError) in
      // The pointer goes last: a crash in between leaves a pointer to nothing, which reads as "no snapshot".
      for name in try Folder.list(folder).filter({ $0 != Self.pointer }) {
        try Folder.remove("\(folder)/\(name)")
      }
      try Folder.remove("\(folder)/\(Self.pointer)")
      Folder.removeEmpty(folder)
    }
  }

  /// Removes shared bytes that no kept snapshot refers to. Reads every snapshot: for quiet moments.
  ///
  /// What was shared and not yet saved in a snapshot stays.
  ///
  /// - Returns: how many files were removed.
  @discardableResult
  public func collectUnreferenced() throws(ArchiveError) -> Int {
    try exclusively { () throws(ArchiveError) in
      var used: Set<SharedID> = []
      for folder in try streamFolders() {
        for name in try names(in: folder) {
          if let snapshot = try? read(file(name, in: folder)) { used.formUnion(snapshot.shared.values) }
        }
      }
      return try sharedFiles.removeAll(except: used)
    }
  }

  // MARK: reading

  /// Oldest first. A damaged one is listed by ``current(_:)``'s rules: not at all.
  public func list(_ stream: StreamKey) throws(ArchiveError) -> [SnapshotSummary] {
    let folder = path(of: stream)
    let current = currentName(in: folder)
    let retained = Self.retained(among: try Folder.list(folder))
    var summaries: [SnapshotSummary] = []
    for name in try names(in: folder) {
      guard let (snapshot, size) = try? readWithSize(file(name, in: folder)) else { continue }
      summaries.append(
        SnapshotSummary(
          name: name, trainedAt: snapshot.trainedAt, parent: snapshot.parent, bytes: size,
          isCurrent: name == current, isRetained: retained.contains(name),
          report: snapshot.sections[Snapshot.reportSection]))
    }
    return summaries
  }

  /// The named snapshot of a stream.
  public func load(_ stream: StreamKey, _ name: String) throws(ArchiveError) -> Snapshot {
    let path = file(name, in: path(of: stream))
    guard SnapshotName.number(of: name) != nil else { throw .missing(path: path) }
    return try read(path)
  }

  /// The stream's current snapshot, or nil when it has none. A damaged one is set aside and an older one used.
  public func current(_ stream: StreamKey) throws(ArchiveError) -> (snapshot: Snapshot?, setAside: [SetAside])
  {
    var setAside: [SetAside] = []
    let found = try current(in: path(of: stream), &setAside)
    if let found, found.stream != stream {
      throw .nameTaken(path: path(of: stream), by: found.stream.name)
    }
    return (found, setAside)
  }

  /// Hands every stream's current snapshot to `body`, one after the other. For the start.
  ///
  /// What an interrupted write left is removed; a stream that cannot be read costs only that stream.
  ///
  /// - Returns: what was damaged and set aside, and what could not be read at all.
  public func forEachCurrent(
    _ body: (Snapshot) -> Void
  ) throws(ArchiveError) -> (setAside: [SetAside], unreadable: [ArchiveError]) {
    var setAside: [SetAside] = []
    var unreadable: [ArchiveError] = []
    for folder in try streamFolders() {
      do throws(ArchiveError) {
        if let snapshot = try current(in: folder, &setAside) { body(snapshot) }
      } catch {
        unreadable.append(error)
      }
    }
    return (setAside, unreadable)
  }

  // MARK: files

  private static let pointer = "current"
  private static let ending = ".model"
  /// Of the empty file that says that a snapshot is retained.
  private static let mark = ".retained"

  private static func retained(among files: [String]) -> Set<String> {
    Set(files.filter { $0.hasSuffix(mark) }.map { String($0.dropLast(mark.count)) })
  }

  private func path(of stream: StreamKey) -> String { "\(folder)/\(StreamFile.path(of: stream))" }
  private func file(_ name: String, in folder: String) -> String { "\(folder)/\(name)\(Self.ending)" }

  private func streamFolders() throws(ArchiveError) -> [String] {
    var found: [String] = []
    for group in try Folder.list(folder) where group.utf8.count == 2 {
      for name in try Folder.list("\(folder)/\(group)") { found.append("\(folder)/\(group)/\(name)") }
    }
    return found
  }

  /// The names of a folder's snapshots, oldest first.
  private func names(in folder: String) throws(ArchiveError) -> [String] {
    Self.names(among: try Folder.list(folder))
  }

  private static func names(among files: [String]) -> [String] {
    files.compactMap { file -> (Int, String)? in
      guard file.hasSuffix(ending) else { return nil }
      let name = String(file.dropLast(ending.count))
      return SnapshotName.number(of: name).map { ($0, name) }
    }.sorted { $0 < $1 }.map(\.1)
  }

  private func read(_ path: String) throws(ArchiveError) -> Snapshot { try readWithSize(path).0 }

  private func readWithSize(_ path: String) throws(ArchiveError) -> (Snapshot, Int) {
    let bytes = try AtomicFile.read(path)
    do throws(Damage) {
      return (try Snapshot(decoding: bytes), bytes.count)
    } catch {
      throw .damaged(path: path, error)
    }
  }

  private func point(_ folder: String, to name: String) throws(ArchiveError) {
    let container = Container(
      kind: Self.pointer, version: 1, sections: [.init(name: "name", bytes: Array(name.utf8))])
    try container.write(to: "\(folder)/\(Self.pointer)", durability)
  }

  private func readPointer(in folder: String) throws(ArchiveError) -> String? {
    let path = "\(folder)/\(Self.pointer)"
    guard Folder.exists(path) else { return nil }
    let container = try Container(reading: path, kind: Self.pointer, version: 1)
    guard let name = container["name"].flatMap({ String(validating: $0, as: UTF8.self) }) else {
      throw .damaged(path: path, .malformed("it names no snapshot"))
    }
    return name
  }

  private func currentName(in folder: String) -> String? {
    do throws(ArchiveError) { return try readPointer(in: folder) } catch { return nil }
  }

  /// The snapshot that `current` names; failing that the newest that can be trusted.
  private func current(in folder: String, _ setAside: inout [SetAside]) throws(ArchiveError) -> Snapshot? {
    let files = try Folder.list(folder)
    for file in files where AtomicFile.isUnfinished(file) { try Folder.remove("\(folder)/\(file)") }
    let names = Self.names(among: files)
    var wanted: String?
    do throws(ArchiveError) {
      wanted = try readPointer(in: folder)
    } catch {
      guard case .damaged(let path, let damage) = error else { throw error }
      setAside.append(
        SetAside(
          path: path, damage: damage, movedTo: AtomicFile.setAside(path),
          instead: "the newest snapshot is used"))
    }
    // Snapshots newer than the current one were rejected or reverted: they come last.
    let position = wanted.flatMap { names.firstIndex(of: $0) } ?? names.count - 1
    guard !names.isEmpty else { return nil }
    let order = names[...position].reversed() + names[(position + 1)...].reversed()
    for (attempt, name) in order.enumerated() {
      let path = file(name, in: folder)
      do throws(ArchiveError) {
        let snapshot = try read(path)
        if attempt > 0 || wanted == nil { try? point(folder, to: name) }
        return snapshot
      } catch {
        guard case .damaged(_, let damage) = error else { throw error }
        let others = attempt + 1 < order.count
        setAside.append(
          SetAside(
            path: path, damage: damage, movedTo: AtomicFile.setAside(path),
            instead: others ? "the previous snapshot is used" : "the stream starts without a model"))
      }
    }
    return nil
  }

  private func exclusively<T>(_ body: () throws(ArchiveError) -> T) throws(ArchiveError) -> T {
    let result: Result<T, ArchiveError> = writing.withLock { _ in
      do throws(ArchiveError) { return .success(try body()) } catch { return .failure(error) }
    }
    return try result.get()
  }
}
