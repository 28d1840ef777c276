import Foundation

@testable import Archive

/// A folder of its own for one test, removed with what is in it.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/archive-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// All files below, by their paths within the folder, sorted.
  func files() throws -> [String] {
    let root = URL(fileURLWithPath: path)
    return try FileManager.default.subpathsOfDirectory(atPath: path).filter {
      try root.appendingPathComponent($0).resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true
    }.sorted()
  }

  func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
  }

  func put(_ bytes: [UInt8], _ name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
  }
}

extension RowHistory {
  /// Stages one row.
  @discardableResult
  mutating func append(timestamp: Double, flags: RowFlags = [], values: Span<Float>) -> Bool {
    append(values, width: values.count, timestamps: [timestamp].span, flags: [flags].span)
  }
}
