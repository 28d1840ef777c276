public import Tensors

extension Tape {
  /// What each computed node costs: its name, shape and nanoseconds, the least of `runs` runs.
  ///
  /// - Parameter nanoseconds: a clock that never goes back.
  public func profile(
    _ runs: Int = 10, nanoseconds: () -> UInt64
  ) -> [(name: String, shape: Shape, nanoseconds: Double)] {
    var best = [Double](repeating: .infinity, count: nodes.count)
    for _ in 0..<runs {
      for index in nodes.indices where nodes[index].kind == .computed {
        let start = nanoseconds()
        run(index..<index + 1)
        best[index] = min(best[index], Double(nanoseconds() - start))
      }
    }
    return nodes.indices.compactMap { index in
      guard nodes[index].kind == .computed, let name = nodes[index].operation?.name else { return nil }
      return (name, views[index].shape, best[index])
    }
  }
}
