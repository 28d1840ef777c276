public import Tensors

extension Tape {
  /// What each computed node costs: its name, shape and nanoseconds, the least of `runs` runs.
  public func profile(_ runs: Int = 10) -> [(name: String, shape: Shape, nanoseconds: Double)] {
    let clock = ContinuousClock()
    var best = [Double](repeating: .infinity, count: nodes.count)
    for _ in 0..<runs {
      for index in nodes.indices where nodes[index].kind == .computed {
        let time = clock.measure { run(index..<index + 1) }
        best[index] = min(best[index], Double(time.components.attoseconds) * 1e-9)
      }
    }
    return nodes.indices.compactMap { index in
      guard nodes[index].kind == .computed, let name = nodes[index].operation?.name else { return nil }
      return (name, views[index].shape, best[index])
    }
  }
}
