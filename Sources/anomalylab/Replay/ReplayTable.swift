import Control
import Datasets
import Detection

/// A recorded file: rows of numbers with times, some perhaps marked as the ones to learn from.
///
/// CSV with a header. The column `ts` (or `timestamp`, `time`) holds seconds since 1970 or RFC 3339 times; without it rows
/// are a second apart. `split` says `train` or `test`. `label` never reaches a detector; it is read only to judge one
/// afterwards. Every other column is a field; an empty cell, `nan`, `null`, `NA` or an infinity is a missing value.
struct ReplayTable {
  var fields: [String] = []
  var timestamps: [Double] = []
  /// `rows × fields`, row-major, NaN missing.
  var values: [Float] = []
  /// Per row whether it is to be learned from; nil without a column `split`.
  var isTraining: [Bool]?
  /// Per row whether it is labelled as a fault; nil without a column `label`, or when it was not asked for.
  private(set) var labels: [Bool]?

  var count: Int { timestamps.count }

  /// - Parameter labelled: whether ``labels`` are read too.
  init(file path: String, labelled: Bool = false) throws(Failure) {
    do throws(DataError) {
      try self.init(csv: FileBytes.read(path), name: path, labelled: labelled)
    } catch {
      throw Failure(error)
    }
  }

  /// - Parameter name: of the file, for messages.
  private init(csv bytes: [UInt8], name: String, labelled: Bool) throws(DataError) {
    var rows = try CSVRows(bytes, name: name)
    let names = rows.header ?? []
    let roles = try Self.roles(names, name, labelled: labelled)
    var found: [Bool] = []
    fields = zip(names, roles).filter { $1 == .field }.map(\.0)
    var training: [Bool] = []
    while try rows.next() {
      for (column, cell) in rows.cells.enumerated() {
        switch roles[column] {
        case .ignored: break
        case .label:
          guard let value = DecimalNumber.value(cell), value == 0 || value == 1 else {
            throw rows.wrong(column, "is neither 0 nor 1", "write 1 where there is a fault, 0 elsewhere")
          }
          found.append(value == 1)
        case .time:
          guard let time = DecimalNumber.time(cell) else {
            throw rows.wrong(column, "is no time", "write seconds since 1970 or a time as in RFC 3339")
          }
          timestamps.append(time)
        case .split:
          switch String(decoding: cell, as: UTF8.self) {
          case "train": training.append(true)
          case "test": training.append(false)
          default: throw rows.wrong(column, "is neither train nor test", "write train or test")
          }
        case .field:
          guard let value = DecimalNumber.value(cell) else {
            throw rows.wrong(
              column, "is no number", "write a number, or nothing where a value is missing")
          }
          values.append(value)
        }
      }
      if !roles.contains(.time) { timestamps.append(Double(rows.row)) }
    }
    guard !timestamps.isEmpty else {
      throw DataError(
        .data, what: name, why: "has a header and no rows", remedy: "give at least one row")
    }
    isTraining = roles.contains(.split) ? training : nil
    labels = roles.contains(.label) ? found : nil
  }

  private enum Role { case time, split, label, ignored, field }

  private static func roles(
    _ names: [String], _ file: String, labelled: Bool
  ) throws(DataError) -> [Role] {
    let time = ["ts", "timestamp", "time"].first(where: names.contains)
    let roles = names.map { name -> Role in
      switch name {
      case time: .time
      case "split": .split
      case "label": labelled ? .label : .ignored
      default: .field
      }
    }
    guard roles.contains(.field) else {
      throw DataError(
        .data, what: "\(file): header", why: "names no column besides ts, label and split",
        remedy: "give at least one column of values")
    }
    return roles
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
