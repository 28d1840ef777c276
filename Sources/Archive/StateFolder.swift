import Events
import Foundation
import Glibc

/// The state directory: one process at a time, and where in it each thing lies.
///
/// ```
/// lock                    held while a daemon runs
/// snapshots/ab/host-17-ab…/20261122T211500-0001.model, current
/// shared/3f/3f….weights   what snapshots of several streams have in common
/// history/ab/host-17-ab….rows
/// running/shard-0.state, shard-0.state.previous
/// alerts.sqlite           alerts, acknowledgements, silences, commands, counters
/// ```
///
/// A file that cannot be trusted is renamed to `NAME.damaged-1` and may be looked at or removed.
public final class StateFolder: Sendable {
  public let path: String
  private let lock: LockFile

  public var snapshots: String { "\(path)/snapshots" }
  public var shared: String { "\(path)/shared" }
  public var histories: String { "\(path)/history" }
  public var running: String { "\(path)/running" }
  public var alerts: String { "\(path)/alerts.sqlite" }
  public var budget: String { "\(path)/budget" }

  /// Makes what is missing and takes the folder for this process.
  ///
  /// - Throws: ``ArchiveError/inUse(path:)`` when another process has it.
  public init(_ path: String) throws(ArchiveError) {
    self.path = path
    try Folder.make(path)
    lock = LockFile(descriptor: try Descriptor(.updating, "\(path)/lock"))
    guard try lock.descriptor.lock() else { throw .inUse(path: path) }
    for folder in [snapshots, shared, histories, running] { try Folder.make(folder) }
  }

  /// Keeps the lock for as long as the folder is used.
  private final class LockFile: Sendable {
    let descriptor: Descriptor
    init(descriptor: consuming Descriptor) { self.descriptor = descriptor }
  }
}

/// File names for streams, whose own names may hold anything.
enum StreamFile {
  /// Two levels, so that 10,000 streams are 256 folders of 40: `ab/host-17-abcdef0123456789`.
  ///
  /// The readable part is for people; the hash is what tells streams apart. Names that Unicode holds to be equal get the
  /// same file, as they are one stream to Swift. The true name is kept inside the file.
  static func path(of stream: StreamKey) -> String {
    let canonical = Array(stream.name.precomposedStringWithCanonicalMapping.utf8)
    let hash = hexadecimal(Checksum.xxh64(canonical))
    let readable = canonical.prefix(40).map { byte -> UInt8 in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"):
        byte
      default: UInt8(ascii: "-")
      }
    }
    let prefix = String(decoding: readable, as: UTF8.self)
    return "\(hash.prefix(2))/\(prefix.hasPrefix(".") ? "-" : "")\(prefix)-\(hash)"
  }

  static func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
