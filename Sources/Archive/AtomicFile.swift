import Glibc
import Synchronization

/// Files that are there whole or not at all.
public enum AtomicFile {
  /// How long a write waits.
  public enum Durability: Sendable {
    /// Survives the end of the process, not always a loss of power.
    case process
    /// On the disk before the call returns.
    case power
  }

  private static let number = Atomic<UInt64>(0)
  private static let mark = ".new-"

  /// Replaces the file by `bytes`: a reader finds the old content or the new one, never a part.
  ///
  /// Written beside it under another name, made durable, renamed over it, and the rename made durable. On an error the
  /// old content stays and nothing is left behind.
  public static func write(_ bytes: [UInt8], to path: String, _ durability: Durability = .power)
    throws(ArchiveError)
  {
    let parent = Folder.parent(of: path)
    let count = number.wrappingAdd(1, ordering: .relaxed).newValue
    let beside = "\(parent)/.\(Folder.name(of: path))\(mark)\(getpid())-\(count)"
    do throws(ArchiveError) {
      let file = try Descriptor(.making, beside)
      try file.write(bytes, 0..<bytes.count, at: 0)
      if durability == .power { try file.synchronize() }
      try Folder.rename(beside, to: path)
    } catch {
      try? Folder.remove(beside)
      throw error
    }
    if durability == .power { try Folder.synchronize(parent) }
  }

  public static func read(_ path: String) throws(ArchiveError) -> [UInt8] {
    let file = try Descriptor(.reading, path)
    let size = try file.size()
    var bytes: [UInt8] = []
    let got = try file.read(size, at: 0, into: &bytes)
    if got < bytes.count { bytes.removeLast(bytes.count - got) }
    return bytes
  }

  /// Moves a damaged file to `path.damaged-1`, `-2`, …, so that it can be looked at and is not read again.
  ///
  /// At most nine of them are kept of one file: from then on the ninth is replaced, so that a dying disk is not filled.
  ///
  /// - Returns: where it lies now, or nil when it could not be moved.
  public static func setAside(_ path: String) -> String? {
    let free = (1..<9).map { "\(path).damaged-\($0)" }.first { !Folder.exists($0) }
    let place = free ?? "\(path).damaged-9"
    do throws(ArchiveError) { try Folder.rename(path, to: place) } catch { return nil }
    return place
  }

  /// Removes what interrupted writes left in a folder. To be called when nobody writes there: at the start.
  static func sweep(_ folder: String) throws(ArchiveError) {
    for name in try Folder.list(folder) where isUnfinished(name) { try Folder.remove("\(folder)/\(name)") }
  }

  /// The same one level further down.
  static func sweepBelow(_ folder: String) throws(ArchiveError) {
    for group in try Folder.list(folder) where group.utf8.count == 2 { try sweep("\(folder)/\(group)") }
  }

  static func isUnfinished(_ name: String) -> Bool {
    name.hasPrefix(".") && name.contains(mark)
  }
}
