import Foundation
import Networks
import Tensors

/// What can be chosen about an n-gram model.
public struct NGramSettings: ModelSettings {
  /// How many symbols before it foretell one.
  public var order = 4

  public init() {}
  public func check() throws(FitError) {
    guard (0...16).contains(order) else { throw .setting("order is \(order), not 0 to 16") }
  }
}

/// Each symbol foretold from the few before it in its row, by counts with the smoothing of Witten & Bell 1991:
/// `p(s | h) = (n(h, s) + t(h) p(s | h')) / (n(h) + t(h))`, where `t(h)` different symbols were seen after the context `h`, and `h'` is
/// the context without its first symbol; in the end all symbols are equally likely.
///
/// Rows of whole numbers are symbols of one language, the same everywhere in a row (a text is cut into rows). Bits are columns that
/// have each their own meaning, and so their own counts.
public struct NGram: ReferenceModel, AutoregressiveModel {
  public static let catalogueName = "ngram"
  let frame: ReferenceFrame<NGramSettings>
  /// By the length of the context.
  let tables: [NGramTable]
  let alphabet: Int
  var isOfColumns: Bool { preparation.form.support == .binary }

  /// Most symbols there may be.
  static let mostSymbols = 65536

  static func fit(_ records: Records, _ settings: NGramSettings) throws(FitError) -> NGram {
    let data = records.matrix
    try data.check(minimumRows: 2)
    let isOfSymbols =
      records.form.support != .binary
      && data.values.allSatisfy { $0 >= 0 && $0 < Float(mostSymbols) && $0 == $0.rounded() }
    let preparation =
      isOfSymbols
      ? Preparation(
        kind: .asGiven, given: records.form, form: records.form, usual: data.moments(floor: 0).mean)
      : Preparation(records, wanted: .binary)
    let rows = isOfSymbols ? data.values : drawnBits(preparation(data), seed: 1)
    let alphabet = isOfSymbols ? Int(data.values.max() ?? 0) + 1 : 2
    let width = preparation.form.width
    let positions = isOfSymbols ? 1 : width
    guard
      log2(Double(positions)) + Double(settings.order + 1) * log2(Double(max(alphabet, 2))) < 62
    else {
      throw .unsuitable(
        "contexts of \(settings.order) symbols of \(alphabet) are too many to count; a lower order is needed")
    }
    let missing = MissingEntries(data.mask, first: 0, preparation)
    let tables = (0...settings.order).map { length in
      var keys: [Int] = []
      keys.reserveCapacity(rows.count)
      for row in 0..<rows.count / width {
        // The places of this row from here on that are known without a gap.
        var run = 0
        for place in 0..<width {
          run = missing?.isMissing(row, place) == true ? 0 : run + 1
          guard run > length else { continue }
          var key = isOfSymbols ? 0 : place
          for i in place - length...place { key = key * alphabet + Int(rows[row * width + i]) }
          keys.append(key)
        }
      }
      return NGramTable(counting: keys, alphabet: alphabet)
    }
    return NGram(
      frame: ReferenceFrame(settings, preparation, ColumnSummary(data)), tables: tables, alphabet: alphabet)
  }

  // MARK: probabilities

  /// The symbol of a prepared number; nil for what is none of the alphabet.
  private func symbol(_ value: Float) -> Int? {
    guard value >= 0, value < Float(alphabet) else { return nil }
    return isOfColumns ? (value > 0.5 ? 1 : 0) : Int(value)
  }

  /// `p(symbol | the symbols before this place of the row that begins at an index)`; a symbol of no alphabet is as probable as
  /// one that was never seen.
  private func probability(
    _ symbol: Int?, _ rows: [Float], row: Int, place: Int, _ missing: MissingEntries?
  ) -> Double {
    let at = row * wide
    let position = isOfColumns ? place : 0
    var p = 1 / Double(alphabet)
    var (context, power) = (0, 1)
    for length in 0..<tables.count {
      if length > 0 {
        guard place >= length, missing?.isMissing(row, place - length) != true,
          let before = self.symbol(rows[at + place - length])
        else { break }
        context += before * power
        power *= alphabet
      }
      let seen = tables[length].seen(position * power + context, before: symbol)
      guard seen.types > 0 else { break }
      let types = Double(seen.types)
      p = (Double(seen.count) + types * p) / (Double(seen.total) + types)
    }
    return p
  }

