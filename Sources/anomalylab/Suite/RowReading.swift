import Control
import Datasets
import Generative

/// How the rows of a file become rows of a model: decided at the fit and kept with the model, so that later files are read as the
/// first one was.
struct RowReading: Codable, Equatable {
  var form: RowForm
  /// The names of columns, where the file had them.
  var columns: [String]?
  /// Whole numbers of so many levels (pictures) are shown to the model between 0 and 1.
  var levels: Int?
  /// So many rows of the file, one after the other, are one row of the model.
  var window: Int?
  /// The characters of a text, in the order of their classes.
  var vocabulary: [String]?
  var sampleRate: Int?
  /// The names of the classes that rows are labelled with, in their order; empty without labels.
  var classNames: [String] = []

  /// Columns that speak about a row and are no features; as in `replay`.
  static let textColumns: Set<String> = ["split", "label", "ts", "timestamp", "time"]
  /// Characters or samples in a row where nobody says.
  static let usualWindow = 64

  /// What a model without a word about its rows was fitted to.
  init(form: RowForm) { self.form = form }

  /// - Parameters:
  ///   - shape: of a row, for files that hold it flat.
  ///   - support: nil to read it off the numbers.
  init(
    _ array: DataArray, name: String, shape: [Int]?, window: Int?, support: Support?, classNames: [String]
  ) throws(Failure) {
    columns = array.columns
    levels = array.vocabulary == nil ? array.levels : nil
    vocabulary = array.vocabulary
    sampleRate = array.sampleRate
    self.classNames = classNames
    self.window = window ?? (array.shape.count == 1 ? Self.usualWindow : nil)
    var row = Array(array.shape.dropFirst())
    if let window = self.window { row = [window, max(array.width, 1)] }
    if let shape {
      guard shape.reduce(1, *) == row.reduce(1, *) else {
        throw Failure(
          .usage, what: "--shape",
          why: "\(shape) does not hold the \(row.reduce(1, *)) numbers of a row of \(name)",
          remedy: "give the height and width of a row")
      }
      row = shape
    }
    form = RowForm(shape: row, support: .real, classes: classNames.count)
    // A picture of few shades is still a picture; columns of zeros and ones are bits.
    form.support = support ?? (levels == 2 ? .binary : levels == nil ? Self.support(array) : .unit)
  }

  private static func support(_ array: DataArray) -> Support {
    guard array.vocabulary == nil else { return .real }
    let matrix = DataMatrix(rows: array.rows, columns: array.width, values: array.values)
    return Records(matrix).form.support
  }

  // MARK: from a file

  /// From one window to the next when learning: by half, which shows every passage whole without a copy of the file per row;
  /// text is counted once.
  var learningStep: Int { vocabulary == nil ? max((window ?? 1) / 2, 1) : window ?? 1 }

  /// Rows for the model, and for each the row of the file that it ends with.
  ///
  /// - Parameter step: rows of the file from one window to the next.
  /// - Throws: ``Failure`` of kind `data` for a file that is not of the kind the model was fitted to.
  func records(_ array: DataArray, labels: [Int]?, name: String, step: Int = 1) throws(Failure) -> (
    records: Records, index: [Int]
  ) {
    let array = try inOrder(array, name)
    var values = array.values
    if let levels, levels > 2 {
      let highest = Float(levels - 1)
      for i in values.indices { values[i] /= highest }
    }
    try check(values, array, name)
    let width = max(array.width, 1)
    guard let window else {
      let matrix = DataMatrix(rows: array.rows, columns: width, values: values, mask: array.mask)
      return (Records(matrix, form: form, labels: labels), Array(0..<array.rows))
    }
    guard array.rows >= window else {
      throw Failure(
        .data, what: name, why: "has \(array.rows) rows, fewer than the \(window) of one window",
        remedy: "give a longer file, or fit with a shorter --window")
    }
    let starts = Array(stride(from: 0, through: array.rows - window, by: max(step, 1)))
    func windows(_ values: [Float]) -> [Float] {
      var joined: [Float] = []
      joined.reserveCapacity(starts.count * window * width)
      for start in starts { joined += values[start * width..<(start + window) * width] }
      return joined
    }
    let matrix = DataMatrix(
      rows: starts.count, columns: window * width, values: windows(values), mask: array.mask.map(windows))
    let ends = starts.map { $0 + window - 1 }
    return (Records(matrix, form: form, labels: labels.map { labels in ends.map { labels[$0] } }), ends)
  }

  /// The columns in the order of the fit.
  private func inOrder(_ array: DataArray, _ name: String) throws(Failure) -> DataArray {
    var array = array
    if let columns, let there = array.columns, columns != there {
      if let lacking = columns.first(where: { !there.contains($0) }) {
        throw Failure(
          .data, what: name, why: "has no column \(lacking), which the model was fitted to",
          remedy: "give a file with the columns of the fit")
      }
      array = array.without(Set(there).subtracting(columns))
      let places = columns.compactMap { array.columns?.firstIndex(of: $0) }
      func ordered(_ values: [Float]) -> [Float] {
        (0..<array.rows).flatMap { row in places.map { values[row * array.width + $0] } }
      }
      (array.values, array.mask, array.columns) = (ordered(array.values), array.mask.map(ordered), columns)
    }
    let width = window == nil ? form.width : form.width / (window ?? 1)
    guard max(array.width, 1) == width else {
      throw Failure(
        .data, what: name, why: "has rows of \(max(array.width, 1)) numbers, the model takes \(width)",
        remedy: "give a file of the kind that it was fitted to")
    }
    if let levels, let there = array.levels, there != levels {
      throw Failure(
        .data, what: name, why: "holds numbers of \(there) levels, the model was fitted to \(levels)",
        remedy: "give a file of the kind that it was fitted to")
    }
    return array
  }

  /// Bits are 0 or 1 and shares lie between.
  private func check(_ values: [Float], _ array: DataArray, _ name: String) throws(Failure) {
    guard form.support != .real,
      let bad = values.firstIndex(where: { !($0 >= 0 && $0 <= 1) })
    else { return }
    let width = max(array.width, 1)
    let column = array.columns.map { ", column \"\($0[bad % width])\"" } ?? ", place \(bad % width)"
    throw Failure(
      .data, what: "\(name): row \(bad / width)\(column)",
      why: "\(values[bad]) is not between 0 and 1, as all numbers of the fit were",
      remedy: "scale it as the file of the fit, or fit with --support real")
  }

  // MARK: and back

  /// Rows of the model in the numbers of its files.
  func array(_ values: [Float], count: Int) -> DataArray {
    var values = values
    if let levels, levels > 2 {
      let highest = Float(levels - 1)
      for i in values.indices { values[i] = max(0, min(highest, (values[i] * highest).rounded())) }
    }
    let isTable = form.shape.count == 1 && window == nil
    var shape = [count] + form.shape
    // Sound and text have no second axis.
    if window != nil, shape.count == 3, shape[2] == 1 { shape.removeLast() }
    var array = DataArray(
      shape: shape, values: values, columns: isTable ? columns : nil, levels: levels ?? vocabulary?.count)
    array.vocabulary = vocabulary
    array.sampleRate = sampleRate
    return array
  }

  /// The class of this name or number.
  func label(_ text: String) -> Int? {
    if let place = classNames.firstIndex(of: text) { return place }
    return Int(text).flatMap { (0..<form.classes).contains($0) ? $0 : nil }
  }
}
