import Tensors

/// In which order numbers are foretold.
enum Ordering {
  /// As they come for 0, else shuffled by this seed: `result[i]` is the place of the `i`-th.
  static func places(_ count: Int, seed: Int) -> [Int] {
    guard seed != 0 else { return Array(0..<count) }
    var random = RandomStream(seed: UInt64(seed), stream: 1)
    return random.permutation(count)
  }

  static func check(_ seed: Int) throws(FitError) {
    guard (0...1 << 31).contains(seed) else {
      throw .setting("ordering is \(seed), not the seed of an order, or 0 for the one of the columns")
    }
  }
}
