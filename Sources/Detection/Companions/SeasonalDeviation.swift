import Glibc

/// How far levels are from what is usual at this time of the day or of the week, or at this phase of a period that the data have
/// of themselves: the mean squared distance to the median of the phase in units of the usual distance, over the fields that have
/// a season.
///
/// A field has one when, on rows held out, levels are nearer to the medians of the phases than to the overall one. With no such
/// field the companion is silent and counts nothing.
struct SeasonalDeviation: Sendable, Equatable {
  /// One period and the fields that follow it.
  struct Cycle: Sendable, Equatable {
    /// Seconds.
    var period: Double
    /// Whether the phase is that of a clock on the wall.
    var isCivil: Bool
    var bins: Int
    var fields: [Int]
    /// `bins × fields`: the median level around the middle of each bin.
    var medians: [Float]
    /// Per field the usual distance to it.
    var spreads: [Float]
  }

  /// Of the rows that it scores: levels, changes and means.
  let width: Int
  let clock: LocalClock
  let cycles: [Cycle]

  var isSilent: Bool { cycles.isEmpty }
  /// What one field can add at most, in squared distances.
  private static let bound: Float = 1e4

  /// The event path: `raw[i]` becomes the strangeness of row `i` at time `times[first + i]`, seconds since 1970.
  func score(
    _ inputs: [Float], mask: [Float]?, times: [Double], from first: Int, rows: Int, into raw: inout [Float]
  ) {
    for row in 0..<rows {
      var (sum, count): (Float, Float) = (0, 0)
      for cycle in cycles {
        let (bin, next, share) = cycle.place(times[first + row], clock)
        let fields = cycle.fields.count
        for (index, field) in cycle.fields.enumerated() {
          let input = row * width + field
          if let mask, mask[input] == 0 { continue }
          let (low, high) = (cycle.medians[bin * fields + index], cycle.medians[next * fields + index])
          let distance = (inputs[input] - low - share * (high - low)) / cycle.spreads[index]
          sum += min(distance * distance, Self.bound)
          count += 1
        }
      }
      raw[row] = sum / max(count, 1)
    }
  }

  func encode(to writer: inout ByteWriter) {
    writer.append(UInt32(width))
    clock.encode(to: &writer)
    writer.append(UInt32(cycles.count))
    for cycle in cycles {
      writer.append(cycle.period)
      writer.append(cycle.isCivil)
      writer.append(UInt32(cycle.bins))
      writer.append(cycle.fields.map { Float($0) })
      writer.append(cycle.medians)
      writer.append(cycle.spreads)
    }
  }

  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    let width = Int(try reader.uint32())
    self.width = width
    clock = try LocalClock(decoding: &reader)
    var cycles: [Cycle] = []
    for _ in 0..<(try reader.count(of: 25)) {
      let cycle = Cycle(
        period: try reader.finiteDouble(), isCivil: try reader.bool(), bins: Int(try reader.uint32()),
        fields: try reader.finiteFloats().map { Int(max(-1, min($0, 1e6))) },
        medians: try reader.finiteFloats(),
        spreads: try reader.finiteFloats())
      guard cycle.period > 0, cycle.bins > 0, cycle.medians.count == cycle.bins * cycle.fields.count,
        cycle.spreads.count == cycle.fields.count, cycle.spreads.allSatisfy({ $0 > 0 }),
        cycle.fields.allSatisfy({ $0 >= 0 && $0 < width })
      else { throw .invalid(section: reader.section, what: "an impossible season of \(cycle.period) s") }
      cycles.append(cycle)
    }
    self.cycles = cycles
  }

  init(width: Int, clock: LocalClock = .utc, cycles: [Cycle] = []) {
    self.width = width
    self.clock = clock
    self.cycles = cycles
  }
}

extension SeasonalDeviation.Cycle {
  /// The bins between whose middles a time lies, and how far it is on the way from the first to the second.
  func place(_ time: Double, _ clock: LocalClock) -> (bin: Int, next: Int, share: Float) {
    let local = isCivil ? clock.local(time) : time
    let turns = local / period
    let position = (turns - turns.rounded(.down)) * Double(bins) - 0.5
    let below = position.rounded(.down)
    let bin = (Int(below) + bins) % bins
    return (bin, (bin + 1) % bins, Float(position - below))
  }
}