  func reserve(_ space: inout WorkingSpace) {}

  func logDensities(_ space: inout WorkingSpace, count: Int, missing: MissingEntries?) {
    for row in 0..<count {
      var sum = 0.0
      for place in 0..<wide where missing?.isMissing(row, place) != true {
        let symbol = symbol(space.rows[row * wide + place])
        sum += log(probability(symbol, space.rows, row: row, place: place, missing))
      }
      space.results[row] = sum
    }
  }

  // MARK: order

  /// Of the prepared rows.
  public var order: [Int] { Array(0..<wide) }

  public func conditionals(of rows: Records) -> [Float] {
    let values = preparation(rows.matrix)
    let missing = MissingEntries(rows.matrix.mask, first: 0, preparation)
    return values.indices.map { i in
      let (row, place) = (i / wide, i % wide)
      guard missing?.isMissing(row, place) != true else { return 0 }
      return Float(log(probability(symbol(values[i]), values, row: row, place: place, missing)))
    }
  }

  public func sample(count: Int, seed: UInt64) -> [Float] {
    drawn(count, seed) { symbol, rows, row, place in
      probability(symbol, rows, row: row, place: place, nil)
    }
  }

  /// Every probability from the whole row, by ``conditionals(of:)``.
  public func sampleNaively(count: Int, seed: UInt64) -> [Float] {
    guard preparation.kind == .asGiven else { return sample(count: count, seed: seed) }
    return drawn(count, seed) { symbol, rows, row, place in
      var tried = Array(rows[row * wide..<(row + 1) * wide])
      tried[place] = Float(symbol)
      let one = Records(DataMatrix(rows: 1, columns: wide, values: tried), form: preparation.given)
      return exp(Double(conditionals(of: one)[place]))
    }
  }

  private func drawn(
    _ count: Int, _ seed: UInt64, _ probability: (_ symbol: Int, [Float], _ row: Int, _ place: Int) -> Double
  ) -> [Float] {
    var random = RandomStream(seed: seed, stream: Purpose.sampling.stream(0))
    var rows = [Float](repeating: 0, count: count * wide)
    for row in 0..<count {
      for place in 0..<wide {
        var left = Double(random.uniform())
        var symbol = 0
        while symbol < alphabet - 1 {
          left -= probability(symbol, rows, row, place)
          if left < 0 { break }
          symbol += 1
        }
        rows[row * wide + place] = Float(symbol)
      }
    }
    return preparation.restored(rows)
  }
}

/// Counts of the symbols after all contexts of one length.
struct NGramTable: Sendable {
  /// What is known of a context: how often it was seen, before how many different symbols, and how often before a certain one.
  struct Seen {
    var total: Float = 0
    var types: Float = 0
    var count: Float = 0
  }

  let alphabet: Int
  /// `context · alphabet + symbol`, ascending, and how often.
  let grams: [Int]
  let counts: [Float]
  /// Each context that was seen, ascending; how often; and where its grams begin.
  private let contexts: [Int]
  private let totals: [Float]
  private let starts: [Int]
  /// The same by context and by gram where these are not too many: most contexts of bits.
  private let direct: (totals: [Float], types: [Float], counts: [Float])?
  private static let mostDirect = 1 << 20

  init(counting keys: [Int], alphabet: Int) {
    var grams: [Int] = []
    var counts: [Float] = []
    for key in keys.sorted() {
      if grams.last == key {
        counts[counts.count - 1] += 1
      } else {
        grams.append(key)
        counts.append(1)
      }
    }
    self.init(grams: grams, counts: counts, alphabet: alphabet)
  }

