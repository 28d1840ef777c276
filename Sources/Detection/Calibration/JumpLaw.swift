import Events
import Glibc

/// How far a field lands from where its last value suggests, and how probable it is to land farther than ever.
///
/// The jump of an event is |z − φ z′|, in usual spreads: z is its value, z′ the one before (with what lies far out squashed), and φ
/// how much neighbours have in common, so that a field which wanders is judged by its steps and one without memory by its
/// values. The tail from the one jump in ten on is a generalised Pareto one. Its shape ξ is that of the jumps it was
/// learned from, but never light; its scale is such that the third largest jump ever seen lies where the third of n should be. So
/// for ξ = 0, of n jumps, ln p = −ln(n/3) − (jump − third) / λ, λ = (third − start) / ln(n/30).
///
/// Of a light tail (normal: exponential in squares) p is larger than the truth, and still a single value nine deviations off is
/// one in ten millions. Of a heavy one the records themselves lie far apart, which stretches λ; and each value that would be said
/// to be stranger than it was is a record: of n exchangeable values there are only about 3 ln n (Rényi 1962), whatever they come
/// from. Two faults may come before it is told that such jumps are usual.
struct JumpLaw: Sendable, Equatable {
  /// φ, 0…1.
  var follows: Float = 0
  /// One jump in ten is larger.
  var start: Float = 0
  /// ξ of the tail, 0…0.5.
  var shape: Float = 0
  /// The three largest, ascending; infinite when too few were seen to say anything.
  var largest = SIMD3<Float>(repeating: .infinity)
  /// Jumps it was learned from.
  var count: UInt32 = 0

  /// Nats beyond which a p-value is not worth its digits, and only keeps the order of what is stranger and stranger.
  static let mostNats: Float = 30
  /// Jumps below which there is no law.
  static let leastCount = 100
  /// A tail falls by e within a fifth of a spread at the fastest: a field that never moved is no law of nature.
  static let leastTail: Float = 0.2

  init() {}

  /// - Parameters:
  ///   - pairs: values in spreads of neighbouring rows, the earlier one squashed.
  init(_ pairs: [(before: Float, now: Float)], limit: Float) {
    guard pairs.count >= Self.leastCount else { return }
    var (product, square) = (0.0, 0.0)
    for (before, now) in pairs {
      product += Double(before) * Double(squash(now, limit: limit))
      square += Double(before) * Double(before)
    }
    let follows = Float(min(max(product / max(square, 1e-9), 0), 1))
    let jumps = pairs.map { abs($0.now - follows * $0.before) }.sorted()
    self.follows = follows
    start = jumps.quantile(0.9)
    shape = Float(
      GeneralizedPareto(
        excesses: jumps.filter { $0 > start }.map { Double($0) - Double(start) }, prior: 0.05, weight: 20
      ).shape)
    largest = SIMD3(jumps[jumps.count - 3], jumps[jumps.count - 2], jumps[jumps.count - 1])
    count = UInt32(clamping: jumps.count)
  }

  /// ln of the probability of a jump beyond the third largest.
  ///
  /// - Parameters:
  ///   - seen: jumps that `third` is the third largest of.
  func logP(_ jump: Float, third: Float, seen: Float) -> Float {
    let depth = logf((seen + 1) / 3)
    var tail = (third - start) / (depth - 2.302585)
    // Of a heavy tail it is longer at the third largest jump than on the way there.
    let growth = shape * (depth - 2.302585)
    if growth > 1e-3 { tail *= growth / (1 - expf(-growth)) }
    tail = max(tail, Self.leastTail)
    var nats = (jump - third) / tail
    if shape > 1e-3 { nats = log1pf(shape * nats) / shape }
    return -depth - squash(squash(nats, limit: Self.mostNats), limit: Self.mostNats)
  }

  /// The laws of `columns`, one after the other the plan's fields, of rows that are not quarantined.
  static func laws(of rows: TrainingRows, columns: [Int], plan: InputPlan) -> [JumpLaw] {
    let starts = Set(rows.segmentStarts)
    let width = rows.fields.count
    return columns.enumerated().map { field, column in
      var pairs: [(before: Float, now: Float)] = []
      var before = Float.nan
      for row in 0..<rows.count {
        let value = rows.values[row * width + column]
        if rows.quarantined[row] || !value.isFinite {
          before = .nan
          continue
        }
        if starts.contains(row) { before = .nan }
        let now = (value - plan.centres[field]) * plan.inverses[field]
        if !before.isNaN { pairs.append((before, now)) }
        before = squash(now, limit: plan.limit)
      }
      return JumpLaw(pairs, limit: plan.limit)
    }
  }

  func encode(to writer: inout ByteWriter) {
    for number in [follows, start, shape, largest.x, largest.y, largest.z] { writer.append(number) }
    writer.append(count)
  }

  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    follows = try reader.finiteFloat()
    start = try reader.finiteFloat()
    shape = try reader.finiteFloat()
    largest = SIMD3(try reader.float(), try reader.float(), try reader.float())
    count = try reader.uint32()
    guard (0...1).contains(follows), start >= 0, (0...0.5).contains(shape),
      largest.x <= largest.y, largest.y <= largest.z
    else {
      throw .invalid(section: reader.section, what: "impossible jumps")
    }
  }
}

/// The laws of a model's fields side by side, for the event path.
struct JumpLaws: Sendable {
  let laws: [JumpLaw]
  let follows: [Float]
  /// ln of the number of fields that may jump.
  let logFields: Float

  init(_ laws: [JumpLaw]) {
    self.laws = laws
    follows = laws.map(\.follows)
    logFields = Float(Double(max(1, laws.count { $0.count > 0 })).logarithm)
  }
}

