import Glibc
import Tensors

/// Turns scores into p-values by thresholds that learn from every event: adaptive conformal inference.
///
/// For each level α it keeps a threshold q that moves by η·(1{score > q} − α): Gibbs & Candès, NeurIPS 2021, eq. 2, in the
/// quantile form of Angelopoulos, Barber & Bates, ICML 2024. Whatever the dependence of the scores, over n events the
/// rate of p ≤ α differs from α by at most (distance moved)/(η n). Three things are added:
/// - steps are in local tail lengths, and the larger the fewer exceedances of the level were seen yet;
/// - upward moves are paid for from an allowance that refills at a few times the promised rate: a fault that sets in
///   slowly cannot drag the thresholds along;
/// - downward moves and the allowance are settled once in ``period`` events; the thresholds keep their order and a least
///   distance.
struct ThresholdTracker: Sendable {
  /// Counted events between two settlements.
  static let period = FollowedThresholds.period
  /// Upward moves that a level can make in a row, while these are small.
  static let allowance: Float = 24
  static let levels = 16
  static let unlimited = Float.greatestFiniteMagnitude / 8

  /// In u, non-decreasing, of ``ScoreCalibration/levels``.
  private(set) var thresholds: InlineArray<16, Float>
  private var allowances: InlineArray<16, Float>
  private var steps: InlineArray<16, Float>
  /// Length of the tail beyond the last threshold, in u.
  private var tail: Float
  private var shape: Float
  private var leastGap: Float
  /// Tails up to so many times as long as at the calibration are taken for real: 0 until an incident taught that scores can be
  /// spread like that.
  var reach: Float = 0
  /// How many times the best step is taken.
  private var agility: Float
  /// How many events the calibration is worth.
  private var weight: Float
  /// No threshold falls below it: what lies below is the one score that there usually is.
  private let floor: Float
  /// Events that counted since the calibration.
  private(set) var counted: UInt32
  /// Roughly how many independent scores the thresholds rest on.
  var support: Float { weight + 0.25 * Float(counted) }

  init(_ calibration: ScoreCalibration, step: Float = 0.001) {
    thresholds = InlineArray { calibration.thresholds[$0] }
    allowances = InlineArray(repeating: 3)
    steps = InlineArray(repeating: 0)
    tail = 1
    shape = calibration.shape
    leastGap = calibration.leastGap
    weight = calibration.weight
    agility = calibration.agility
    floor = calibration.thresholds[0] > 0 ? calibration.thresholds[0] : -.infinity
    counted = 0
    measure(eta(step))
  }

  /// ln p of a score: linear in ln α between two thresholds, a generalised Pareto tail beyond the last.
  ///
  /// p ≤ α exactly when the score exceeds the threshold of α.
  func logP(_ u: Float) -> Float { logP(u, above: exceeded(by: u).count) }

  /// ln p of consecutive scores into the same places of `logP`.
  func logP(_ scores: [Float], _ range: Range<Int>, into logP: inout [Float]) {
    FollowedThresholds.logP(
      scores, range, thresholds: thresholds, logs: Levels.logs, tail: tail, shape: shape, leastGap: leastGap,
      into: &logP)
  }

  /// Learns from a score.
  ///
  /// - Parameter refill: false while an incident may be under way: what is left of the allowance must do.
  mutating func update(_ u: Float, step: Float, refill: Bool) {
    update(exceeded(by: u).levels, step: step, refill: refill)
  }

  /// ln p of consecutive scores, learning from each before the next: the same as one after the other, with refill.
  mutating func follow(_ scores: [Float], _ range: Range<Int>, step: Float, into logP: inout [Float]) {
    var common = FollowedThresholds.Common(
      tail: tail, shape: shape, leastGap: leastGap, agility: agility, weight: weight, floor: floor,
      reach: reach,
      allowance: Self.allowance, counted: counted)
    FollowedThresholds.follow(
      scores, range, alphas: Levels.alphas, logs: Levels.logs, factors: Levels.factors, step: step,
      common: &common, thresholds: &thresholds, allowances: &allowances, steps: &steps, into: &logP)
    (tail, counted) = (common.tail, common.counted)
  }

