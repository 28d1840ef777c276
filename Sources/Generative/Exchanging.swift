import Tensors

extension DataMatrix {
  /// Rows to learn background from: each entry is, with probability `share`, that of a row chosen at random. What each input is by itself
  /// stays, what belongs together in a row is loosened; the same seed gives the same bits.
  ///
  /// Ren et al. 2019, "Likelihood ratios for out-of-distribution detection", section 3, for numbers in place of bases and pixels.
  public func exchanging(share: Double, seed: UInt64) -> DataMatrix {
    var result = self
    var random = RandomStream(seed: seed)
    for index in values.indices where Double.random(in: 0..<1, using: &random) < share {
      let other = Int.random(in: 0..<rows, using: &random) * columns + index % columns
      result.values[index] = values[other]
      if let mask { result.mask?[index] = mask[other] }
    }
    return result
  }
}