/// The three largest jumps of each field by now.
struct JumpRecords: Sendable, Equatable {
  /// The third largest of each field, then the second largest, then the largest.
  private(set) var largest: [Float]

  init(_ laws: [JumpLaw] = []) {
    largest = laws.map(\.largest.x) + laws.map(\.largest.y) + laws.map(\.largest.z)
  }

  private init(largest: [Float]) { self.largest = largest }

  /// Which of up to 64 consecutive rows may hold a jump beyond the third largest of its field: a bit of each, the first lowest.
  ///
  /// - Parameters:
  ///   - levels: scaled and squashed, the row before the first at `first − fields`.
  func suspects(_ levels: [Float], at first: Int, count: Int, _ laws: JumpLaws, limit: Float) -> UInt64 {
    let fields = laws.follows.count
    guard fields > 0 else { return 0 }
    var found: UInt64 = 0
    unsafe levels.withUnsafeBufferPointer { levels in
      unsafe laws.follows.withUnsafeBufferPointer { follows in
        unsafe largest.withUnsafeBufferPointer { bounds in
          for row in 0..<count {
            let now = unsafe levels.baseAddress! + (first &+ row &* fields)
            var isAny: UInt32 = 0
            for field in 0..<fields {
              let level = unsafe now[field]
              let jump = unsafe abs(level - follows[field] * now[field &- fields])
              // Squashed levels are nearer than they were: looked at closely.
              unsafe isAny |= (jump > bounds[field] ? 1 : 0) | (abs(level) > limit ? 1 : 0)
            }
            if isAny != 0 { found |= 1 << UInt64(row) }
          }
        }
      }
    }
    return found
  }

  /// ln p of the farthest jump of a row, times the number of fields; 0 when none is beyond the third largest.
  ///
  /// - Parameters:
  ///   - at: of the row in `levels`.
  ///   - learned: rows that were taken in since the laws.
  func logP(_ levels: [Float], at: Int, _ laws: JumpLaws, limit: Float, learned: UInt32) -> Float {
    var lowest: Float = 0
    for field in laws.follows.indices {
      lowest = min(lowest, logP(levels, at: at, field, laws, limit: limit, learned: learned))
    }
    return lowest
  }

  /// The field of that jump; nil when none is beyond the third largest.
  func farthest(_ levels: [Float], at: Int, _ laws: JumpLaws, limit: Float, learned: UInt32) -> Int? {
    let all = laws.follows.indices.map { logP(levels, at: at, $0, laws, limit: limit, learned: learned) }
    guard let lowest = all.min(), lowest < 0 else { return nil }
    return all.firstIndex(of: lowest)
  }

  private func logP(
    _ levels: [Float], at: Int, _ field: Int, _ laws: JumpLaws, limit: Float, learned: UInt32
  ) -> Float {
    guard let jump = jump(levels, at: at, field, laws, limit: limit) else { return 0 }
    let law = laws.laws[field]
    return laws.logFields + law.logP(jump, third: largest[field], seen: Float(law.count) + Float(learned))
  }

  /// Takes the jumps of a row into account.
  mutating func learn(_ levels: [Float], at: Int, _ laws: JumpLaws, limit: Float) {
    let fields = laws.follows.count
    for field in 0..<fields {
      guard let jump = jump(levels, at: at, field, laws, limit: limit) else { continue }
      var place = field
      while place + fields < largest.count, largest[place + fields] < jump {
        largest[place] = largest[place + fields]
        place += fields
      }
      largest[place] = jump
    }
  }

  /// The jump of a field, when it is beyond the third largest.
  private func jump(_ levels: [Float], at: Int, _ field: Int, _ laws: JumpLaws, limit: Float) -> Float? {
    let before = levels[at + field - laws.follows.count]
    let jump = abs(unsquash(levels[at + field], limit: limit) - laws.follows[field] * before)
    return jump > largest[field] && jump < .infinity ? jump : nil
  }

  /// Takes over what another knows, without new storage.
  mutating func copy(_ other: JumpRecords) {
    largest.removeAll(keepingCapacity: true)
    largest.append(contentsOf: other.largest)
  }

  func encode(to writer: inout ByteWriter) { writer.append(largest) }

  /// - Parameter laws: of the model they belong to; nil for records of another model, which mean nothing.
  init(decoding reader: inout ByteReader, of laws: JumpLaws?) throws(DetectionDecodingError) {
    let largest = try reader.floats()
    guard let laws else {
      self.init()
      return
    }
    let fields = laws.follows.count
    guard largest.count == 3 * fields,
      (0..<2 * fields).allSatisfy({ largest[$0] <= largest[$0 + fields] })
    else { throw .invalid(section: reader.section, what: "impossible jumps") }
    self.init(largest: largest)
  }
}

extension StreamModel {
  static let jumpSection = "jumps"
  private static let jumpVersion: UInt32 = 1

  static func encode(_ laws: [JumpLaw]) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(jumpVersion)
    writer.append(UInt32(laws.count))
    for law in laws { law.encode(to: &writer) }
    return writer.bytes
  }

  /// Models of before there was such a section know nothing of jumps.
  static func jumps(
    in sections: [(name: String, bytes: [UInt8])], fields: Int
  ) throws(DetectionDecodingError) -> [JumpLaw] {
    guard let section = sections.first(where: { $0.name == jumpSection }) else { return [] }
    var reader = ByteReader(section.bytes, section: jumpSection)
    try reader.version(jumpVersion)
    var laws: [JumpLaw] = []
    for _ in 0..<(try reader.count(of: 28)) { laws.append(try JumpLaw(decoding: &reader)) }
    try reader.end()
    guard laws.count == fields else {
      throw .invalid(section: jumpSection, what: "\(laws.count) laws for \(fields) fields")
    }
    return laws
  }
}
