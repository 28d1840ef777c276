import Tensors

/// The end of a part of the tape that keeps only its result: what lies within is computed once more when the gradient comes
/// by (Chen et al. 2016).
struct Checkpoint: ViewOperation {
  final class Plan: @unchecked Sendable {
    let inputs: [Int]
    /// Where the random streams stood, so that the same numbers are drawn again.
    let streams: UInt64
    let body: ([Variable]) -> Variable
    init(inputs: [Int], streams: UInt64, body: @escaping ([Variable]) -> Variable) {
      self.inputs = inputs
      self.streams = streams
      self.body = body
    }
  }
  let plan: Plan
  func layout(_ x: Layout) -> Layout { x }
  // Handled by the walk back.
  func derivative(_ at: Chain) -> [Variable?] { [at.gradient] }
}

extension Tape {
  /// What `body` makes of the inputs, with the memory of everything in between given free at once; the backward pass
  /// computes it again. For long sequences and deep networks, at the price of one more forward pass.
  ///
  /// - Parameter body: gives the same whenever it is called; it may read parameters, and nothing recorded inside may be used
  ///   outside. It must not update running statistics (they would be updated twice).
  public func checkpoint(_ inputs: [Variable], _ body: @escaping ([Variable]) -> Variable) -> Variable {
    let first = count
    let streams = randomStreams
    let result = body(inputs)
    guard result.index >= first else { return result }
    let plan = Checkpoint.Plan(inputs: inputs.map(\.index), streams: streams, body: body)
    let end = Variable.look(Checkpoint(plan: plan), result)
    release(first..<result.index + 1, except: [Int(nodes[result.index].owner)])
    return end
  }

  /// Gives the memory of computed nodes to those recorded later.
  func release(_ range: Range<Int>, except kept: Set<Int>) {
    for index in range where !kept.contains(index) && nodes[index].kind != .input {
      guard let storage = storages[index] else { continue }
      spare.give(storage)
      storages[index] = nil
    }
  }

  /// Records with the random streams from some number on, and goes on with fresh ones afterwards.
  func withStreams<Result>(from streams: UInt64, _ body: () -> Result) -> Result {
    let now = randomStreams
    randomStreams = streams
    defer { randomStreams = max(now, randomStreams) }
    return body()
  }
}
