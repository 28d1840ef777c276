/// Folders of pictures or recordings: a file is a row, in the order of names.
enum DataFolder {
  static func read(_ path: String, _ options: DataFile.ReadingOptions) throws(DataError) -> DataArray {
    let names = try FileBytes.names(inFolder: path)
    for format in [DataFormat.png, .wav] {
      let found = names.filter { DataFormat(path: $0) == format }
      guard !found.isEmpty else { continue }
      var parts: [(name: String, array: DataArray)] = []
      for name in found {
        let file = "\(path)/\(name)"
        parts.append((file, try DataFile.decode(try FileBytes.read(file), name: file, options)))
      }
      return format == .png ? try pictures(parts) : try recordings(parts)
    }
    throw DataError(
      .data, what: path, why: "holds no PNG and no WAV", remedy: "give a folder of pictures or of recordings")
  }

  private static func pictures(_ parts: [(name: String, array: DataArray)]) throws(DataError) -> DataArray {
    let first = parts[0]
    var values: [Float] = []
    for part in parts {
      guard part.array.shape == first.array.shape, part.array.levels == first.array.levels else {
        throw DataError(
          .data, what: part.name,
          why: "is \(PNGFile.words(part.array)) where \(first.name) is \(PNGFile.words(first.array))",
          remedy: "bring all pictures to one size and kind")
      }
      values += part.array.values
    }
    return DataArray(
      shape: [parts.count] + first.array.shape.dropFirst(), values: values, levels: first.array.levels)
  }

  /// Filled up with silence to the longest; the mask says what is filled.
  private static func recordings(_ parts: [(name: String, array: DataArray)]) throws(DataError) -> DataArray {
    let first = parts[0]
    let longest = parts.map(\.array.rows).max() ?? 0
    var values: [Float] = []
    var mask: [Float] = []
    values.reserveCapacity(parts.count * longest)
    mask.reserveCapacity(parts.count * longest)
    for part in parts {
      guard part.array.sampleRate == first.array.sampleRate else {
        throw DataError(
          .data, what: part.name,
          why: "has \(part.array.sampleRate ?? 0) samples a second where \(first.name) has "
            + "\(first.array.sampleRate ?? 0)",
          remedy: "bring all recordings to one rate")
      }
      let silence = longest - part.array.rows
      values += part.array.values + Array(repeating: 0, count: silence)
      mask += Array(repeating: 1, count: part.array.rows) + Array(repeating: 0, count: silence)
    }
    var array = DataArray(
      shape: [parts.count, longest], values: values, mask: mask.contains(0) ? mask : nil)
    array.sampleRate = first.array.sampleRate
    return array
  }
}
