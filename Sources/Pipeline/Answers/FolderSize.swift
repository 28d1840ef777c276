import Foundation

/// How many bytes lie in a folder; looked at once a minute at most, for there may be a file or two per stream.
struct FolderSize: Sendable {
  private static let interval: UInt64 = 60_000_000_000

  private var bytes: UInt64 = 0
  private var due: UInt64 = 0

  mutating func update(_ path: String, now: UInt64) -> UInt64 {
    if now < due { return bytes }
    due = now + Self.interval
    bytes = 0
    guard let files = FileManager.default.enumerator(atPath: path) else { return 0 }
    while files.nextObject() != nil {
      let attributes = files.fileAttributes
      if attributes?[.type] as? FileAttributeType == .typeRegular {
        bytes += (attributes?[.size] as? NSNumber)?.uint64Value ?? 0
      }
    }
    return bytes
  }
}
