/// Text as a sequence of classes: a class is a Unicode scalar, numbered in the order of a vocabulary.
enum TextFile {
  static func decode(_ bytes: [UInt8], name: String, vocabulary: [String]?) throws(DataError) -> DataArray {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw DataError(
        .data, what: name, why: "is no UTF-8 text",
        remedy: "convert it: iconv -f LATIN1 -t UTF-8 \(DataFormat.lastPart(name))")
    }
    let scalars = text.unicodeScalars
    guard !scalars.isEmpty else {
      throw DataError(.data, what: name, why: "is empty", remedy: "give at least one character")
    }
    let known = vocabulary ?? Set(scalars).sorted().map { String($0) }
    var classes: [Unicode.Scalar: Float] = [:]
    for (number, character) in known.enumerated() {
      if let scalar = character.unicodeScalars.first { classes[scalar] = Float(number) }
    }
    var values: [Float] = []
    values.reserveCapacity(bytes.count)
    var (line, column) = (1, 1)
    for scalar in scalars {
      guard let number = classes[scalar] else {
        throw DataError(
          .data, what: "\(name): line \(line), column \(column)",
          why: "the character \"\(scalar)\" is not among the \(known.count) that the model knows",
          remedy: "take it out, or fit on text that has it")
      }
      values.append(number)
      (line, column) = scalar == "\n" ? (line + 1, 1) : (line, column + 1)
    }
    var array = DataArray(shape: [values.count], values: values, levels: known.count)
    array.vocabulary = known
    return array
  }

  /// The characters of the classes; rows of several end with a line end each.
  static func encode(_ array: DataArray, name: String) throws(DataError) -> [UInt8] {
    let isOne = array.shape.count == 1
    var text = ""
    for row in 0..<(isOne ? 1 : array.rows) {
      guard let line = array.text(isOne ? array.values[...] : array.row(row)) else {
        throw DataError(
          .output, what: name, why: "the data have no vocabulary: they are numbers, not characters",
          remedy: "write them as .csv or .npy")
      }
      text += isOne ? line : line + "\n"
    }
    return Array(text.utf8)
  }
}
