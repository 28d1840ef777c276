import Control
import Datasets
import Foundation

/// Arrays into the file that the user named; what its name ends with says how.
struct SuiteOutput {
  let path: String

  /// - Throws: ``Failure`` of kind `usage`, before anything is computed, for a name that says no format.
  init(_ path: String) throws(Failure) {
    self.path = path
    guard DataFormat(path: path) != nil || isPicture else {
      throw Failure(
        .usage, what: "--out", why: "\(path) ends with no known kind of file",
        remedy: "let it end with .csv, .npy, .idx, .png, .wav, .txt, or .svg for points in the plane")
    }
    try Self.check(path)
  }

  /// That a file can be written, asked before much is computed for it.
  static func check(_ path: String) throws(Failure) {
    do throws(DataError) { try FileBytes.checkWritable(path) } catch { throw Failure(error) }
  }

  private var isPicture: Bool { path.hasSuffix(".svg") }

  /// - Parameters:
  ///   - columns: of pictures in a PNG.
  ///   - groups: a name per row, told apart by colour among points in the plane.
  func write(_ array: DataArray, columns: Int? = nil, groups: [String]? = nil) throws(Failure) {
    do throws(DataError) {
      if isPicture { return try scatter(array, groups).write(to: path) }
      var options = DataFile.WritingOptions()
      options.grid.columns = columns
      try DataFile.write(array, to: path, options)
    } catch {
      throw Failure(error)
    }
  }

  /// The first two columns.
  private func scatter(_ array: DataArray, _ groups: [String]?) throws(DataError) -> Chart {
    guard array.width >= 2 else {
      throw DataError(
        .output, what: path, why: "rows of one number are no points in the plane", remedy: "write a .csv")
    }
    let names = array.columns ?? ["first", "second"]
    let parts = Dictionary(grouping: 0..<array.rows) { groups?[$0] ?? "" }
    let series = parts.sorted { $0.key < $1.key }.map { name, rows in
      Chart.Series(
        name, x: rows.map { Double(array.values[$0 * array.width]) },
        y: rows.map { Double(array.values[$0 * array.width + 1]) }, style: .points)
    }
    return .scatter(
      title: "\(array.rows) rows", x: names[0], y: names[1], groups: series)
  }
}
