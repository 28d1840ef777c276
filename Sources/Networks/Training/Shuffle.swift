import Tensors

/// The order in which rows are learned from: every pass a new one, which is a function of seed and pass alone, so that
/// the place in the data is three whole numbers.
public struct Shuffle: Sendable, Equatable {
  public let rows: Int
  /// Rows of a batch, at most ``rows``.
  public let batch: Int
  public let seed: UInt64
  /// Whether a pass ends with a smaller batch. If not, its last rows are left out (of this pass: the next one has another
  /// order), and all batches are of one size, as a tape that runs again needs them.
  public let keepsRest: Bool
  /// Passes begun before this one, and rows of this one that were given out.
  public private(set) var epoch = 0
  public private(set) var position = 0
  private var order: [Int]

  /// - Precondition: there are rows, and a batch has some.
  public init(rows: Int, batch: Int, seed: UInt64, keepsRest: Bool = false) {
    precondition(rows > 0 && batch > 0, "batches of \(batch) from \(rows) rows")
    self.rows = rows
    self.batch = min(batch, rows)
    self.seed = seed
    self.keepsRest = keepsRest
    order = Array(0..<rows)
    reorder()
  }

  /// At a place that was reached before: the rest is the same.
  ///
  /// - Precondition: the place lies within a pass.
  public mutating func move(toEpoch epoch: Int, position: Int) {
    precondition(
      epoch >= 0 && (0...rows).contains(position), "row \(position) of \(rows) in pass \(epoch)")
    self.epoch = epoch
    self.position = position
    reorder()
  }

  /// Batches in a pass.
  public var batchesPerEpoch: Int { keepsRest ? (rows + batch - 1) / batch : rows / batch }

  /// True when the next batch begins a pass.
  public var isAtStart: Bool { position == 0 || left == 0 }

  private var left: Int { keepsRest ? rows - position : (rows - position) / batch * batch }

  /// The rows of the next batch; no allocation.
  public mutating func next() -> ArraySlice<Int> {
    if left == 0 {
      epoch += 1
      position = 0
      reorder()
    }
    let end = min(position + batch, rows)
    defer { position = end }
    return order[position..<end]
  }

  private mutating func reorder() {
    for i in order.indices { order[i] = i }
    var random = RandomStream(seed: seed, stream: Purpose.shuffle.stream(epoch))
    random.shuffle(&order)
  }
}

/// What random numbers of a training run are for: each purpose and step has a stream of its own, so that a run needs no
/// generator state but the number of its step.
public enum Purpose: UInt64, Sendable {
  case initial = 1
  case shuffle
  case noise
  case sampling

  /// The stream of this purpose for a step or pass.
  public func stream(_ number: Int) -> UInt64 { rawValue << 48 | UInt64(number) }
}
