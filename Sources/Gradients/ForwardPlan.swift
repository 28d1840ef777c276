public import Tensors

/// A recorded computation compiled for being run again and again: only what leads to its output, nothing kept for a way back,
/// and values that are not needed at the same time in the same memory. Gives the bits that the tape gives.
///
/// Belongs to one thread; the parameters that it reads may be shared (``FrozenParameters``).
public final class ForwardPlan {
  /// What is to be assigned before every run; a run may write over it.
  public let inputs: [View]
  /// The result of the last run.
  public let output: View
  /// How many numbers it holds in memory, the parameters apart.
  public var numbers: Int { storage.capacity }

  private let nodes: [Tape.Node]
  private let edges: [Int32]
  private let views: [View]
  /// The nodes that are computed, in order.
  private let steps: [Int]
  private let storage: Storage
  private let parameters: ParameterBuffer
  private let workers: Workers
  /// What random operations draw by: another number for every run.
  private var step: UInt64

  fileprivate init(_ tape: Tape, inputs: [Variable], output: Variable) {
    let needed = tape.needed(for: output)
    let layout = MemoryLayoutPlan(tape, needed: needed, inputs: inputs.map(\.index), output: output.index)
    let storage = Storage(capacity: layout.count)
    views = layout.views(of: tape, in: storage)
    for index in layout.constants { views[index].copy(tape.view(index)) }
    steps = tape.nodes.indices.filter { needed[$0] && tape.nodes[$0].kind == .computed }
    self.inputs = inputs.map { [views] in views[$0.index] }
    self.output = views[output.index]
    self.storage = storage
    nodes = tape.nodes
    edges = tape.edges
    parameters = tape.parameters
    workers = tape.workers
    step = tape.step
  }

  /// Computes the output from what was assigned to ``inputs``, with random operations drawing anew; allocates nothing.
  public func run() {
    Tape.run(steps, of: nodes, views, edges, step: step, workers: workers)
    step += 1
  }
}

extension Tape {
  /// What was recorded from these inputs to this output, to be run in memory of its own; the tape is not needed any more.
  /// Other inputs stay as they are now, and running statistics are not updated.
  public func plan(from inputs: [Variable], to output: Variable) -> ForwardPlan {
    ForwardPlan(self, inputs: inputs, output: output)
  }

  /// Whether each node leads to the output.
  fileprivate func needed(for output: Variable) -> [Bool] {
    var needed = [Bool](repeating: false, count: count)
    func mark(_ index: Int) {
      needed[index] = true
      // What was saved is written by the operation behind it.
      if nodes[index].kind == .saved { needed[index + 1] = true }
    }
    mark(output.index)
    for index in nodes.indices.reversed() where needed[index] {
      for edge in edges[nodes[index].inputs] { mark(Int(edge)) }
      mark(Int(nodes[index].owner))
      if nodes[index].saved >= 0 { mark(Int(nodes[index].saved)) }
    }
    return needed
  }
}

/// Where every value of a computation lies: in a place that no other holds while it is needed.
private struct MemoryLayoutPlan {
  /// Memory from the node that writes it first to the one that reads it last.
  private struct Span {
    let first: Int
    var last: Int
    let count: Int
    var offset = 0
    var end: Int { offset + count }
    func meets(_ other: Span) -> Bool { first <= other.last && other.first <= last }
  }
  private var spans: [Span] = []
  /// Which span the node's value lies in; nil where it looks at another or at parameters.
  private var spanOf: [Int?]
  /// Inputs that are not assigned before a run.
  private(set) var constants: [Int] = []
  private(set) var count = 0

  init(_ tape: Tape, needed: [Bool], inputs: [Int], output: Int) {
    let nodes = tape.nodes
    var lastRead = Array(nodes.indices)
    for index in nodes.indices where needed[index] {
      for edge in tape.edges[nodes[index].inputs] { lastRead[Int(nodes[Int(edge)].owner)] = index }
    }
    lastRead[Int(nodes[output].owner)] = .max
    spanOf = [Int?](repeating: nil, count: nodes.count)
    for index in nodes.indices where needed[index] || inputs.contains(index) {
      // Whole lines of the cache, so that every value begins at one.
      let count = (tape.view(index).count + 15) / 16 * 16
      switch nodes[index].kind {
      case .parameter, .view: continue
      case .input:
        let isAssigned = inputs.contains(index)
        if !isAssigned { constants.append(index) }
        spans.append(Span(first: -1, last: isAssigned ? lastRead[index] : .max, count: count))
      case .saved: spans.append(Span(first: index, last: max(lastRead[index], index + 1), count: count))
      case .computed:
        if let span = spanInPlace(tape, index) {
          spans[span].last = lastRead[index]
          spanOf[index] = span
          continue
        }
        spans.append(Span(first: index, last: lastRead[index], count: count))
      }
      spanOf[index] = spans.count - 1
    }
    place()
  }

  /// The memory of an operand that ends here and may be written over number by number.
  private func spanInPlace(_ tape: Tape, _ index: Int) -> Int? {
    guard let operation = tape.nodes[index].operation, operation.worksInPlace else { return nil }
    let operands = tape.edges[tape.nodes[index].inputs].map(Int.init)
    for operand in operands {
      let (view, owner) = (tape.view(operand), tape.nodes[operand].owner)
      guard let span = spanOf[Int(owner)], spans[span].last == index, view.isContiguous,
        view.layout.offset == 0, view.count == tape.view(index).count
      else { continue }
      let others = operands.filter { tape.nodes[$0].owner == owner }
      if others.allSatisfy({ tape.view($0).layout == view.layout }) { return span }
    }
    return nil
  }

  /// The largest first, each at the lowest place that is free for as long as it is needed.
  private mutating func place() {
    var placed: [Int] = []
    for index in spans.indices.sorted(by: { (spans[$1].count, $0) < (spans[$0].count, $1) }) {
      let busy = placed.filter { spans[$0].meets(spans[index]) }
        .sorted { spans[$0].offset < spans[$1].offset }
      var offset = 0
      for other in busy {
        if offset + spans[index].count <= spans[other].offset { break }
        offset = max(offset, spans[other].end)
      }
      spans[index].offset = offset
      count = max(count, spans[index].end)
      placed.append(index)
    }
  }

  func views(of tape: Tape, in storage: Storage) -> [View] {
    var views: [View] = []
    for (index, node) in tape.nodes.enumerated() {
      let old = tape.view(index)
      if let span = spanOf[index] {
        views.append(storage.view(Layout(old.shape, offset: spans[span].offset)))
      } else if let look = node.operation as? any ViewOperation {
        let from = views[Int(tape.edges[Int(node.firstEdge)])]
        views.append(from.with(look.layout(from.layout)))
      } else {
        views.append(old)
      }
    }
    return views
  }
}
