import Glibc

/// For how many events in a row a field keeps the very same value in normal life, and how probable a longer run is.
///
/// The chance to hold on for one more event is taken from the runs themselves, once for each of the lengths 1, 2, 4, …: how
/// often runs that reached this length went on (with one success and one failure added, Laplace's rule of succession).
/// Of these estimates the one by which a long run is most probable counts, so that a field which rests for hours and
/// moves quickly in between is judged by its hours.
struct RunLaw: Sendable, Equatable {
  /// A run that reached `from` events goes on as by the chance e^`stay` each time.
  struct Tail: Sendable, Equatable {
    var from: UInt32
    /// ln of the share of runs that reach `from`.
    var reach: Float
    var stay: Float
  }

  /// The longest run seen, in events; 0: nothing was seen.
  var longest: UInt32 = 0
  /// Empty when the field changed too seldom to say anything.
  var tails: [Tail] = []

  /// Runs below which there is no law.
  static let leastRuns = 16

  init() {}

  /// - Parameter runs: lengths of completed runs and of those that were cut short.
  init(ended: [Int], cut: [Int]) {
    longest = UInt32(clamping: max(ended.max() ?? 0, cut.max() ?? 0))
    guard ended.count >= Self.leastRuns else { return }
    let all = Double(ended.count + cut.count)
    var from = 1
    while from <= Int(longest) {
      let endedThere = ended.filter { $0 >= from }
      let cutThere = cut.filter { $0 >= from }
      // How often such a run went on, and how often it could have ended.
      let went = endedThere.reduce(0) { $0 + $1 - from } + cutThere.reduce(0) { $0 + $1 - from }
      let stay = Double(went + 1) / Double(went + endedThere.count + 2)
      let reached = Double(endedThere.count + cutThere.count) / all
      tails.append(Tail(from: UInt32(from), reach: Float(log(reached)), stay: Float(log(stay))))
      from *= 2
    }
  }

  /// Events in a row that are worth looking at: a good deal more than ever before.
  var patience: UInt32 { tails.isEmpty ? .max : Self.patience(longest: longest) }

  static func patience(longest: UInt32) -> UInt32 { UInt32(clamping: 2 * Int(longest) + 3) }

  /// ln of the probability that a run is at least so long.
  func logP(_ length: UInt32) -> Float {
    var highest = -Float.infinity
    for tail in tails where tail.from <= length {
      highest = max(highest, tail.reach + tail.stay * Float(length - tail.from))
    }
    return highest == -.infinity ? 0 : highest
  }

  /// The laws of `columns`, of rows that are not quarantined; a run does not go on across a gap.
  static func laws(of rows: TrainingRows, columns: [Int]) -> [RunLaw] {
    let starts = Set(rows.segmentStarts)
    let width = rows.fields.count
    return columns.map { column in
      var ended: [Int] = []
      var cut: [Int] = []
      var (value, length) = (Float.nan, 0)
      for row in 0..<rows.count {
        if rows.quarantined[row] || starts.contains(row) {
          if length > 0 { cut.append(length) }
          length = 0
          if rows.quarantined[row] { continue }
        }
        let next = rows.values[row * width + column]
        if !next.isFinite { continue }
        if length > 0, next == value {
          length += 1
        } else {
          if length > 0 { ended.append(length) }
          (value, length) = (next, 1)
        }
      }
      if length > 0 { cut.append(length) }
      return RunLaw(ended: ended, cut: cut)
    }
  }

  func encode(to writer: inout ByteWriter) {
    writer.append(longest)
    writer.append(UInt32(tails.count))
    for tail in tails {
      writer.append(tail.from)
      writer.append(tail.reach)
      writer.append(tail.stay)
    }
  }

  init(decoding reader: inout ByteReader) throws(DetectionDecodingError) {
    longest = try reader.uint32()
    for _ in 0..<(try reader.count(of: 12)) {
      tails.append(
        Tail(from: try reader.uint32(), reach: try reader.finiteFloat(), stay: try reader.finiteFloat()))
    }
  }
}

extension StreamModel {
  static let runSection = "runs"
  private static let runVersion: UInt32 = 1

  static func encode(_ runs: [RunLaw]) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(runVersion)
    writer.append(UInt32(runs.count))
    for law in runs { law.encode(to: &writer) }
    return writer.bytes
  }

  /// Models of before there was such a section know nothing of runs.
  static func runs(
    in sections: [(name: String, bytes: [UInt8])], fields: Int
  ) throws(DetectionDecodingError) -> [RunLaw] {
    guard let section = sections.first(where: { $0.name == runSection }) else { return [] }
    var reader = ByteReader(section.bytes, section: runSection)
    try reader.version(runVersion)
    var runs: [RunLaw] = []
    for _ in 0..<(try reader.count(of: 8)) { runs.append(try RunLaw(decoding: &reader)) }
    try reader.end()
    guard runs.count == fields else {
      throw .invalid(section: runSection, what: "\(runs.count) laws for \(fields) fields")
    }
    return runs
  }
}
