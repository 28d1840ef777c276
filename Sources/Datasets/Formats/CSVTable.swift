/// Tables of numbers in text: a header and a line per row, or numbers only.
enum CSVTable {
  static func decode(_ bytes: [UInt8], name: String, textColumns: Set<String>) throws(DataError)
    -> DataArray
  {
    var rows = try CSVRows(bytes, name: name, headerNeeded: false)
    let isText = (0..<rows.count).map { column in
      rows.header.map { textColumns.contains($0[column]) } ?? false
    }
    var texts = isText.map { _ in [String]() }
    var values: [Float] = []
    // A number needs a digit and a separator.
    values.reserveCapacity(bytes.count / 4)
    while try rows.next() {
      for (column, cell) in rows.cells.enumerated() {
        if isText[column] {
          texts[column].append(String(decoding: cell, as: UTF8.self))
          continue
        }
        guard let value = DecimalNumber.value(cell) else {
          throw rows.wrong(
            column, "is no number",
            "write a number, or nothing where a value is missing; take columns of words out")
        }
        values.append(value)
      }
    }
    let count = rows.row + 1
    guard count > 0 else {
      throw DataError(
        .data, what: name, why: "has a header and no rows", remedy: "give at least one row")
    }
    let width = isText.count { !$0 }
    let mask = separatingMissing(&values)
    var array = DataArray(shape: [count, width], values: values, mask: mask)
    if let header = rows.header {
      array.columns = header.indices.filter { !isText[$0] }.map { header[$0] }
      for column in header.indices where isText[column] { array.texts[header[column]] = texts[column] }
    }
    return array
  }

  /// With a header (`x0`, `x1`, … where columns have no names); what is missing is an empty cell; texts come last.
  static func encode(_ array: DataArray) -> [UInt8] {
    let names = array.columns ?? (0..<array.width).map { "x\($0)" }
    let texts = array.texts.sorted { $0.key < $1.key }
    var text = (names + texts.map(\.key)).map(cell).joined(separator: ",") + "\n"
    for row in 0..<array.rows {
      for column in 0..<array.width {
        if column > 0 { text += "," }
        let place = row * array.width + column
        if array.mask?[place] != 0, array.values[place].isFinite { text += number(array.values[place]) }
      }
      for (column, cells) in texts.enumerated() {
        if column > 0 || array.width > 0 { text += "," }
        text += cell(cells.value[row])
      }
      text += "\n"
    }
    return Array(text.utf8)
  }

  /// The shortest text that reads back as this number; whole ones without a point.
  static func number(_ value: Float) -> String {
    value == value.rounded() && abs(value) < 1e7 ? "\(Int(value))" : "\(value)"
  }

  private static func cell(_ text: String) -> String {
    guard text.contains(where: { ",;\t\"\n\r".contains($0) }) || text != text.trimmed else { return text }
    return "\"" + text.reduce(into: "") { $0 += $1 == "\"" ? "\"\"" : String($1) } + "\""
  }
}

extension String {
  fileprivate var trimmed: String {
    guard let first = firstIndex(where: { !$0.isWhitespace }),
      let last = lastIndex(where: { !$0.isWhitespace })
    else { return "" }
    return String(self[first...last])
  }
}
