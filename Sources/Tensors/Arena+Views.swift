// Between an arena and memory that others keep, such as the parameters of a training run.

extension Arena {
  /// Copies a contiguous view into a region of as many numbers.
  public mutating func load(_ x: View, into region: Region) {
    check(x, region)
    unsafe with { base in
      guard let to = unsafe Self.at(base, region, region.count) else { return }
      unsafe to.update(from: x.start, count: region.count)
    }
  }

  /// `y = factor · x` for a contiguous view of as many numbers as the region has.
  public mutating func store(_ region: Region, factor: Float = 1, into y: View) {
    check(y, region)
    unsafe with { base in
      guard let from = unsafe Self.at(base, region, region.count) else { return }
      unsafe Kernels.affine(region.count, from, factor: factor, shift: 0, into: y.start)
    }
  }

  private func check(_ x: View, _ region: Region) {
    precondition(
      x.isContiguous && x.count == region.count,
      "a view of \(x.shape) and a region of \(region.count) numbers")
  }
}
