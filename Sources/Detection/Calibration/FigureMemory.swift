/// How the detectors' p-values of one event, and of the events just before it, become one figure.
///
/// The mean of −ln p over the detectors (Fisher's statistic by their number) says how odd an event is, and one detector alone
/// can raise it. To it its exponential means over a short and a long stretch of the past are added: what is only a little
/// odd, but for a while, adds up, at whichever of the three time scales it stands out. Nothing here assumes that detectors or
/// events are independent: whatever comes out gets its p-value from thresholds that were learned on the same figure.
struct FigureMemory: Sendable, Equatable {
  /// Events after which an event counts half, in the two means.
  static let halfLives: (short: Float, long: Float) = (3, 10)
  /// A figure counts up to this much in the means, in nats, so that a fault is forgotten soon after its end.
  static let bound: Float = 10
  /// 1 − 2^(−1/halfLife)
  private static let (shortShare, longShare): (Float, Float) = (0.206_299_5, 0.066_967_0)

  private(set) var short: Float = 0
  private(set) var long: Float = 0
  private(set) var hasBegun = false
  /// The highest bounded figure of the past, forgotten with a half-life of ``peakHalfLife`` events.
  private(set) var peak: Float = 0
  static let peakHalfLife: Float = 400
  /// 2^(−1/peakHalfLife)
  private static let peakKept: Float = 0.998_268_6

  /// The mean of what began, forgotten with a half-life of ``lastingHalfLife`` events. Beside the figures it is not part of what
  /// is encoded here, since only scores that compare events far apart read it.
  var lasting: Float = 0
  static let lastingHalfLife: Float = 50
  /// 1 − 2^(−1/lastingHalfLife)
  private static let lastingShare: Float = 0.013_767_3

  /// Takes the figure of an event; it with its past.
  @inline(__always)
  mutating func add(_ figure: Float) -> Float {
    let counted = min(figure, Self.bound)
    if hasBegun {
      short += Self.shortShare * (counted - short)
      long += Self.longShare * (counted - long)
    } else {
      // As if it had always been a usual one: a mean of −ln p is 1 where p is uniform.
      short = 1 + Self.shortShare * (counted - 1)
      long = 1 + Self.longShare * (counted - 1)
      hasBegun = true
    }
    return figure + short + long
  }

  /// How much above the recent past is still no beginning, in nats.
  private static let tolerance: Float = 0.3

  /// Takes the bounded figure of an event; by how much it is above all of the recent past, and above what was at this time of other
  /// days (``RecurringPeaks``): 0 unless something begins.
  @inline(__always)
  mutating func beginning(_ bounded: Float, above usual: Float = 0) -> Float {
    let above = max(0, bounded - max(peak, usual) - Self.tolerance)
    peak = max(peak * Self.peakKept, bounded)
    return above
  }

  /// The same, and beside it the mean of what began over the last stretch: highest where something begins, and somewhat
  /// higher for a while after, since what began has seldom ended with its first event.
  @inline(__always)
  mutating func begun(_ bounded: Float, above usual: Float = 0) -> Float {
    let above = beginning(bounded, above: usual)
    lasting += Self.lastingShare * (above - lasting)
    return above + lasting
  }

  /// Before the first event: as if the past had held one that alone brings the figure to `figure`, but at most `most`.
  mutating func assumePeak(of figure: Float, most: Float) {
    if peak == 0 { peak = min(max(0, (figure - 2) / (1 + Self.shortShare + Self.longShare)), most) }
  }

  mutating func reset() { hasBegun = false }

  /// The means of a past to which an event that came late was added; the peak stays.
  mutating func takeMeans(of other: FigureMemory) {
    (short, long, hasBegun) = (other.short, other.long, other.hasBegun)
  }

  func encode(to writer: inout ByteWriter) {
    writer.append(short)
    writer.append(long)
    writer.append(hasBegun)
    writer.append(peak)
  }

  init() {}

  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    short = try reader.finiteFloat()
    long = try reader.finiteFloat()
    hasBegun = try reader.bool()
    peak = try reader.finiteFloat()
  }
}