  /// - Precondition: the grams are sorted.
  init(grams: [Int], counts: [Float], alphabet: Int) {
    self.alphabet = alphabet
    self.grams = grams
    self.counts = counts
    var contexts: [Int] = []
    var starts: [Int] = []
    var totals: [Float] = []
    for (i, gram) in grams.enumerated() {
      if contexts.last != gram / alphabet {
        contexts.append(gram / alphabet)
        starts.append(i)
        totals.append(0)
      }
      totals[totals.count - 1] += counts[i]
    }
    self.contexts = contexts
    self.starts = starts + [grams.count]
    self.totals = totals
    guard let last = grams.last, last < Self.mostDirect else {
      direct = nil
      return
    }
    let size = last / alphabet + 1
    var table = (
      totals: [Float](repeating: 0, count: size), types: [Float](repeating: 0, count: size),
      counts: [Float](repeating: 0, count: size * alphabet)
    )
    for (i, gram) in grams.enumerated() {
      table.counts[gram] = counts[i]
      table.totals[gram / alphabet] += counts[i]
      table.types[gram / alphabet] += 1
    }
    direct = table
  }

  /// - Parameter symbol: nil for one that was never seen.
  func seen(_ context: Int, before symbol: Int?) -> Seen {
    var seen = Seen()
    if let direct {
      guard context < direct.totals.count else { return seen }
      seen.total = direct.totals[context]
      seen.types = direct.types[context]
      if let symbol { seen.count = direct.counts[context * alphabet + symbol] }
      return seen
    }
    guard let index = Self.find(context, in: contexts, 0..<contexts.count) else { return seen }
    let range = starts[index]..<starts[index + 1]
    seen.total = totals[index]
    seen.types = Float(range.count)
    if let symbol, let gram = Self.find(context * alphabet + symbol, in: grams, range) {
      seen.count = counts[gram]
    }
    return seen
  }

  private static func find(_ key: Int, in sorted: [Int], _ range: Range<Int>) -> Int? {
    var (low, high) = (range.lowerBound, range.upperBound)
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] < key { low = middle + 1 } else { high = middle }
    }
    return low < range.upperBound && sorted[low] == key ? low : nil
  }
}

// MARK: bytes

extension NGram {
  public func encode() -> [UInt8] {
    var tensors = ["alphabet": Tensor([Float(alphabet)], shape: [1])]
    for (length, table) in tables.enumerated() {
      // Numbers of 62 bits as three of 21, which single precision holds.
      let digits = table.grams.enumerated().flatMap { i, gram in
        [Float(gram >> 42), Float(gram >> 21 & 0x1f_ffff), Float(gram & 0x1f_ffff), table.counts[i]]
      }
      tensors["grams.\(length)"] = Tensor(digits, shape: [table.grams.count, 4])
    }
    return frame.encode(tensors, as: Self.catalogueName)
  }

  public init(decoding bytes: [UInt8]) throws {
    let file = try Weights(decoding: bytes)
    let frame = try ReferenceFrame<NGramSettings>(file, as: Self.catalogueName)
    let alphabet = try file.tensor("alphabet", shape: [1]).values[0]
    guard alphabet >= 1, alphabet <= Float(Self.mostSymbols), alphabet == alphabet.rounded() else {
      throw WeightsError.wrongValue("an alphabet of \(alphabet) symbols")
    }
    let tables = try (0...frame.settings.order).map { length in
      let digits = try file.tensor("grams.\(length)", shape: [nil, 4]).values
      guard digits.allSatisfy({ $0 >= 0 && $0 < 0x1p24 && $0 == $0.rounded() }) else {
        throw WeightsError.wrongValue("grams.\(length) holds what is no count")
      }
      let rows = 0..<digits.count / 4
      let grams = rows.map { i in
        Int(digits[4 * i]) << 42 | Int(digits[4 * i + 1]) << 21 | Int(digits[4 * i + 2])
      }
      guard zip(grams, grams.dropFirst()).allSatisfy({ $0 < $1 }) else {
        throw WeightsError.wrongValue("grams.\(length) are not sorted")
      }
      return NGramTable(
        grams: grams, counts: rows.map { digits[4 * $0 + 3] }, alphabet: Int(alphabet))
    }
    self.init(frame: frame, tables: tables, alphabet: Int(alphabet))
  }
}
