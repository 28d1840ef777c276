public import Tensors

/// Where one parameter lies in the flat numbers of ``Parameters``.
public struct Slot: Sendable, Hashable {
  public let offset: Int
  public let shape: Shape
  /// False for what is kept but not trained: running statistics, the vector of a spectral norm.
  public let isTrained: Bool

  public var range: Range<Int> { offset..<offset + shape.size }
}

/// Named tensors in one flat array: an immutable meaning (names, slots) with numbers that can be changed as a value.
///
/// Because all is flat, an optimizer is one kernel, an average one sum, a norm one number. What is not trained lies in
/// an array of its own, so that no optimizer sees it.
public struct Parameters: Sendable, Equatable {
  /// One tensor: its name, and where its numbers lie.
  public struct Entry: Sendable, Hashable {
    public let name: String
    public let slot: Slot
  }

  /// In the order in which they were asked for.
  public private(set) var entries: [Entry] = []
  /// All trained numbers, slot behind slot.
  public var values: [Float] = []
  /// All numbers that are kept but not trained.
  public var statistics: [Float] = []

  public init() {}

  mutating func append(_ name: String, shape: Shape, values new: [Float], isTrained: Bool) -> Slot {
    precondition(new.count == shape.size, "\(new.count) numbers for \(name) of the shape \(shape)")
    precondition(!entries.contains { $0.name == name }, "two parameters of the name \(name)")
    let slot = Slot(
      offset: isTrained ? values.count : statistics.count, shape: shape, isTrained: isTrained)
    entries.append(Entry(name: name, slot: slot))
    if isTrained { values += new } else { statistics += new }
    return slot
  }

  /// How many numbers are trained.
  public var count: Int { values.count }

  public func slot(_ name: String) -> Slot? { entries.first { $0.name == name }?.slot }

  public subscript(slot: Slot) -> Tensor {
    get { Tensor(Array((slot.isTrained ? values : statistics)[slot.range]), shape: slot.shape) }
    set {
      precondition(newValue.shape == slot.shape, "\(newValue.shape) for a parameter of \(slot.shape)")
      if slot.isTrained {
        values.replaceSubrange(slot.range, with: newValue.values)
      } else {
        statistics.replaceSubrange(slot.range, with: newValue.values)
      }
    }
  }

  public subscript(name: String) -> Tensor? { slot(name).map { self[$0] } }

  /// The trained numbers of all slots whose names begin so, which must lie side by side (one scope's do): what an
  /// optimizer of a part takes.
  public func range(under prefix: String) -> Range<Int> {
    let slots = entries.filter { $0.slot.isTrained && $0.name.hasPrefix(prefix) }.map(\.slot)
    guard let first = slots.first, let last = slots.last else { return 0..<0 }
    let range = first.offset..<last.offset + last.shape.size
    precondition(
      slots.reduce(0) { $0 + $1.shape.size } == range.count,
      "the parameters of \(prefix) are not in one piece")
    return range
  }
}

/// Where layers ask for their parameters: hands out slots under names like `encoder.0.weight` and fills them.
public struct ParameterScope: Sendable {
  public private(set) var parameters = Parameters()
  /// What initial values are drawn from.
  public var random: RandomStream
  private var path: [String] = []

  public init(random: RandomStream) { self.random = random }
  public init(seed: UInt64) { self.init(random: RandomStream(seed: seed)) }

  /// A trained parameter with the initial values that `fill` gives for a count.
  public mutating func parameter(
    _ name: String, _ shape: Shape, _ fill: (inout RandomStream, Int) -> [Float]
  ) -> Slot {
    let values = fill(&random, shape.size)
    return parameters.append(full(name), shape: shape, values: values, isTrained: true)
  }

  /// A trained parameter that begins as one number everywhere.
  public mutating func parameter(_ name: String, _ shape: Shape, repeating value: Float = 0) -> Slot {
    parameter(name, shape) { _, count in [Float](repeating: value, count: count) }
  }

  /// Numbers that are kept with the parameters but not trained.
  public mutating func statistic(_ name: String, _ shape: Shape, repeating value: Float = 0) -> Slot {
    statistic(name, Tensor(repeating: value, shape: shape))
  }

  public mutating func statistic(_ name: String, _ value: Tensor) -> Slot {
    parameters.append(full(name), shape: value.shape, values: value.values, isTrained: false)
  }

  /// Names asked for inside get `name.` before them.
  public mutating func within<Result>(
    _ name: String, _ body: (inout ParameterScope) throws -> Result
  ) rethrows -> Result {
    path.append(name)
    defer { path.removeLast() }
    return try body(&self)
  }

  private func full(_ name: String) -> String { (path + [name]).joined(separator: ".") }
}
