/// How the detectors' p-values of one event, and of the events just before it, become one figure.
///
/// `now` is the mean of −ln p over the detectors (Fisher's statistic), so that one detector alone can raise the alarm. What
/// is only a little odd, but for a while, shows in the mean of `now` over the last ``SustainedMean/window`` events; it
/// has its own thresholds, and the larger of both counts. Nothing here assumes that detectors or events are
/// independent: whatever comes out gets its p-value from thresholds that were learned on the same figure.
enum Combination {
  /// What sustained oddness is worth less than a sudden one, in nats: its alarms come in runs.
  static let discount: Float = 2

  /// Of figures, in nats: what p near 1 varies by means nothing.
  static let leastUnit = 0.1

  static func figure(now: Float, sustainedLogP: Float) -> Float { max(now, -sustainedLogP - discount) }
}

/// The mean of the last few figures; each counts up to a bound, so that it takes several to make it large.
struct SustainedMean: Sendable, Equatable {
  static let window = 8
  static let bound: Float = 7

  private(set) var recent = InlineArray<8, Float>(repeating: 0)
  private(set) var next = 0
  private(set) var filled = 0

  /// Takes a figure; the mean, or nil while there are too few.
  mutating func add(_ figure: Float) -> Float? {
    recent[next] = min(figure, Self.bound)
    next = (next + 1) % Self.window
    filled = min(filled + 1, Self.window)
    guard filled == Self.window else { return nil }
    var sum: Float = 0
    for index in 0..<Self.window { sum += recent[index] }
    return sum / Float(Self.window)
  }

  mutating func reset() { filled = 0 }

  static func == (a: SustainedMean, b: SustainedMean) -> Bool {
    a.next == b.next && a.filled == b.filled && (0..<window).allSatisfy { a.recent[$0] == b.recent[$0] }
  }

  func encode(to writer: inout ByteWriter) {
    for index in 0..<Self.window { writer.append(recent[index]) }
    writer.append(UInt8(next))
    writer.append(UInt8(filled))
  }

  init() {}

  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    for index in 0..<Self.window { recent[index] = try reader.finiteFloat() }
    next = Int(try reader.uint8())
    filled = Int(try reader.uint8())
    guard next < Self.window, filled <= Self.window else {
      throw .invalid(section: reader.section, what: "figure \(next) of \(Self.window)")
    }
  }
}
