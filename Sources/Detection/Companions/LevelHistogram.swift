import Generative
import Glibc

/// `−Σ ln p̂(level)` with a histogram of equal bins per level: how rare a row is when inputs are taken one by one (Goldstein &
/// Dengel, HBOS, 2012).
struct LevelHistogram: Companion {
  static let bins = 20

  let width: Int
  private let fields: Int
  private let lows: [Float]
  /// Bins per unit.
  private let inverses: [Float]
  /// Per field: −ln of each bin's share, then that of what lies outside.
  private let surprises: [Float]

  init(fitting data: DataMatrix, fields: Int) {
    width = data.columns
    self.fields = fields
    let bins = Self.bins
    var (lows, inverses, surprises): ([Float], [Float], [Float]) = ([], [], [])
    for field in 0..<fields {
      var (low, high) = (Float.infinity, -Float.infinity)
      for row in 0..<data.rows {
        low = min(low, data.values[row * data.columns + field])
        high = max(high, data.values[row * data.columns + field])
      }
      let inverse = Float(bins) / max(high - low, 1e-3)
      var counts = [Float](repeating: 0.5, count: bins + 1)
      for row in 0..<data.rows {
        counts[min(bins - 1, Int((data.values[row * data.columns + field] - low) * inverse))] += 1
      }
      let total = Float(data.rows) + 0.5 * Float(bins + 1)
      lows.append(low)
      inverses.append(inverse)
      surprises += counts.map { -logf($0 / total) }
    }
    (self.lows, self.inverses, self.surprises) = (lows, inverses, surprises)
  }

  func score(_ inputs: [Float], rows: Int, into raw: inout [Float], space: inout CompanionSpace) {
    let bins = Self.bins
    let (inputs, lows, inverses, surprises) = (inputs.span, lows.span, inverses.span, surprises.span)
    for row in 0..<rows {
      var sum: Float = 0
      for field in 0..<fields {
        // One more than the last bin counts into it: the largest value lies on its edge.
        let place = (inputs[row * width + field] - lows[field]) * inverses[field]
        let isInside = place >= 0 && place <= Float(bins)
        sum += surprises[field * (bins + 1) + (isInside ? min(bins - 1, Int(place)) : bins)]
      }
      raw[row] = sum
    }
  }

  func encode(to writer: inout ByteWriter) {
    writer.append(UInt32(width))
    writer.append(lows)
    writer.append(inverses)
    writer.append(surprises)
  }

  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    width = Int(try reader.uint32())
    lows = try reader.finiteFloats()
    inverses = try reader.finiteFloats()
    surprises = try reader.finiteFloats()
    fields = lows.count
    guard fields > 0, fields <= width, inverses.count == fields,
      surprises.count == fields * (Self.bins + 1)
    else { throw .invalid(section: reader.section, what: "\(surprises.count) shares of \(fields) fields") }
  }
}
