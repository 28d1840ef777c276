/// How far recent raw scores are distributed from those that the calibration saw.
///
/// Keeps, per detector, the share of recent events beyond each of the calibration's common thresholds (α from 0.9 to 0.03),
/// with exponential forgetting. The measure is the largest difference between such a share and its α, in
/// standard deviations of one event: √(α (1 − α)). When every score moves up by one of its own standard deviations
/// the share beyond the median goes from 0.5 to about 0.84, a measure of 0.7.
struct DriftGauge: Sendable, Equatable {
  /// Events after which an event counts for 1/e.
  static let memory: Float = 1000

  private var shares: [SIMD8<Float>]

  var detectors: Int { shares.count }

  static let alphas: SIMD8<Float> = [0.9, 0.75, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03]

  init(detectors: Int = 0) { shares = Array(repeating: Self.alphas, count: detectors) }

  /// - Parameter thresholds: of ``alphas``, as the calibration put them.
  @inline(__always)
  mutating func add(_ u: Float, detector: Int, thresholds: SIMD8<Float>) {
    let beyond = thresholds.ones(whereBelow: SIMD8(repeating: u))
    shares[detector] += (beyond - shares[detector]) * (1 / Self.memory)
  }

  var measure: Float {
    var largest: Float = 0
    for detector in shares {
      let difference = (detector - Self.alphas) * Self.inverseDeviations
      largest = max(largest, difference.max(), -difference.min())
    }
    return largest
  }

  /// 1 / √(α (1 − α))
  private static let inverseDeviations = 1 / (Self.alphas * (1 - Self.alphas)).squareRoot()

  func encode(to writer: inout ByteWriter) {
    writer.append(UInt32(shares.count))
    for detector in shares { for level in 0..<8 { writer.append(detector[level]) } }
  }

  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    shares = []
    for _ in 0..<(try reader.count(of: 32)) {
      var detector = SIMD8<Float>()
      for level in 0..<8 { detector[level] = try reader.finiteFloat() }
      shares.append(detector)
    }
  }
}