  /// The thresholds that are exceeded, from the lowest up to the first that is not.
  @inline(__always)
  func exceeded(by u: Float) -> (levels: Mask16, count: Int) {
    let levels = thresholds.lanes.isBelow(SIMD16(repeating: u))
    let bits = levels.bits
    let count = (~bits).trailingZeroBitCount
    // Between two settlements a threshold may have come to stand above the next: then one beyond that does not count.
    // Asked for, because it is rare and the next score then need not wait for the counting.
    return bits & (bits &+ 1) == 0 ? (levels, count) : (Mask16.first(count), count)
  }

  @inline(__always)
  private func logP(_ u: Float, above: Int) -> Float {
    if above == 0 {
      let width = max(thresholds[1] - thresholds[0], leastGap)
      return Levels.logs[0] / (1 + (thresholds[0] - u) / width)
    }
    if above == Self.levels {
      return Levels.logs[above - 1] - log1pf(shape * (u - thresholds[above - 1]) / tail) / shape
    }
    let low = thresholds[above - 1]
    let share = (u - low) / (thresholds[above] - low)
    return Levels.logs[above - 1] + share * (Levels.logs[above] - Levels.logs[above - 1])
  }

  @inline(__always)
  private mutating func update(_ isExceeded: Mask16, step: Float, refill: Bool) {
    let one = SIMD16<Float>(repeating: 1)
    // What is not paid for stays where it is, which takes back this event's part of the downward move to come.
    let isUnpaid = allowances.lanes.isBelow(one)
    let move = (Levels.alphas.lanes * steps.lanes).only(where: isUnpaid, else: steps.lanes)
    thresholds.lanes += move.only(where: isExceeded)
    allowances.lanes -= SIMD16.zero.only(where: isUnpaid, else: one).only(where: isExceeded)
    counted &+= 1
    if counted % Self.period == 0 { settle(step: step, refill: refill) }
  }

  /// After an incident that was as short as chance: the allowance is full again.
  mutating func replenish(step: Float) { allowances.lanes = most(eta(step)) }

  /// The allowance reaches no further than most of a tail length.
  private func most(_ eta: SIMD16<Float>) -> SIMD16<Float> {
    (0.8 / eta).atLeast(SIMD16(repeating: 3)).atMost(SIMD16(repeating: Self.allowance))
  }

  /// Learns from a score as one of an incident does: levels that are owed an explanation go all the way with it.
  mutating func chase(_ u: Float, exceeding levels: Mask16, owed: Mask16, step: Float) {
    let q = thresholds.lanes
    let far = (SIMD16(repeating: u) - q).atLeast(steps.lanes)
    let near = Levels.alphas.lanes * steps.lanes
    thresholds.lanes += far.only(where: owed, else: near).only(where: levels)
    counted &+= 1
    if counted % Self.period == 0 { settle(step: step, refill: false) }
  }

  /// Keeps a share (0…1, of each level) of how far the thresholds rose in an incident.
  mutating func keep(_ shares: SIMD16<Float>, of risen: ThresholdTracker, step: Float) {
    let isKept = SIMD16.zero.isBelow(shares)
    if isKept.bits == 0 { return }
    thresholds.lanes += shares * (risen.thresholds.lanes - thresholds.lanes).atLeast(.zero)
    keepOrder()
    extend(step: step)
  }

  /// From here on steps are as long as scores are spread.
  mutating func extend(step: Float) {
    reach = Self.unlimited
    measure(eta(step))
  }

  private mutating func settle(step: Float, refill: Bool) {
    let events = Float(Self.period)
    // While young, the thresholds may be far off and must be let go further.
    let pace = 2 + 20 / (1 + support / 150)
    let alphas = Levels.alphas.lanes
    let eta = eta(step)
    thresholds.lanes -= events * alphas * steps.lanes
    keepOrder()
    if refill {
      let refilled = allowances.lanes + events * (pace * alphas).atMost(alphas + 0.1)
      allowances.lanes = refilled.atMost(most(eta))
    }
    measure(eta)
  }

