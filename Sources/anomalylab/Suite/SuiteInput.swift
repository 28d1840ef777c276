import ArgumentParser
import Control
import Datasets
import Foundation
import Generative

/// A data file with what it says about its rows.
struct SuiteInput {
  let name: String
  private(set) var array: DataArray
  /// Per row; nil without labels.
  private(set) var labels: [String]?
  /// The row of the file that each row was.
  private(set) var places: [Int]

  /// Rows of a file with the column `split` that are meant.
  enum Part: String { case train, test }

  /// - Parameters:
  ///   - labels: a file with a label per row, or the name of a column; nil for the column `label` where there is one.
  ///   - part: of a file with the column `split`; nil for all rows.
  init(_ path: String, labels: String? = nil, part: Part? = nil, vocabulary: [String]? = nil) throws(Failure)
  {
    name = path
    let isFile = labels.map { FileManager.default.fileExists(atPath: $0) } ?? false
    let column = isFile ? nil : labels ?? "label"
    var options = DataFile.ReadingOptions(textColumns: RowReading.textColumns, vocabulary: vocabulary)
    if let column { options.textColumns.insert(column) }
    do throws(DataError) {
      array = try DataFile.read(path, options)
      if isFile, let labels {
        let other = try DataFile.read(labels, options)
        self.labels = other.texts["label"] ?? other.values.map { Self.name($0) }
      } else if let column {
        self.labels = array.texts[column]
      }
    } catch {
      throw Failure(error)
    }
    places = Array(0..<array.rows)
    if let labels, self.labels == nil {
      throw Failure(
        .usage, what: "--labels", why: "\(labels) is no file, and no column of \(path)",
        remedy: "give an IDX, CSV or .npy file with a label per row, or the name of a column")
    }
    if let there = self.labels, there.count != array.rows {
      throw Failure(
        .data, what: labels ?? path, why: "has \(there.count) labels for \(array.rows) rows",
        remedy: "give a label for each row")
    }
    guard array.width > 0 || array.shape.count == 1 else {
      throw Failure(
        .data, what: path, why: "has no column besides \(array.texts.keys.sorted().joined(separator: ", "))",
        remedy: "give at least one column of numbers")
    }
    if let part { try take(part) }
  }

  private mutating func take(_ part: Part) throws(Failure) {
    guard let split = array.texts["split"] else { return }
    if let row = split.firstIndex(where: { Part(rawValue: $0) == nil }) {
      throw Failure(
        .data, what: "\(name): row \(row), column \"split\"",
        why: "\"\(split[row])\" is neither train nor test",
        remedy: "write train or test")
    }
    keep(places.filter { split[$0] == part.rawValue })
    guard array.rows > 0 else {
      throw Failure(
        .data, what: name, why: "marks no row as split=\(part.rawValue)", remedy: "mark at least one")
    }
  }

  private mutating func keep(_ rows: [Int]) {
    array = array.rows(rows)
    labels = labels.map { labels in rows.map { labels[$0] } }
    places = rows.map { places[$0] }
  }

  /// Only the first rows.
  mutating func keep(first count: Int) {
    if count < array.rows { keep(Array(0..<count)) }
  }

  /// `7.0` of a file of numbers is the label `7`.
  private static func name(_ value: Float) -> String {
    value == value.rounded() && abs(value) < 1e9 ? "\(Int(value))" : "\(value)"
  }

  /// The names of all labels, numbers by size.
  var classNames: [String] {
    let names = Set(labels ?? [])
    return names.sorted { a, b in
      if let a = Double(a), let b = Double(b), a != b { return a < b }
      return a < b
    }
  }

  /// The labels of these rows of the file; nil without labels.
  func labels(at index: [Int]) -> [String]? {
    labels.map { labels in
      let places = Dictionary(uniqueKeysWithValues: places.enumerated().map { ($1, $0) })
      return index.map { places[$0].map { labels[$0] } ?? "" }
    }
  }

  /// Rows for a model, and the row of the file that each of them ends with.
  func records(_ reading: RowReading, step: Int = 1) throws(Failure) -> (records: Records, index: [Int]) {
    var classes: [Int]?
    if let labels, !reading.classNames.isEmpty {
      var numbers: [Int] = []
      let known = Dictionary(uniqueKeysWithValues: reading.classNames.enumerated().map { ($1, $0) })
      for (row, label) in labels.enumerated() {
        guard let number = known[label] else {
          throw Failure(
            .data, what: "\(name): row \(places[row])", why: "the label \"\(label)\" is not one of the fit",
            remedy: "use \(reading.classNames.prefix(12).joined(separator: ", "))")
        }
        numbers.append(number)
      }
      classes = numbers
    }
    let (records, ends) = try reading.records(array, labels: classes, name: name, step: step)
    return (records, ends.map { places[$0] })
  }
}
