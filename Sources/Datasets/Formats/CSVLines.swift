/// The cells of a CSV text (RFC 4180), line by line.
public struct CSVLines {
  private let bytes: [UInt8]
  private var at = 0
  private let separator: UInt8
  /// The cells of the line read last: without quotes, and without blanks around them where they had none.
  public private(set) var cells: [ArraySlice<UInt8>] = []
  /// The number of the line read last, from 1.
  public private(set) var number = 0

  /// Cells are parted by commas, or by semicolons or tabs when the first line has those and no comma.
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
    // A byte order mark, as some spreadsheets write it.
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { at = 3 }
    let first = bytes.prefix { $0 != 10 }
    let separators = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t")]
    separator = separators.first(where: first.contains) ?? separators[0]
  }

  /// Goes on to the next line; false at the end.
  public mutating func next() -> Bool {
    cells.removeAll(keepingCapacity: true)
    guard at < bytes.count else { return false }
    number += 1
    while true {
      if at < bytes.count, bytes[at] == UInt8(ascii: "\"") {
        cells.append(quoted())
      } else {
        let start = at
        while at < bytes.count, bytes[at] != separator, bytes[at] != 10 { at += 1 }
        cells.append(trimmed(start, at))
      }
      if at >= bytes.count { return true }
      let end = bytes[at]
      at += 1
      if end == 10 { return true }
    }
  }

  private func trimmed(_ start: Int, _ end: Int) -> ArraySlice<UInt8> {
    var (start, end) = (start, end)
    while start < end, bytes[start] == 32 || bytes[start] == 9 { start += 1 }
    while end > start, bytes[end - 1] == 32 || bytes[end - 1] == 9 || bytes[end - 1] == 13 { end -= 1 }
    return bytes[start..<end]
  }

  /// A cell in quotes, in which two quotes stand for one; ends before the separator or the line end.
  private mutating func quoted() -> ArraySlice<UInt8> {
    var cell: [UInt8] = []
    at += 1
    while at < bytes.count {
      if bytes[at] == UInt8(ascii: "\"") {
        at += 1
        guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else { break }
      }
      if bytes[at] == 10 { number += 1 }
      cell.append(bytes[at])
      at += 1
    }
    while at < bytes.count, bytes[at] != separator, bytes[at] != 10 { at += 1 }
    return cell[...]
  }
}

/// The rows of a CSV text under its header, each with a cell per column.
public struct CSVRows {
  private var lines: CSVLines
  private let file: String
  private let cellCount: Int
  /// The first line is a row already, because there is no header.
  private var holdsFirst = false
  /// The names of the columns; nil when the first line holds numbers only.
  public let header: [String]?
  /// The number of the row read last, from 0.
  public private(set) var row = -1

  /// - Parameters:
  ///   - name: of the file, for messages.
  ///   - headerNeeded: whether a first line of numbers names columns all the same.
  /// - Throws: ``DataError`` for an empty file or a header that names a column twice.
  public init(_ bytes: [UInt8], name: String, headerNeeded: Bool = true) throws(DataError) {
    lines = CSVLines(bytes)
    file = name
    guard lines.next(), lines.cells.contains(where: { !$0.isEmpty }) else {
      throw DataError(
        .data, what: name, why: "is empty",
        remedy: "give a CSV file with a header and a line per row")
    }
    cellCount = lines.cells.count
    if !headerNeeded, lines.cells.allSatisfy({ DecimalNumber.value($0) != nil }) {
      header = nil
      holdsFirst = true
      return
    }
    let names = lines.cells.map { String(decoding: $0, as: UTF8.self) }
    var seen: Set<String> = []
    for name in names where !seen.insert(name).inserted {
      throw DataError(
        .data, what: "\(file): header", why: "names the column \(name) twice",
        remedy: "give every column its own name")
    }
    header = names
  }

  public var count: Int { cellCount }
  /// The cells of the row read last.
  public var cells: [ArraySlice<UInt8>] { lines.cells }

  /// Goes on to the next row; false at the end. Blank lines are no rows.
  public mutating func next() throws(DataError) -> Bool {
    if holdsFirst {
      holdsFirst = false
    } else {
      repeat {
        guard lines.next() else { return false }
      } while lines.cells.count == 1 && lines.cells[0].isEmpty && cellCount > 1
    }
    row += 1
    guard lines.cells.count == cellCount else {
      throw DataError(
        .data, what: "\(file): row \(row) (line \(lines.number))",
        why:
          "has \(lines.cells.count) cells where the \(header == nil ? "first row" : "header") has \(cellCount)",
        remedy: "write every cell, empty where a value is missing")
    }
    return true
  }

  /// What is wrong with a cell of this row.
  public func wrong(_ column: Int, _ why: String, _ remedy: String) -> DataError {
    let name = header.map { "\"\($0[column])\"" } ?? "\(column)"
    let cell = String(decoding: lines.cells[column].prefix(40), as: UTF8.self)
    return DataError(
      .data, what: "\(file): row \(row) (line \(lines.number)), column \(name)", why: "\"\(cell)\" \(why)",
      remedy: remedy)
  }
}
