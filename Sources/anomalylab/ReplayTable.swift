import Control
import Detection

/// A recorded file: rows of numbers with times, some perhaps marked as the ones to learn from.
///
/// CSV with a header. The column `ts` (or `timestamp`, `time`) holds seconds since 1970 or RFC 3339 times; without it rows
/// are a second apart. `split` says `train` or `test`. `label` is never read. Every other column is a field; an
/// empty cell, `nan`, `null`, `NA` or an infinity is a missing value.
struct ReplayTable {
  var fields: [String] = []
  var timestamps: [Double] = []
  /// `rows × fields`, row-major, NaN missing.
  var values: [Float] = []
  /// Per row whether it is to be learned from; nil without a column `split`.
  var isTraining: [Bool]?

  var count: Int { timestamps.count }

  init(file path: String) throws(Failure) {
    try self.init(csv: Gzip.bytes(ofFile: path), name: path)
  }

  /// - Parameter name: of the file, for messages.
  init(csv bytes: [UInt8], name: String) throws(Failure) {
    var lines = CSVLines(bytes)
    guard let header = lines.next(), header.count > 0 else {
      throw Failure(
        .data, what: name, why: "is empty", remedy: "give a CSV file with a header and a row per event")
    }
    let names = header.map { String(decoding: $0, as: UTF8.self) }
    let roles = try Self.roles(names, name)
    fields = zip(names, roles).filter { $1 == .field }.map(\.0)
    var training: [Bool] = []
    var row = 0
    while let cells = lines.next() {
      if cells.count == 1 && cells[0].isEmpty && names.count > 1 { continue }
      guard cells.count == names.count else {
        throw Failure(
          .data, what: "\(name): row \(row) (line \(lines.number))",
          why: "has \(cells.count) cells where the header has \(names.count)",
          remedy: "write every cell, empty where a value is missing")
      }
      for column in 0..<cells.count {
        let cell = cells[column]
        func wrong(_ why: String, _ remedy: String) -> Failure {
          Failure(
            .data, what: "\(name): row \(row) (line \(lines.number)), column \(names[column])",
            why: "\"\(String(decoding: cell.prefix(40), as: UTF8.self))\" \(why)", remedy: remedy)
        }
        switch roles[column] {
        case .ignored: break
        case .time:
          guard let time = DecimalNumber.time(cell) else {
            throw wrong("is no time", "write seconds since 1970 or a time as in RFC 3339")
          }
          timestamps.append(time)
        case .split:
          switch String(decoding: cell, as: UTF8.self) {
          case "train": training.append(true)
          case "test": training.append(false)
          default: throw wrong("is neither train nor test", "write train or test")
          }
        case .field:
          guard let value = Self.value(cell) else {
            throw wrong("is no number", "write a number, or nothing where a value is missing")
          }
          values.append(value)
        }
      }
      row += 1
      if !roles.contains(.time) { timestamps.append(Double(row - 1)) }
    }
    guard row > 0 else {
      throw Failure(
        .data, what: name, why: "has a header and no rows", remedy: "give at least one row")
    }
    isTraining = roles.contains(.split) ? training : nil
  }

  private enum Role { case time, split, ignored, field }

  private static func roles(_ names: [String], _ file: String) throws(Failure) -> [Role] {
    let time = ["ts", "timestamp", "time"].first(where: names.contains)
    let roles = names.map { name -> Role in
      switch name {
      case time: .time
      case "split": .split
      case "label": .ignored
      default: .field
      }
    }
    for (index, name) in names.enumerated() {
      if names[..<index].contains(name) {
        throw Failure(
          .data, what: "\(file): header", why: "names the column \(name) twice",
          remedy: "give every column its own name")
      }
    }
    guard roles.contains(.field) else {
      throw Failure(
        .data, what: "\(file): header", why: "names no column besides ts, label and split",
        remedy: "give at least one column of values")
    }
    return roles
  }

  /// NaN for what is missing, nil for what is no number.
  private static func value(_ cell: ArraySlice<UInt8>) -> Float? {
    if cell.isEmpty { return .nan }
    if let number = DecimalNumber.parse(cell) {
      // Beyond the range of float32 it is still the largest there is, not missing.
      if number.isFinite {
        return Float(
          min(max(number, -Double(Float.greatestFiniteMagnitude)), Double(Float.greatestFiniteMagnitude)))
      }
      return .nan
    }
    switch String(decoding: cell, as: UTF8.self).lowercased() {
    case "nan", "null", "na", "n/a", "none", "inf", "-inf", "+inf", "infinity", "-infinity": return .nan
    default: return nil
    }
  }

  /// The rows of `indices`, as detection takes them; a row that does not follow the one before begins a segment.
  func rows(_ indices: [Int]) -> TrainingRows {
    let width = fields.count
    var picked: [Float] = []
    picked.reserveCapacity(indices.count * width)
    for index in indices { picked.append(contentsOf: values[index * width..<(index + 1) * width]) }
    let starts = indices.indices.dropFirst().filter { indices[$0] != indices[$0 - 1] + 1 }
    return TrainingRows(
      fields: fields, timestamps: indices.map { timestamps[$0] }, values: picked,
      segmentStarts: Array(starts))
  }
}

/// The cells of a CSV text (RFC 4180), line by line.
struct CSVLines {
  private let bytes: [UInt8]
  private var at = 0
  /// Of the line returned last, from 1.
  private(set) var number = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    // A byte order mark, as some spreadsheets write it.
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { at = 3 }
  }

  mutating func next() -> [ArraySlice<UInt8>]? {
    guard at < bytes.count else { return nil }
    number += 1
    var cells: [ArraySlice<UInt8>] = []
    while true {
      if at < bytes.count, bytes[at] == UInt8(ascii: "\"") {
        cells.append(quoted())
      } else {
        let start = at
        while at < bytes.count, bytes[at] != UInt8(ascii: ","), bytes[at] != 10 { at += 1 }
        cells.append(trimmed(start, at))
      }
      if at >= bytes.count { return cells }
      let end = bytes[at]
      at += 1
      if end == 10 { return cells }
    }
  }

  private func trimmed(_ start: Int, _ end: Int) -> ArraySlice<UInt8> {
    var (start, end) = (start, end)
    while start < end, bytes[start] == 32 || bytes[start] == 9 { start += 1 }
    while end > start, bytes[end - 1] == 32 || bytes[end - 1] == 9 || bytes[end - 1] == 13 { end -= 1 }
    return bytes[start..<end]
  }

  /// A cell in quotes, in which two quotes stand for one; ends before the comma or the line end.
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
    while at < bytes.count, bytes[at] != UInt8(ascii: ","), bytes[at] != 10 { at += 1 }
    return cell[...]
  }
}
