import Control
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
    guard let text = String(validating: try Gzip.bytes(ofFile: path), as: UTF8.self) else {
      throw Failure(.data, what: path, why: "is no UTF-8 text", remedy: "give a CSV file, plain or gzip")
    }
    try self.init(text: text, name: path)
  }

  init(text: String, name: String) throws {
    let lines = text.utf8.split(whereSeparator: { $0 == 10 || $0 == 13 })
    let header = lines.first.map { Self.cells($0) } ?? []
    guard !header.isEmpty, lines.count > 1 else {
      throw Failure(
        .data, what: name, why: "holds no rows",
        remedy: "give a CSV file with a header and a row per observation")
    }
    let ts = header.firstIndex(of: "ts")
    let label = header.firstIndex(of: "label")
    let metrics = header.indices.filter { !["ts", "label", "split"].contains(header[$0]) }
    guard !metrics.isEmpty else {
      throw Failure(
        .data, what: name, why: "has no metric column", remedy: "add one")
    }
    fields = metrics.map { header[$0] }
    values = []
    timestamps = []
    labels = []
    values.reserveCapacity((lines.count - 1) * metrics.count)
    for (index, line) in lines.dropFirst().enumerated() {
      let cells = Self.cells(line)
      guard cells.count == header.count else {
        throw Failure(
          .data, what: "\(name): line \(index + 2)",
          why: "has \(cells.count) cells, the header \(header.count)",
          remedy: "write every cell, empty where a value is missing")
      }
      for metric in metrics { values.append(Double(cells[metric]) ?? .nan) }
      if let ts {
        guard let time = Double(cells[ts]), time.isFinite else {
          throw Failure(
            .data, what: "\(name): line \(index + 2)", why: "ts is \"\(cells[ts])\", not seconds since 1970",
            remedy: "write a number")
        }
        timestamps.append(time)
      }
      if let label { labels.append(Double(cells[label]).map { $0 > 0 ? 1 : 0 } ?? 0) }
    }
  }

  /// The cells of one line; a cell in double quotes may hold commas.
  private static func cells(_ line: Substring.UTF8View) -> [String] {
    guard line.contains(UInt8(ascii: "\"")) else {
      return line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map { cell in
        String(Substring(cell)).trimmingCharacters(in: .whitespaces)
      }
    }
    var cells = [""]
    var quoted = false
    var rest = Substring(line)
    while let character = rest.popFirst() {
      switch character {
      // Two within quotes stand for one.
      case "\"" where quoted && rest.first == "\"":
        rest.removeFirst()
        cells[cells.count - 1].append("\"")
      case "\"": quoted.toggle()
      case "," where !quoted: cells.append("")
      default: cells[cells.count - 1].append(character)
      }
    }
    return cells
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
