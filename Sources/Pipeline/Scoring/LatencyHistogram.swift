import Control

/// How long events wait for their score, in powers of two: a few nanoseconds to count, right to a factor of two anywhere
/// between a microsecond and half a minute.
struct LatencyHistogram: Sendable {
  /// Place k holds times below 2ᵏ µs that are in no earlier place; the last one everything longer.
  private var counts = [UInt64](repeating: 0, count: places + 1)
  private var nanoseconds: UInt64 = 0

  static let places = 25

  mutating func add(nanoseconds time: UInt64, events: UInt64) {
    let micros = time / 1000
    let place = UInt64.bitWidth - micros.leadingZeroBitCount
    counts[min(place, Self.places)] += events
    nanoseconds &+= time &* events
  }

  static func + (a: LatencyHistogram, b: LatencyHistogram) -> LatencyHistogram {
    var sum = a
    for place in sum.counts.indices { sum.counts[place] += b.counts[place] }
    sum.nanoseconds &+= b.nanoseconds
    return sum
  }

  var report: LatencyReport {
    var report = LatencyReport()
    report.bounds = (0..<Self.places).map { Double(UInt64(1) << UInt64($0)) * 1e-6 }
    report.counts = counts
    report.sum = Double(nanoseconds) * 1e-9
    return report
  }
}
