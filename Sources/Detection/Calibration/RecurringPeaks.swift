/// The highest figures of each phase of the day, or of the period that the data have of themselves, over the last 8 to 16 turns.
///
/// What is as odd every morning is not what begins, see ``FigureMemory/beginning(_:above:)``; what was once is not usual either, so
/// the second highest turn is what counts. A turn counts only once it is over, so that a row that is scored twice, or late,
/// meets the same past.
struct RecurringPeaks: Sendable, Equatable {
  /// What turns: a day by the clock on the wall, or any other period.
  struct Turning: Sendable, Equatable {
    /// Seconds.
    let period: Double
    /// That of the clock on the wall; nil: times are taken as they are.
    let clock: LocalClock?
    /// Whether levels are known to follow it; until then turns are only remembered.
    let isKnown: Bool

    /// - Parameters:
    ///   - season: of the stream's one metric; nil: nobody looked.
    ///   - interval: between two rows, seconds; 0 when time does not advance.
    init?(season: SeasonalDeviation?, interval: Double) {
      // A day of rows that follow each other faster is too long to be remembered in phases of half an hour.
      guard let season, !season.isSilent || interval >= 1 else { return nil }
      let cycle = season.cycles.first
      isKnown = cycle != nil
      if let cycle, !cycle.isCivil {
        (period, clock) = (cycle.period, nil)
      } else {
        // A week is made of days, and what is usual on five of them is usual.
        (period, clock) = (86_400, season.clock)
      }
    }

    /// Turns since 1970, and the phase.
    @inline(__always)
    func place(_ time: Double) -> Place {
      let turns = (clock?.local(time) ?? time) / period
      let turn = turns.rounded(.down)
      let bin = Int((turns - turn) * Double(RecurringPeaks.bins))
      return Place(turn: Int32(max(-1e9, min(turn, 1e9))), bin: min(bin, RecurringPeaks.bins - 1))
    }
  }

  struct Place: Sendable {
    var turn: Int32
    var bin: Int
  }

  /// The highest figures of one phase, in ``unit``.
  private struct Phase: Sendable, Equatable {
    /// The last turn of which something is known; long ago: none.
    var turn = Int32.min
    /// Of that turn.
    var latest: UInt8 = 0
    /// The two highest turns before it of the same block of turns, and of the block before.
    var newer = Two()
    var older = Two()
  }

  private struct Two: Sendable, Equatable {
    var first: UInt8 = 0
    var second: UInt8 = 0

    mutating func add(_ figure: UInt8) {
      if figure > first { (first, second) = (figure, first) } else { second = max(second, figure) }
    }
  }

  static let bins = 48
  /// Turns in a block, 8, as a power of two.
  private static let blockBits: Int32 = 3
  /// Of the figures that are kept, nats, rounded up: a byte each.
  private static let unit: Float = 0.125

  /// 0: nothing was ever seen.
  private var period = 0.0
  private var phases: [Phase] = []

  /// The second highest figure of turns that are over, at about this time of theirs: in this phase and the two beside it.
  @inline(__always)
  func usual(at place: Place, of turning: Turning) -> Float {
    guard turning.isKnown, period == turning.period else { return 0 }
    let last = Self.bins - 1
    let before =
      place.bin == 0 ? past(last, before: place.turn - 1) : past(place.bin - 1, before: place.turn)
    let after =
      place.bin == last ? past(0, before: place.turn + 1) : past(place.bin + 1, before: place.turn)
    return Float(max(past(place.bin, before: place.turn), before, after)) * Self.unit
  }

  private func past(_ bin: Int, before turn: Int32) -> UInt8 {
    let phase = phases[bin]
    let since = Int(turn) - Int(phase.turn)
    if since > 2 << Self.blockBits { return 0 }
    var highest = phase.newer
    highest.add(phase.older.first)
    highest.add(phase.older.second)
    if since > 0 { highest.add(phase.latest) }
    return highest.second
  }

  mutating func add(_ figure: Float, at place: Place, of turning: Turning) {
    if period != turning.period {
      period = turning.period
      phases = Array(repeating: Phase(), count: Self.bins)
    }
    let size = UInt8(max(0, min((figure / Self.unit).rounded(.up), 255)))
    let turn = phases[place.bin].turn
    if place.turn <= turn {
      // What comes from an older turn counts as of the latest, and so no sooner than that is over.
      phases[place.bin].latest = max(phases[place.bin].latest, size)
      return
    }
    var phase = phases[place.bin]
    phase.newer.add(phase.latest)
    let blocks = Int(place.turn >> Self.blockBits) - Int(turn >> Self.blockBits)
    if blocks > 0 { (phase.older, phase.newer) = (blocks == 1 ? phase.newer : Two(), Two()) }
    (phase.turn, phase.latest) = (place.turn, size)
    phases[place.bin] = phase
  }

  func encode(to writer: inout ByteWriter) {
    writer.append(period)
    for phase in phases {
      writer.append(phase.turn)
      for size in [
        phase.latest, phase.newer.first, phase.newer.second, phase.older.first, phase.older.second,
      ] { writer.append(size) }
    }
  }

  init() {}

  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    period = try reader.finiteDouble()
    if period == 0 { return }
    for _ in 0..<Self.bins {
      phases.append(
        Phase(
          turn: Int32(bitPattern: try reader.uint32()), latest: try reader.uint8(),
          newer: Two(first: try reader.uint8(), second: try reader.uint8()),
          older: Two(first: try reader.uint8(), second: try reader.uint8())))
    }
  }
}
