/// What a data file holds: an array of numbers whose first axis counts rows.
///
/// | file | shape |
/// |---|---|
/// | CSV | `[rows, columns]` |
/// | `.npy`, IDX | as the file says |
/// | a PNG, a folder of them | `[pictures, height, width]`, with colour `[pictures, channels, height, width]` |
/// | a WAV | `[samples]`: rows are moments; a folder of them `[recordings, samples of the longest]` |
/// | text | `[characters]`: the class of each in ``vocabulary`` |
public struct DataArray: Sendable, Equatable {
  public var shape: [Int]
  /// Row-major; 0 where something is missing.
  public var values: [Float]
  /// 1 where a value is there, 0 where it is missing; nil when nothing is missing.
  public var mask: [Float]?
  /// The names of columns, where the file has a header.
  public var columns: [String]?
  /// Values are the whole numbers `0 ..< levels` (pictures and bytes: 256, text: its characters); nil for others.
  public var levels: Int?
  /// The class of a character is its place here.
  public var vocabulary: [String]?
  /// Samples a second.
  public var sampleRate: Int?
  /// Columns that the caller asked for as text, a cell per row.
  public var texts: [String: [String]] = [:]

  /// - Precondition: `values` fill `shape`, and `mask` too where there is one.
  public init(
    shape: [Int], values: [Float], mask: [Float]? = nil, columns: [String]? = nil, levels: Int? = nil
  ) {
    precondition(!shape.isEmpty, "an array of data has rows at least")
    precondition(
      values.count == shape.reduce(1, *), "\(values.count) values do not fill the shape \(shape)")
    precondition(mask == nil || mask?.count == values.count, "the mask is not of the shape \(shape)")
    self.shape = shape
    self.values = values
    self.mask = mask
    self.columns = columns
    self.levels = levels
  }

  public var rows: Int { shape[0] }
  /// Numbers per row.
  public var width: Int { shape.dropFirst().reduce(1, *) }
  /// How many values are missing.
  public var missing: Int { mask?.reduce(0) { $0 + ($1 == 0 ? 1 : 0) } ?? 0 }

  public func row(_ index: Int) -> ArraySlice<Float> { values[index * width..<(index + 1) * width] }

  /// These rows, in this order.
  public func rows(_ indices: some Collection<Int>) -> DataArray {
    var picked = self
    picked.shape[0] = indices.count
    picked.values = Self.pick(indices, width, values)
    picked.mask = mask.map { Self.pick(indices, width, $0) }
    picked.texts = texts.mapValues { cells in indices.map { cells[$0] } }
    return picked
  }

  private static func pick(_ indices: some Collection<Int>, _ width: Int, _ values: [Float]) -> [Float] {
    var picked: [Float] = []
    picked.reserveCapacity(indices.count * width)
    for index in indices { picked.append(contentsOf: values[index * width..<(index + 1) * width]) }
    return picked
  }

  /// The numbers of a named column, NaN where one is missing; nil when there is no such column.
  public func column(_ name: String) -> [Float]? {
    guard let place = columns?.firstIndex(of: name) else { return nil }
    return (0..<rows).map { row in
      mask?[row * width + place] == 0 ? .nan : values[row * width + place]
    }
  }

  /// Without these columns, so that labels do not become features. Columns that are not there are no mistake.
  public func without(_ names: Set<String>) -> DataArray {
    guard let columns, columns.contains(where: names.contains) else { return self }
    let kept = columns.indices.filter { !names.contains(columns[$0]) }
    func keeping(_ values: [Float]) -> [Float] {
      var picked: [Float] = []
      picked.reserveCapacity(rows * kept.count)
      for row in 0..<rows { for place in kept { picked.append(values[row * width + place]) } }
      return picked
    }
    var rest = self
    rest.values = keeping(values)
    rest.mask = mask.map(keeping)
    rest.shape = [rows, kept.count]
    rest.columns = kept.map { columns[$0] }
    return rest
  }

  /// Text of the classes of a row, or of all where rows are characters; nil without a vocabulary.
  public func text(_ classes: some Sequence<Float>) -> String? {
    vocabulary.map { vocabulary in
      classes.reduce(into: "") { text, number in
        let place = number.isFinite ? Int(max(-1, min(number, Float(vocabulary.count)))) : -1
        if vocabulary.indices.contains(place) { text += vocabulary[place] }
      }
    }
  }
}
