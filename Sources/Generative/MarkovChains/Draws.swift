/// What chains gave: for every chain the same number of draws of named quantities.
public struct Draws: Sendable, Equatable {
  public let names: [String]
  /// By chain: draw behind draw, `draws × names`.
  public private(set) var values: [[Double]]

  public init(names: [String], chains: Int) {
    self.names = names
    values = [[Double]](repeating: [], count: chains)
  }

  public var chains: Int { values.count }
  /// Draws per chain.
  public var count: Int { (values.map(\.count).min() ?? 0) / max(names.count, 1) }

  public mutating func append(_ draw: [Double], chain: Int) {
    precondition(draw.count == names.count, "\(draw.count) numbers for \(names.count) quantities")
    values[chain] += draw
  }

  mutating func reserve(_ draws: Int) {
    for chain in values.indices { values[chain].reserveCapacity(draws * names.count) }
  }

  /// Leaves every chain as many draws as the shortest has.
  mutating func trim() {
    let kept = count * names.count
    for chain in values.indices { values[chain].removeLast(values[chain].count - kept) }
  }

  /// One quantity by chain.
  public subscript(quantity: Int) -> [[Double]] {
    values.map { chain in stride(from: quantity, to: count * names.count, by: names.count).map { chain[$0] } }
  }

  public subscript(name: String) -> [[Double]]? { names.firstIndex(of: name).map { self[$0] } }

  /// One draw: its quantities in the order of the names.
  public func draw(_ index: Int, chain: Int) -> ArraySlice<Double> {
    values[chain][index * names.count..<(index + 1) * names.count]
  }
}
