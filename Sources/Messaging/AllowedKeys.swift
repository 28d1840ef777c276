import Foundation

/// A directory of public keys, one file each: whoever holds the secret key to one of them is let in.
///
/// Every file whose name ends in `.key` or `.pub` counts. It is read again when it may have changed, so that a key is
/// let in or shut out by putting its file there or taking it away; connections that stand already stay.
public final class AllowedKeys {
  public let directory: String
  private var keys: Set<String> = []
  private var readAt = ContinuousClock.now - .seconds(60)

  /// More files are not read.
  static let most = 100_000
  /// A burst of strangers must not make us read the disk all the time.
  static let freshness = Duration.milliseconds(100)

  public init(directory: String) { self.directory = directory }

  public func contains(_ key: String) -> Bool {
    refresh()
    return keys.contains(key)
  }

  public var count: Int {
    refresh()
    return keys.count
  }

  private func refresh() {
    let now = ContinuousClock.now
    guard now - readAt > Self.freshness else { return }
    readAt = now
    keys = Self.keys(in: directory) ?? []
  }

  /// The public keys in a directory; nil when it cannot be read.
  public static func keys(in directory: String) -> Set<String>? {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory) else { return nil }
    var keys: Set<String> = []
    for name in names.prefix(most) where name.hasSuffix(".key") || name.hasSuffix(".pub") {
      guard let file = read("\(directory)/\(name)") else { continue }
      keys.insert(file.publicKey)
    }
    return keys
  }

  /// The certificate in a file; nil when it is none, or cannot be read.
  public static func read(_ path: String) -> CurveFile? {
    guard let handle = FileHandle(forReadingAtPath: path) else { return nil }
    defer { try? handle.close() }
    guard let data = try? handle.read(upToCount: CurveFile.largest),
      let text = String(validating: data, as: UTF8.self)
    else { return nil }
    return CurveFile(parsing: text)
  }
}
