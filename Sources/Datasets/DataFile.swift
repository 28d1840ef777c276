/// Data files: bytes to arrays of numbers and back.
///
/// The format is what the first bytes say, then what the name ends with; `.gz` is expanded whatever the name. Nothing in a
/// file is believed: sizes are held against the bytes that are there before memory is asked for.
public enum DataFile {
  /// What has to be known to read a file, beyond its bytes.
  public struct ReadingOptions: Sendable {
    /// Columns of a CSV that are no numbers to learn from (`split`, `label`): they become ``DataArray/texts``.
    public var textColumns: Set<String> = []
    /// The characters known already, in the order of their classes; nil: those that the text holds, sorted.
    public var vocabulary: [String]?
    public init(textColumns: Set<String> = [], vocabulary: [String]? = nil) {
      self.textColumns = textColumns
      self.vocabulary = vocabulary
    }
  }

  /// What can be chosen about how a file is written.
  public struct WritingOptions: Sendable {
    /// How pictures are laid out in a PNG.
    public var grid = PictureGrid()
    /// Samples a second of a WAV when the data do not say.
    public var sampleRate = 8000
    public init(grid: PictureGrid = PictureGrid(), sampleRate: Int = 8000) {
      self.grid = grid
      self.sampleRate = sampleRate
    }
  }

  /// Reads a file, or a folder of PNGs of one size or of WAVs of one rate.
  ///
  /// - Throws: ``DataError`` that names the file and the place in it.
  public static func read(_ path: String, _ options: ReadingOptions = ReadingOptions()) throws(DataError)
    -> DataArray
  {
    if FileBytes.isFolder(path) { return try DataFolder.read(path, options) }
    return try decode(try FileBytes.read(path), name: path, options)
  }

  /// - Parameters:
  ///   - bytes: of a file, expanded.
  ///   - name: of the file, for messages; its ending says the format where the bytes do not.
  public static func decode(
    _ bytes: [UInt8], name: String, _ options: ReadingOptions = ReadingOptions()
  ) throws(DataError) -> DataArray {
    guard let format = DataFormat(mark: bytes) ?? DataFormat(path: name) else {
      throw DataError(
        .data, what: name, why: "is of no known kind",
        remedy: "give a file that ends with \(DataFormat.endings)")
    }
    switch format {
    case .csv: return try CSVTable.decode(bytes, name: name, textColumns: options.textColumns)
    case .npy: return try NPYFile.decode(bytes, name: name)
    case .idx: return try IDXFile.decode(bytes, name: name)
    case .png: return try PNGFile.decode(bytes, name: name)
    case .wav: return try WAVFile.decode(bytes, name: name)
    case .text: return try TextFile.decode(bytes, name: name, vocabulary: options.vocabulary)
    }
  }

  /// Writes a file in the format that its name ends with, whole or not at all; with `.gz` at its end, compressed.
  ///
  /// - Throws: ``DataError`` when the data do not fit the format or the file cannot be written.
  public static func write(
    _ array: DataArray, to path: String, _ options: WritingOptions = WritingOptions()
  ) throws(DataError) {
    guard let format = DataFormat(path: path) else {
      throw DataError(
        .output, what: path, why: "ends with no known kind of file",
        remedy: "let it end with \(DataFormat.endings)")
    }
    try FileBytes.write(try encode(array, as: format, name: path, options), to: path)
  }

  /// The bytes of a file. - Parameter name: for messages.
  public static func encode(
    _ array: DataArray, as format: DataFormat, name: String, _ options: WritingOptions = WritingOptions()
  ) throws(DataError) -> [UInt8] {
    switch format {
    case .csv: return CSVTable.encode(array)
    case .npy: return NPYFile.encode(array)
    case .idx: return try IDXFile.encode(array, name: name)
    case .png: return try options.grid.encode(array, name: name)
    case .wav:
      return try WAVFile.encode(array, name: name, sampleRate: array.sampleRate ?? options.sampleRate)
    case .text: return try TextFile.encode(array, name: name)
    }
  }
}
