import Synchronization

/// Bytes named by their content, kept once however many snapshots refer to them.
final class SharedFiles: Sendable {
  private let folder: String
  private let durability: AtomicFile.Durability
  /// Put here but not yet named by a saved snapshot: not to be collected.
  private let unsettled = Mutex<Set<SharedID>>([])

  private static let kind = "shared"
  private static let ending = ".weights"

  init(folder: String, _ durability: AtomicFile.Durability) throws(ArchiveError) {
    self.folder = folder
    self.durability = durability
    try Folder.make(folder)
    try AtomicFile.sweepBelow(folder)
  }

  func put(_ bytes: [UInt8]) throws(ArchiveError) -> SharedID {
    let id = SharedID(of: bytes)
    unsettled.withLock { _ = $0.insert(id) }
    let path = path(of: id)
    if Folder.exists(path), let known = try? get(id), known == bytes { return id }
    try Folder.make(Folder.parent(of: path))
    try Container(kind: Self.kind, version: 1, sections: [.init(name: "bytes", bytes: bytes)])
      .write(to: path, durability)
    return id
  }

  func get(_ id: SharedID) throws(ArchiveError) -> [UInt8] {
    let path = path(of: id)
    let container = try Container(reading: path, kind: Self.kind, version: 1)
    guard let bytes = container["bytes"], SharedID(of: bytes) == id else {
      throw .damaged(path: path, .malformed("its content does not have the id that is its name"))
    }
    return bytes
  }

  /// A snapshot that names them is on the disk: from now on that protects them.
  func settle(_ ids: some Sequence<SharedID>) {
    unsettled.withLock { $0.subtract(ids) }
  }

  func removeAll(except used: Set<SharedID>) throws(ArchiveError) -> Int {
    var removed = 0
    for group in try Folder.list(folder) {
      let inner = "\(folder)/\(group)"
      for name in try Folder.list(inner) where name.hasSuffix(Self.ending) {
        let id = SharedID(text: String(name.dropLast(Self.ending.count)))
        if used.contains(id) || unsettled.withLock({ $0.contains(id) }) { continue }
        try Folder.remove("\(inner)/\(name)")
        removed += 1
      }
      Folder.removeEmpty(inner)
    }
    return removed
  }

  private func path(of id: SharedID) -> String { "\(folder)/\(id.text.prefix(2))/\(id.text)\(Self.ending)" }
}
