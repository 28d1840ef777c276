/// Thresholds that go on learning while an incident is open: what p-values rest on once it has been told.
///
/// The incident itself is judged by the thresholds as they stood when it opened. But the p-value of an event is that of the
/// next one after all that came before, the incident included: what lasts is soon no surprise. A level that was exceeded
/// ``unexplained`` times more often than it promises goes with the scores from then on, a whole distance at a time instead of
/// a step, until they exceed it no more often than they should. So a change that nobody calls a fault costs each level a few
/// events, whatever its size. Before an incident opens nothing moves like that: a fault that sets in slowly is found first.
struct IncidentThresholds: Sendable {
  /// Exceedances beyond those promised that may be the fault's, and are not followed.
  static let unexplained: Float = 2

  private(set) var tracker: ThresholdTracker
  /// Per level: exceedances so far less those promised, never below 0.
  private var surplus: InlineArray<16, Float>
  /// - Parameter tracker: as it stands when the incident opens.
  init(_ tracker: ThresholdTracker) {
    self.tracker = tracker
    // However spread the scores of the incident are.
    self.tracker.reach = ThresholdTracker.unlimited
    surplus = InlineArray(repeating: 0)
  }

  func logP(_ u: Float) -> Float { tracker.logP(u) }

  mutating func update(_ u: Float, step: Float) {
    let levels = tracker.exceeded(by: u).levels
    let ones = SIMD16<Float>(repeating: 1).only(where: levels)
    surplus.lanes = (surplus.lanes + ones - Levels.alphas.lanes).atLeast(.zero)
    let isOwed = SIMD16(repeating: Self.unexplained).isBelow(surplus.lanes)
    tracker.chase(u, exceeding: levels, owed: isOwed, step: step)
  }
}

/// Exceedances beyond those promised, of late: an account of surprise.
///
/// Incidents that come again and again are nothing rare, whatever they are: a level whose account is overdrawn learns from them
/// when they end, instead of going back to where it was. So over any n events the exceedances are at most 2 α n and what is owed.
struct SurpriseAccount: Sendable, Equatable {
  /// Exceedances that a level may owe before it begins to learn from incidents; at twice as many it learns all. One excursion
  /// of the figure, which remembers with a half-life of ``FigureMemory/halfLives``, is about as many events long, also by chance.
  static let limit: Float = 20
  /// The same for fields that stand still: an incident of one is told after a few events.
  static let restLimit: Float = 4

  private var owed = InlineArray<16, Float>(repeating: 0)
  /// Events scored when it was last drawn on.
  private var drawn: UInt64 = 0

  static func == (a: Self, b: Self) -> Bool {
    a.drawn == b.drawn && (0..<16).allSatisfy { a.owed[$0] == b.owed[$0] }
  }

  /// Takes in a surprise.
  ///
  /// - Parameters:
  ///   - logP: of the event, at most that of the levels it counts for.
  ///   - scored: events scored so far.
  mutating func add(_ logP: Float, scored: UInt64) {
    pass(to: scored)
    owed.lanes += SIMD16(repeating: 1).only(where: SIMD16(repeating: logP).isBelow(Levels.logs.lanes))
  }

  /// Per level how much is kept of what an incident taught, 0…1.
  mutating func shares(scored: UInt64) -> SIMD16<Float> {
    pass(to: scored)
    let limit = SIMD16(repeating: Self.limit)
    return ((owed.lanes - limit) / limit).atLeast(.zero).atMost(SIMD16(repeating: 1))
  }

  /// Twice what is promised comes in with every event, so that chance alone does not overdraw it in the long run. It is not
  /// saved up: an account is never in credit.
  private mutating func pass(to scored: UInt64) {
    let promised = Float(scored &- drawn) * Levels.alphas.lanes
    owed.lanes = (owed.lanes - 2 * promised).atLeast(.zero)
    drawn = scored
  }

  /// Whether one in a thousand has been far more than that lately.
  ///
  /// - Parameter scored: events scored so far.
  func isOverdrawn(scored: UInt64) -> Bool {
    owed[12] - 2 * Float(scored &- drawn) * Levels.alphas[12] > Self.restLimit
  }

  func encode(to writer: inout ByteWriter) {
    for level in 0..<16 { writer.append(owed[level]) }
    writer.append(drawn)
  }

  init() {}

  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    for level in 0..<16 { owed[level] = try reader.finiteFloat() }
    drawn = try reader.uint64()
  }
}

extension IncidentThresholds {
  func encode(to writer: inout ByteWriter) {
    tracker.encode(to: &writer)
    for level in 0..<16 { writer.append(surplus[level]) }
  }

  /// - Parameter tracker: of the same model.
  init(decoding reader: inout ByteReader, like tracker: ThresholdTracker) throws(DetectionDecodingError) {
    self.init(tracker)
    try self.tracker.decode(from: &reader)
    for level in 0..<16 { surplus[level] = try reader.finiteFloat() }
  }
}
