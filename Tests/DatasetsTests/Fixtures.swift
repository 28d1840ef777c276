import Datasets
import Foundation
import Testing

/// The small files beside these tests (`Fixtures/make_fixtures.py` writes them) and the public data sets.
enum Fixtures {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

  static func path(_ name: String) -> String { folder.appending(path: name).path }

  static func read(_ name: String) throws -> DataArray { try DataFile.read(path(name)) }

  static func bytes(_ name: String) throws -> [UInt8] { try FileBytes.read(path(name)) }

  static var names: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: folder.path))?.filter { !$0.hasSuffix(".py") }
      .sorted()
      ?? []
  }

  /// Element `i` of every array in the fixtures.
  static func numbers(_ count: Int) -> [Float] { (0..<count).map { Float((37 * $0 + 11) % 101) } }

  /// Where the public data lie, beside the project; nil when they are not there.
  static let shared: String? = {
    let path = folder.appending(path: "../../../../shared/data/generative").standardizedFileURL.path
    return FileManager.default.fileExists(atPath: path + "/mnist") ? path : nil
  }()
}

/// A folder that is gone afterwards.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appending(path: "datasets-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}

/// What is thrown, which is the house's own error with all its parts.
func refusal(_ body: () throws -> some Any) -> String? {
  do {
    _ = try body()
    return nil
  } catch let error as DataError {
    return error.what.isEmpty || error.why.isEmpty || error.remedy.isEmpty ? nil : error.description
  } catch {
    return nil
  }
}