  /// No threshold comes nearer to the one before it than the least distance, and none below the floor.
  private mutating func keepOrder() {
    var least = floor
    for level in 0..<Self.levels {
      if thresholds[level] < least { thresholds[level] = least }
      if level + 1 < Self.levels {
        least = thresholds[level] + leastGap * (Levels.logs[level] - Levels.logs[level + 1])
      }
    }
  }

  /// The step of each level in tail lengths: as in averaging over all events seen (Robbins & Monro 1951; the best step for
  /// a quantile is 1 / (n · density)), down to a least one that goes on following.
  private func eta(_ step: Float) -> SIMD16<Float> {
    let seen = weight + Float(counted)
    let best = 1 / (10 + Levels.alphas.lanes * seen)
    return agility * best.atLeast(step * Levels.factors.lanes)
  }

  /// Local tail lengths, and from them the steps.
  private mutating func measure(_ eta: SIMD16<Float>) {
    let last = Self.levels - 1
    let q = thresholds.lanes
    let logs = Levels.logs.lanes
    // Levels that an incident drove together, far from the usual scores, would else be too slow to come back.
    let rise = ((q - SIMD16(repeating: q[2])) / Levels.beyondMiddle.lanes).atMost(SIMD16(repeating: reach))
    let length = ((q.after - q.before) / (logs.before - logs.after)).atLeast(rise)
    let most = 4 * max(1, rise[12])
    steps.lanes = eta * length.atLeast(SIMD16(repeating: 0.25)).atMost(SIMD16(repeating: most))
    tail = max(0.5, (thresholds[last] - thresholds[last - 3]) / (Levels.logs[last - 3] - Levels.logs[last]))
  }
}

/// The tail probabilities whose thresholds are kept, largest first; 10⁻², 10⁻³ and 10⁻⁴ are among them exactly.
enum Levels {
  static let alphas: InlineArray<16, Float> = [
    0.9, 0.75, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002, 0.001, 5e-4, 2e-4, 1e-4,
  ]
  /// Their natural logarithms; literals, so that they lie ready in the program.
  static let logs: InlineArray<16, Float> = [
    -0.1053605, -0.2876821, -0.6931472, -1.203973, -1.609438, -2.302585, -2.995732, -3.506558, -3.912023,
    -4.60517, -5.298317, -6.214608, -6.907755, -7.600903, -8.517193, -9.21034,
  ]
  /// ln of the median's level less that of each beyond it; for the others no distance.
  static let beyondMiddle = InlineArray<16, Float> { $0 > 2 ? logs[2] - logs[$0] : .infinity }
  /// Rare levels see few events and step further: 1 up to α = 0.1, then 1 + log₂(0.1/α) / 2.
  static let factors: InlineArray<16, Float> = [
    1, 1, 1, 1, 1, 1, 1.5, 1.868483, 2.160964, 2.660964, 3.160964, 3.821928, 4.321928, 4.821928, 5.482892,
    5.982892,
  ]
}

extension ThresholdTracker {
  func encode(to writer: inout ByteWriter) {
    for level in 0..<Self.levels { writer.append(thresholds[level]) }
    for level in 0..<Self.levels { writer.append(allowances[level]) }
    for level in 0..<Self.levels { writer.append(steps[level]) }
    writer.append(tail)
    writer.append(counted)
  }

  mutating func decode(from reader: inout ByteReader) throws(DetectionDecodingError) {
    for level in 0..<Self.levels { thresholds[level] = try reader.finiteFloat() }
    for level in 0..<Self.levels { allowances[level] = try reader.finiteFloat() }
    for level in 0..<Self.levels { steps[level] = try reader.finiteFloat() }
    tail = try reader.finiteFloat()
    counted = try reader.uint32()
    if !(tail > 0) { throw .invalid(section: reader.section, what: "a tail length of \(tail)") }
  }
}
