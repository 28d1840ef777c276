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
  /// Per level: exceedances since it opened.
  private(set) var exceeded: InlineArray<16, Float>
  /// Events since it opened.
  private(set) var events: Float = 0

  /// - Parameters:
  ///   - tracker: as it stands when the incident opens.
  ///   - opening: the score of the event that opens it, and how many such events it took.
  init(_ tracker: ThresholdTracker, opening: (score: Float, events: Int)) {
    self.tracker = tracker
    // However spread the scores of the incident are.
    self.tracker.reach = ThresholdTracker.unlimited
    surplus = InlineArray(repeating: 0)
    exceeded = InlineArray(repeating: 0)
    let times = SIMD16(repeating: Float(max(0, opening.events - 1)))
    exceeded.lanes = times.only(where: tracker.exceeded(by: opening.score).levels)
  }

  func logP(_ u: Float) -> Float { tracker.logP(u) }

  mutating func update(_ u: Float, step: Float) {
    let levels = tracker.exceeded(by: u).levels
    let ones = SIMD16<Float>(repeating: 1).only(where: levels)
    events += 1
    exceeded.lanes += ones
    surplus.lanes = (surplus.lanes + ones - Levels.alphas.lanes).atLeast(.zero)
    let isOwed = SIMD16(repeating: Self.unexplained).isBelow(surplus.lanes)
    tracker.chase(u, exceeding: levels, owed: isOwed, step: step)
  }
}

/// Exceedances that incidents had beyond those promised: an account of surprise.
///
/// Incidents that come again and again are nothing rare, whatever they are: a level whose account is overdrawn learns from them
/// when they end, instead of going back to where it was. So over any n events the exceedances are at most α n and what is owed.
struct SurpriseAccount: Sendable, Equatable {
  /// Exceedances that a level may owe before it begins to learn from incidents; at twice as many it learns all. One excursion
  /// of the figure, which remembers with a half-life of ``FigureMemory/halfLives``, is about as many events long, also by chance.
  static let limit: Float = 10
  /// The same for fields that stand still: an incident of one is told after a few events.
  static let restLimit: Float = 4

  private var owed = InlineArray<16, Float>(repeating: 0)
  /// Events scored when it was last settled.
  private var settled: UInt64 = 0

  static func == (a: Self, b: Self) -> Bool {
    a.settled == b.settled && (0..<16).allSatisfy { a.owed[$0] == b.owed[$0] }
  }

  /// Takes in what an incident that is over cost.
  ///
  /// - Parameter scored: events scored so far.
  /// - Returns: per level how much of the incident's learning is kept, 0…1.
  mutating func settle(_ incident: IncidentThresholds, scored: UInt64) -> SIMD16<Float> {
    let events = Float(scored &- settled)
    settled = scored
    // What was promised in the time since the last incident is not saved up: an account is never in credit.
    let calm = max(0, events - incident.events)
    let alphas = Levels.alphas.lanes
    owed.lanes = (owed.lanes - calm * alphas).atLeast(.zero)
    owed.lanes = (owed.lanes + incident.exceeded.lanes - incident.events * alphas).atLeast(.zero)
    let limit = SIMD16(repeating: Self.limit)
    return ((owed.lanes - limit) / limit).atLeast(.zero).atMost(SIMD16(repeating: 1))
  }

  /// Takes in an event that was a surprise by itself, outside of any incident.
  mutating func add(_ logP: Float, scored: UInt64) {
    let calm = Float(scored &- settled)
    settled = scored
    let ones = SIMD16<Float>(repeating: 1).only(where: SIMD16(repeating: logP).isBelow(Levels.logs.lanes))
    owed.lanes = (owed.lanes - calm * Levels.alphas.lanes).atLeast(.zero) + ones
  }

  /// Whether one in a thousand has been far more than that lately.
  ///
  /// - Parameter scored: events scored so far.
  func isOverdrawn(scored: UInt64) -> Bool {
    owed[12] - Float(scored &- settled) * Levels.alphas[12] > Self.restLimit
  }

  func encode(to writer: inout ByteWriter) {
    for level in 0..<16 { writer.append(owed[level]) }
    writer.append(settled)
  }

  init() {}

  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    for level in 0..<16 { owed[level] = try reader.finiteFloat() }
    settled = try reader.uint64()
  }
}

extension IncidentThresholds {
  func encode(to writer: inout ByteWriter) {
    tracker.encode(to: &writer)
    for level in 0..<16 { writer.append(surplus[level]) }
    for level in 0..<16 { writer.append(exceeded[level]) }
    writer.append(events)
  }

  /// - Parameter tracker: of the same model.
  init(decoding reader: inout ByteReader, like tracker: ThresholdTracker) throws(DetectionDecodingError) {
    self.init(tracker, opening: (0, 0))
    try self.tracker.decode(from: &reader)
    for level in 0..<16 { surplus[level] = try reader.finiteFloat() }
    for level in 0..<16 { exceeded[level] = try reader.finiteFloat() }
    events = try reader.finiteFloat()
  }
}
