/// Many pictures in one: row by row, with a thin gap.
public struct PictureGrid: Sendable {
  /// What is black and what is white.
  public enum Range: Sendable {
    /// `0 ... levels - 1` where the data have levels, `0 ... 1` where they lie in it, otherwise least to most.
    case automatic
    case between(Float, Float)
    /// Each picture from its least to its most.
    case eachPicture
  }

  /// Pictures side by side; nil: about as many as rows.
  public var columns: Int?
  /// Pixels between pictures.
  public var gap: Int
  public var range: Range

  public init(columns: Int? = nil, gap: Int = 1, range: Range = .automatic) {
    self.columns = columns
    self.gap = gap
    self.range = range
  }

  /// A PNG of pictures `[rows, height, width]` or `[rows, channels, height, width]` (1 or 3 channels; of 2 and 4 the last,
  /// transparency, is left out); `[rows, n²]` is taken as squares.
  ///
  /// - Throws: ``DataError`` for data that are no pictures.
  public func encode(_ array: DataArray, name: String) throws(DataError) -> [UInt8] {
    let (planes, height, width) = try Self.picture(array, name)
    let channels = planes >= 3 ? 3 : 1
    let across = max(1, min(columns ?? Int(Double(array.rows).squareRoot().rounded(.up)), array.rows))
    let down = (array.rows + across - 1) / across
    let step = (across: width + gap, down: height + gap)
    let size = (width: across * step.across - gap, height: down * step.down - gap)
    guard let count = boundedSize([size.width, size.height, channels], limit: 1 << 31) else {
      throw DataError(
        .output, what: name, why: "\(array.rows) pictures are too many for one PNG",
        remedy: "write fewer, or a .npy file")
    }
    var pixels = [UInt8](repeating: 128, count: count)
    let whole = bounds(array.values, levels: array.levels)
    for row in 0..<array.rows {
      let picture = array.row(row)
      let (low, high): (Float, Float) =
        if case .eachPicture = range { Self.extent(picture) } else { whole }
      let scale = high > low ? 255 / (high - low) : 0
      let corner = (row / across * step.down) * size.width + row % across * step.across
      for channel in 0..<channels {
        for y in 0..<height {
          for x in 0..<width {
            let value = picture[picture.startIndex + (channel * height + y) * width + x]
            let shade = ((value - low) * scale).rounded()
            pixels[(corner + y * size.width + x) * channels + channel] =
              shade.isFinite ? UInt8(max(0, min(255, shade))) : 0
          }
        }
      }
    }
    return try PNGFile.encode(
      pixels, width: size.width, height: size.height, channels: channels, name: name)
  }

  private static func picture(_ array: DataArray, _ name: String) throws(DataError) -> (Int, Int, Int) {
    let shape = array.shape
    switch shape.count {
    case 3 where array.rows > 0: return (1, shape[1], shape[2])
    case 4 where array.rows > 0 && (1...4).contains(shape[1]): return (shape[1], shape[2], shape[3])
    case 2 where array.rows > 0:
      let side = Int(Double(array.width).squareRoot().rounded())
      if side * side == array.width, side > 0 { return (1, side, side) }
    default: break
    }
    throw DataError(
      .output, what: name, why: "data of the shape \(shape) are no pictures",
      remedy: "write them as .npy or .csv")
  }

  private func bounds(_ values: [Float], levels: Int?) -> (Float, Float) {
    if case .between(let low, let high) = range { return (low, high) }
    if let levels, levels > 1 { return (0, Float(levels - 1)) }
    let (low, high) = Self.extent(values[...])
    return low >= 0 && high <= 1 ? (0, 1) : (low, high)
  }

  private static func extent(_ values: ArraySlice<Float>) -> (Float, Float) {
    var (low, high) = (Float.infinity, -Float.infinity)
    for value in values where value.isFinite {
      low = min(low, value)
      high = max(high, value)
    }
    return low <= high ? (low, high) : (0, 1)
  }
}
