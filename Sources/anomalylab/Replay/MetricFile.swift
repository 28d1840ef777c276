import Control
import Datasets
import Foundation

/// A recording: a CSV file with a header, a row per observation, plain or gzip.
///
/// The columns `ts` (seconds since 1970), `label` and `split` speak about a row; all others are metrics. An empty or
/// unreadable cell is missing (NaN).
struct MetricFile {
  var fields: [String]
  /// Row by row, `fields.count` values each.
  var values: [Double]
  /// Empty when the file has no `ts` column.
  var timestamps: [Double]
  /// Empty when the file has no `label` column.
  var labels: [Int]

  var count: Int { fields.isEmpty ? 0 : values.count / fields.count }

  func row(_ index: Int) -> ArraySlice<Double> {
    values[index * fields.count..<(index + 1) * fields.count]
  }

  /// - Throws: ``Failure`` for a file that is not there, is not readable or holds no rows.
  init(path: String) throws {
    do throws(DataError) {
      try self.init(csv: FileBytes.read(path), name: path)
    } catch {
      throw Failure(error)
    }
  }

  private init(csv bytes: [UInt8], name: String) throws(DataError) {
    var rows = try CSVRows(bytes, name: name)
    let header = rows.header ?? []
    let ts = header.firstIndex(of: "ts")
    let label = header.firstIndex(of: "label")
    let metrics = header.indices.filter { !["ts", "label", "split"].contains(header[$0]) }
    guard !metrics.isEmpty else {
      throw DataError(.data, what: name, why: "has no metric column", remedy: "add one")
    }
    fields = metrics.map { header[$0] }
    values = []
    timestamps = []
    labels = []
    while try rows.next() {
      let cells = rows.cells
      for metric in metrics { values.append(DecimalNumber.parse(cells[metric]) ?? .nan) }
      if let ts {
        guard let time = DecimalNumber.parse(cells[ts]), time.isFinite else {
          throw rows.wrong(ts, "is not seconds since 1970", "write a number")
        }
        timestamps.append(time)
      }
      if let label { labels.append(DecimalNumber.parse(cells[label]).map { $0 > 0 ? 1 : 0 } ?? 0) }
    }
    guard !values.isEmpty else {
      throw DataError(
        .data, what: name, why: "holds no rows",
        remedy: "give a CSV file with a header and a row per observation")
    }
  }
}

/// Writes lines to a file, through gzip where the name ends with `.gz`.
final class LineFile {
  private let path: String
  private let handle: FileHandle
  private let gzip: Process?

  /// - Throws: ``Failure`` when the file cannot be created.
  init(path: String) throws {
    self.path = path
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let file = FileHandle(forWritingAtPath: path)
    else {
      throw Failure(
        .output, what: path, why: "cannot be created", remedy: "check the folder and its rights")
    }
    guard path.hasSuffix(".gz") else {
      handle = file
      gzip = nil
      return
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["gzip", "-9cn"]
    let input = Pipe()
    process.standardInput = input
    process.standardOutput = file
    do {
      try process.run()
    } catch {
      throw Failure(
        .unavailable, what: path, why: "gzip could not be run (\(error.localizedDescription))",
        remedy: "install gzip")
    }
    handle = input.fileHandleForWriting
    gzip = process
  }

  func write(_ line: String) throws {
    do {
      try handle.write(contentsOf: Data((line + "\n").utf8))
    } catch {
      throw Failure(
        .io, what: path, why: "cannot be written (\(error.localizedDescription))", remedy: "is the disk full?"
      )
    }
  }

  /// Ends the file; nothing can be written after it.
  func close() {
    try? handle.close()
    gzip?.waitUntilExit()
  }
}
