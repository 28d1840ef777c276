public import Events
import Synchronization

/// The running state of all streams (open incidents, windows, counters), a file per shard, written every so often and at
/// the end.
///
/// Each file holds many streams whole or not at all; the one before it is kept as `.previous` and used when the newest
/// cannot be trusted. The number of shards may change between two runs: what each stream was last said to be, in
/// whichever file, is what it is.
public final class StateStore: Sendable {
  /// One stream's state as its detector encoded it.
  public struct Entry: Sendable, Equatable {
    public var stream: StreamKey
    public var bytes: [UInt8]
    public init(stream: StreamKey, bytes: [UInt8]) {
      self.stream = stream
      self.bytes = bytes
    }
  }

  public let folder: String
  private let durability: AtomicFile.Durability
  /// Shards that saved since the store was opened: once all did, files of other shards are of no more use.
  private let saved = Mutex<Set<Int>>([])

  private static let kind = "running"
  private static let version = 1

  public init(folder: String, _ durability: AtomicFile.Durability = .process) throws(ArchiveError) {
    self.folder = folder
    self.durability = durability
    try Folder.make(folder)
    try AtomicFile.sweep(folder)
  }

  public convenience init(
    _ state: StateFolder, _ durability: AtomicFile.Durability = .process
  ) throws(ArchiveError) {
    try self.init(folder: state.running, durability)
  }

  /// Replaces the file of one shard.
  ///
  /// - Parameters:
  ///   - shard: 0 ..< `shards`.
  ///   - time: of the state, seconds since 1970; the latest wins when a stream is found in two files.
  public func save(_ entries: [Entry], shard: Int, of shards: Int, at time: Double) throws(ArchiveError) {
    precondition(shard >= 0 && shard < shards, "shard \(shard) of \(shards)")
    var about = ByteWriter()
    about.put(time)
    let container = Container(
      kind: Self.kind, version: Self.version,
      sections: [.init(name: "", bytes: about.bytes)]
        + entries.map { .init(name: $0.stream.name, bytes: $0.bytes) })
    let bytes = container.encode()
    let path = path(of: shard)
    if Folder.exists(path) {
      // A second name first, so that there is no moment without the file.
      let second = "\(path).second"
      try Folder.remove(second)
      try Folder.link(path, as: second)
      try Folder.rename(second, to: previous(path))
    }
    try AtomicFile.write(bytes, to: path, durability)
    let complete = saved.withLock { saved in
      saved.insert(shard)
      return (0..<shards).allSatisfy { saved.contains($0) }
    }
    if complete { try removeStale(shards) }
  }

  /// Every stream's latest state, sorted by stream, and what was damaged.
  public func load() throws(ArchiveError) -> (entries: [Entry], setAside: [SetAside]) {
    var latest: [StreamKey: (time: Double, bytes: [UInt8])] = [:]
    var setAside: [SetAside] = []
    var damaged: Set<String> = []
    // Sorted: a shard's file comes before its previous version.
    for name in try Folder.list(folder) where Self.shard(of: name) != nil {
      let path = "\(folder)/\(name)"
      let isPrevious = name.hasSuffix(Self.previousEnding)
      do throws(ArchiveError) {
        // The one before counts only where the newest is gone: it may name streams that were since removed.
        let newest = String(path.dropLast(Self.previousEnding.utf8.count))
        if isPrevious && Folder.exists(newest) && !damaged.contains(newest) { continue }
        try read(path, into: &latest)
      } catch {
        guard case .damaged(_, let damage) = error else { throw error }
        damaged.insert(path)
        let fallback = previous(path)
        let others = !isPrevious && Folder.exists(fallback)
        setAside.append(
          SetAside(
            path: path, damage: damage, movedTo: AtomicFile.setAside(path),
            instead: others ? "the previous version is used" : "its streams start from their snapshots alone")
        )
      }
    }
    let entries = latest.map { Entry(stream: $0.key, bytes: $0.value.bytes) }
    return (entries.sorted { $0.stream < $1.stream }, setAside)
  }

  private func read(
    _ path: String, into latest: inout [StreamKey: (time: Double, bytes: [UInt8])]
  ) throws(ArchiveError) {
    let container = try Container(reading: path, kind: Self.kind, version: Self.version)
    guard let about = container.sections.first, about.name.isEmpty else {
      throw .damaged(path: path, .malformed("it does not say when it was written"))
    }
    var reader = ByteReader(about.bytes)
    let time: Double
    do throws(Damage) { time = try reader.double() } catch { throw .damaged(path: path, error) }
    for section in container.sections.dropFirst() {
      let stream = StreamKey(section.name)
      if let known = latest[stream], known.time > time { continue }
      latest[stream] = (time, section.bytes)
    }
  }

  private func removeStale(_ shards: Int) throws(ArchiveError) {
    for name in try Folder.list(folder) {
      if let shard = Self.shard(of: name), shard >= shards { try Folder.remove("\(folder)/\(name)") }
    }
  }

  private static let previousEnding = ".previous"
  private func path(of shard: Int) -> String { "\(folder)/shard-\(shard).state" }
  private func previous(_ path: String) -> String { path + Self.previousEnding }

  /// 3 for `shard-3.state` and `shard-3.state.previous`.
  private static func shard(of name: String) -> Int? {
    let plain = name.hasSuffix(previousEnding) ? name.dropLast(previousEnding.count) : name[...]
    guard plain.hasPrefix("shard-"), plain.hasSuffix(".state") else { return nil }
    return Int(plain.dropFirst(6).dropLast(6))
  }
}
